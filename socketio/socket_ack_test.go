package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
)

// An answer is what EmitWithAck returned.
type answer struct {
	args parser.Args
	err  error
}

// An asker is a socket, in one way or another.
type asker interface {
	EmitWithAck(ctx context.Context, event string, args ...any) (parser.Args, error)
}

// ask calls EmitWithAck on a goroutine of its own.
func ask(ctx context.Context, s asker, args ...any) <-chan answer {
	c := make(chan answer, 1)
	go func() {
		a, err := s.EmitWithAck(ctx, "q", args...)
		c <- answer{a, err}
	}()
	return c
}

func TestEmitWithAck(t *testing.T) {
	opts := &socketio.Options{Engine: quiet}
	joined := func(h *host) (*client, *socketio.Socket) {
		root := h.of("/", nil)
		h.of("/chat", nil)
		c := h.ws()
		c.join("/")
		c.alive("/")
		return c, root.socket()
	}
	bubble(t, "answers", opts, func(t *testing.T, h *host) {
		c, s := joined(h)
		a := ask(t.Context(), s, "x")
		c.want(`420["q","x"]`)
		b := ask(t.Context(), s)
		c.want(`421["q"]`)
		c.send(`431[2,"ü"]`, `430[]`) // in any order
		got := <-b
		var n int
		var text string
		if err := got.args.Bind(&n, &text); got.err != nil || err != nil || n != 2 || text != "ü" {
			t.Errorf("%d %q %v %v", n, text, got.err, err)
		}
		if got := <-a; got.err != nil || got.args.Len() != 0 {
			t.Errorf("%d arguments, %v", got.args.Len(), got.err)
		}
	})
	bubble(t, "binary both ways", opts, func(t *testing.T, h *host) {
		c, s := joined(h)
		a := ask(t.Context(), s, map[string]any{"b": []byte("one")})
		c.want(`451-0["q",{"b":{"_placeholder":true,"num":0}}]`)
		c.wantBinary("one")
		c.send(`462-0[{"x":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}]`)
		c.binary("two", "three")
		got := <-a
		var first struct{ X []byte }
		var second []byte
		if err := got.args.Bind(&first, &second); err != nil || string(first.X) != "three" || string(second) != "two" {
			t.Errorf("%q %q %v %v", first.X, second, got.err, err)
		}
	})
	bubble(t, "timeout", opts, func(t *testing.T, h *host) {
		c, s := joined(h)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		a := ask(ctx, s)
		c.want(`420["q"]`)
		if got := <-a; !errors.Is(got.err, context.DeadlineExceeded) || errors.Is(got.err, socketio.ErrClosed) {
			t.Errorf("%v", got.err)
		}
		after(t, start, 5*time.Second)
		if s.PendingAcks() != 0 {
			t.Error("the ack is still waited for")
		}
		c.send(`430["late"]`)
		c.alive("/")
		ask(t.Context(), s) // has an id of its own
		c.want(`421["q"]`)
	})
	bubble(t, "cancellation with a cause", opts, func(t *testing.T, h *host) {
		c, s := joined(h)
		ctx, cancel := context.WithCancelCause(t.Context())
		a := ask(ctx, s)
		c.want(`420["q"]`)
		cause := errors.New("changed my mind")
		cancel(cause)
		if got := <-a; got.err != cause {
			t.Errorf("%v", got.err)
		}
	})
	bubble(t, "answer and timeout at once", opts, func(t *testing.T, h *host) {
		c, s := joined(h)
		both := [2]int{}
		for i := range 500 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			a := ask(ctx, s)
			c.want(fmt.Sprintf(`42%d["q"]`, i))
			time.Sleep(time.Second)
			c.send(fmt.Sprintf(`43%d[%d]`, i, i))
			got, n := <-a, -1
			switch {
			case errors.Is(got.err, context.DeadlineExceeded) && got.args.Len() == 0:
				both[0]++
			case got.err == nil && got.args.Bind(&n) == nil && n == i:
				both[1]++
			default:
				t.Errorf("%d %v", n, got.err)
			}
			cancel()
			c.alive("/")
		}
		t.Logf("%d timeouts, %d answers", both[0], both[1])
		if s.PendingAcks() != 0 {
			t.Errorf("%d acks are still waited for", s.PendingAcks())
		}
	})
	bubble(t, "answered twice", opts, func(t *testing.T, h *host) {
		c, s := joined(h)
		a := ask(t.Context(), s)
		c.want(`420["q"]`)
		c.send(`430["first"]`, `430["second"]`)
		var text string
		if got := <-a; got.args.Bind(&text) != nil || text != "first" {
			t.Errorf("%q %v", text, got.err)
		}
		c.alive("/")
	})
	bubble(t, "answers that are none", opts, func(t *testing.T, h *host) {
		c, s := joined(h)
		c.join("/chat")
		a := ask(t.Context(), s)
		c.want(`420["q"]`)
		c.send(`43/chat,0["other namespace"]`, `431["unknown"]`, `43["no id"]`, `43/nope,0[]`)
		c.alive("/")
		c.alive("/chat")
		synctest.Wait()
		select {
		case got := <-a:
			t.Errorf("%v", got.err)
		default:
		}
		c.send(`43/,00["right"]`)
		var text string
		if got := <-a; got.args.Bind(&text) != nil || text != "right" {
			t.Errorf("%q %v", text, got.err)
		}
	})
	bubble(t, "what cannot be encoded waits for nothing", opts, func(t *testing.T, h *host) {
		c, s := joined(h)
		var arg *parser.ArgError
		if _, err := s.EmitWithAck(t.Context(), "q", make(chan int)); !errors.As(err, &arg) {
			t.Errorf("%v", err)
		}
		if _, err := s.EmitWithAck(t.Context(), "connect"); !errors.Is(err, parser.ErrReservedEvent) {
			t.Errorf("%v", err)
		}
		if s.PendingAcks() != 0 {
			t.Errorf("%d acks are waited for", s.PendingAcks())
		}
		c.alive("/")
	})
	bubble(t, "a queue that is full", &socketio.Options{Engine: engineio.Options{QueuePackets: 2, KeepSlow: true}}, func(t *testing.T, h *host) {
		root := h.of("/", nil)
		p := h.poll()
		p.join("/")
		p.send(`42["e"]`)
		root.wants("connect", "event e")
		s := root.socket()
		s.Emit("a")
		s.Emit("b")
		if _, err := s.EmitWithAck(t.Context(), "q"); !errors.Is(err, engineio.ErrQueueFull) || s.PendingAcks() != 0 {
			t.Errorf("%v, %d acks are waited for", err, s.PendingAcks())
		}
	})
	bubble(t, "a socket that has left", opts, func(t *testing.T, h *host) {
		c, s := joined(h)
		s.Disconnect(false)
		c.want("41")
		_, err := s.EmitWithAck(t.Context(), "q")
		if !errors.Is(err, socketio.ErrClosed) || !errors.Is(err, socketio.ReasonServerDisconnect) {
			t.Errorf("%v", err)
		}
	})
	// The socket leaves behind the first look at it, and before the packet is
	// sent.
	bubble(t, "a socket that leaves", opts, func(t *testing.T, h *host) {
		c, s := joined(h)
		_, err := s.EmitWithAck(t.Context(), "q", leaver{s})
		if !errors.Is(err, socketio.ErrClosed) || !errors.Is(err, socketio.ReasonServerDisconnect) {
			t.Errorf("%v", err)
		}
		c.want("41")
		if s.PendingAcks() != 0 {
			t.Errorf("%d acks are waited for", s.PendingAcks())
		}
	})
	bubble(t, "many at once", opts, func(t *testing.T, h *host) {
		c, s := joined(h)
		const n = 200
		answers := make([]<-chan answer, n)
		for i := range n {
			answers[i] = ask(t.Context(), s, i)
		}
		for range n {
			var id, arg int
			if _, err := fmt.Sscanf(c.read(), `42%d["q",%d]`, &id, &arg); err != nil {
				t.Fatal(err)
			}
			c.send(fmt.Sprintf(`43%d[%d]`, id, arg))
		}
		for i, a := range answers {
			var arg int
			if got := <-a; got.args.Bind(&arg) != nil || arg != i {
				t.Errorf("answer %d to %d: %v", arg, i, got.err)
			}
		}
	})
}

