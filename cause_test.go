package sio_test

import (
	"context"
	"io"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
)

func TestCause(t *testing.T) {
	for _, tt := range []struct {
		name   string
		do     func(c *client, s *sio.Socket)
		reason sio.Reason
		cause  error
	}{
		{"connection cut", func(c *client, _ *sio.Socket) { c.Close() }, "transport close", io.EOF},
		{"no packet", func(c *client, _ *sio.Socket) { c.send(`2["secret`) }, "forced close", socketio.ParseError("truncated JSON")},
		{"attachment without an event", func(c *client, _ *sio.Socket) { c.send("51-[]") }, "forced close", socketio.ParseError("event name is neither a string nor a number")},
		{"second CONNECT", func(c *client, _ *sio.Socket) { c.send("0") }, "forced close", socketio.ParseError("second CONNECT")},
		{"namespace not joined", func(c *client, _ *sio.Socket) { c.send(`2/secret,["event"]`) }, "forced close", socketio.ParseError("packet for a namespace not joined")},
		{"DISCONNECT", func(c *client, _ *sio.Socket) { c.send("1") }, "client namespace disconnect", nil},
		{"DISCONNECT, then nonsense", func(c *client, _ *sio.Socket) { c.send("1", "x") }, "client namespace disconnect", nil},
		{"Disconnect", func(_ *client, s *sio.Socket) { s.Disconnect() }, "server namespace disconnect", nil},
		{"Disconnect with the connection", func(_ *client, s *sio.Socket) { s.Disconnect(true) }, "server namespace disconnect", nil},
		{"slow consumer", func(_ *client, s *sio.Socket) { s.Session().Abort(engineio.ReasonSlowConsumer) }, "slow consumer", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, nil)
			type end struct {
				event  string
				reason sio.Reason
				cause  error
			}
			joined, ends := make(chan *sio.Socket, 1), make(chan end, 2)
			h.OnConnect(func(c *sio.Context) error {
				joined <- c.Socket()
				if err := c.Cause(); err != nil {
					t.Errorf("cause %v while connecting", err)
				}
				return nil
			})
			note := func(c *sio.Context) error {
				ends <- end{c.Event(), c.Reason(), c.Cause()}
				return nil
			}
			h.OnDisconnecting(note)
			h.OnDisconnect(note)
			c := h.join("/")
			s := receive(t, joined, "the socket")
			tt.do(c, s)
			for _, event := range []string{"disconnecting", "disconnect"} {
				if got, want := receive(t, ends, event), (end{event, tt.reason, tt.cause}); got != want {
					t.Errorf("%+v, want %+v", got, want)
				}
			}
			ended(t, s.Context(), tt.reason) // not the cause
			if err := s.Cause(); err != tt.cause {
				t.Errorf("Socket.Cause: %v", err)
			}
		})
	}
}

// Of a connection that breaks the rules, every socket has the cause.
func TestCauseInAllNamespaces(t *testing.T) {
	h := newHost(t, nil)
	causes := make(chan error, 2)
	for _, nsp := range []string{"/", "/chat"} {
		h.Of(nsp).OnDisconnect(func(c *sio.Context) error {
			causes <- c.Cause()
			return nil
		})
	}
	h.join("/", "/chat").send("4")
	for range 2 {
		if err := receive(t, causes, "a disconnect"); err != socketio.ParseError("CONNECT_ERROR from a client") {
			t.Errorf("cause %v", err)
		}
	}
}

func TestCauseOfShutdown(t *testing.T) {
	h := newHost(t, nil)
	causes := make(chan error, 1)
	h.OnDisconnect(func(c *sio.Context) error {
		causes <- c.Cause()
		return nil
	})
	h.join("/")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = h.Shutdown(ctx)
	if err := receive(t, causes, "the disconnect"); err != nil {
		t.Errorf("cause %v", err)
	}
}
