package sio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

// A trace collects what middlewares and handlers note, in order.
type trace struct {
	mu    sync.Mutex
	notes []string
}

func (tr *trace) note(s string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.notes = append(tr.notes, s)
}

// middleware notes name and event before and after the handler.
func (tr *trace) middleware(name string) sio.Middleware {
	return func(next sio.Handler) sio.Handler {
		return func(c *sio.Context) error {
			tr.note(name + " " + c.Event())
			err := next(c)
			tr.note("/" + name)
			return err
		}
	}
}

func (tr *trace) handler(c *sio.Context) error {
	tr.note(c.Event() + "!")
	return nil
}

// ack is an outermost middleware that answers when all others are through.
func ack(next sio.Handler) sio.Handler {
	return func(c *sio.Context) error {
		if err := next(c); err != nil {
			return err
		}
		return c.Ack()
	}
}

// want checks what has been noted since the last time.
func (tr *trace) want(t *testing.T, notes ...string) {
	t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if !slices.Equal(tr.notes, notes) {
		t.Errorf("noted %q, want %q", tr.notes, notes)
	}
	tr.notes = nil
}

func TestMiddlewareOrder(t *testing.T) {
	srv := newServer(t, nil)
	var tr trace
	left := make(chan struct{})
	srv.Use(ack, tr.middleware("a"), tr.middleware("b"))
	srv.Use(tr.middleware("c"))
	srv.OnConnect(tr.handler, tr.middleware("connect only"))
	srv.On("x", tr.handler, tr.middleware("d"), tr.middleware("e"))
	srv.On("y", tr.handler)
	srv.OnAny(tr.handler, tr.middleware("any"))
	srv.Group(func(r sio.Router) {
		r.Use(tr.middleware("g"))
		r.On("in group", tr.handler, tr.middleware("h"))
		r.Group(func(r sio.Router) {
			r.Use(tr.middleware("gg"))
			r.On("in inner group", tr.handler)
		})
	})
	srv.OnDisconnecting(tr.handler)
	srv.OnDisconnect(func(c *sio.Context) error {
		defer close(left)
		return tr.handler(c)
	})

	c := siotest.Connect(t, srv)
	c.Call("x").Is()
	tr.want(t,
		"a connect", "b connect", "c connect", "connect only connect", "connect!", "/connect only", "/c", "/b", "/a",
		"a x", "b x", "c x", "d x", "e x", "x!", "/e", "/d", "/c", "/b", "/a")
	c.Call("y").Is()
	tr.want(t, "a y", "b y", "c y", "y!", "/c", "/b", "/a")
	c.Call("z").Is()
	tr.want(t, "a z", "b z", "c z", "any z", "z!", "/any", "/c", "/b", "/a")
	c.Call("in group").Is()
	tr.want(t, "a in group", "b in group", "c in group", "g in group", "h in group", "in group!", "/h", "/g", "/c", "/b", "/a")
	c.Call("in inner group").Is()
	tr.want(t, "a in inner group", "b in inner group", "c in inner group", "g in inner group", "gg in inner group",
		"in inner group!", "/gg", "/g", "/c", "/b", "/a")

	c.Close()
	receive(t, left, "OnDisconnect")
	shut(t, srv) // waits for the middlewares around it
	tr.want(t,
		"a disconnecting", "b disconnecting", "c disconnecting", "disconnecting!", "/c", "/b", "/a",
		"a disconnect", "b disconnect", "c disconnect", "disconnect!", "/c", "/b", "/a")
}

// A middleware is called once for each handler, not for each event.
func TestMiddlewareIsCalledAtRegistration(t *testing.T) {
	srv := newServer(t, nil)
	calls := 0
	srv.Use(func(next sio.Handler) sio.Handler {
		calls++
		return next
	})
	srv.On("x", func(c *sio.Context) error { return c.Ack() })
	c := siotest.Connect(t, srv)
	for range 3 {
		c.Call("x").Is()
	}
	if calls != 1 {
		t.Errorf("called %d times, want once", calls)
	}
}

