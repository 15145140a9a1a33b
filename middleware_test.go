package sio_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/siokit/sio"
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
