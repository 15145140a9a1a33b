package contract_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/contract"
)

// served is a contract whose AsyncAPI document is looked at.
func served() sio.Contract {
	srv := sio.New(nil)
	srv.Of("/tenant-{id}/{room}").OnAny(func(*sio.Context) error { return nil })
	srv.Of("/tenant-{id}/{room}").On("raw", func(*sio.Context) error { return nil })
	srv.OfFunc(func(string) bool { return false }).Declare(sio.UntypedEvent("bridge"))
	shop := srv.Of("/shop")
	sio.OnConnect(shop, func(*sio.Context, *string) error { return nil })
	sio.OnWithAck(shop, "order", func(*sio.Context, int8) (bool, error) { return true, nil })
	sio.On(shop, "say", func(*sio.Context, struct{}) error { return nil })
	shop.Declare(
		sio.ConnectError[bool]{}, sio.AckError[string]{"order"},
		sio.NewEvent[string]("order"), sio.NewEvent[struct{}]("tick"), sio.NewEventWithAck[bool, string]("sure?"), sio.NewEvent[bool]("sure!"),
	)
	return srv.Contract()
}

func document(t *testing.T, c sio.Contract, o *contract.Options) map[string]any {
	t.Helper()
	text, err := contract.AsyncAPI(c, o)
	if err != nil {
		t.Fatal(err)
	}
	var d map[string]any
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// at follows keys into JSON.
func at(t *testing.T, v any, keys ...string) any {
	t.Helper()
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok || m[k] == nil {
			t.Fatalf("there is no %q, on the way to %q", k, keys)
		}
		v = m[k]
	}
	return v
}

func keys(t *testing.T, v any) []string {
	t.Helper()
	return slices.Sorted(maps.Keys(v.(map[string]any)))
}

func TestAsyncAPI(t *testing.T) {
	d := document(t, served(), nil)
	if got, want := keys(t, d["channels"]), []string{"func_1", "root", "shop", "tenant-id_room"}; !slices.Equal(got, want) {
		t.Errorf("channels are %q, want %q", got, want)
	}
	for id, want := range map[string]any{"shop": "/shop", "tenant-id_room": "/tenant-{id}/{room}", "func_1": nil, "root": "/"} {
		if got := at(t, d, "channels", id).(map[string]any)["address"]; got != want {
			t.Errorf("the address of %s is %v, want %v", id, got, want)
		}
	}
	if got, want := keys(t, at(t, d, "channels", "tenant-id_room", "parameters")), []string{"id", "room"}; !slices.Equal(got, want) {
		t.Errorf("parameters are %q, want %q", got, want)
	}

	messages := map[string]string{ // of /shop, and their payloads
		"connect":               `{"type":["string","null"]}`,
		"connected":             `{"type":"object","properties":{"sid":{"type":"string"},"pid":{"type":"string"}},"required":["sid"]}`,
		"connect_error":         `{"type":"object","properties":{"message":{"type":"string"},"data":{"type":"boolean"}},"required":["message"]}`,
		"receive.order":         `{"type":"array","items":[{"const":"order"},{"type":"integer","minimum":-128,"maximum":127}],"minItems":2}`,
		"receive.order.ack":     `{"type":"array","items":[{"type":"boolean"}],"minItems":1,"additionalItems":false}`,
		"receive.order.failure": `{"type":"array","items":[{"type":"object","properties":{"error":{"type":"object","properties":{"message":{"type":"string"},"data":{"type":"string"}},"required":["message"]}},"required":["error"]}],"minItems":1}`,
		"receive.say":           `{"type":"array","items":[{"const":"say"}],"minItems":1}`,
		"send.order":            `{"type":"array","items":[{"const":"order"},{"type":"string"}],"minItems":2,"additionalItems":false}`,
		"send.tick":             `{"type":"array","items":[{"const":"tick"}],"minItems":1,"additionalItems":false}`,
		"send.sure":             `{"type":"array","items":[{"const":"sure!"},{"type":"boolean"}],"minItems":2,"additionalItems":false}`,
		"send.sure_2":           `{"type":"array","items":[{"const":"sure?"},{"type":"boolean"}],"minItems":2,"additionalItems":false}`,
		"send.sure_2.ack":       `{"type":"array","items":[{"type":"string"}],"minItems":1}`,
	}
	if got, want := keys(t, at(t, d, "channels", "shop", "messages")), slices.Sorted(maps.Keys(messages)); !slices.Equal(got, want) {
		t.Errorf("messages are %q, want %q", got, want)
	}
	for id, want := range messages {
		payload := at(t, d, "channels", "shop", "messages", id, "payload")
		checkPayload(t, id, payload, want)
	}
	checkPayload(t, "raw", at(t, d, "channels", "tenant-id_room", "messages", "receive.raw", "payload"), `{"type":"array","items":[{"const":"raw"}],"minItems":1}`)
	checkPayload(t, "any other", at(t, d, "channels", "tenant-id_room", "messages", "receive.other", "payload"), `{"type":"array","items":[{"type":"string","not":{"enum":["raw"]}}],"minItems":1}`)
	checkPayload(t, "bridge", at(t, d, "channels", "func_1", "messages", "send.bridge", "payload"), `{"type":"array","items":[{"const":"bridge"}],"minItems":1}`)

	for id, want := range map[string]struct {
		action  string
		replies []string
	}{
		"shop.connect":                 {"receive", []string{"connected", "connect_error"}},
		"shop.receive.order":           {"receive", []string{"receive.order.ack", "receive.order.failure"}},
		"shop.receive.say":             {"receive", nil},
		"shop.send.tick":               {"send", nil},
		"shop.send.sure_2":             {"send", []string{"send.sure_2.ack"}},
		"tenant-id_room.receive.raw":   {"receive", []string{"receive.raw.ack", "receive.raw.failure"}},
		"tenant-id_room.receive.other": {"receive", []string{"receive.other.ack", "receive.other.failure"}},
		"func_1.send.bridge":           {"send", nil},
	} {
		op := at(t, d, "operations", id).(map[string]any)
		if op["action"] != want.action {
			t.Errorf("the action of %s is %v, want %s", id, op["action"], want.action)
		}
		var replies []string
		if r, ok := op["reply"].(map[string]any); ok {
			for _, m := range r["messages"].([]any) {
				_, name, _ := strings.Cut(m.(map[string]any)["$ref"].(string), "/messages/")
				replies = append(replies, name)
			}
		}
		if !slices.Equal(replies, want.replies) {
			t.Errorf("replies of %s are %q, want %q", id, replies, want.replies)
		}
	}
}

