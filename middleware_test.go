package sio_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/siotest"
)

// Recover turns a panic into an error that middlewares around it see; without
// it, the panic passes them by.
func TestRecover(t *testing.T) {
	for _, with := range []bool{false, true} {
		srv := newServer(t, nil)
		var seen error
		returned := false
		srv.Use(func(next sio.Handler) sio.Handler {
			return func(c *sio.Context) error {
				if c.Event() != "x" {
					return next(c)
				}
				seen = next(c)
				returned = true
				return seen
			}
		})
		if with {
			srv.Use(sio.Recover())
		}
		srv.On("x", func(*sio.Context) error { panic(errInternal) })
		c := siotest.Connect(t, srv)
		if err := c.CallError("x"); err.Error() != "internal error" {
			t.Errorf("answer %v", err)
		}
		if returned != with {
			t.Errorf("with Recover %t: the middleware saw next return: %t", with, returned)
		}
		var panicked *sio.PanicError
		if with && (!errors.As(seen, &panicked) || !errors.Is(seen, errInternal) || !strings.Contains(string(panicked.Stack), "TestRecover")) {
			t.Errorf("the middleware saw %v", seen)
		}
	}
}

func TestRecoverLogsOnce(t *testing.T) {
	var log logBuffer
	srv := newServer(t, &sio.Options{Logger: log.logger()})
	srv.Use(sio.Recover())
	srv.On("x", func(*sio.Context) error { panic("boom") })
	c := siotest.Connect(t, srv)
	if err := c.CallError("x"); err.Error() != "internal error" {
		t.Errorf("answer %v", err)
	}
	line := log.only(t, "handler panicked")
	if line["level"] != "error" || line["component"] != "sio" || line["error"] != "panic: boom" {
		t.Errorf("log line %v", line)
	}
}

func TestLogger(t *testing.T) {
	var log logBuffer
	srv := newServer(t, &sio.Options{Logger: log.logger()})
	chat := srv.Of("/chat")
	chat.Use(sio.Logger())
	chat.OnConnect(func(*sio.Context) error { return nil })
	chat.On("works", func(c *sio.Context) error { return nil })
	chat.On("fails", func(*sio.Context) error { return errInternal })
	left := make(chan struct{})
	chat.OnDisconnect(func(*sio.Context) error { close(left); return nil })
	c := siotest.Connect(t, srv, &siotest.Options{Namespace: "/chat"})
	c.Emit("works")
	c.Emit("fails")
	c.Close()
	receive(t, left, "OnDisconnect")
	shut(t, srv) // waits for the middleware around it

	lines := log.lines(t, "handled")
	want := []struct{ event, level, err string }{
		{"connect", "info", ""}, {"works", "info", ""}, {"fails", "warn", errInternal.Error()}, {"disconnect", "info", ""},
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d: %v", len(lines), len(want), lines)
	}
	for i, line := range lines {
		w := want[i]
		if err, _ := line["error"].(string); line["event"] != w.event || line["level"] != w.level || err != w.err {
			t.Errorf("log line %v, want %v", line, w)
		}
		if took, ok := line["took"].(float64); !ok || took < 0 || line["nsp"] != "/chat" || line["socket"] != c.ID() || line["component"] != "sio" {
			t.Errorf("log line %v", line)
		}
	}
}

// Context.Logger is that of the server, for handlers.
func TestContextLogger(t *testing.T) {
	var log logBuffer
	srv := newServer(t, &sio.Options{Logger: log.logger()})
	srv.On("x", func(c *sio.Context) error {
		c.Logger().Info().Msg("from a handler")
		return c.Ack()
	})
	siotest.Connect(t, srv).Call("x").Is()
	if line := log.only(t, "from a handler"); line["component"] != "sio" {
		t.Errorf("log line %v", line)
	}
	// And silent by default.
	srv = newServer(t, nil)
	srv.On("x", func(c *sio.Context) error {
		c.Logger().Info().Msg("nobody hears")
		return c.Ack()
	})
	siotest.Connect(t, srv).Call("x").Is()
}

