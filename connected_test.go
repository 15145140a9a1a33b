package sio_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

func TestOnConnected(t *testing.T) {
	srv := newServer(t, nil)
	var order []string
	note := func(what string) sio.Handler {
		return func(c *sio.Context) error {
			order = append(order, what+" "+c.Event()+" "+c.Param("id"))
			return nil
		}
	}
	n := srv.Of("/room-{id}")
	failures := make(chan error, 8)
	n.OnError(func(c *sio.Context, err error) { failures <- err })
	n.Group(func(r sio.Router) {
		r.Use(func(next sio.Handler) sio.Handler {
			return func(c *sio.Context) error { return errors.Join(note("middleware")(c), next(c)) }
		})
		r.OnConnected(func(c *sio.Context) error {
			name, err := sio.Call[string](c.Context(), c, "name")
			return errors.Join(err, c.Emit("hello", name), note("handler")(c), errInternal)
		})
	})
	n.OnConnect(func(c *sio.Context) error {
		_, err := sio.Call[string](c.Context(), c, "name")
		if !errors.Is(err, sio.ErrConnecting) {
			t.Errorf("Call in the connect handler: %v", err)
		}
		return note("handler")(c)
	})
	n.On("event", func(c *sio.Context) error { return errors.Join(note("handler")(c), c.Ack()) })

	c := siotest.Connect(t, srv, &siotest.Options{Namespace: "/room-7"})
	c.Expect("name").Ack("Ada")
	c.Expect("hello").Is("Ada")
	c.Call("event").Is() // an error there does not disconnect
	if want := []string{"handler connect 7", "middleware connected 7", "handler connected 7", "handler event 7"}; !slices.Equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
	if err := receive(t, failures, "the error"); !errors.Is(err, errInternal) {
		t.Errorf("error %v", err)
	}
	mustPanic(t, "sio: OnConnected in namespace /room-{id}: there is a handler already", func() { n.OnConnected(note("second")) })
}

// A panic in OnConnected is contained as anywhere.
func TestOnConnectedPanics(t *testing.T) {
	var log logBuffer
	srv := newServer(t, &sio.Options{Logger: log.logger(), Recovery: &sio.Recovery{Window: time.Minute}})
	srv.OnConnected(func(*sio.Context) error { panic("no") })
	srv.On("event", func(c *sio.Context) error { return c.Ack() })
	siotest.Connect(t, srv).Call("event").Is()
	if line := log.only(t, "handler panicked"); line["event"] != "connected" {
		t.Errorf("log line %v", line)
	}
}
