package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
)

// TestReasons ends sockets in every way that there is.
func TestReasons(t *testing.T) {
	type sockets struct{ root, chat *socketio.Socket }
	post := func(packets ...string) func(*testing.T, *host, *client, poller, sockets) {
		return func(t *testing.T, h *host, _ *client, p poller, _ sockets) {
			if r := p.post(packets...); r.err != nil {
				t.Error(r.err)
			}
		}
	}
	send := func(packets ...string) func(*testing.T, *host, *client, poller, sockets) {
		return func(_ *testing.T, _ *host, c *client, _ poller, _ sockets) { c.send(packets...) }
	}
	for _, tt := range []struct {
		name    string
		opts    engineio.Options
		polling bool
		act     func(*testing.T, *host, *client, poller, sockets)
		reason  socketio.Reason
		session socketio.Reason // "": the session lives on, and so does /chat
	}{
		{"websocket/close frame", quiet, false, func(_ *testing.T, _ *host, c *client, _ poller, _ sockets) {
			c.write(frame(ws.OpClose, ""))
		}, "transport close", "transport close"},
		{"websocket/close packet", quiet, false, send("1"), "transport close", "transport close"},
		{"websocket/end of the connection", quiet, false, func(_ *testing.T, _ *host, c *client, _ poller, _ sockets) {
			c.conn.Close()
		}, "transport close", "transport close"},
		{"websocket/reset", quiet, false, func(_ *testing.T, _ *host, c *client, _ poller, _ sockets) {
			c.conn.(*net.TCPConn).SetLinger(0)
			c.conn.Close()
		}, "transport error", "transport error"},
		{"websocket/frame that is not masked", quiet, false, func(_ *testing.T, _ *host, c *client, _ poller, _ sockets) {
			c.write(ws.MustCompileFrame(ws.NewTextFrame([]byte("42"))))
		}, "transport error", "transport error"},
		{"websocket/ping from a client", quiet, false, send("2"), "transport error", "transport error"},
		{"websocket/no Engine.IO packet", quiet, false, send("x"), "parse error", "parse error"},
		{"websocket/no Socket.IO packet", quiet, false, send("4x"), "forced close", "forced close"},
		{"websocket/wrong order of packets", quiet, false, send("42/nope,[\"e\"]"), "forced close", "forced close"},
		{"websocket/no pong", engineio.Options{}, false, func(_ *testing.T, _ *host, c *client, _ poller, _ sockets) {
			c.want("2")
			c.closed()
		}, "ping timeout", "ping timeout"},
		{"websocket/DISCONNECT", quiet, false, send("41"), "client namespace disconnect", ""},
		{"websocket/Disconnect", quiet, false, func(_ *testing.T, _ *host, c *client, _ poller, s sockets) {
			s.root.Disconnect(false)
			c.want("41")
		}, "server namespace disconnect", ""},
		{"websocket/Disconnect with the connection", quiet, false, func(_ *testing.T, _ *host, c *client, _ poller, s sockets) {
			s.root.Disconnect(true)
		}, "server namespace disconnect", "forced close"},
		{"websocket/Disconnect with the connection, by another socket", quiet, false, func(_ *testing.T, _ *host, c *client, _ poller, s sockets) {
			s.chat.Disconnect(true)
		}, "server namespace disconnect", "forced close"},
		{"websocket/Session.Close", quiet, false, func(_ *testing.T, _ *host, c *client, _ poller, s sockets) {
			s.root.Session().Close()
		}, "forced close", "forced close"},
		{"websocket/Shutdown", quiet, false, func(t *testing.T, h *host, c *client, _ poller, _ sockets) {
			done := make(chan error, 1)
			go func() { done <- h.Shutdown(context.Background()) }()
			c.restarted() // without a DISCONNECT
			if err := timetest.Receive(t, done, h.limit, "Shutdown"); err != nil {
				t.Error(err)
			}
		}, "server shutting down", "server shutting down"},

		{"polling/close packet", quiet, true, post("1"), "transport close", "transport close"},
		{"polling/no Engine.IO packet", quiet, true, post("x"), "parse error", "parse error"},
		{"polling/no Socket.IO packet", quiet, true, post("4x"), "forced close", "forced close"},
		{"polling/wrong order of packets", quiet, true, post("42/nope,[\"e\"]"), "forced close", "forced close"},
		{"polling/ping from a client", quiet, true, post("2"), "transport error", "transport error"},
		{"polling/no pong", engineio.Options{}, true, func(t *testing.T, _ *host, _ *client, p poller, _ sockets) {
			p.get().want(t, 200, "2")
			p.get().want(t, 200, "1")
		}, "ping timeout", "ping timeout"},
		{"polling/DISCONNECT", quiet, true, post("41"), "client namespace disconnect", ""},
		{"polling/Disconnect", quiet, true, func(_ *testing.T, _ *host, _ *client, _ poller, s sockets) {
			s.root.Disconnect(false)
		}, "server namespace disconnect", ""},
		{"polling/slow consumer", engineio.Options{QueuePackets: 4, PingInterval: time.Hour}, true, func(t *testing.T, _ *host, _ *client, _ poller, s sockets) {
			for range engineio.Grace * 4 {
				if err := s.root.Emit("e"); err != nil {
					t.Error(err)
				}
			}
			if err := s.root.Emit("e"); !errors.Is(err, engineio.ErrQueueFull) {
				t.Error(err)
			}
		}, "slow consumer", "slow consumer"},
	} {
		test := func(t *testing.T, h *host) {
			rooms := func(want ...string) func(s *socketio.Socket, r socketio.Reason) {
				return func(s *socketio.Socket, r socketio.Reason) {
					got := s.Rooms()
					slices.Sort(got)
					if !slices.Equal(got, want) {
						t.Errorf("rooms %q, want %q", got, want)
					}
					if s.Reason() != r || context.Cause(s.Context()) != r || s.Connected() {
						t.Errorf("reason %q, cause %v, connected %t", s.Reason(), context.Cause(s.Context()), s.Connected())
					}
					if err := s.Emit("e"); err != socketio.ErrClosed {
						t.Errorf("Emit: %v", err)
					}
				}
			}
			root, chat := &nsp{}, &nsp{}
			root.onDisconnecting, root.onDisconnect = rooms("a", "b"), rooms()
			chat.onDisconnecting, chat.onDisconnect = rooms("a"), rooms()
			h.of("/", root)
			h.of("/chat", chat)
			var c *client
			var p poller
			if tt.polling {
				p = h.poll()
				p.join("/")
				p.join("/chat")
			} else {
				c = h.ws()
				c.join("/")
				c.join("/chat")
			}
			s := sockets{root.socket(), chat.socket()}
			s.root.Join("a", "b")
			s.chat.Join("a")
			ctx := s.root.Context()
			want := func(packet string) {
				if tt.polling {
					p.get().want(t, 200, packet)
				} else {
					c.want(packet)
				}
			}
			pending := ask(context.Background(), s.root)
			want(`420["q"]`)
			chatPending := ask(context.Background(), s.chat)
			want(`42/chat,0["q"]`)

			tt.act(t, h, c, p, s)
			root.wants("connect")
			root.leaves(tt.reason)
			chat.wants("connect")
			<-ctx.Done()
			if context.Cause(ctx) != tt.reason {
				t.Errorf("cause %v", context.Cause(ctx))
			}
			got := timetest.Receive(t, pending, h.limit, "EmitWithAck")
			if !errors.Is(got.err, socketio.ErrClosed) || !errors.Is(got.err, tt.reason) {
				t.Errorf("EmitWithAck: %v", got.err)
			}
			if tt.session != "" {
				h.sessionEnds(tt.session)
				chat.leaves(tt.reason)
				if got := timetest.Receive(t, chatPending, h.limit, "EmitWithAck"); !errors.Is(got.err, tt.reason) {
					t.Errorf("EmitWithAck: %v", got.err)
				}
			} else {
				if s.chat.Reason() != "" {
					t.Error("/chat has left too")
				}
				s.chat.Disconnect(true)
				<-chatPending
				chat.leaves("server namespace disconnect")
				h.sessionEnds("forced close")
			}
			root.silent()
			chat.silent()
		}
		if tt.reason == engineio.ReasonPingTimeout {
			bubble(t, tt.name, nil, test)
			continue
		}
		t.Run(tt.name, func(t *testing.T) { test(t, newHost(t, &socketio.Options{Engine: tt.opts})) })
	}
}

