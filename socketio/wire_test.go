package socketio_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
	"github.com/siokit/sio/socketio/parser/msgpack"
)

// TestAnswers has packets that are answered at once, byte for byte.
func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		name string
		send []string
		want []string // behind the answers to CONNECT
	}{
		{"event without an ack", []string{`42["e"]`, `421["f"]`}, []string{`431[]`}},
		{"no arguments", []string{`420["e"]`}, []string{`430[]`}},
		{"arguments", []string{`421["e",1,-2.5,"a",true,null,[],{"b":[{}]}]`}, []string{`431[1,-2.5,"a",true,null,[],{"b":[{}]}]`}},
		{"leading zeros in an id", []string{`42007["e"]`}, []string{`437[]`}},
		{"largest id", []string{`429007199254740991["e"]`}, []string{`439007199254740991[]`}},
		{"the same id twice", []string{`421["e"]`, `421["f"]`}, []string{`431[]`, `431[]`}},
		{"white space", []string{"421[\t\"e\"\n,\r1]"}, []string{`431[1]`}},
		{"white space in front of the JSON", []string{`42 ["e"]`, "421\n[\"e\",1]", `422 ["e",2]`}, []string{`431[1]`, `432[2]`}},
		{"white space behind the name of a namespace", []string{`40/nope, {}`, "40/nope,\n"}, []string{`44/nope,{"message":"Invalid namespace"}`, `44/nope,{"message":"Invalid namespace"}`}},
		{"white space in another namespace", []string{`42/chat, ["e"]`, `42/chat,2 ["e",2]`}, []string{`43/chat,2[2]`}},
		{"number as a name", []string{`427[7,"x"]`, `428[-0.5]`}, []string{`437["x"]`, `438[]`}},
		{"nesting of 1024", []string{`421["e",` + strings.Repeat("[", 1023) + strings.Repeat("]", 1023) + `]`}, []string{`431[` + strings.Repeat("[", 1023) + strings.Repeat("]", 1023) + `]`}},
		{"namespace", []string{`42/chat,3["e",{"a":"ü✓"}]`}, []string{`43/chat,3[{"a":"ü✓"}]`}},
		{"ordinary names", []string{`421["__proto__"]`, `422["constructor"]`, `423["error"]`, `424["message"]`, `425[""]`}, []string{`431[]`, `432[]`, `433[]`, `434[]`, `435[]`}},
		{"escaped name", []string{`421["\u0065\n\"",1]`}, []string{`431[1]`}},
		{"namespace '/' spelled out", []string{`42/,1["e"]`}, []string{`431[]`}},
		{"ack that nobody waits for", []string{`437[]`, `430["a"]`, `421["e"]`}, []string{`431[]`}},
		{"ack without an id", []string{`43[]`, `43/chat,["a"]`, `43/nope,[]`, `421["e"]`}, []string{`431[]`}},
		{"ack for a namespace not joined", []string{`43/other,0[]`, `43/nope,0[]`, `421["e"]`}, []string{`431[]`}},
		{"unknown namespace", []string{`40/nope`}, []string{`44/nope,{"message":"Invalid namespace"}`}},
		{"unknown namespace with a comma", []string{`40/nope,`}, []string{`44/nope,{"message":"Invalid namespace"}`}},
		{"query in the namespace", []string{`40/chat?x=1,`}, []string{`44/chat?x=1,{"message":"Invalid namespace"}`}},
		{"prototype as namespace", []string{`40/__proto__,`}, []string{`44/__proto__,{"message":"Invalid namespace"}`}},
		{"longest namespace", []string{`40/` + strings.Repeat("n", 255)}, []string{`44/` + strings.Repeat("n", 255) + `,{"message":"Invalid namespace"}`}},
		{"quote in a namespace", []string{`40/",`}, []string{`44/",{"message":"Invalid namespace"}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, transport := range []string{"websocket", "polling"} {
				t.Run(transport, func(t *testing.T) {
					h := newHost(t, nil)
					h.of("/", nil)
					h.of("/chat", nil)
					h.of("/other", nil)
					if transport == "websocket" {
						c := h.ws()
						c.join("/")
						c.join("/chat")
						c.send(tt.send...)
						c.want(tt.want...)
						c.alive("/")
						c.alive("/chat")
						return
					}
					p := h.poll()
					p.join("/")
					p.join("/chat")
					p.send(tt.send...)
					for got, want := "", strings.Join(tt.want, "\x1e"); got != want; {
						r := p.get()
						got += r.body
						if r.err != nil || r.status != 200 || !strings.HasPrefix(want, got) {
							t.Fatalf("payloads %d %.200q, %v, want %.200q", r.status, got, r.err, want)
						}
						if got != want {
							got += "\x1e"
						}
					}
				})
			}
		})
	}
}

// TestConnectPackets has the forms of a CONNECT and its answer.
func TestConnectPackets(t *testing.T) {
	h := newHost(t, nil)
	h.of("/", nil)
	h.of("/chat", nil)
	h.of("/a/b", nil)
	seen := make(map[string]bool)
	for _, tt := range []struct{ send, nsp string }{
		{`40`, "/"},
		{`40{}`, "/"},
		{`40{"token":"x"}`, "/"},
		{`40/`, "/"},
		{`40/,`, "/"},
		{`40/,{"a":1}`, "/"},
		{`40/chat`, "/chat"},
		{`40/chat,`, "/chat"},
		{`40/chat,{"a":[1,{"b":null}]}`, "/chat"},
		{`40/a/b,`, "/a/b"},
	} {
		c := h.ws()
		c.send(tt.send)
		id := connected(t, tt.nsp, c.read())
		if id == c.sid || seen[id] {
			t.Errorf("%s: id %q is the session's, or not the only one", tt.send, id)
		}
		seen[id] = true
		c.alive(tt.nsp)
		c.leave()
	}
}

// TestBadPackets has packets that end the connection, without an answer.
func TestBadPackets(t *testing.T) {
	long := "/" + strings.Repeat("n", 256)
	for _, tt := range []struct {
		name string
		bad  string // packets, separated by a space; those in angle brackets are binary
	}{
		{"empty", `4`},
		{"type", `47`},
		{"letter as type", `4a`},
		{"negative type", `4-1`},
		{"event without payload", `42`},
		{"event with an id only", `4212`},
		{"null", `42null`},
		{"object", `42{}`},
		{"string", `42"a"`},
		{"no name", `42[]`},
		{"null as name", `42[null]`},
		{"bool as name", `42[true]`},
		{"object as name", `42[{}]`},
		{"object that looks like a string", `42[{"toString":"x"}]`},
		{"reserved connect", `42["connect"]`},
		{"reserved connect_error", `42["connect_error"]`},
		{"reserved disconnect", `42["disconnect"]`},
		{"reserved disconnecting", `42["disconnecting"]`},
		{"reserved newListener", `42["newListener"]`},
		{"reserved removeListener", `42["removeListener"]`},
		{"reserved, escaped", `42["\u0063onnect"]`},
		{"reserved in a binary event", `451-["connect",{"_placeholder":true,"num":0}]`},
		{"truncated", `42["e"`},
		{"trailing", `42["e"]x`},
		{"two values", `42["e"][]`},
		{"NaN", `42["e",NaN]`},
		{"comment", `42["e"/**/]`},
		{"control character", "42[\"e\",\"\x01\"]"},
		{"deep nesting", `42["e",` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `]`},
		{"negative id", `42-1["e"]`},
		{"fractional id", `421.5["e"]`},
		{"signed id", `42+1["e"]`},
		{"id of 2^53", `429007199254740992["e"]`},
		{"id of 2^64", `4218446744073709551616["e"]`},
		{"ack without payload", `430`},
		{"ack that is no array", `430{}`},
		{"CONNECT with an array", `40/other,[]`},
		{"CONNECT with a string", `40/other,"a"`},
		{"CONNECT with null", `40/other,null`},
		{"CONNECT_ERROR", `44`},
		{"CONNECT_ERROR with payload", `44{"message":"x"}`},
		{"DISCONNECT with payload", `41{}`},
		{"namespace too long", `40` + long},
		{"no attachments", `450-["e"]`},
		{"attachments not counted", `45["e"]`},
		{"attachments without number", `45-["e"]`},
		{"negative attachments", `45-1-["e"]`},
		{"fractional attachments", `451.5-["e"]`},
		{"leading zero in attachments", `4501-["e",{"_placeholder":true,"num":0}]`},
		{"too many attachments", `4511-["e"]`},
		{"attachments beyond int", `4599999999999999999999-["e"]`},
		{"placeholder out of range", `451-["e",{"_placeholder":true,"num":1}]`},
		{"negative placeholder", `451-["e",{"_placeholder":true,"num":-1}]`},
		{"fractional placeholder", `451-["e",{"_placeholder":true,"num":0.5}]`},
		{"string as placeholder", `451-["e",{"_placeholder":true,"num":"0"}]`},
		{"placeholder without number", `451-["e",{"_placeholder":true}]`},
		{"binary out of place", `<x>`},
		{"text where an attachment is due", `451-["e",{"_placeholder":true,"num":0}] 42["e"]`},
		{"one attachment too many", `451-["e",{"_placeholder":true,"num":0}] <x> <y>`},

		{"second CONNECT", `40`},
		{"second CONNECT, spelled out", `40/,{}`},
		{"EVENT for a namespace not joined", `42/other,["e"]`},
		{"EVENT for an unknown namespace", `42/nope,["e"]`},
		{"DISCONNECT of a namespace not joined", `41/other`},
		{"DISCONNECT of an unknown namespace", `41/nope,`},
		{"DISCONNECT twice", `41/chat, 41/chat,`},
		{"EVENT behind DISCONNECT", `41/chat, 42/chat,["e"]`},
		{"binary event for a namespace not joined", `451-/other,["e",{"_placeholder":true,"num":0}] <x>`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, nil)
			root := h.of("/", nil)
			h.of("/chat", nil)
			h.of("/other", nil)
			c := h.ws()
			c.join("/")
			c.join("/chat")
			for p := range strings.SplitSeq(tt.bad, " ") {
				if text, ok := strings.CutPrefix(p, "<"); ok {
					c.binary(strings.TrimSuffix(text, ">"))
				} else {
					c.send(p)
				}
			}
			root.wants("connect")
			// The event in front of one attachment too many is a good one.
			if strings.HasSuffix(tt.bad, "<y>") {
				root.wants(`event e {"_placeholder":true,"num":0}`)
			}
			root.leaves("forced close")
			root.silent()
			h.sessionEnds("forced close")
			c.closed()
		})
	}
	t.Run("first packet", func(t *testing.T) {
		for _, bad := range []string{`42["e"]`, `42/chat,["e"]`, `41`, `41/nope,`, `44{}`, `4`, `40[]`, `40"a"`, `40null`, `40/chat,[]`} {
			h := newHost(t, nil)
			root, chat := h.of("/", nil), h.of("/chat", nil)
			c := h.ws()
			c.send(bad, `40`)
			c.closed()
			h.sessionEnds("forced close")
			root.silent()
			chat.silent()
		}
	})
	t.Run("polling", func(t *testing.T) {
		h := newHost(t, nil)
		root := h.of("/", nil)
		p := h.poll()
		p.join("/")
		p.send(`42["good"]`, `42{}`, `42["never"]`)
		root.wants("connect", "event good")
		root.leaves("forced close")
		root.silent()
		p.get().want(t, 200, "6\x1e1")
		p.get().want(t, 400, `{"code":1,"message":"Session ID unknown"}`)
	})
}

// TestNumericName has events that are named by a number, as in the reference server.
func TestNumericName(t *testing.T) {
	h := newHost(t, nil)
	root := h.of("/", nil)
	c := h.ws()
	c.join("/")
	c.send(`42[7,"x"]`, `451-[7.0,{"_placeholder":true,"num":0}]`)
	c.binary("x")
	root.wants("connect", `event 7 "x"`, `event 7 {"_placeholder":true,"num":0}`)

	h = newHost(t, &socketio.Options{Parser: msgpack.Parser{}})
	root = h.of("/", nil)
	c = h.ws()
	c.joinPacked("/")
	c.binary(packed(parser.TypeEvent, "/", data("\x92\x07\xa1x")), packed(parser.TypeEvent, "/", data("\x91\xcb\xbf\xe0\x00\x00\x00\x00\x00\x00")))
	root.wants("connect", `event 7 "x"`, `event -0.5`)
}

// TestEmitted has packets that the server sends by itself.
func TestEmitted(t *testing.T) {
	type body struct {
		Name string `json:"name"`
		Data []byte `json:"data"`
	}
	h := newHost(t, nil)
	root, chat := h.of("/", nil), h.of("/chat", nil)
	c := h.ws()
	c.join("/")
	c.join("/chat")
	a, b := root.socket(), chat.socket()

	emit := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	emit(a.Emit("e"))
	c.want(`42["e"]`)
	emit(b.Emit("e", 1, "ü", nil, []string{"x"}, struct{ A int }{1}))
	c.want(`42/chat,["e",1,"ü",null,["x"],{"A":1}]`)
	emit(a.Emit("error", true)) // the name is not reserved
	c.want(`42["error",true]`)
	emit(a.Emit("", "\"\n<"))
	c.want(`42["","\"\n<"]`)
	emit(a.Emit("e", []byte("one")))
	c.want(`451-["e",{"_placeholder":true,"num":0}]`)
	c.wantBinary("one")
	emit(b.Emit("e", body{"f", []byte("one")}, map[string]any{"x": [][]byte{[]byte("two"), {}}}))
	c.want(`453-/chat,["e",{"name":"f","data":{"_placeholder":true,"num":0}},{"x":[{"_placeholder":true,"num":1},{"_placeholder":true,"num":2}]}]`)
	c.wantBinary("one", "two", "")
	emit(root.All().Emit("all", 1))
	c.want(`42["all",1]`)
	emit(chat.All().Volatile().Emit("all", []byte("x")))
	c.want(`451-/chat,["all",{"_placeholder":true,"num":0}]`)
	c.wantBinary("x")

	for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
		for what, err := range map[string]error{
			"Emit": a.Emit(name), "Volatile": a.Volatile().Emit(name), "broadcast": root.All().Emit(name),
		} {
			if !errors.Is(err, parser.ErrReservedEvent) {
				t.Errorf("%s(%q): %v", what, name, err)
			}
		}
	}
	var arg *parser.ArgError
	if err := a.Emit("e", 1, make(chan int)); !errors.As(err, &arg) || arg.Index != 1 {
		t.Errorf("Emit of a channel: %v", err)
	}
	if err := root.All().Emit("e", make(chan int)); !errors.As(err, &arg) {
		t.Errorf("broadcast of a channel: %v", err)
	}
	c.alive("/") // nothing of these went out
	b.Disconnect(false)
	c.want(`41/chat,`)
	a.Disconnect(false)
	c.want(`41`)
	b.Disconnect(false)
	root.wants("connect", "event alive")
	root.leaves("server namespace disconnect")
	for _, err := range []error{a.Emit("e"), a.Volatile().Emit("e"), a.Join("r")} {
		if !errors.Is(err, socketio.ErrClosed) || errors.Is(err, engineio.ErrClosed) {
			t.Errorf("behind Disconnect: %v", err)
		}
	}
	c.join("/") // the transport is open, and the client may come again
	c.alive("/")
}

// TestRefusals has the answers to a CONNECT that is refused.
func TestRefusals(t *testing.T) {
	h := newHost(t, nil)
	var refusal *socketio.Refusal
	connect := func(*socketio.Socket) *socketio.Refusal { return refusal }
	h.of("/", &nsp{quiet: true, onConnect: connect})
	h.of("/chat", &nsp{onConnect: connect})
	c := h.ws()
	for _, tt := range []struct {
		refusal *socketio.Refusal
		payload string
	}{
		{&socketio.Refusal{Message: "no"}, `{"message":"no"}`},
		{&socketio.Refusal{}, `{"message":""}`},
		{&socketio.Refusal{Message: "a \"quoted\"\n", Data: map[string]any{"code": 401}}, `{"message":"a \"quoted\"\n","data":{"code":401}}`},
		{&socketio.Refusal{Message: "no", Data: 0}, `{"message":"no","data":0}`},
		{&socketio.Refusal{Message: "no", Data: make(chan int)}, `{"message":"no"}`},
		{&socketio.Refusal{Message: "no", Data: []byte("binary")}, `{"message":"no"}`},
		{&socketio.Refusal{Message: "bad \xff"}, `{"message":"bad ` + "\ufffd" + `"}`},
	} {
		refusal = tt.refusal
		c.send("40", "42[\"dropped\"]")
		c.want("44" + tt.payload)
		c.send("40/chat,")
		c.want("44/chat," + tt.payload)
	}
	refusal = &socketio.Refusal{Message: "no"}
	for range 500 { // a client may try again as soon as it hears
		c.send("40")
		c.want(`44{"message":"no"}`)
	}
	refusal = nil
	c.join("/") // after all
	c.alive("/")
}