// A middleware can refuse, and answer in place of the handler.
func TestMiddlewareRefuses(t *testing.T) {
	srv := newServer(t, nil)
	admin := srv.Of("/admin")
	admin.Use(func(next sio.Handler) sio.Handler {
		return func(c *sio.Context) error {
			switch c.Event() {
			case "connect", "disconnecting", "disconnect":
				return next(c)
			case "peek":
				return c.Ack("peeked")
			}
			return &sio.Error{Message: "admins only"}
		}
	})
	for _, event := range []string{"drop", "peek"} {
		admin.On(event, func(*sio.Context) error {
			t.Errorf("%s reached its handler", event)
			return nil
		})
	}
	c := siotest.Connect(t, srv, &siotest.Options{Namespace: "/admin"})
	if err := c.CallError("drop"); err.Error() != "admins only" {
		t.Errorf("answer %v", err)
	}
	c.Call("peek").Is("peeked")
}

// The middlewares and handlers of namespaces have nothing to do with each other.
func TestNamespaces(t *testing.T) {
	srv := newServer(t, nil)
	var tr trace
	srv.Use(tr.middleware("root"))
	srv.On("x", func(c *sio.Context) error { return c.Ack(c.Namespace()) })
	chat := srv.Of("/chat")
	chat.Use(tr.middleware("chat"))
	chat.On("x", func(c *sio.Context) error { return c.Ack(c.Namespace()) })
	if srv.Of("chat") != chat || srv.Of("/chat") != chat {
		t.Error("Of makes a namespace twice")
	}
	if srv.Of("/") != srv.Namespace || srv.Of("") != srv.Namespace {
		t.Error(`the server does not stand for "/"`)
	}
	if name := chat.Name(); name != "/chat" {
		t.Errorf("name %q", name)
	}
	c := siotest.Connect(t, srv)
	inRoot, inChat := c.Go("x"), c.Of("/chat", nil).Go("x")
	inRoot.Is("/")
	inChat.Is("/chat")
	if err := siotest.Refused(t, srv, &siotest.Options{Namespace: "/nobody"}); err.Error() != "Invalid namespace" {
		t.Errorf("refusal %v", err)
	}
	if srv.Len() != 1 || chat.Len() != 1 || srv.Connections() != 1 {
		t.Errorf("%d and %d sockets of %d clients", srv.Len(), chat.Len(), srv.Connections())
	}
}

func TestOnAny(t *testing.T) {
	h := newHost(t, nil)
	h.On("known", func(c *sio.Context) error { return c.Ack("known") })
	h.Of("/any").OnAny(func(c *sio.Context) error {
		var arg string
		if err := c.Bind(&arg); err != nil {
			return err
		}
		return c.Ack(c.Event(), arg)
	})
	c := h.join("/", "/any")
	c.send(`2/any,1["what \"ever\"","arg"]`)
	c.want(`3/any,1["what \"ever\"","arg"]`)
	// Without OnAny, nobody answers; what follows is handled.
	c.send(`21["unknown"]`, `22["known"]`)
	c.want(`32["known"]`)
}

