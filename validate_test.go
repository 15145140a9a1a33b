package sio_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

// A rules is a Validator by functions.
type rules struct {
	validate func(ptr any) error
	check    func(t reflect.Type) error
}

func (r *rules) Validate(ptr any) error         { return r.validate(ptr) }
func (r *rules) CheckType(t reflect.Type) error { return r.check(t) }
func (r *rules) RuleTag() string                { return "rule" }
func allValid(any) error                        { return nil }
func newRules(validate func(ptr any) error) *rules {
	return &rules{validate, func(reflect.Type) error { return nil }}
}

type priced struct {
	Price float64   `json:"price"`
	At    time.Time `json:"at"`
	Next  *priced   `json:"next"`
}

// The validator gets a pointer to what was decoded, before the type's own Validate, and
// nothing for null.
func TestValidatorOption(t *testing.T) {
	var got []string
	srv := newServer(t, &sio.Options{Validator: newRules(func(ptr any) error {
		got = append(got, fmt.Sprintf("%T", ptr))
		if v, ok := ptr.(*byValue); ok && v.N == 7 {
			return &sio.InvalidError{Fields: []sio.InvalidField{{Field: "N", Rule: "ne", Param: "7"}, {Field: "N", Rule: "odd"}, {Rule: "whole"}}}
		}
		return nil
	})})
	sio.OnWithAck(srv, "value", func(_ *sio.Context, v byValue) (int, error) { return v.N, nil })
	sio.OnWithAck(srv, "pointer", func(_ *sio.Context, v *byValue) (bool, error) { return v == nil, nil })
	sio.OnWithAck(srv, "pointers", func(_ *sio.Context, v **byValue) (bool, error) { return v == nil, nil })
	sio.OnWithAck(srv, "text", func(_ *sio.Context, s string) (string, error) { return s, nil })
	sio.OnWithAck(srv, "any", func(_ *sio.Context, v any) (any, error) { return v, nil })
	sio.OnWithAck(srv, "none", func(*sio.Context, struct{}) (int, error) { return 1, nil })
	c := siotest.Connect(t, srv)
	c.Call("value", byValue{5}).Is(5)
	c.Call("pointer", byValue{5}).Is(false)
	c.Call("pointer", nil).Is(true)
	c.Call("pointers", nil).Is(true)
	c.Call("text", "x").Is("x")
	c.Call("any", 1).Is(1)
	c.Call("any", nil).Is(nil)
	c.Call("none").Is(1)
	if err := c.CallError("value", byValue{7}); err.Message != "argument 1 is invalid: N: ne=7; N: odd; whole" ||
		string(err.Data) != `{"fields":[{"field":"N","rule":"ne","param":"7"},{"field":"N","rule":"odd"},{"field":"","rule":"whole"}]}` {
		t.Errorf("a broken rule: %q %s", err.Message, err.Data)
	}
	if err := c.CallError("value", byValue{0}); err.Message != "N is zero" {
		t.Errorf("the type's own rule: %v", err)
	}
	const want = "[*sio_test.byValue *sio_test.byValue *string *interface {} *interface {} *sio_test.byValue *sio_test.byValue]"
	if s := fmt.Sprint(got); s != want {
		t.Errorf("validated %s, want %s", s, want)
	}
}

// What an error of a validator tells the client, be it the server's or the type's own.
func TestInvalid(t *testing.T) {
	broken := &sio.InvalidError{Fields: []sio.InvalidField{{Field: "name", Rule: "required"}}}
	for _, tt := range []struct {
		err           error
		message, data string
	}{
		{errors.New("secret"), "argument 1 is invalid", ""},
		{&sio.Error{Message: "own", Data: 1}, "own", "1"},
		{fmt.Errorf("secret: %w", &sio.Error{Message: "own"}), "own", ""},
		{(*sio.Error)(nil), "argument 1 is invalid", ""},
		{broken, "argument 1 is invalid: name: required", `{"fields":[{"field":"name","rule":"required"}]}`},
		{fmt.Errorf("secret: %w", broken), "argument 1 is invalid: name: required", `{"fields":[{"field":"name","rule":"required"}]}`},
		{&sio.InvalidError{}, "argument 1 is invalid", ""},
		{(*sio.InvalidError)(nil), "argument 1 is invalid", ""},
	} {
		validated := newServer(t, &sio.Options{Validator: newRules(func(any) error { return tt.err })})
		own := newServer(t, nil)
		for _, srv := range []*sio.Server{validated, own} {
			var told error
			srv.OnError(func(_ *sio.Context, err error) { told = err })
			sio.On(srv, "e", func(*sio.Context, ownRule) error { return nil })
			ownRuleError = tt.err
			err := siotest.Connect(t, srv).CallError("e", "x")
			if err.Message != tt.message || string(err.Data) != tt.data {
				t.Errorf("%#v: %q %s, want %q %s", tt.err, err.Message, err.Data, tt.message, tt.data)
			}
			if !errors.Is(told, tt.err) {
				t.Errorf("OnError got %v, which does not wrap %#v", told, tt.err)
			}
		}
	}
}

