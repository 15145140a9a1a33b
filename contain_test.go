package sio_test

import (
	"os"
	"runtime"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

// TestErrorsThatPanic has handlers return what looks like an error and is a nil
// pointer: looking into it panics, outside the handler.
func TestErrorsThatPanic(t *testing.T) {
	typedNil := func(*sio.Context) error {
		var err *os.PathError
		return err
	}
	var log logBuffer
	srv := newServer(t, &sio.Options{Logger: log.logger()})
	srv.On("event", typedNil)
	srv.On("alive", func(c *sio.Context) error { return c.Ack() })
	srv.Of("/refused").OnConnect(typedNil)
	left := make(chan bool)
	n := srv.Of("/left")
	n.OnDisconnecting(typedNil)
	n.OnDisconnect(func(*sio.Context) error { close(left); return nil })

	c := siotest.Connect(t, srv)
	if err := c.CallError("event"); err.Error() != "internal error" {
		t.Errorf("answer %v", err)
	}
	if err := siotest.Refused(t, srv, &siotest.Options{Namespace: "/refused"}); err.Error() != "internal error" {
		t.Errorf("refused with %v", err)
	}
	c.Of("/left", nil).Disconnect()
	receive(t, left, "OnDisconnect")
	c.Call("alive").Is()
	if lines := log.lines(t, "panic while an error was handled"); len(lines) != 3 {
		t.Errorf("%d log lines, want 3", len(lines))
	}
}

// A panic tells a client nothing, not even with an Error.
func TestPanicWithError(t *testing.T) {
	srv := newServer(t, nil)
	srv.On("x", func(*sio.Context) error { panic(&sio.Error{Message: "told"}) })
	c := siotest.Connect(t, srv)
	if err := c.CallError("x"); err.Error() != "internal error" {
		t.Errorf("answer %v", err)
	}
}

// TestGoexit has handlers end their goroutine, as FailNow does in a test. The
// client must not be stuck with it.
func TestGoexit(t *testing.T) {
	exit := func(*sio.Context) error {
		runtime.Goexit()
		return nil
	}
	srv := newServer(t, nil)
	srv.On("exit", exit)
	srv.On("alive", func(c *sio.Context) error { return c.Ack() })
	srv.Of("/refused").OnConnect(exit)
	left := make(chan string, 2)
	n := srv.Of("/left")
	n.OnConnect(func(c *sio.Context) error { return c.Join("room") })
	n.OnDisconnecting(exit)
	n.OnDisconnect(func(c *sio.Context) error {
		left <- c.ID()
		runtime.Goexit()
		return nil
	})

	c := siotest.Connect(t, srv)
	c.Emit("exit")
	c.Call("alive").Is()
	siotest.Refused(t, srv, &siotest.Options{Namespace: "/refused"})
	c.Of("/left", nil).Disconnect()
	receive(t, left, "OnDisconnect")
	c.Call("alive").Is()
	if n := srv.Of("/left").Len(); n != 0 {
		t.Errorf("%d sockets stay", n)
	}
}