// Registration mistakes panic, and name event and namespace.
func TestRegistrationPanics(t *testing.T) {
	nop := func(*sio.Context) error { return nil }
	pass := func(next sio.Handler) sio.Handler { return next }
	chat := func() *sio.Namespace { return sio.New(nil).Of("/chat") }

	t.Run("twice", func(t *testing.T) {
		n := chat()
		n.On("x", nop)
		n.Group(func(r sio.Router) {
			mustPanic(t, `sio: On("x") in namespace /chat: the event has a handler already`, func() { r.On("x", nop) })
		})
		mustPanic(t, `sio: On("x") in namespace /chat: the event has a handler already`, func() { n.On("x", nop) })
		for what, register := range map[string]func(sio.Handler, ...sio.Middleware){
			"OnConnect": n.OnConnect, "OnDisconnecting": n.OnDisconnecting, "OnDisconnect": n.OnDisconnect, "OnAny": n.OnAny,
		} {
			register(nop)
			mustPanic(t, "sio: "+what+" in namespace /chat: there is a handler already", func() { register(nop) })
		}
		n.OnError(func(*sio.Context, error) {})
		mustPanic(t, "sio: OnError in namespace /chat: there is a handler already", func() { n.OnError(func(*sio.Context, error) {}) })
		n.On("y", nop) // a panic that is recovered leaves the router usable
	})
	t.Run("reserved", func(t *testing.T) {
		for name, instead := range map[string]string{
			"connect": ": use OnConnect", "disconnect": ": use OnDisconnect", "disconnecting": ": use OnDisconnecting",
			"connect_error": ": the client hears of it when OnConnect returns an error", "newListener": "", "removeListener": "",
		} {
			mustPanic(t, fmt.Sprintf("sio: On(%q) in namespace /chat: the name is reserved", name)+instead,
				func() { chat().On(name, nop) })
			mustPanic(t, fmt.Sprintf("sio: NewEvent(%q): the name is reserved", name), func() { sio.NewEvent[int](name) })
		}
		mustPanic(t, `sio: On("connection") in namespace /chat: clients that connect are no event: use OnConnect`,
			func() { sio.On(chat(), "connection", func(*sio.Context, int) error { return nil }) })
		mustPanic(t, `sio: On("*") in namespace /chat: it stands for no other event: use OnAny`, func() { chat().On("*", nop) })
	})
	t.Run("nil", func(t *testing.T) {
		n := chat()
		mustPanic(t, `sio: On("x") in namespace /chat: nil handler`, func() { n.On("x", nil) })
		mustPanic(t, `sio: On("x") in namespace /chat: nil middleware`, func() { n.On("x", nop, nil) })
		mustPanic(t, "sio: OnConnect in namespace /chat: nil handler", func() { n.OnConnect(nil) })
		mustPanic(t, "sio: OnError in namespace /chat: nil handler", func() { n.OnError(nil) })
		mustPanic(t, "sio: Use: nil middleware, in namespace /chat", func() { n.Use(nil) })
		mustPanic(t, `sio: On("x"): nil handler`, func() { sio.On[int](n, "x", nil) })
		mustPanic(t, `sio: OnWithAck("x"): nil handler`, func() { sio.OnWithAck[int, int](n, "x", nil) })
	})
	const late = "sio: Use behind the first handler, in namespace /chat"
	for what, register := range map[string]func(sio.Router){
		"On":              func(r sio.Router) { r.On("x", nop) },
		"OnConnect":       func(r sio.Router) { r.OnConnect(nop) },
		"OnDisconnecting": func(r sio.Router) { r.OnDisconnecting(nop) },
		"OnDisconnect":    func(r sio.Router) { r.OnDisconnect(nop) },
		"OnAny":           func(r sio.Router) { r.OnAny(nop) },
		"a typed On":      func(r sio.Router) { sio.On(r, "x", func(*sio.Context, int) error { return nil }) },
	} {
		t.Run("Use behind "+what, func(t *testing.T) {
			n := chat()
			register(n)
			mustPanic(t, late, func() { n.Use(pass) })
			n.Group(func(r sio.Router) {
				r.Use(pass) // a group has its own middlewares
				r.On("in group", nop)
				mustPanic(t, late, func() { r.Use(pass) })
			})
		})
		t.Run("Use behind a group with "+what, func(t *testing.T) {
			n := chat()
			n.Group(func(r sio.Router) { r.Group(register) })
			mustPanic(t, late, func() { n.Use(pass) }) // it would not be around that handler
		})
	}
}

func TestRoutes(t *testing.T) {
	srv := sio.New(nil)
	nop := func(*sio.Context) error { return nil }
	if r := srv.Routes(); len(r) != 0 {
		t.Errorf("routes %v of a new server", r)
	}
	srv.On("b", nop)
	srv.OnConnect(nop)
	srv.Group(func(r sio.Router) { r.On("c", nop) })
	sio.On(srv, "a", func(*sio.Context, int) error { return nil })
	srv.Of("/chat").On("d", nop)
	if got, want := srv.Routes(), []sio.Route{{"/", "a"}, {"/", "b"}, {"/", "c"}, {"/chat", "d"}}; !slices.Equal(got, want) {
		t.Errorf("routes %v, want %v", got, want)
	}
	if got, want := srv.Of("/chat").Routes(), []sio.Route{{"/chat", "d"}}; !slices.Equal(got, want) {
		t.Errorf("routes %v, want %v", got, want)
	}
}

