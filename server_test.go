package sio_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
)

// Shutdown delivers what is queued, ends every session, waits for handlers, and
// refuses new ones.
func TestShutdown(t *testing.T) {
	h := newHost(t, nil)
	contexts := make(chan *sio.Context, 2)
	left := make(chan sio.Reason, 2)
	finish := make(chan struct{})
	// From an event, not the connect handler: until that is over, an emit is
	// held back for the answer, and Shutdown does not wait for the undecided.
	h.On("ready", func(c *sio.Context) error { contexts <- c; return nil })
	h.OnDisconnect(func(c *sio.Context) error {
		left <- c.Reason()
		<-finish
		return nil
	})
	ws := h.join("/")
	polling := dial(t, h.url, testclient.Options{})
	polling.connect("/", nil)
	for _, c := range []*client{ws, polling} {
		c.send(`2["ready"]`)
		if err := receive(t, contexts, "ready").Emit("last words"); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 2)
	for range 2 { // it may be called twice
		go func() { done <- h.Shutdown(context.Background()) }() // until finish is closed
	}
	for _, c := range []*client{polling, ws} { // soon: a polling client is not waited for
		c.want(`2["last words"]`)
		c.ends() // and no DISCONNECT before: clients reconnect by themselves
	}
	for range 2 {
		if r := receive(t, left, "OnDisconnect"); r != "server shutting down" {
			t.Errorf("reason %q", r)
		}
	}
	for _, webSocket := range []bool{false, true} {
		_, err := testclient.Dial(h.url, testclient.Options{WebSocket: webSocket})
		refusedWith(t, err, http.StatusServiceUnavailable)
	}
	select {
	case err := <-done:
		t.Errorf("Shutdown did not wait for the handlers: %v", err)
	default:
	}
	close(finish)
	for range 2 {
		if err := receive(t, done, "Shutdown"); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	}
	if n := h.Connections(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

func refusedWith(t *testing.T, err error, code int) {
	t.Helper()
	var status *testclient.StatusError
	if !errors.As(err, &status) || status.Code != code {
		t.Errorf("a handshake: %v, want %d", err, code)
	}
}

// When its context ends, Shutdown does not wait for a client that does not
// fetch what is queued, nor for a handler.
func TestShutdownDeadline(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, srv *sio.Server, dial func(testclient.Options) *client) {
		finish := make(chan struct{})
		srv.On("block", func(*sio.Context) error { <-finish; return nil })
		c := dial(testclient.Options{})
		c.connect("/", nil)
		c.send(`2["block"]`)
		if err := srv.Emit("never fetched"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		start := time.Now()
		if err := srv.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown: %v", err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("Shutdown took %v", took)
		}
		if n := srv.Connections(); n != 0 {
			t.Errorf("%d connections", n)
		}
		close(finish)
	})
}

// The timers of Options, in fake time.
func TestTimeouts(t *testing.T) {
	opts := &sio.Options{PingInterval: 10 * time.Second, PingTimeout: 3 * time.Second, ConnectTimeout: 5 * time.Second}
	for _, webSocket := range []bool{false, true} {
		t.Run("connect", func(t *testing.T) {
			inBubble(t, opts, func(t *testing.T, srv *sio.Server, dial func(testclient.Options) *client) {
				start := time.Now()
				c := dial(testclient.Options{WebSocket: webSocket})
				c.ends()
				if took := time.Since(start); took != 5*time.Second {
					t.Errorf("closed after %v", took)
				}
			})
		})
		t.Run("ping", func(t *testing.T) {
			inBubble(t, opts, func(t *testing.T, srv *sio.Server, dial func(testclient.Options) *client) {
				contexts := make(chan *sio.Context, 1)
				srv.OnConnect(func(c *sio.Context) error { contexts <- c; return nil })
				srv.On("x", func(c *sio.Context) error { return c.Ack() })
				start := time.Now()
				c := dial(testclient.Options{WebSocket: webSocket})
				c.connect("/", nil)
				kept := <-contexts
				<-kept.Context().Done() // the client does not read, and answers no ping
				if took := time.Since(start); took != 13*time.Second {
					t.Errorf("lost after %v", took)
				}
				ended(t, kept.Context(), sio.Reason("ping timeout"))
			})
		})
		t.Run("pong", func(t *testing.T) {
			inBubble(t, opts, func(t *testing.T, srv *sio.Server, dial func(testclient.Options) *client) {
				c := dial(testclient.Options{WebSocket: webSocket})
				c.connect("/", nil)
				start := time.Now()
				time.AfterFunc(time.Minute, func() { _ = srv.Emit("at last") })
				c.want(`2["at last"]`) // it answers pings meanwhile
				if took := time.Since(start); took != time.Minute {
					t.Errorf("after %v", took)
				}
			})
		})
	}
}
