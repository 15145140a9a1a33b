package sio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

var (
	sure   = sio.NewEventWithAck[message, bool]("sure?")
	naming = sio.NewEventWithAck[struct{}, string]("name?")
)

func TestEventWithAckOn(t *testing.T) {
	srv := newServer(t, nil)
	calls := 0
	sure.On(srv, func(_ *sio.Context, m message) (bool, error) {
		if m.Text == "" {
			return true, &sio.Error{Message: "no text"}
		}
		return m.Text == "yes", nil
	}, func(next sio.Handler) sio.Handler {
		return func(c *sio.Context) error { calls++; return next(c) }
	})
	naming.On(srv.Of("/names"), func(*sio.Context, struct{}) (string, error) { return "ada", nil })
	c := siotest.Connect(t, srv)
	c.Call("sure?", message{Text: "yes"}).Is(true)
	if err := c.CallError("sure?", message{}); err.Message != "no text" || calls != 2 {
		t.Errorf("answer %v after %d calls of the middleware", err, calls)
	}
	c.Of("/names", nil).Call("name?").Is("ada")
	if sure.Name() != "sure?" {
		t.Errorf("name %q", sure.Name())
	}
	mustPanic(t, `sio: NewEvent("disconnect"): the name is reserved`, func() { sio.NewEventWithAck[int, int]("disconnect") })
	mustPanic(t, `sio: OnWithAck("sure?"): nil handler`, func() { sure.On(srv, nil) })
	mustPanic(t, `sio: On("sure?") in namespace /: the event has a handler already`, func() {
		sure.On(srv, func(*sio.Context, message) (bool, error) { return false, nil })
	})
}

// An EventWithAck is sent as an Event, too, and with no argument for struct{}.
func TestEventWithAckCall(t *testing.T) {
	h := newHost(t, nil)
	type result struct {
		sure bool
		name string
		err  error
	}
	results := make(chan result, 1)
	h.On("go", func(c *sio.Context) error {
		for _, to := range []sio.Asker{c, c.Socket(), c.Volatile()} {
			var r result
			r.sure, r.err = sure.Call(c.Context(), to, message{Text: "x"})
			results <- r
			r.name, r.err = naming.Call(c.Context(), to, struct{}{})
			results <- r
		}
		return errors.Join(naming.Emit(c, struct{}{}), naming.EmitContext(c.Context(), c, struct{}{}), sure.Emit(c, message{}))
	})
	c := h.join("/")
	c.send(`2["go"]`)
	for i := range 3 {
		c.want(`2` + string(rune('0'+2*i)) + `["sure?",{"room":"","text":"x"}]`)
		c.send(`3` + string(rune('0'+2*i)) + `[true,"ignored"]`)
		if r := receive(t, results, "a result"); r.err != nil || !r.sure {
			t.Errorf("%+v", r)
		}
		c.want(`2` + string(rune('1'+2*i)) + `["name?"]`)
		if i == 0 { // an answer that does not fit
			c.send(`31[{}]`)
		} else {
			c.send(`3` + string(rune('1'+2*i)) + `["ada"]`)
		}
		r := receive(t, results, "a result")
		switch {
		case i == 0 && (r.err == nil || !strings.Contains(r.err.Error(), "cannot decode into *string")):
			t.Errorf("an answer that does not fit: %+v", r)
		case i > 0 && (r.err != nil || r.name != "ada"):
			t.Errorf("%+v", r)
		}
	}
	c.want(`2["name?"]`, `2["name?"]`, `2["sure?",{"room":"","text":""}]`)
}

// Call fails as EmitWithAck does.
func TestEventWithAckCallFails(t *testing.T) {
	srv := newServer(t, nil)
	done := make(chan error, 2)
	srv.On("go", func(c *sio.Context) error {
		_, err := sure.Call(c.Context(), c.Timeout(time.Millisecond), message{})
		done <- err
		ctx, cancel := context.WithCancelCause(c.Context())
		cancel(errors.ErrUnsupported)
		_, err = sure.Call(ctx, c, message{})
		done <- err
		return nil
	})
	siotest.Connect(t, srv).Emit("go")
	if err := receive(t, done, "an error"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after a timeout: %v", err)
	}
	if err := receive(t, done, "an error"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

func TestEventWithAckCallAll(t *testing.T) {
	srv := newServer(t, nil)
	srv.OnConnect(func(c *sio.Context) error { return c.Join("r") })
	type result struct {
		replies map[string]sio.Reply[bool]
		err     error
	}
	results := make(chan result)
	callAll := func(to sio.ManyAsker) { // returns when the result is read
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		replies, err := sure.CallAll(ctx, to, message{Text: "x"})
		r := result{make(map[string]sio.Reply[bool]), err}
		for _, reply := range replies {
			r.replies[reply.ID] = reply
		}
		results <- r
	}
	a, b := siotest.Connect(t, srv), siotest.Connect(t, srv)
	for _, to := range []sio.ManyAsker{srv, srv.Of("/"), srv.To("r"), srv.All().Timeout(patience)} {
		go callAll(to)
		a.Expect("sure?").Is(message{Text: "x"}).Ack(true)
		b.Expect("sure?").Ack("no bool")
		r := receive(t, results, "the replies")
		if r.err != nil || len(r.replies) != 2 {
			t.Errorf("%T: %v, %v", to, r.replies, r.err)
		}
		if v := r.replies[a.ID()]; !v.Value || v.Err != nil {
			t.Errorf("%T: %+v of a client that answers", to, v)
		}
		if v := r.replies[b.ID()]; v.Value || v.Err == nil || !strings.Contains(v.Err.Error(), "cannot decode into *bool") {
			t.Errorf("%T: %+v of a client whose answer does not fit", to, v)
		}
	}
	// What has come counts, even if not all have answered.
	go callAll(srv.All().Timeout(3 * time.Second))
	a.Expect("sure?").Ack(false)
	b.Expect("sure?")
	r := receive(t, results, "the replies")
	if !errors.Is(r.err, context.DeadlineExceeded) {
		t.Errorf("error %v", r.err)
	}
	if v, ok := r.replies[a.ID()]; !ok || v.Value || v.Err != nil {
		t.Errorf("replies %+v", r.replies)
	}
	if v, ok := r.replies[b.ID()]; ok && !errors.Is(v.Err, context.DeadlineExceeded) {
		t.Errorf("%+v of a client that is silent", v)
	}
	// Without an argument, none is sent.
	go func() { // ends when the result is read
		replies, err := naming.CallAll(context.Background(), srv.To(a.ID()), struct{}{})
		if err == nil && (len(replies) != 1 || replies[0].Value != "ada") {
			err = fmt.Errorf("replies %v", replies)
		}
		results <- result{err: err}
	}()
	a.Expect("name?").Is().Ack("ada")
	if r := receive(t, results, "the replies"); r.err != nil {
		t.Error(r.err)
	}
	go func() {
		_, err := naming.CallAll(context.Background(), srv.To("nobody"), struct{}{})
		results <- result{err: err}
	}()
	if r := receive(t, results, "the replies"); r.err != nil {
		t.Errorf("nobody: %v", r.err)
	}
}
