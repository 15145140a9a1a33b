package sio_test

import (
	"os"
	"runtime"
	"testing"

	"github.com/siokit/sio"
)

// TestErrorsThatPanic has handlers return what looks like an error and is a nil
// pointer: looking into it panics, outside the handler.
func TestErrorsThatPanic(t *testing.T) {
	typedNil := func(*sio.Context) error {
		var err *os.PathError
		return err
	}
	var log logBuffer
	h := newHost(t, &sio.Options{Logger: log.logger()})
	h.On("event", typedNil)
	h.On("alive", func(c *sio.Context) error { return c.Ack() })
	h.Of("/refused").OnConnect(typedNil)
	left := make(chan bool)
	n := h.Of("/left")
	n.OnDisconnecting(typedNil)
	n.OnDisconnect(func(*sio.Context) error { close(left); return nil })

	c := h.join("/", "/left")
	c.send(`21["event"]`)
	c.want(`31[{"error":{"message":"internal error"}}]`)
	if message := c.refused("/refused", nil); message != `{"message":"internal error"}` {
		t.Errorf("refused with %s", message)
	}
	c.send("1/left,")
	receive(t, left, "OnDisconnect")
	c.send(`22["alive"]`)
	c.want("32[]")
	if lines := log.lines(t, "panic while an error was handled"); len(lines) != 3 {
		t.Errorf("%d log lines, want 3", len(lines))
	}
}

// A panic tells a client nothing, not even with an Error.
func TestPanicWithError(t *testing.T) {
	h := newHost(t, nil)
	h.On("x", func(*sio.Context) error { panic(&sio.Error{Message: "told"}) })
	c := h.join("/")
	c.send(`21["x"]`)
	c.want(`31[{"error":{"message":"internal error"}}]`)
}

// TestGoexit has handlers end their goroutine, as FailNow does in a test. The
// client must not be stuck with it.
func TestGoexit(t *testing.T) {
	exit := func(*sio.Context) error {
		runtime.Goexit()
		return nil
	}
	h := newHost(t, nil)
	h.On("exit", exit)
	h.On("alive", func(c *sio.Context) error { return c.Ack() })
	h.Of("/refused").OnConnect(exit)
	left := make(chan string, 2)
	n := h.Of("/left")
	n.OnConnect(func(c *sio.Context) error { return c.Join("room") })
	n.OnDisconnecting(exit)
	n.OnDisconnect(func(c *sio.Context) error {
		left <- c.ID()
		runtime.Goexit()
		return nil
	})

	c := h.join("/", "/left")
	c.send(`2["exit"]`, `21["alive"]`)
	c.want("31[]")
	c.refused("/refused", nil)
	c.send("1/left,")
	receive(t, left, "OnDisconnect")
	c.send(`22["alive"]`)
	c.want("32[]")
	if n := h.Of("/left").Len(); n != 0 {
		t.Errorf("%d sockets stay", n)
	}
}