var ownRuleError error

type ownRule string

func (ownRule) Validate() error { return ownRuleError }

// A client that breaks many rules, deep down, is not told all of that.
func TestInvalidIsBounded(t *testing.T) {
	deep := strings.Repeat("next.", 5000)
	many := make([]sio.InvalidField, 10_000)
	for i := range many {
		many[i] = sio.InvalidField{Field: "x" + strings.Repeat("ä", 500), Rule: deep, Param: deep}
	}
	srv := newServer(t, &sio.Options{Validator: newRules(func(any) error { return &sio.InvalidError{Fields: many} })})
	sio.On(srv, "e", func(*sio.Context, int) error { return nil })
	err := siotest.Connect(t, srv).CallError("e", 1)
	if len(err.Message) > 16_000 || len(err.Data) > 20_000 || !strings.HasSuffix(err.Message, "; and 9980 more") || strings.Contains(err.Message, "\ufffd") {
		t.Errorf("a message of %d bytes and data of %d", len(err.Message), len(err.Data))
	}
	if len(many[0].Field) != 1001 {
		t.Error("the validator's own error was changed")
	}
}

// Where an argument can't be decoded is told by JSON names, if there is a Validator.
func TestMisfit(t *testing.T) {
	type order struct {
		Items []priced          `json:"items"`
		Named map[string]priced `json:"named"`
		Small int8              `json:"small"`
	}
	with, without := newHost(t, &sio.Options{Validator: newRules(allValid)}), newHost(t, nil)
	for _, h := range []*host{with, without} {
		sio.On(h, "order", func(*sio.Context, order) error { return nil })
		h.On("untyped", func(c *sio.Context) error {
			var n int
			var o *order
			return c.Bind(&n, nil, &o)
		})
		sio.OnConnect(h.Of("/auth"), func(*sio.Context, *order) error { return nil })
		sio.OnConnect(h.Of("/must"), func(*sio.Context, order) error { return nil })
	}
	told, plain := with.join("/"), without.join("/")
	for _, tt := range []struct{ args, told string }{
		{`"order",{"items":[{},{"price":"secret"}]}`, `: items[1].price: type=number","data":{"fields":[{"field":"items[1].price","rule":"type","param":"number"}]}`},
		{`"order",{"items":[{},{"at":"secret"}]}`, `: items[1].at: format=date-time","data":{"fields":[{"field":"items[1].at","rule":"format","param":"date-time"}]}`},
		{`"order",{"small":300}`, `: small: range","data":{"fields":[{"field":"small","rule":"range"}]}`},
		{`"order",{"small":3.5}`, `: small: type=integer","data":{"fields":[{"field":"small","rule":"type","param":"integer"}]}`},
		{`"order",{"named":{"secret":{"price":"x"}}}`, `: named[…].price: type=number","data":{"fields":[{"field":"named[…].price","rule":"type","param":"number"}]}`},
		{`"order",[]`, `: type=object","data":{"fields":[{"field":"","rule":"type","param":"object"}]}`},
	} {
		told.send(`21[` + tt.args + `]`)
		told.want(`31[{"error":{"message":"argument 1 is invalid` + tt.told + `}}]`)
		plain.send(`21[` + tt.args + `]`)
		plain.want(`31[{"error":{"message":"argument 1 is invalid"}}]`)
	}
	told.send(`21["untyped",1,2,{"items":[{"price":"x"}]}]`)
	told.want(`31[{"error":{"message":"argument 3 is invalid: items[0].price: type=number","data":{"fields":[{"field":"items[0].price","rule":"type","param":"number"}]}}}]`)
	told.send(`21["order"]`)
	told.want(`31[{"error":{"message":"argument 1 is missing"}}]`)
	for _, nsp := range []string{"/auth", "/must"} {
		auth := map[string]any{"items": []any{map[string]any{"price": "x"}}}
		if got := told.refused(nsp, auth); got != `{"message":"auth payload is invalid: items[0].price: type=number","data":{"fields":[{"field":"items[0].price","rule":"type","param":"number"}]}}` {
			t.Errorf("%s: %s", nsp, got)
		}
		if got := plain.refused(nsp, auth); got != `{"message":"auth payload is invalid"}` {
			t.Errorf("%s without a validator: %s", nsp, got)
		}
	}
	// A path is as long as the client likes.
	deep := strings.Repeat(`{"next":`, 300) + `"x"` + strings.Repeat("}", 300)
	sio.On(with, "deep", func(*sio.Context, priced) error { return nil })
	told.send(`21["deep",` + deep + `]`)
	if got, err := told.Next(); err != nil || len(got) > 1000 || !strings.Contains(got, "next.next") {
		t.Errorf("a deep misfit: %d bytes, %.300s %v", len(got), got, err)
	}
}