// What is inside of a middleware sees the context that this has given, and all else of
// the event as it is.
func TestWithContext(t *testing.T) {
	type key struct{}
	with := func(name string) sio.Middleware {
		return func(next sio.Handler) sio.Handler {
			return func(c *sio.Context) error {
				before, _ := c.Context().Value(key{}).(string)
				err := next(c.WithContext(context.WithValue(c.Context(), key{}, before+name)))
				if after, _ := c.Context().Value(key{}).(string); after != before {
					t.Errorf("%q around %s, that was %q", after, name, before)
				}
				if got := c.Ack("twice"); c.WantsAck() && !errors.Is(got, sio.ErrAckSent) {
					t.Errorf("answered twice: %v", got)
				}
				return err
			}
		}
	}
	srv := newServer(t, nil)
	srv.Use(with("a"), with("b"))
	own := make(chan context.Context, 1)
	srv.OnConnect(func(c *sio.Context) error {
		c.Use(with("own"))
		own <- c.Context()
		return nil
	})
	echo := func(c *sio.Context) error {
		var arg string
		if err := c.Bind(&arg); err != nil {
			return err
		}
		return c.Ack(c.Event(), arg, c.Context().Value(key{}), c.Socket().Context().Value(key{}))
	}
	srv.On("e", echo, with("event"))
	srv.OnAny(echo)
	c := siotest.Connect(t, srv)
	c.Call("e", "arg").Is("e", "arg", "abownevent", nil)
	c.Call("other", "arg").Is("other", "arg", "abown", nil)
	c.Close()
	ctx := receive(t, own, "the context of the connect handler")
	if v := ctx.Value(key{}); v != "ab" {
		t.Errorf("value %v in the connect handler", v)
	}
	ended(t, ctx, engineio.ReasonTransportClose) // it ends with the socket's
	var none context.Context
	mustPanic(t, "sio: WithContext: nil context", func() { new(sio.Context).WithContext(none) })
}

// Middlewares of one socket run inside of the namespace's and outside of those
// of an event.
func TestOwnMiddlewares(t *testing.T) {
	h := newHost(t, nil)
	trace := make(chan string, 100)
	made := 0
	say := func(what string) sio.Middleware {
		return func(next sio.Handler) sio.Handler {
			made++
			return func(c *sio.Context) error {
				trace <- what + " " + c.Event()
				return next(c)
			}
		}
	}
	failed := make(chan string, 10)
	h.OnError(func(c *sio.Context, err error) { failed <- c.Event() + ": " + err.Error() })
	h.Use(say("namespace"))
	contexts := make(chan *sio.Context, 1)
	h.OnConnect(func(c *sio.Context) error {
		var auth struct{ Own bool }
		if err := c.BindAuth(&auth); err != nil || !auth.Own {
			return err
		}
		c.Use(say("first"), say("second"))
		contexts <- c
		return nil
	})
	h.On("e", func(c *sio.Context) error { trace <- "handler"; return c.Ack() }, say("event"))
	h.OnAny(func(c *sio.Context) error { trace <- "any"; return c.Ack() })
	h.OnDisconnect(func(*sio.Context) error { return nil })
	made = 0
	plain, own := h.dial(), h.dial()
	plain.connect("/", nil)
	own.connect("/", map[string]bool{"own": true})
	c := <-contexts
	traced := func(c *client, packet, answer string, want ...string) {
		t.Helper()
		c.send(packet)
		c.want(answer)
		for _, w := range want {
			if got := receive(t, trace, w); got != w {
				t.Errorf("%q, want %q", got, w)
			}
		}
		if len(trace) > 0 {
			t.Errorf("%q behind the last", <-trace)
		}
	}
	for range 2 {
		if got := receive(t, trace, "the connects"); got != "namespace connect" {
			t.Errorf("%q", got)
		}
	}
	traced(plain, `21["e"]`, `31[]`, "namespace e", "event e", "handler")
	for range 2 {
		traced(own, `21["e"]`, `31[]`, "namespace e", "first e", "second e", "event e", "handler")
	}
	traced(own, `21["other"]`, `31[]`, "namespace other", "first other", "second other", "any")
	c.Use(say("third"))
	traced(own, `21["e"]`, `31[]`, "namespace e", "first e", "second e", "third e", "event e", "handler")
	if made != 3 {
		t.Errorf("middlewares were called %d times", made)
	}
	c.Use(func(sio.Handler) sio.Handler {
		return func(*sio.Context) error { return &sio.Error{Message: "no"} }
	})
	traced(own, `21["e"]`, `31[{"error":{"message":"no"}}]`, "namespace e", "first e", "second e", "third e")
	if got := receive(t, failed, "the error"); got != "e: no" {
		t.Errorf("%q", got)
	}
	traced(plain, `21["e"]`, `31[]`, "namespace e", "event e", "handler")
	mustPanic(t, "sio: Context.Use: nil middleware, in namespace /", func() { c.Use(nil) })
}