// TestEventsBeforeTheEnd has events that are on their way when a client
// leaves: what the server has read is handled, before Disconnecting.
func TestEventsBeforeTheEnd(t *testing.T) {
	bubble(t, "handled, and not answered", nil, func(t *testing.T, h *host) {
		release := make(chan bool)
		root := &nsp{}
		root.onEvent = func(s *socketio.Socket, e *socketio.Event) {
			<-release
			root.write("event " + e.Name())
			if err := s.Ack(e); err != nil && !errors.Is(err, socketio.ErrClosed) {
				t.Error(err)
			}
		}
		h.of("/", root)
		c := h.ws()
		c.join("/")
		c.send(`421["a"]`, `422["b"]`, `423["c"]`, "41", "40")
		connected(t, "/", c.read()) // a new socket does not wait for the old
		c.send(`424["d"]`)
		synctest.Wait()
		root.wants("connect", "connect")
		root.silent()
		old := root.socket()
		if old.Reason() != "client namespace disconnect" || root.Socket(old.ID()) != nil || root.Len() != 1 {
			t.Errorf("reason %q, %d sockets", old.Reason(), root.Len())
		}
		close(release)
		c.want("434[]")
		synctest.Wait()
		var all []string
		for len(root.journal) > 0 {
			all = append(all, <-root.journal)
		}
		all = slices.DeleteFunc(all, func(s string) bool { return s == "event d" }) // at any time
		want := []string{"event a", "event b", "event c", "disconnecting client namespace disconnect", "disconnect client namespace disconnect"}
		if !slices.Equal(all, want) {
			t.Errorf("journal %q", all)
		}
		c.alive("/")
	})
}

