package sio_test

import (
	"os"
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
