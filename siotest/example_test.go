package siotest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

// run stands for "func TestX(t *testing.T)" in the examples.
var run func(test func(t *testing.T))

// An example that is a test needs a t.
func TestExamples(t *testing.T) {
	for name, example := range map[string]func(){
		"Example":             Example,
		"ExampleRefused":      ExampleRefused,
		"ExampleClient_Go":    ExampleClient_Go,
		"Example_expiry":      Example_expiry,
		"Example_pingTimeout": Example_pingTimeout,
		"Example_ackTimeout":  Example_ackTimeout,
	} {
		t.Run(name, func(t *testing.T) {
			run = func(test func(t *testing.T)) { test(t) }
			example()
		})
	}
}

// A Message is what the examples send.
type Message struct {
	Room string `json:"room"`
	Text string `json:"text"`
}

// A Receipt acknowledges a Message.
type Receipt struct {
	Status string `json:"status"`
}

// newChat returns the server that the examples test.
func newChat() *sio.Server {
	srv := sio.New(nil)
	srv.OnConnect(func(c *sio.Context) error {
		var auth struct{ Token string }
		if err := c.BindAuth(&auth); err != nil {
			return err
		}
		if auth.Token == "expired" {
			return &sio.Error{Message: "not authorized"}
		}
		c.ExpireAt(time.Now().Add(time.Hour)) // as the token says
		return nil
	})
	sio.On(srv, "join", func(c *sio.Context, room string) error { return c.Join(room) })
	sio.OnWithAck(srv, "message", func(c *sio.Context, m Message) (Receipt, error) {
		if m.Text == "" {
			return Receipt{}, &sio.Error{Message: "empty message"}
		}
		return Receipt{Status: "ok"}, c.To(m.Room).Emit("message", m)
	})
	srv.On("delete", func(c *sio.Context) error {
		ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
		defer cancel()
		answer, err := c.EmitWithAck(ctx, "confirm")
		if errors.Is(err, context.DeadlineExceeded) {
			return &sio.Error{Message: "not confirmed in time"}
		}
		if err != nil {
			return err
		}
		var yes bool
		if err := answer.Bind(&yes); err != nil {
			return err
		}
		return c.Ack(yes)
	})
	return srv
}

func Example() {
	run(func(t *testing.T) {
		srv := newChat()
		alice, bob := siotest.Connect(t, srv), siotest.Connect(t, srv)
		alice.Emit("join", "lobby")
		alice.Call("message", Message{"elsewhere", "is anybody here?"}) // alice has joined, when it is answered

		m := Message{Room: "lobby", Text: "hello"}
		if r := siotest.Call[Receipt](bob, "message", m); r.Status != "ok" {
			t.Errorf("status %q", r.Status)
		}
		alice.Expect("message").Is(m)
		bob.ExpectNone()

		if err := bob.CallError("message", Message{Room: "lobby"}); err.Message != "empty message" {
			t.Errorf("error %v", err)
		}
	})
}

// The error that a connect handler returns.
func ExampleRefused() {
	run(func(t *testing.T) {
		err := siotest.Refused(t, newChat(), &siotest.Options{Auth: map[string]any{"token": "expired"}})
		if err.Message != "not authorized" {
			t.Errorf("refused with %v", err)
		}
	})
}

// A handler that asks its own client before it answers.
func ExampleClient_Go() {
	run(func(t *testing.T) {
		c := siotest.Connect(t, newChat())
		answer := c.Go("delete")
		c.Expect("confirm").Ack(true)
		answer.Is(true)
	})
}

// In a bubble, an hour is over at once.
func Example_expiry() {
	run(func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := siotest.Connect(t, newChat())
			time.Sleep(time.Hour - time.Nanosecond)
			c.ExpectNone() // it is there still
			time.Sleep(time.Nanosecond)
			c.ExpectDisconnect(siotest.TransportClose)
		})
	})
}

// A client whose network is gone leaves its rooms when the server gives it up.
func Example_pingTimeout() {
	run(func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv := newChat()
			c := siotest.Connect(t, srv)
			c.Mute()
			time.Sleep(45 * time.Second) // ping interval and timeout
			synctest.Wait()
			if n := srv.Len(); n != 0 {
				t.Errorf("%d clients", n)
			}
		})
	})
}

// A client that does not answer.
func Example_ackTimeout() {
	run(func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := siotest.Connect(t, newChat())
			answer := c.Go("delete")
			c.Expect("confirm")
			time.Sleep(time.Minute)
			if err := answer.Err(); err == nil || err.Message != "not confirmed in time" {
				t.Errorf("error %v", err)
			}
		})
	})
}