// TestBaseContext has a parent for the contexts of sockets.
func TestBaseContext(t *testing.T) {
	type key struct{}
	type captured struct{ ctx }
	base, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, "value"))
	h := newHost(t, nil)
	root := h.of("/", nil)
	h.capture = func() (any, error) { return captured{ctx{base}}, nil }
	c := h.ws()
	c.join("/")
	s := root.socket()
	if v := s.Context().Value(key{}); v != "value" {
		t.Errorf("value %v", v)
	}
	if _, ok := s.Session().Value().(captured); !ok {
		t.Errorf("session value %v", s.Session().Value())
	}
	cause := errors.New("the application's own")
	cancel(cause)
	<-s.Context().Done()
	if context.Cause(s.Context()) != cause {
		t.Errorf("cause %v", context.Cause(s.Context()))
	}
	if c.alive("/"); s.Reason() != "" { // it is the application that may end it
		t.Errorf("reason %q", s.Reason())
	}
}

type ctx struct{ c context.Context }

func (c ctx) Context() context.Context { return c.c }

// TestSlowConsumer has a client that does not read. It is closed at the bound
// of its queue, and nobody else notices.
func TestSlowConsumer(t *testing.T) {
	h := newHost(t, &socketio.Options{Engine: engineio.Options{QueueBytes: 1 << 20}})
	root := h.of("/", nil)
	slow := h.ws()
	slow.join("/")
	quick := h.ws()
	quick.join("/")
	stuck, other := root.socket(), root.socket()
	stuck.Join("room")
	other.Join("room")
	root.wants("connect", "connect")
	pad := strings.Repeat("x", 1000)
	const most = 200_000 // far more than the kernel buffers for a socket
	n := 0
	for ; n < most && stuck.Reason() == ""; n++ {
		if err := root.All().To("room").Emit("n", n, pad); err != nil {
			t.Fatal(err)
		}
		var got int
		text := quick.read()
		if _, err := fmt.Sscanf(text, `42["n",%d,`, &got); err != nil || got != n {
			t.Fatalf("packet %.100q, want number %d", text, n)
		}
	}
	if n == most {
		t.Fatal("the slow client is never closed")
	}
	root.leaves("slow consumer")
	h.sessionEnds("slow consumer")
	quick.alive("/")
	root.wants("event alive")
	root.silent()
	if other.Reason() != "" {
		t.Errorf("the quick client left: %q", other.Reason())
	}
}
