package sio_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/socketio"
)

// Who hears what is emitted with modifiers. Of the clients a, b and c, a and b
// are in room "ab", b and c in "bc". The sender is a.
func TestModifiers(t *testing.T) {
	h := newHost(t, nil)
	h.OnConnect(func(c *sio.Context) error {
		var rooms []string
		if err := c.BindAuth(&struct{ Rooms *[]string }{&rooms}); err != nil {
			return err
		}
		return c.Join(rooms...)
	})
	var to func(c *sio.Context) sio.Emitter
	h.On("go", func(c *sio.Context) error { return to(c).Emit("e") })
	h.On("sync", func(c *sio.Context) error { return c.Ack() })
	var clients []*client
	for _, rooms := range [][]string{{"ab"}, {"ab", "bc"}, {"bc"}} {
		c := h.dial()
		c.connect("/", map[string]any{"rooms": rooms})
		clients = append(clients, c)
	}
	for what, tt := range map[string]struct {
		to   func(c *sio.Context) sio.Emitter
		want string
	}{
		"Context.Compress":     {func(c *sio.Context) sio.Emitter { return c.Compress(false) }, "a"},
		"Context.Timeout":      {func(c *sio.Context) sio.Emitter { return c.Timeout(time.Hour) }, "a"},
		"Context.Local":        {func(c *sio.Context) sio.Emitter { return c.Local() }, "bc"},
		"Context.Except":       {func(c *sio.Context) sio.Emitter { return c.Except("ab") }, "c"},
		"Context chain":        {func(c *sio.Context) sio.Emitter { return c.Timeout(1).Compress(true).To("ab").Local() }, "b"},
		"Context chain, In":    {func(c *sio.Context) sio.Emitter { return c.Compress(true).In("bc").Except("ab") }, "c"},
		"Socket.In":            {func(c *sio.Context) sio.Emitter { return c.Socket().In("ab") }, "b"},
		"Socket.Local":         {func(c *sio.Context) sio.Emitter { return c.Socket().Compress(false).Local() }, "bc"},
		"Namespace.All":        {func(*sio.Context) sio.Emitter { return h.All() }, "abc"},
		"Namespace.Local":      {func(*sio.Context) sio.Emitter { return h.Local() }, "abc"},
		"Namespace.Compress":   {func(*sio.Context) sio.Emitter { return h.Compress(false).To("bc") }, "bc"},
		"Namespace.Timeout":    {func(*sio.Context) sio.Emitter { return h.Timeout(time.Hour).Except("ab") }, "c"},
		"Namespace, any order": {func(*sio.Context) sio.Emitter { return h.Of("/").Local().Except("bc").Compress(true).In("ab") }, "a"},
	} {
		to = tt.to
		t.Run(what, func(t *testing.T) {
			clients[0].send(`2["go"]`) // and done when a's sync is
			for i, x := range clients {
				x.t = t
				x.send(`21["sync"]`)
				if strings.Contains(tt.want, "abc"[i:i+1]) {
					x.want(`2["e"]`)
				}
				x.want(`31[]`)
			}
		})
	}
}