// What handlers were registered for has as many values as there are registrations.
func TestContextRoute(t *testing.T) {
	srv := newServer(t, nil)
	routes := make(chan sio.Route, 10)
	tell := func(c *sio.Context) error { routes <- c.Route(); return nil }
	for _, n := range []*sio.Namespace{srv.Of("/chat"), srv.Of("/tenant-{id}")} {
		n.OnConnect(tell)
		n.On("known", tell)
		n.OnAny(tell)
		n.OnDisconnect(tell)
	}
	for client, registered := range map[string]string{"/chat": "/chat", "/tenant-42": "/tenant-{id}"} {
		c := siotest.Connect(t, srv, &siotest.Options{Namespace: client})
		c.Emit("known")
		c.Emit("whatever")
		c.Emit("connected") // is no event of a client
		c.Disconnect()
		for _, event := range []string{"connect", "known", "", "", "disconnect"} {
			if got, want := receive(t, routes, event), (sio.Route{Namespace: registered, Event: event}); got != want {
				t.Errorf("route %v, want %v", got, want)
			}
		}
	}
}

// Handlers may be registered while events flow.
func TestRegisterWhileServing(t *testing.T) {
	srv := newServer(t, nil)
	const n = 100
	errNotYet := errors.New("not yet")
	srv.OnAny(func(*sio.Context) error { return errNotYet })
	srv.OnError(func(*sio.Context, error) {})

	registered := make(chan struct{})
	go func() {
		defer close(registered)
		for i := range n {
			srv.On(fmt.Sprint("event ", i), func(c *sio.Context) error { return c.Ack(i) })
			srv.Of(fmt.Sprint("/nsp ", i)).OnConnect(func(*sio.Context) error { return nil })
			srv.Routes()
		}
	}()
	c := siotest.Connect(t, srv)
	for i := range n {
		for {
			a := c.Go(fmt.Sprint("event ", i))
			err := a.Err()
			if err == nil {
				a.Is(i)
				break
			}
			if err.Message != "internal error" {
				t.Fatalf("answer %v", err)
			}
		}
	}
	receive(t, registered, "the registrations")
	c.Of(fmt.Sprint("/nsp ", n-1), nil)
}

// A client may name an event by a number, which is the text that JavaScript makes of it.
func TestNumericEvent(t *testing.T) {
	h := newHost(t, nil)
	h.On("7", func(c *sio.Context) error { return c.Ack(c.Event(), c.Args().Len()) })
	h.OnAny(func(c *sio.Context) error { return c.Ack("any", c.Event()) })
	c := h.join("/")
	c.send(`21[7,"x"]`, `22[7.0]`, `23[1e21]`, `24["7"]`)
	c.want(`31["7",1]`, `32["7",0]`, `33["any","1e+21"]`, `34["7",0]`)
}

// JSON has no infinity that a handler could send on: as with encoding/json, a number
// beyond a float64 does not fit, and it is the client's fault.
func TestNumberBeyondFloat64(t *testing.T) {
	var log logBuffer
	h := newHost(t, &sio.Options{Logger: log.logger()})
	sio.On(h, "any", func(c *sio.Context, v any) error { return c.Ack(v) })
	h.On("raw", func(c *sio.Context) error { return c.Ack(json.RawMessage(c.Args().Raw(0))) })
	c := h.join("/")
	c.send(`21["any",1e400]`, `22["any",[{"a":-1e400}]]`, `23["any",1e-400]`, `24["raw",1e400]`)
	const invalid = `[{"error":{"message":"argument 1 is invalid"}}]`
	c.want(`31`+invalid, `32`+invalid, `33[0]`, `34[1e400]`)
	for _, line := range log.lines(t, "handler refused") {
		if line["level"] != "debug" {
			t.Errorf("%v", line)
		}
	}
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