// A leaver disconnects a socket when it is encoded.
type leaver struct{ s *socketio.Socket }

func (l leaver) MarshalJSON() ([]byte, error) {
	l.s.Disconnect(false)
	return []byte("1"), nil
}

// TestAck has a handler that answers.
func TestAck(t *testing.T) {
	h := newHost(t, nil)
	root := &nsp{}
	kept := make(chan *socketio.Event, 1)
	root.onEvent = func(s *socketio.Socket, e *socketio.Event) {
		check := func(what string, err, want error) {
			if !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%s, %s: %v, want %v", e.Name(), what, err, want)
			}
		}
		if e.Acked() {
			t.Errorf("%s is acked before", e.Name())
		}
		switch e.Name() {
		case "twice":
			check("first", s.Ack(e, "a"), nil)
			check("second", s.Ack(e, "b"), socketio.ErrAckSent)
		case "not asked":
			check("first", s.Ack(e, "a"), nil)
			check("second", s.Ack(e, "b"), nil)
		case "after an error":
			var arg *parser.ArgError
			if err := s.Ack(e, make(chan int)); !errors.As(err, &arg) {
				t.Errorf("Ack of a channel: %v", err)
			}
			check("second", s.Ack(e, "good"), nil)
		case "binary":
			check("first", s.Ack(e, []byte("one"), map[string][]byte{"x": []byte("two")}), nil)
		case "later":
			kept <- e
			return
		}
		if e.Acked() != (e.WantsAck()) {
			t.Errorf("%s: acked %t, wanted %t", e.Name(), e.Acked(), e.WantsAck())
		}
	}
	h.of("/", root)
	c := h.ws()
	c.join("/")
	c.send(`421["twice"]`, `42["not asked"]`, `422["after an error"]`, `423["binary"]`)
	c.want(`431["a"]`, `432["good"]`, `462-3[{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}]`)
	c.wantBinary("one", "two")
	c.send(`429["later",{"a":1}]`, `4210["twice"]`)
	c.want(`4310["a"]`)
	e, s := <-kept, root.socket()
	if raw := string(e.Args().Raw(0)); raw != `{"a":1}` {
		t.Errorf("an event that was kept has argument %q", raw)
	}
	if err := s.Ack(e, 1); err != nil {
		t.Error(err)
	}
	c.want(`439[1]`)
	c.send(`4211["later"]`)
	e = <-kept
	c.leave()
	h.sessionEnds("transport close")
	if err := s.Ack(e); !errors.Is(err, socketio.ErrClosed) {
		t.Errorf("Ack behind the end: %v", err)
	}
}