// Answers of many, and of one, from within a handler.
func TestAnswers(t *testing.T) {
	h := newHost(t, nil)
	h.OnConnect(func(c *sio.Context) error { return c.Join("all") })
	type result struct {
		Answered, Late int
		Err            string
	}
	sio.OnWithAck(h, "poll", func(c *sio.Context, ms int) (r result, err error) {
		answers, err := c.To("all").Timeout(time.Duration(ms)*time.Millisecond).EmitWithAck(c.Context(), "q", 7)
		for _, a := range answers {
			if a.Err == nil {
				r.Answered++
			} else if errors.Is(a.Err, context.DeadlineExceeded) {
				r.Late++
			}
		}
		if err != nil {
			r.Err = err.Error()
		}
		return r, nil
	})
	sio.OnWithAck(h, "call", func(c *sio.Context, _ struct{}) (string, error) {
		n, err := sio.Call[int](c.Context(), c, "n")
		if err != nil {
			return "", err
		}
		var arg *socketio.ArgError
		if _, err := sio.Call[int](c.Context(), c.Timeout(time.Hour), "n"); !errors.As(err, &arg) {
			return "", err
		}
		if _, err := sio.Call[int](c.Context(), c.Timeout(time.Millisecond), "n"); !errors.Is(err, context.DeadlineExceeded) {
			return "", err
		}
		return strings.Repeat("x", n), nil
	})
	a, b, c := h.join("/"), h.join("/"), h.join("/")
	a.send(`21["poll",0]`)
	b.want(`20["q",7]`)
	c.want(`20["q",7]`)
	b.send(`30["b"]`)
	c.send(`30["c"]`)
	a.want(`31[{"Answered":2,"Late":0,"Err":""}]`)
	a.send(`21["poll",500]`)
	b.want(`21["q",7]`)
	c.want(`21["q",7]`)
	b.send(`31[]`)
	a.want(`31[{"Answered":1,"Late":1,"Err":"context deadline exceeded"}]`)
	a.send(`21["call"]`)
	a.want(`22["n"]`)
	a.send(`32[3]`)
	a.want(`23["n"]`)
	a.send(`33["three"]`)
	a.want(`24["n"]`, `31["xxx"]`)

	all, err := h.EmitWithAck(canceled(), "q")
	if !errors.Is(err, context.Canceled) || len(all) != 3 {
		t.Errorf("%v %v", all, err)
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// What Sockets tells of clients, and what can be done to them.
func TestSockets(t *testing.T) {
	for what, opts := range map[string]*sio.Options{"": nil, "ForgetRequest": {ForgetRequest: true}} {
		t.Run(what, func(t *testing.T) {
			h := newHost(t, opts)
			secret := sio.NewKey[string]("secret")
			contexts := make(chan *sio.Context, 1)
			h.OnConnect(func(c *sio.Context) error {
				c.Set("name", "ann")
				secret.Set(c, "x")
				contexts <- c
				return c.Join("room")
			})
			before := time.Now()
			a := dial(t, h.url+"?who=ann&who=bob", testclient.Options{WebSocket: true, Header: http.Header{"Origin": {strings.TrimSuffix(h.url, "/socket.io/")}}})
			id := a.connect("/", map[string]string{"token": "secret"})
			c := <-contexts
			ctx := c.Context()
			b := h.join("/")
			<-contexts
			if n, err := h.Count(t.Context()); n != 2 || err != nil {
				t.Errorf("%d %v", n, err)
			}
			sockets, err := h.Sockets(t.Context())
			i := slices.IndexFunc(sockets, func(s sio.RemoteSocket) bool { return s.ID == id })
			if err != nil || len(sockets) != 2 || i < 0 {
				t.Fatalf("%v %v", sockets, err)
			}
			s := sockets[i]
			if !maps.Equal(s.Data, map[string]any{"name": "ann"}) || !slices.Equal(s.Rooms, []string{"room"}) {
				t.Errorf("%+v", s)
			}
			for _, hs := range []sio.Handshake{s.Handshake, c.Handshake(), c.Socket().Handshake()} {
				if hs.Address != "127.0.0.1" || hs.Secure || !hs.CrossDomain || hs.Issued.Before(before.Add(-time.Second)) || hs.Issued.After(time.Now()) {
					t.Errorf("%+v", hs)
				}
				kept := strings.HasPrefix(hs.URL, "/socket.io/?") && slices.Equal(hs.Query()["who"], []string{"ann", "bob"}) && hs.Headers.Get("Origin") != ""
				if gone := hs.URL == "" && len(hs.Query()) == 0 && hs.Headers == nil; gone != (what == "ForgetRequest") || kept == gone {
					t.Errorf("%+v", hs)
				}
			}
			if sockets[1-i].Handshake.CrossDomain {
				t.Error("cross domain without an Origin")
			}
			for _, err := range []error{
				s.Join("x"), s.Leave("room"), h.To("x").Emit("one"), s.Compress(false).Emit("two"),
				s.To("room").Emit("others"), s.Broadcast().Emit("others"), h.Join("y"), h.To("y").Emit("three"), h.Leave("y"), h.To("y").Emit("never"),
			} {
				if err != nil {
					t.Error(err)
				}
			}
			a.want(`2["one"]`, `2["two"]`, `2["three"]`)
			b.want(`2["others"]`, `2["others"]`, `2["three"]`)
			if _, err := s.Timeout(time.Millisecond).EmitWithAck(t.Context(), "q"); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			a.want(`20["q"]`)
			if err := s.Disconnect(true); err != nil {
				t.Error(err)
			}
			a.want(`1`)
			a.ends()
			ended(t, ctx, socketio.ReasonServerDisconnect)
		})
	}
}

// A pair is the brokers of two servers, who hear each other's events.
type pair struct {
	*socketio.Local
	other *pair
}

func (p *pair) ServerSideEmit(event string, args []any) error {
	_, err := p.ServerSideEmitWithAck(context.Background(), event, args)
	return err
}

func (p *pair) ServerSideEmitWithAck(ctx context.Context, event string, args []any) ([]sio.Answer, error) {
	text, attachments, err := socketio.AppendEvent(p.Codec(), nil, event, args)
	if err != nil {
		return nil, err
	}
	v, err := p.other.ServerEvent(ctx, event, socketio.NewArgs(p.Codec(), text, attachments, 1))
	if err != nil {
		return []sio.Answer{{Err: err}}, nil
	}
	text, attachments, err = socketio.AppendEvent(p.Codec(), nil, "", []any{v})
	return []sio.Answer{{Args: socketio.NewArgs(p.Codec(), text, attachments, 1)}}, err
}

func TestServerEvents(t *testing.T) {
	var log logBuffer
	var a, b pair
	a.other, b.other = &b, &a
	one := func(p *pair) *host {
		return newHost(t, &sio.Options{Logger: log.logger(), Broker: func(l *socketio.Local) socketio.Broker {
			if l.Namespace().Name() == "/jobs" {
				p.Local = l
				return p
			}
			return l
		}})
	}
	from, to := one(&a).Of("/jobs"), one(&b).Of("/jobs")
	to.OnServerEvent("double", func(_ context.Context, _ *sio.Namespace, args sio.Args) (any, error) {
		var n int
		err := args.Bind(&n)
		return 2 * n, err
	})
	to.Group(func(r sio.Router) {
		r.OnServerEvent("panic", func(context.Context, *sio.Namespace, sio.Args) (any, error) { panic("boom") })
	})
	from.OnServerEvent("double", func(context.Context, *sio.Namespace, sio.Args) (any, error) {
		t.Error("the emitter hears itself")
		return nil, nil
	})
	answer := func(event string, args ...any) sio.Answer {
		t.Helper()
		got, err := from.ServerSideEmitWithAck(t.Context(), event, args...)
		if err != nil || len(got) != 1 {
			t.Fatalf("%v %v", got, err)
		}
		return got[0]
	}
	var n int
	if got := answer("double", 21); got.Err != nil || got.Args.Bind(&n) != nil || n != 42 {
		t.Errorf("%d %v", n, got.Err)
	}
	if got := answer("double", "x"); got.Err == nil {
		t.Error("no error")
	}
	if got := answer("nobody"); got.Err != sio.ErrNoHandler {
		t.Errorf("%v", got.Err)
	}
	var panicked *sio.PanicError
	if got := answer("panic"); !errors.As(got.Err, &panicked) {
		t.Errorf("%v", got.Err)
	}
	log.only(t, "handler of a server's event panicked")
	if err := from.ServerSideEmit("double", 1); err != nil {
		t.Error(err)
	}

	alone := newHost(t, nil)
	alone.OnServerEvent("e", func(context.Context, *sio.Namespace, sio.Args) (any, error) {
		t.Error("a server alone hears itself")
		return nil, nil
	})
	if got, err := alone.ServerSideEmitWithAck(t.Context(), "e"); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
	if err := alone.ServerSideEmit("e"); err != nil {
		t.Error(err)
	}
	if err := alone.ServerSideEmit("disconnect"); !errors.Is(err, sio.ErrReservedEvent) {
		t.Error(err)
	}
	none := func(context.Context, *sio.Namespace, sio.Args) (any, error) { return nil, nil }
	mustPanic(t, `sio: OnServerEvent("e") in namespace /: the event has a handler already`, func() { alone.OnServerEvent("e", none) })
	mustPanic(t, `sio: OnServerEvent("f") in namespace /: nil handler`, func() { alone.OnServerEvent("f", nil) })
	mustPanic(t, `sio: OnServerEvent("connect") in namespace /: the name is reserved`, func() { alone.OnServerEvent("connect", none) })
}

func TestOnAnyOutgoing(t *testing.T) {
	var log logBuffer
	h := newHost(t, &sio.Options{Logger: log.logger()})
	type heard struct{ id, event string }
	got := make(chan heard, 10)
	h.OnAnyOutgoing(func(s *sio.Socket, event string, args []any) {
		if len(args) > 0 {
			panic(args[0])
		}
		got <- heard{s.ID(), event}
	})
	h.On("x", func(c *sio.Context) error { return c.Ack() })
	h.Of("/other")
	c := h.dial()
	id := c.connect("/", nil)
	other := h.join("/other")
	if err := h.Of("/other").Emit("elsewhere"); err != nil {
		t.Error(err)
	}
	other.want(`2/other,["elsewhere"]`)
	c.send(`21["x"]`)
	c.want(`31[]`)
	for _, to := range []sio.Emitter{h, h.Socket(id), h.To(id).Volatile()} {
		if err := to.Emit("e"); err != nil {
			t.Error(err)
		}
		if e := receive(t, got, "an event"); e != (heard{id, "e"}) {
			t.Errorf("%v", e)
		}
	}
	c.want(`2["e"]`, `2["e"]`)
	if err := h.Emit("e", "SECRET"); err != nil {
		t.Error(err)
	}
	for {
		p, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		if p == `2["e","SECRET"]` {
			break
		}
	}
	log.only(t, "OnAnyOutgoing panicked")
	if strings.Contains(log.String(), "SECRET") {
		t.Error("an argument is logged")
	}
	if len(got) != 0 {
		t.Errorf("%v", <-got)
	}
	mustPanic(t, "sio: OnAnyOutgoing in namespace /: there is a handler already", func() { h.OnAnyOutgoing(func(*sio.Socket, string, []any) {}) })
	mustPanic(t, "sio: OnAnyOutgoing in namespace /: nil handler", func() { h.OnAnyOutgoing(nil) })
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