// checkPayload compares a schema with another one, but for descriptions.
func checkPayload(t *testing.T, of string, got any, text string) {
	t.Helper()
	var want any
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Fatal(err)
	}
	if got = undescribed(got); !reflect.DeepEqual(got, want) {
		text, _ := json.Marshal(got)
		t.Errorf("the payload of %s is\n%s, want\n%v", of, text, want)
	}
}

func undescribed(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "description")
		for _, k := range v {
			undescribed(k)
		}
	case []any:
		for _, e := range v {
			undescribed(e)
		}
	}
	return v
}

func TestAsyncAPIIsTheSameEachTime(t *testing.T) {
	var first []byte
	for range 20 { // maps have another order each time
		text, err := contract.AsyncAPI(newServer().Contract(), decimals)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = text
		}
		if !bytes.Equal(text, first) {
			t.Fatal("another document")
		}
	}
}

var decimals = &contract.Options{Overrides: map[string]contract.Override{
	"github.com/siokit/sio/contract_test.Decimal": {TypeScript: "`${number}`", Schema: []byte(`{"type":"string","pattern":"^[0-9.]+$"}`)},
}}

func TestServers(t *testing.T) {
	for url, want := range map[string]any{
		"https://example.com":          map[string]any{"host": "example.com", "pathname": "/socket.io/", "protocol": "wss"},
		"http://localhost:3000/io/":    map[string]any{"host": "localhost:3000", "pathname": "/io/", "protocol": "ws"},
		"wss://example.com/socket.io/": map[string]any{"host": "example.com", "pathname": "/socket.io/", "protocol": "wss"},
		"example.com":                  nil, "ftp://example.com": nil, "https://": nil, "https://a b": nil, "": nil,
	} {
		o := &contract.Options{Info: contract.Info{Servers: []contract.Server{{URL: url}}}}
		text, err := contract.AsyncAPI(sio.New(nil).Contract(), o)
		if want == nil {
			if err == nil || !strings.Contains(err.Error(), "Info.Servers") {
				t.Errorf("%q: the error is %v", url, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", url, err)
			continue
		}
		var d struct{ Servers map[string]any }
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		if got := slices.Collect(maps.Values(d.Servers)); !reflect.DeepEqual(got, []any{want}) {
			t.Errorf("%q is %v, want %v", url, got, want)
		}
	}
}

func TestBadOverride(t *testing.T) {
	for _, schema := range []string{`{"type":`, `{"type":7}`, `[]`} {
		o := &contract.Options{Overrides: map[string]contract.Override{"string": {Schema: []byte(schema)}}}
		if _, err := contract.OutputSchema(reflect.TypeFor[string](), o); err == nil || !strings.Contains(err.Error(), "override for string") {
			t.Errorf("%s: the error is %v", schema, err)
		}
	}
}
