package wire

import (
	"bytes"
	"strings"
	"testing"

	"github.com/siokit/sio/socketio/parser/msgpack"
)

const (
	onEvents   = "socket.io#/chat#"
	onRequests = "socket.io-request#/chat#"
	onAnswers  = "socket.io-response#/chat#"
	onServers  = "socket.io-servers#"
)

// packed returns msgpack of JSON.
func packed(t testing.TB, json string, attachments ...[]byte) string {
	t.Helper()
	b, err := msgpack.AppendValue(nil, []byte(json), attachments)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A hostile is a message that must be refused, or not be taken for what it looks like.
type hostile struct{ format, channel, data string }

func hostiles(t testing.TB) []hostile {
	h := []hostile{
		{"classic", "other#/chat#", `{}`}, {"classic", "socket.io", `{}`}, {"classic", "", ``}, {"sharded", "socket.io#/chat", `{}`},
		{"sharded", "other#/chat#", `{"type":66,"nsp":"/chat","data":{"requestId":"x"}}`}, {"subjects", "sio.v1", `{}`}, {"subjects", "", ``},
		{"subjects", "sio.v1.Lw.b.all", `{"type":66,"nsp":"/chat","data":{"requestId":"x"}}`}, // of "/"
		{"sharded", "socket.io#/cha#", `{"type":66,"nsp":"/chat","data":{"requestId":"x"}}`},
		{"sharded", "socket.io#/chat2#", `{"type":66,"nsp":"/chat","data":{"requestId":"x"}}`},
	}
	add := func(format, channel string, all ...string) {
		for _, data := range all {
			h = append(h, hostile{format, channel, data})
		}
	}
	for channel, all := range map[string][]string{
		onEvents: {
			`{}`, `[]`, `["x"]`, `["x",{}]`, `["x",1]`, `["x",{"type":2,"data":["a"]},{"rooms":[]}]`, // of "/"
			`["x",{"type":2,"data":["a"],"nsp":"/other"},{}]`, `["x",{"type":2,"data":["a"],"nsp":7},{}]`,
			`["x",{"type":3,"data":["a"],"nsp":"/chat"},{}]`, `["x",{"type":2,"data":{},"nsp":"/chat"},{}]`, `["x",{"type":2,"data":[],"nsp":"/chat"},{}]`,
			`["x",{"type":2,"data":[{}],"nsp":"/chat"},{}]`, `["x",{"type":2,"nsp":"/chat"},{}]`, `["x",{"type":2,"data":["disconnect"],"nsp":"/chat"},{}]`,
			`["x",{"type":2,"data":["a"],"nsp":"/chat"},{"rooms":"b"}]`, `["x",{"type":2,"data":["a"],"nsp":"/chat"},{"rooms":[["b"]]}]`,
			`["x",{"type":2,"data":["a"],"nsp":"/chat"},{"rooms":[null]}]`, `["x",{"type":2,"data":["a"],"nsp":"/chat"},{"except":{}}]`,
			`["x",{"type":2,"data":["a"],"nsp":"/chat"},[]]`, `["x",{"type":2,"data":["a"],"nsp":"/chat"},{"flags":[]}]`,
			`[1,{"type":2,"data":["a"],"nsp":"/chat"},{}]`,
			`["x",{"type":2,"data":["a"],"nsp":"/chat"}]`, `["x",{"type":2,"data":["a"],"nsp":"/chat"},null]`, // for whom it does not say
		},
		onRequests: {
			`{}`, `{"type":-1}`, `{"type":1e1}`, `{"type":10,"requestId":"x"}`, `{"type":"5","requestId":"x"}`, `{"type":99999999999,"requestId":"x"}`,
			`{"type":0}`, `{"type":1}`, `{"type":5,"opts":{}}`, `{"type":7,"packet":{"type":2,"data":["a"]},"opts":{}}`, `{"type":64}`, `{"type":66}`,
			`{"type":5,"requestId":"x"}`, `{"type":64,"requestId":"x"}`, `{"type":7,"requestId":"x","packet":{"type":2,"data":["a"]}}`,
			`{"type":5,"requestId":7,"opts":{}}`, `{"type":5,"requestId":"x","opts":[]}`, `{"type":5,"requestId":"x","opts":{"rooms":{}}}`,
			`{"type":2,"rooms":["a"]}`, `{"type":3,"rooms":["a"]}`, `{"type":4,"close":true}`, // for nobody
			`{"type":4,"opts":1}`, `{"type":2,"opts":{},"rooms":"a"}`, `{"type":2,"opts":{},"rooms":[true]}`, `{"type":2,"opts":{},"rooms":[5e-324]}`, `{"type":2,"opts":{},"rooms":[1E+100]}`, `{"type":2,"sid":7,"room":"a"}`,
			`{"type":6}`, `{"type":6,"data":"ev"}`, `{"type":6,"data":[]}`, `{"type":6,"data":[["ev"]]}`, `{"uid":1,"type":6,"data":["ev"]}`,
			`{"type":7,"requestId":"x","packet":["a"],"opts":{}}`, `{"type":7,"requestId":"x","opts":{}}`,
			`{"type":8,"requestId":"x","clientCount":1}`, `{"type":65,"requestId":"x","clientCount":1}`, // answers
		},
		onAnswers: {
			`{}`, `{"requestId":""}`, `{"requestId":7,"sockets":[]}`, `{"type":7,"requestId":"x"}`, `{"type":10,"requestId":"x"}`,
			`{"type":8,"requestId":"x"}`, `{"type":8,"requestId":"x","clientCount":-1}`, `{"type":8,"requestId":"x","clientCount":1.5}`,
			`{"type":8,"requestId":"x","clientCount":"1"}`, `{"type":8,"requestId":"x","clientCount":99999999999}`,
			`{"requestId":"x","sockets":{}}`, `{"requestId":"x","sockets":"a"}`, `{"requestId":"x","sockets":["a",{}]}`, `{"requestId":"x","rooms":"a"}`,
			`{"type":9,"requestId":"x","packet":1,"sid":{}}`, `{"type":67,"requestId":"x","error":[]}`,
		},
		onServers: {`{}`, `{"type":1}`, `{"type":3,"uid":"x"}`, `{"type":1,"uid":7}`, `{"type":257,"uid":"x"}`, `{"type":1,"uid":"x","name":[]}`, `[]`},
	} {
		add("classic", channel, all...)
		for _, json := range all {
			add("classic", channel, packed(t, json))
		}
		for _, junk := range []string{``, ` `, `{`, `{"`, `{"type":5,"requestId":"x","opts":{}}}`, "{\"uid\":\"\xff\"}", "\xc1", "\xdf\xff\xff\xff\xff", "\xdd\xff\xff\xff\xff", "\x93", "\x81\xa1a", "\xc6\xff\xff\xff\xff",
			strings.Repeat(`{"a":`, 2000) + `1` + strings.Repeat(`}`, 2000), strings.Repeat("\x91", 5000), `null`, `"x"`, `7`} {
			add("classic", channel, junk)
			add("sharded", onEvents, junk)
			add("subjects", formats["subjects"].Counted("/chat"), junk)
		}
	}
	add("classic", onEvents, // binary data elsewhere, and what can't be told from it
		packed(t, `["x",{"type":2,"data":["a"],"nsp":"/chat"},{"more":{"_placeholder":true,"num":0}}]`, []byte("b")),
		packed(t, `["x",{"type":2,"data":["a",{"num":0,"_placeholder":true},{"_placeholder":true,"num":0}],"nsp":"/chat"},{}]`, []byte("b")),
		packed(t, `["x",{"type":2,"data":["a"],"nsp":"/chat"},{"rooms":[{"_placeholder":true,"num":0}]}]`, []byte("b")),
	)
	for _, f := range []string{"sharded", "subjects"} {
		add(f, formats[f].Counted("/chat"),
			`{}`, `{"type":3}`, `{"type":1,"nsp":"/chat","uid":"x","data":{}}`, `{"type":14,"nsp":"/chat","data":{"requestId":"x"}}`, `{"type":259,"nsp":"/chat","data":{"packet":{"type":2,"data":["a"]}}}`,
			`{"type":70,"nsp":"/chat","data":{"requestId":"x"}}`, `{"type":66,"data":{"requestId":"x"}}`, `{"type":66,"nsp":"/chat","data":{}}`, `{"type":66,"nsp":"/chat","data":[]}`, `{"type":66,"nsp":"/chat"}`,
			`{"type":66,"nsp":7,"data":{"requestId":"x"}}`, `{"type":66,"nsp":"/other","data":{"requestId":"x"}}`, `{"type":66,"nsp":"/chat","uid":[],"data":{"requestId":"x"}}`,
			`{"type":3,"nsp":"/chat","data":{"packet":["a"],"opts":{}}}`, `{"type":3,"nsp":"/chat","data":{"opts":{}}}`, `{"type":3,"nsp":"/chat","data":{"packet":{"type":2,"data":["connect"]}}}`,
			`{"type":4,"nsp":"/chat","data":{"rooms":["a"]}}`, `{"type":6,"nsp":"/chat","data":{"close":true}}`, `{"type":7,"nsp":"/chat","data":{"opts":{}}}`,
			`{"type":8,"nsp":"/chat","data":{"requestId":"x"}}`, `{"type":8,"nsp":"/chat","data":{"requestId":"x","sockets":{}}}`, `{"type":9,"nsp":"/chat","data":{"packet":{}}}`,
			`{"type":10,"nsp":"/chat","data":{"packet":1}}`, `{"type":11,"nsp":"/chat","data":{"requestId":"x"}}`, `{"type":12,"nsp":"/chat","data":{"requestId":"x","error":1}}`)
	}
	return h
}

// TestHostile has nothing malformed come through.
func TestHostile(t *testing.T) {
	for _, h := range hostiles(t) {
		var m Message
		if err := formats[h.format].Decode(h.channel, []byte(h.data), &m); err == nil {
			t.Errorf("%s, %s: %.200q is taken for %+v", h.format, h.channel, h.data, m)
		}
	}
}

// TestUnusual has what is unlike what official servers send, and is understood.
func TestUnusual(t *testing.T) {
	event := Message{Type: TypeBroadcast, UID: "x", Nsp: "/chat", Data: []byte(`["a"]`)}
	with := func(change func(*Message)) Message { m := event; change(&m); return m }
	for _, tt := range []struct {
		channel, data string
		want          Message
	}{
		{onEvents, packed(t, `["x",{"type":2,"data":["a"],"nsp":"/chat"},{"rooms":null,"except":null,"flags":null},"more"]`), event},
		{onEvents, packed(t, `[null,{"nsp":"/chat","data":["a"],"type":5,"more":{"a":[]}},{"flags":{"volatile":1,"compress":null,"timeout":-1,"binary":true}}]`), with(func(m *Message) { m.UID = "" })},
		{onEvents, packed(t, `["x",{"type":2,"data":[7.0],"nsp":"/chat"},{}]`), with(func(m *Message) { m.Data = []byte(`[7]`) })},
		{"socket.io#/#", packed(t, `["x",{"type":2,"data":["a"]},{}]`), with(func(m *Message) { m.Nsp = "/" })},
		{"socket.io#/chat#a#b#", packed(t, `["x",{"type":2,"data":["a"],"nsp":"/chat"},{"rooms":["a#b"]}]`), with(func(m *Message) { m.Rooms = []string{"a#b"} })},
		{onEvents, packed(t, `["x",{"type":2,"data":["a"],"nsp":"/chat"},{"rooms":[1,-2,1.5,1e21,12345678901234567890,"\u00e9"],"except":[0.1]}]`),
			with(func(m *Message) {
				m.Rooms, m.Except = []string{"1", "-2", "1.5", "1e+21", "12345678901234567000", "é"}, []string{"0.1"}
			})},
		{onRequests, `{"type":2,"sid":"s","room":7,"requestId":"r","uid":"x"}`, Message{Type: TypeJoin, UID: "x", Nsp: "/chat", Request: "r", Rooms: []string{"s"}, Names: []string{"7"}}},
		{onRequests, `{"type":3,"sid":"s","room":"a"}`, Message{Type: TypeLeave, Nsp: "/chat", Rooms: []string{"s"}, Names: []string{"a"}}},
		{onRequests, `{"type":4,"sid":"s","close":true,"requestId":"r"}`, Message{Type: TypeDisconnect, Nsp: "/chat", Request: "r", Rooms: []string{"s"}, Close: true}},
		{onRequests, `{"type":5,"requestId":"r","uid":null,"opts":{}}`, Message{Type: TypeFetch, Nsp: "/chat", Request: "r"}},
		{onRequests, packed(t, `{"type":5,"requestId":"r","opts":{"rooms":["a"]}}`), Message{Type: TypeFetch, Nsp: "/chat", Request: "r", Rooms: []string{"a"}}},
		{onRequests, `{ "type" : 6 , "data" : [ "a" , 1 ] }`, Message{Type: TypeServerEvent, Nsp: "/chat", Data: []byte(`[ "a" , 1 ]`)}},
		{onRequests, `{"\u0074ype":6,"data":["connect"],"data":["b"]}`, Message{Type: TypeServerEvent, Nsp: "/chat", Data: []byte(`["b"]`)}},
		{onAnswers + "uid#", `{"type":6,"requestId":"r","data":null}`, Message{Type: TypeServerAnswer, Request: "r", Data: []byte(`null`)}},
		{onAnswers, `{"type":9,"requestId":"r","packet":{"a":1}}`, Message{Type: TypeClientAnswer, Request: "r", Data: []byte(`{"a":1}`)}},
	} {
		var m Message
		data := []byte(tt.data)
		if err := formats["classic"].Decode(tt.channel, data, &m); err != nil || !same(&m, &tt.want) {
			t.Errorf("%q:\n%+v, %v, want\n%+v", tt.data, m, err, tt.want)
		}
		if !bytes.Equal(data, []byte(tt.data)) {
			t.Errorf("%q has been changed", tt.data)
		}
	}
}

// TestDepth has Data nested ever deeper: what can be encoded can be decoded.
func TestDepth(t *testing.T) {
	for of, f := range formats {
		for _, kind := range []Type{TypeBroadcast, TypeServerEvent, TypeFetched, TypeServerAnswer, TypeClientAnswer} {
			deepest := 0
			for depth := 1010; depth < 1030; depth++ {
				data := strings.Repeat("[", depth-1) + "[]" + strings.Repeat("]", depth-1)
				switch kind {
				case TypeBroadcast, TypeServerEvent:
					data = `["e",` + data[1:]
				case TypeFetched:
					data = `[{"id":"x","data":` + data[2:len(data)-2] + `}]`
				}
				m := &Message{Type: kind, UID: "u", Nsp: "/", Request: "r", Data: []byte(data)}
				text, err := f.Append(nil, m)
				if err != nil {
					continue
				}
				deepest = depth
				if err := f.Decode(f.Channel(m), text, new(Message)); err != nil {
					t.Errorf("%s: type %d, %d deep: %v", of, kind, depth, err)
				}
			}
			if deepest < 1015 || deepest > 1024 {
				t.Errorf("%s: type %d is encoded up to a depth of %d", of, kind, deepest)
			}
		}
	}
}

// TestRefused has nothing sent that others could not read.
func TestRefused(t *testing.T) {
	for name, m := range map[string]Message{
		"no type":              {},
		"an unknown type":      {Type: 200, Request: "r"},
		"a type of no format":  {Type: 67, Request: "r"},
		"no data":              {Type: TypeBroadcast},
		"no array":             {Type: TypeBroadcast, Data: []byte(`{}`)},
		"bad JSON":             {Type: TypeBroadcast, Data: []byte(`["a"`)},
		"two values":           {Type: TypeServerEvent, Data: []byte(`["a"],["b"]`)},
		"bad UTF-8":            {Type: TypeServerEvent, Data: []byte("[\"\xff\"]")},
		"too deep":             {Type: TypeBroadcast, Data: []byte(strings.Repeat("[", 1025) + strings.Repeat("]", 1025))},
		"an answer of members": {Type: TypeServerAnswer, Request: "r", Data: []byte(`1,"type":2`)},
		"sockets of no array":  {Type: TypeFetched, Request: "r", Data: []byte(`{}`)},
		"no sockets":           {Type: TypeFetched, Request: "r"},
		"no request":           {Type: TypeFetch},
		"an answer to nothing": {Type: TypeClientCount},
		"a room in bytes":      {Type: TypeBroadcast, Data: []byte(`["a"]`), Rooms: []string{"b", "\xff"}},
		"an except in bytes":   {Type: TypeCount, Request: "r", Except: []string{"\xc3"}},
		"to join bytes":        {Type: TypeJoin, Names: []string{"\xff"}},
	} {
		for of, f := range formats {
			dst, err := f.Append([]byte("before"), &m)
			if err == nil || string(dst) != "before" {
				t.Errorf("%s: %s gives %q, %v", of, name, dst, err)
			}
		}
	}
	for name, m := range legacy {
		if data, err := formats["sharded"].Append(nil, &m); err == nil {
			t.Errorf("%s in the sharded format: %s", name, data)
		}
	}
}
