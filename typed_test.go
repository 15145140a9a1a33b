package sio_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

type message struct {
	Room string `json:"room"`
	Text string `json:"text"`
}

type receipt struct {
	Status string `json:"status"`
}

func TestTypedOn(t *testing.T) {
	h := newHost(t, nil)
	sio.On(h, "join", func(c *sio.Context, room string) error {
		if err := c.Join(room); err != nil {
			return err
		}
		return c.Ack("joined", room)
	})
	sio.On(h, "pointer", func(c *sio.Context, m *message) error { return c.Ack(m.Text) })
	sio.On(h, "nothing", func(c *sio.Context, _ struct{}) error { return c.Ack("nothing bound") })
	sio.OnWithAck(h, "send", func(_ *sio.Context, m message) (receipt, error) {
		if m.Text == "" {
			return receipt{"dropped, since there is an error"}, &sio.Error{Message: "empty", Data: m.Room}
		}
		return receipt{"ok"}, nil
	})
	sio.OnWithAck(h, "slice", func(_ *sio.Context, in []int) (int, error) { return len(in), nil })
	sio.OnWithAck(h, "none", func(*sio.Context, struct{}) (struct{}, error) { return struct{}{}, nil })
	sio.OnWithAck(h, "unencodable", func(*sio.Context, struct{}) (chan int, error) { return make(chan int), nil })
	c := h.join("/")
	for _, tt := range [][2]string{
		{`"join","lobby"`, `"joined","lobby"`},
		{`"join"`, `{"error":{"message":"argument 1 is missing"}}`},
		{`"join",{}`, `{"error":{"message":"argument 1 is invalid"}}`},
		{`"pointer",{"text":"hi"}`, `"hi"`},
		{`"nothing"`, `"nothing bound"`},
		{`"nothing",1,[2]`, `"nothing bound"`},
		{`"send",{"room":"r","text":"hi"}`, `{"status":"ok"}`},
		{`"send",{"room":"r"},"ignored"`, `{"error":{"message":"empty","data":"r"}}`},
		{`"send","hi"`, `{"error":{"message":"argument 1 is invalid"}}`},
		{`"slice",[1,2,3]`, `3`},
		{`"slice",["secret"]`, `{"error":{"message":"argument 1 is invalid"}}`},
		{`"none"`, `{}`},
		{`"unencodable"`, `{"error":{"message":"internal error"}}`},
	} {
		c.send(`21[` + tt[0] + `]`)
		c.want(`31[` + tt[1] + `]`)
	}
	// An answer that nobody asked for is not sent.
	c.send(`2["send",{"text":"hi"}]`, `22["none"]`)
	c.want(`32[{}]`)
}

// A byValue validates with a value receiver, a byPointer with another.
type byValue struct{ N int }

func (v byValue) Validate() error { return validate(v.N) }

type byPointer struct{ N int }

func (v *byPointer) Validate() error { return validate(v.N) }

func validate(n int) error {
	switch {
	case n < 0:
		return errors.New("secret rule")
	case n == 0:
		return &sio.Error{Message: "N is zero", Data: n}
	}
	return nil
}

func TestValidate(t *testing.T) {
	srv := newServer(t, nil)
	sio.OnWithAck(srv, "value", func(_ *sio.Context, v byValue) (int, error) { return v.N, nil })
	sio.OnWithAck(srv, "value *", func(_ *sio.Context, v *byValue) (int, error) { return v.N, nil })
	sio.OnWithAck(srv, "pointer", func(_ *sio.Context, v byPointer) (int, error) { return v.N, nil })
	sio.OnWithAck(srv, "pointer *", func(_ *sio.Context, v *byPointer) (int, error) { return v.N, nil })
	c := siotest.Connect(t, srv)
	for _, event := range []string{"value", "value *", "pointer", "pointer *"} {
		c.Call(event, byValue{5}).Is(5)
		if err := c.CallError(event, byValue{0}); err.Message != "N is zero" || string(err.Data) != "0" {
			t.Errorf("%s of 0: %v", event, err)
		}
		if err := c.CallError(event, byValue{-1}); err.Error() != "argument 1 is invalid" {
			t.Errorf("%s of -1: %v", event, err)
		}
	}
}

// The middlewares of a typed handler run before its argument is decoded.
func TestTypedMiddleware(t *testing.T) {
	srv := newServer(t, nil)
	count := 0
	mw := func(next sio.Handler) sio.Handler {
		return func(c *sio.Context) error {
			count++
			return next(c)
		}
	}
	sio.On(srv, "a", func(*sio.Context, int) error { return nil }, mw)
	sio.OnWithAck(srv, "b", func(_ *sio.Context, n int) (int, error) { return n, nil }, mw)
	c := siotest.Connect(t, srv)
	c.Emit("a", "invalid")
	c.Emit("a", 1)
	if err := c.CallError("b", "invalid"); err.Message != "argument 1 is invalid" {
		t.Errorf("answer %v", err)
	}
	c.Call("b", 2).Is(2)
	if count != 4 {
		t.Errorf("called %d times, want 4", count)
	}
}

