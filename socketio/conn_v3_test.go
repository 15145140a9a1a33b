package socketio_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
)

// bubble3 is bubble with a server that allows clients of Engine.IO 3, and
// WebSockets of those.
func bubble3(t *testing.T, name string, f func(t *testing.T, h *host)) {
	opts := &socketio.Options{Engine: quiet}
	opts.Engine.AllowEIO3 = true
	bubble(t, name, opts, func(t *testing.T, h *host) {
		h.eio = "3"
		f(t, h)
	})
}

func TestV3Connect(t *testing.T) {
	bubble3(t, "in / without a CONNECT", func(t *testing.T, h *host) {
		root := h.of("/", &nsp{onConnect: func(s *socketio.Socket) *socketio.Refusal {
			auth := "none"
			if err := s.BindAuth(&auth); err != nil || auth != "none" {
				t.Errorf("BindAuth: %q, %v", auth, err)
			}
			s.Emit("hi", 1)
			return nil
		}})
		c := h.ws()
		c.want("40", `42["hi",1]`)
		if s := root.socket(); s.ID() != c.sid || root.Socket(c.sid) != s {
			t.Errorf("socket %q of session %q", s.ID(), c.sid)
		}
		c.alive("/")
		c.send(`42["a",{"x":"é🎉"}]`, `421["b"]`)
		c.want("431[]")
		root.wants("connect", "event alive", `event a {"x":"é🎉"}`, "event b")
		c.send("41")
		root.leaves("client namespace disconnect")
	})
	bubble3(t, "over polling", func(t *testing.T, h *host) {
		h.of("/", nil)
		r := h.do("GET", "", "")
		_, rest, _ := strings.Cut(r.body, `0{"sid":"`)
		sid := rest[:20]
		h.do("GET", "&sid="+sid, "").want(t, 200, "2:40")
		h.do("POST", "&sid="+sid, `13:421["a","🎉"]`).want(t, 200, "ok")
		h.do("GET", "&sid="+sid, "").want(t, 200, `9:431["🎉"]`)
	})
	bubble3(t, "early events are kept", func(t *testing.T, h *host) {
		decide := make(chan *socketio.Refusal)
		root := h.of("/", deciding(decide))
		c := h.ws()
		c.send(`421["a"]`)
		decide <- nil
		c.want("40", "431[]")
		root.wants("connect", "event a")
	})
	bubble3(t, "a CONNECT for / is the second", func(t *testing.T, h *host) {
		h.of("/", nil)
		for _, packet := range []string{"40", "40/", "40/?x=1", "40/?x=1,", "40{}"} {
			c := h.ws()
			c.want("40")
			c.send(packet)
			c.closed()
		}
	})
	bubble3(t, "refused, and closed when nothing else is joined", func(t *testing.T, h *host) {
		h.of("/", &nsp{onConnect: func(*socketio.Socket) *socketio.Refusal { return &socketio.Refusal{Message: "no"} }})
		h.of("/chat", nil)
		start := time.Now()
		c := h.ws()
		c.want(`44"no"`)
		c.closed()
		after(t, start, 45*time.Second)
		c = h.ws()
		c.want(`44"no"`)
		c.send("40/chat,")
		c.want("40/chat,")
		time.Sleep(time.Hour)
		c.alive("/chat")
	})
	bubble3(t, "no such namespace", func(t *testing.T, h *host) {
		c := h.ws()
		c.want(`44{"message":"Invalid namespace"}`) // not even "/"
		c.send("40/nope?token=x,")
		c.want(`44/nope,{"message":"Invalid namespace"}`)
		c.send(`42/nope,["a"]`)
		c.closed()
	})
}

func TestV3Refusal(t *testing.T) {
	for _, test := range []struct {
		data any
		want string
	}{
		{nil, `"no"`},
		{map[string]any{"code": 401, "hint": []any{"token", nil}}, `{"code":401,"hint":["token",null]}`},
		{"data", `"data"`},
		{[]int{1, 2}, `[1,2]`},
		{42, `"no"`}, // clients break on it
		{false, `"no"`},
		{(*int)(nil), `"no"`},
		{[]byte{1}, `"no"`}, // can't be encoded
		{map[string]any{"file": []byte{1}}, `"no"`},
		{func() {}, `"no"`},
	} {
		opts := &socketio.Options{Engine: engineio.Options{AllowEIO3: true}}
		h := newHost(t, opts)
		h.eio = "3"
		refuse := &nsp{onConnect: func(*socketio.Socket) *socketio.Refusal {
			return &socketio.Refusal{Message: "no", Data: test.data}
		}}
		h.of("/", nil)
		h.of("/x", refuse)
		c := h.ws()
		c.want("40")
		c.send("40/x?a=b,")
		c.want("44/x," + test.want)
		c.alive("/")
	}
}