// OnConnect validates the auth payload.
func TestOnConnectTyped(t *testing.T) {
	h := newHost(t, &sio.Options{Validator: newRules(func(ptr any) error {
		if m, ok := ptr.(*message); ok && m.Text == "bad" {
			return &sio.InvalidError{Fields: []sio.InvalidField{{Field: "text", Rule: "good"}}}
		}
		return nil
	})})
	var got any
	sio.OnConnect(h.Of("/must"), func(_ *sio.Context, m message) error { got = m; return nil })
	sio.OnConnect(h.Of("/may"), func(_ *sio.Context, m *message) error { got = m; return nil })
	sio.OnConnect(h.Of("/own"), func(*sio.Context, ownRule) error { return nil })
	sio.OnConnect(h.Of("/no"), func(*sio.Context, struct{}) error { return nil })
	calls := 0
	count := func(next sio.Handler) sio.Handler {
		return func(c *sio.Context) error { calls++; return next(c) }
	}
	sio.OnConnect(h.Of("/mw"), func(*sio.Context, message) error { return errors.New("secret") }, count)
	c := h.dial()
	for _, tt := range []struct {
		nsp  string
		auth any
		want string
	}{
		{"/must", nil, `{"message":"auth payload is missing"}`},
		{"/must", map[string]any{"text": "bad"}, `{"message":"auth payload is invalid: text: good","data":{"fields":[{"field":"text","rule":"good"}]}}`},
		{"/may", map[string]any{"text": "bad"}, `{"message":"auth payload is invalid: text: good","data":{"fields":[{"field":"text","rule":"good"}]}}`},
		{"/mw", map[string]any{}, `{"message":"internal error"}`},
	} {
		if got := c.refused(tt.nsp, tt.auth); got != tt.want {
			t.Errorf("%s %v: %s, want %s", tt.nsp, tt.auth, got, tt.want)
		}
	}
	c.connect("/must", map[string]any{"text": "good"})
	if got != (message{Text: "good"}) {
		t.Errorf("/must got %v", got)
	}
	c.connect("/may", nil)
	if m, ok := got.(*message); !ok || m != nil {
		t.Errorf("/may got %v of no payload", got)
	}
	c.connect("/no", nil)
	h.dial().connect("/no", map[string]any{"text": 1}) // which is ignored
	if calls != 1 {
		t.Errorf("the middleware ran %d times, want 1", calls)
	}
	mustPanic(t, "sio: OnConnect: nil handler", func() { sio.OnConnect[message](h, nil) })
	mustPanic(t, "sio: OnConnect in namespace /must: there is a handler already", func() {
		sio.OnConnect(h.Of("/must"), func(*sio.Context, message) error { return nil })
	})
}

// A type that the validator does not know panics when a handler is registered.
func TestTypeChecker(t *testing.T) {
	check := func(t reflect.Type) error {
		if t == reflect.TypeFor[message]() {
			return errors.New(`text: there is no rule "mn"`)
		}
		return nil
	}
	srv := newServer(t, &sio.Options{Validator: &rules{allValid, check}})
	const why = `text: there is no rule "mn"`
	chat := srv.Of("/chat")
	mustPanic(t, `sio: On("said") in namespace /chat: `+why, func() {
		sio.On(chat, "said", func(*sio.Context, message) error { return nil })
	})
	mustPanic(t, `sio: OnWithAck("said") in namespace /chat: `+why, func() {
		sio.OnWithAck(chat, "said", func(*sio.Context, message) (int, error) { return 0, nil })
	})
	mustPanic(t, `sio: On("said") in namespace /: `+why, func() {
		srv.Group(func(r sio.Router) {
			sio.NewEvent[message]("said").On(r, func(*sio.Context, message) error { return nil })
		})
	})
	mustPanic(t, `sio: OnConnect in namespace /room-{id}: `+why, func() {
		sio.OnConnect(srv.Of("/room-{id}"), func(*sio.Context, message) error { return nil })
	})
	if routes := srv.Routes(); len(routes) > 0 {
		t.Errorf("registered all the same: %v", routes)
	}
	sio.On(chat, "none", func(*sio.Context, struct{}) error { return nil })
	sio.OnWithAck(chat, "answer", func(*sio.Context, int) (message, error) { return message{}, nil }) // it is not received
}

// A validator that panics is contained as its handler is.
func TestValidatorPanics(t *testing.T) {
	srv := newServer(t, &sio.Options{Validator: newRules(func(any) error { panic("secret") })})
	sio.On(srv, "e", func(*sio.Context, int) error { return nil })
	sio.OnConnect(srv.Of("/auth"), func(*sio.Context, map[string]int) error { return nil })
	c := siotest.Connect(t, srv)
	if err := c.CallError("e", 1); err.Error() != "internal error" {
		t.Errorf("answer %v", err)
	}
	if err := siotest.Refused(t, srv, &siotest.Options{Namespace: "/auth", Auth: map[string]int{}}); err.Error() != "internal error" {
		t.Errorf("refusal %v", err)
	}
}