func TestEvent(t *testing.T) {
	said := sio.NewEvent[message]("said")
	if said.Name() != "said" {
		t.Errorf("name %q", said.Name())
	}
	h := newHost(t, nil)
	chat := h.Of("/chat")
	chat.OnConnect(func(c *sio.Context) error { return c.Join("r") })
	said.On(chat, func(c *sio.Context, m message) error {
		for _, to := range []sio.Emitter{c, c.Socket(), c.Volatile(), chat, chat.To(m.Room)} {
			if err := said.Emit(to, m); err != nil {
				return err
			}
		}
		return nil
	})
	c := h.join("/chat")
	c.send(`2/chat,["said",{"room":"r","text":"x"}]`)
	for range 5 {
		c.want(`2/chat,["said",{"room":"r","text":"x"}]`)
	}
}

func TestKey(t *testing.T) {
	user, other, number := sio.NewKey[string]("user"), sio.NewKey[string]("user"), sio.NewKey[int]("number")
	srv := newServer(t, nil)
	srv.OnConnect(func(c *sio.Context) error {
		if v, ok := user.Get(c); ok || v != "" {
			t.Errorf("got %q, %t before Set", v, ok)
		}
		mustPanic(t, "sio: nothing is stored under key user", func() { user.MustGet(c) })
		user.Set(c, "ada")
		number.Set(c, 0)
		return nil
	})
	srv.On("get", func(c *sio.Context) error {
		if _, ok := other.Get(c); ok {
			t.Error("two keys of one name are the same")
		}
		if c.Get("user") != nil {
			t.Error("a Key is the same as its name")
		}
		if n, ok := number.Get(c.Socket()); n != 0 || !ok {
			t.Errorf("a zero value: %d %t", n, ok)
		}
		user.Set(c.Socket(), user.MustGet(c)+"!")
		return c.Ack(user.MustGet(c.Socket()))
	})
	// A panic of MustGet tells the client nothing.
	srv.On("missing", func(c *sio.Context) error { return c.Ack(other.MustGet(c)) })
	c := siotest.Connect(t, srv)
	c.Call("get").Is("ada!")
	c.Call("get").Is("ada!!")
	if err := c.CallError("missing"); err.Error() != "internal error" {
		t.Errorf("answer %v", err)
	}
}

// A handler may wait for an ack of its own client, while other events of the
// client wait for it.
func TestEmitWithAck(t *testing.T) {
	h := newHost(t, nil)
	h.On("ask", func(c *sio.Context) error {
		args, err := c.EmitWithAck(c.Context(), "question", 1)
		if err != nil {
			return err
		}
		var s string
		var m message
		if err := args.Bind(&s, &m); err != nil {
			return err
		}
		return c.Ack(s, m.Text)
	})
	h.On("give up", func(c *sio.Context) error {
		errEnough := errors.New("enough")
		ctx, cancel := context.WithCancelCause(c.Context())
		cancel(errEnough)
		if _, err := c.EmitWithAck(ctx, "question", 2); !errors.Is(err, errEnough) {
			t.Errorf("EmitWithAck with a context that has ended: %v", err)
		}
		return c.Ack()
	})
	h.On("x", func(c *sio.Context) error { return c.Ack() })
	c := h.join("/")
	c.send(`21["ask"]`, `22["x"]`)
	c.want(`20["question",1]`)
	c.send(`30["answer",{"text":"hi"}]`)
	c.want(`31["answer","hi"]`, `32[]`)
	c.send(`23["give up"]`)
	c.want(`21["question",2]`, `33[]`)
	c.send(`31["too late, and ignored"]`, `24["x"]`)
	c.want(`34[]`)
}

// What fails to be sent says why.
func TestEmitErrors(t *testing.T) {
	srv := newServer(t, nil)
	srv.On("x", func(c *sio.Context) error {
		for _, name := range []string{"connect", "disconnect", "newListener"} {
			for _, to := range []sio.Emitter{c, srv, c.Broadcast(), c.Volatile()} {
				if err := to.Emit(name); !errors.Is(err, sio.ErrReservedEvent) {
					t.Errorf("Emit(%q): %v", name, err)
				}
			}
		}
		if err := c.Emit("e", 1, make(chan int)); err == nil || !strings.Contains(err.Error(), "argument 2") {
			t.Errorf("a channel: %v", err)
		}
		many := make([][]byte, 11)
		for i := range many {
			many[i] = []byte{1}
		}
		if err := c.Emit("e", many); !errors.Is(err, sio.ErrTooManyAttachments) {
			t.Errorf("11 attachments: %v", err)
		}
		return c.Ack()
	})
	c := siotest.Connect(t, srv)
	c.Call("x").Is()
	c.ExpectNone()
}