func TestV3Namespaces(t *testing.T) {
	bubble3(t, "the query is the auth", func(t *testing.T, h *host) {
		h.of("/", nil)
		var auth map[string]string
		chat := h.of("/chat", &nsp{onConnect: func(s *socketio.Socket) *socketio.Refusal {
			auth = nil
			if err := s.BindAuth(&auth); err != nil {
				t.Errorf("BindAuth: %v", err)
			}
			return nil
		}})
		c := h.ws()
		c.want("40")
		for _, test := range []struct {
			query string
			want  map[string]string
		}{
			{"", nil},
			{"?", nil},
			{"?token=abc", map[string]string{"token": "abc"}},
			{"?a=1&a=2&b&=x&c=%F0%9F%8E%89%2C+%22%5C", map[string]string{"a": "2", "b": "", "": "x", "c": `🎉, "\`}},
			{"?a=%zz&b=1;2&d=4", map[string]string{"d": "4"}},
			{"?a=%ff%01", map[string]string{"a": "\ufffd\x01"}},
			{"?a=b?c/d", map[string]string{"a": "b?c/d"}},
			{"?t=" + strings.Repeat("x", 8000), map[string]string{"t": strings.Repeat("x", 8000)}},
		} {
			c.send("40/chat" + test.query + ",")
			c.want("40/chat,")
			s := chat.socket()
			if s.ID() != "/chat#"+c.sid {
				t.Errorf("socket %q of session %q", s.ID(), c.sid)
			}
			if len(auth) != len(test.want) {
				t.Errorf("%.40s: auth %v, want %v", test.query, auth, test.want)
			}
			for k, v := range test.want {
				if got, ok := auth[k]; !ok || got != v {
					t.Errorf("%.40s: %s is %q, want %q", test.query, k, got, v)
				}
			}
			c.alive("/chat")
			c.send(`42/chat?x=y,98["a"]`) // the query of no packet is part of the name
			c.want("43/chat,98[]")
			c.send("41/chat")
			chat.wants("connect", "event alive", "event a")
			chat.leaves("client namespace disconnect")
		}
	})
	bubble3(t, "limits", func(t *testing.T, h *host) {
		h.of("/", nil)
		for _, packet := range []string{"40/" + strings.Repeat("x", 256) + ",", "40/chat?" + strings.Repeat("x", 16<<10+1) + ",", "40/a\x01?,"} {
			c := h.ws()
			c.want("40")
			c.send(packet)
			c.closed()
		}
	})
	bubble3(t, "the socket that comes has the id of the one that leaves", func(t *testing.T, h *host) {
		h.of("/", nil)
		leave := make(chan struct{}, 1)
		chat := h.of("/chat", &nsp{onDisconnecting: func(*socketio.Socket, socketio.Reason) { <-leave }})
		c := h.ws()
		c.want("40")
		c.send("40/chat,")
		c.want("40/chat,")
		chat.socket()
		chat.wants("connect")
		c.send("41/chat,", "40/chat,")
		c.want("40/chat,")
		second := chat.socket()
		both := []string{timetest.Receive(t, chat.journal, h.limit, "one"), timetest.Receive(t, chat.journal, h.limit, "the other")}
		if slices.Sort(both); !slices.Equal(both, []string{"connect", "disconnecting client namespace disconnect"}) {
			t.Errorf("journal %q", both)
		}
		leave <- struct{}{}
		chat.wants("disconnect client namespace disconnect")
		if chat.Socket(second.ID()) != second || chat.Len() != 1 {
			t.Errorf("%d sockets, that of the id is %v", chat.Len(), chat.Socket(second.ID()))
		}
		if err := chat.All().To(second.ID()).Emit("direct"); err != nil {
			t.Error(err)
		}
		c.want(`42/chat,["direct"]`)
		leave <- struct{}{}
	})
}

func TestV3Together(t *testing.T) {
	bubble3(t, "both revisions hear the same", func(t *testing.T, h *host) {
		root := h.of("/", nil)
		old := h.ws()
		old.want("40")
		h.eio = "4"
		recent := h.ws()
		recent.join("/")
		for range 2 {
			if err := root.All().Emit("news", "é", []byte{0, 4}); err != nil {
				t.Fatal(err)
			}
			packet := `451-["news","é",{"_placeholder":true,"num":0}]`
			old.want(packet)
			old.wantBinary("\x04\x00\x04")
			recent.want(packet)
			recent.wantBinary("\x00\x04")
		}
		old.send(`451-9["up",{"_placeholder":true,"num":0}]`)
		old.binary("\x04\x01")
		old.want(`461-9[{"_placeholder":true,"num":0}]`)
		old.wantBinary("\x04\x01")
	})
	bubble3(t, "disconnected by the server", func(t *testing.T, h *host) {
		root := h.of("/", nil)
		c := h.ws()
		c.want("40")
		root.socket().Disconnect(true)
		c.want("41")
		c.closed()
		root.wants("connect")
		root.leaves("server namespace disconnect")
	})
}
