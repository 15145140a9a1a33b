package sio_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/siotest"
)

// Who hears what is emitted to rooms. Of the clients a, b and c, a and b are in
// room "ab", b and c in "bc". The sender is a.
func TestTargets(t *testing.T) { synctest.Test(t, testTargets) }

func testTargets(t *testing.T) {
	srv := newServer(t, nil)
	chat := srv.Of("/chat")
	chat.OnConnect(func(c *sio.Context) error {
		var rooms []string
		if err := c.BindAuth(&struct{ Rooms *[]string }{&rooms}); err != nil {
			return err
		}
		return c.Join(rooms...)
	})
	var emit func(c *sio.Context) error
	chat.On("go", func(c *sio.Context) error { return emit(c) })
	chat.On("sync", func(c *sio.Context) error { return c.Ack() })

	join := func(rooms ...string) *siotest.Client {
		return siotest.Connect(t, srv, &siotest.Options{Namespace: "/chat", Auth: map[string]any{"rooms": rooms}})
	}
	a, b, c := join("ab"), join("ab", "bc"), join("bc")

	for what, tt := range map[string]struct {
		emit func(c *sio.Context) error
		to   string
	}{
		"To":                   {func(c *sio.Context) error { return c.To("ab").Emit("e") }, "b"},
		"In":                   {func(c *sio.Context) error { return c.In("ab").Emit("e") }, "b"},
		"To of two":            {func(c *sio.Context) error { return c.To("ab", "bc").Emit("e") }, "bc"},
		"To twice":             {func(c *sio.Context) error { return c.To("ab").To("bc").Emit("e") }, "bc"},
		"To, Except":           {func(c *sio.Context) error { return c.To("bc").Except("ab").Emit("e") }, "c"},
		"To an id":             {func(x *sio.Context) error { return x.To(c.ID()).Emit("e") }, "c"},
		"To its own id":        {func(c *sio.Context) error { return c.To(c.ID()).Emit("e") }, ""},
		"To nobody":            {func(c *sio.Context) error { return c.To("no such room").Emit("e") }, ""},
		"Except":               {func(c *sio.Context) error { return c.Except("bc").Emit("e") }, ""},
		"Broadcast":            {func(c *sio.Context) error { return c.Broadcast().Emit("e") }, "bc"},
		"Emit":                 {func(c *sio.Context) error { return c.Emit("e") }, "a"},
		"Socket.To":            {func(c *sio.Context) error { return c.Socket().To("ab").Emit("e") }, "b"},
		"Namespace.Emit":       {func(*sio.Context) error { return chat.Emit("e") }, "abc"},
		"Namespace.To":         {func(*sio.Context) error { return chat.To("ab").Emit("e") }, "ab"},
		"Namespace.In":         {func(*sio.Context) error { return chat.In("ab").Emit("e") }, "ab"},
		"Namespace.Except":     {func(*sio.Context) error { return chat.Except("bc").Emit("e") }, "a"},
		"Namespace.Except id":  {func(*sio.Context) error { return chat.To("ab").Except(b.ID()).Emit("e") }, "a"},
		"another namespace":    {func(*sio.Context) error { return srv.To("ab").Emit("e") }, ""},
		"Namespace.Socket":     {func(*sio.Context) error { return chat.Socket(b.ID()).Emit("e") }, "b"},
		"no socket of that id": {func(*sio.Context) error { return chat.To("x" + b.ID()).Emit("e") }, ""},
	} {
		emit = tt.emit
		t.Log(what)  // in a bubble there are no subtests
		a.Emit("go") // and done when a's sync is
		for i, x := range []*siotest.Client{a, b, c} {
			x.Call("sync").Is()
			if strings.Contains(tt.to, "abc"[i:i+1]) {
				x.Expect("e").Is()
			}
			x.ExpectNone()
		}
	}
}

// What is volatile reaches those who can take it, and is dropped for others: a
// client that does not poll, here.
func TestVolatile(t *testing.T) {
	for what, to := range map[string]func(h *host, c *sio.Context) sio.Emitter{
		"Context":   func(_ *host, c *sio.Context) sio.Emitter { return c.Volatile() },
		"Socket":    func(_ *host, c *sio.Context) sio.Emitter { return c.Socket().Volatile() },
		"To":        func(_ *host, c *sio.Context) sio.Emitter { return c.Volatile().To("others") },
		"Broadcast": func(_ *host, c *sio.Context) sio.Emitter { return c.Volatile().Broadcast() },
		"Target":    func(_ *host, c *sio.Context) sio.Emitter { return c.To("others").Volatile() },
		"Namespace": func(h *host, _ *sio.Context) sio.Emitter { return h.Volatile() },
	} {
		t.Run(what, func(t *testing.T) {
			h := newHost(t, nil)
			contexts := make(chan *sio.Context, 1)
			h.OnConnect(func(c *sio.Context) error { contexts <- c; return c.Join("others") })
			c := dial(t, h.url, testclient.Options{})
			c.connect("/", nil)
			self := <-contexts
			if what == "To" || what == "Broadcast" || what == "Target" {
				h.join("/") // the sender, c being one of the others
				self = <-contexts
			}
			if err := to(h, self).Emit("dropped"); err != nil {
				t.Error(err)
			}
			if err := h.Emit("kept"); err != nil {
				t.Error(err)
			}
			c.want(`2["kept"]`)

			got := make(chan string, 1)
			go func() { // until the next packet comes
				p, err := c.Next()
				got <- fmt.Sprint(p, err)
			}()
			for { // until the poll has arrived
				if err := to(h, self).Emit("volatile"); err != nil {
					t.Error(err)
				}
				select {
				case p := <-got:
					if p != `2["volatile"]<nil>` {
						t.Errorf("packet %s", p)
					}
					return
				default:
				}
			}
		})
	}
}

// Targets are immutable: one may be kept and refined.
func TestTargetIsImmutable(t *testing.T) {
	srv := newServer(t, nil)
	srv.OnConnect(func(c *sio.Context) error { return c.Join("a", "b") })
	c := siotest.Connect(t, srv)
	base := srv.To("a")
	without := base.Except("b")
	if err := without.Emit("never"); err != nil {
		t.Error(err)
	}
	if err := base.Emit("e"); err != nil {
		t.Error(err)
	}
	c.Expect("e")
}

func TestRooms(t *testing.T) {
	srv := newServer(t, nil)
	rooms := func(c *sio.Context) []string {
		r := c.Rooms()
		slices.Sort(r)
		return r
	}
	srv.On("rooms", func(c *sio.Context) error { return c.Ack(rooms(c)) })
	srv.On("join", func(c *sio.Context) error { return c.Join("a", "b", "a") })
	srv.On("leave", func(c *sio.Context) error { c.Leave("a", "never joined"); return nil })
	left := make(chan []string, 2)
	srv.OnDisconnecting(func(c *sio.Context) error { left <- rooms(c); return nil })
	srv.OnDisconnect(func(c *sio.Context) error { left <- rooms(c); return nil })
	c := siotest.Connect(t, srv)
	c.Emit("join")
	c.Call("rooms").Is([]string{"a", "b"})
	c.Emit("leave")
	c.Call("rooms").Is([]string{"b"})
	for _, err := range []error{srv.To("b").Join("c", "d"), srv.To("c").Leave("d", "b"), srv.To("nobody").Join("e")} {
		if err != nil {
			t.Error(err)
		}
	}
	c.Call("rooms").Is([]string{"c"})
	c.Close()
	if r := receive(t, left, "OnDisconnecting"); !slices.Equal(r, []string{"c"}) {
		t.Errorf("rooms %q while disconnecting", r)
	}
	if r := receive(t, left, "OnDisconnect"); len(r) != 0 {
		t.Errorf("rooms %q after the disconnect", r)
	}
}

// What is emitted in the connect handler arrives after the answer, in order.
func TestEmitWhileConnecting(t *testing.T) {
	h := newHost(t, nil)
	h.OnConnect(func(c *sio.Context) error {
		if err := c.Join("r"); err != nil {
			return err
		}
		for _, to := range []sio.Emitter{c, h.To("r"), c.Socket()} {
			if err := to.Emit("early", c.Event()); err != nil {
				return err
			}
		}
		return nil
	})
	c := h.dial()
	c.connect("/", nil) // checks that the answer comes first
	c.want(`2["early","connect"]`, `2["early","connect"]`)
}

func TestDisconnect(t *testing.T) {
	h := newHost(t, nil)
	left := make(chan struct{}, 4)
	h.Of("/a").OnDisconnect(func(*sio.Context) error { left <- struct{}{}; return nil })
	h.Of("/a").On("leave", func(c *sio.Context) error {
		if err := c.Emit("bye"); err != nil {
			return err
		}
		c.Disconnect(false)
		return nil
	})
	h.Of("/b").On("close", func(c *sio.Context) error { c.Disconnect(true); return nil })
	h.Of("/b").On("x", func(c *sio.Context) error { return c.Ack() })
	c := h.join("/a", "/b")
	c.send(`2/a,["leave"]`)
	c.want(`2/a,["bye"]`, `1/a,`)
	c.send(`2/a,["ignored: it was under way"]`, `2/b,1["x"]`)
	c.want(`3/b,1[]`)
	c.connect("/a", nil) // it may come back
	c.send(`2/b,["close"]`)
	c.want(`1/b,`, `1/a,`) // in the order in which it had joined
	c.ends()

	// From outside.
	c, d := h.join("/a"), h.join("/a")
	if err := h.Of("/a").Disconnect(true); err != nil {
		t.Error(err)
	}
	for _, c := range []*client{c, d} {
		c.want(`1/a,`)
		c.ends()
	}
	for range 4 {
		receive(t, left, "OnDisconnect")
	}
	if n := h.Of("/a").Len(); n != 0 {
		t.Errorf("%d sockets", n)
	}
}

// A client that broadcasts while it is being decided on is left out, too.
func TestSenderBeingDecided(t *testing.T) {
	srv := newServer(t, nil)
	srv.OnConnect(func(c *sio.Context) error {
		return errors.Join(c.Join("lobby"), c.To("lobby").Emit("joined", c.ID()), c.Emit("welcome"))
	})
	a := siotest.Connect(t, srv)
	a.Expect("welcome")
	b := siotest.Connect(t, srv)
	b.Expect("welcome")
	if who := siotest.Expect[string](a, "joined"); who != b.ID() {
		t.Errorf("%s has joined, not %s", who, b.ID())
	}
	a.ExpectNone()
	b.ExpectNone()
}

// Over a connection whose writes can't be tried, as with TLS, volatile events are
// not dropped because one before them is just being written.
func TestVolatileOneByOne(t *testing.T) {
	srv := newServer(t, nil)
	srv.On("go", func(c *sio.Context) error {
		return errors.Join(c.Emit("plain"), c.Volatile().Emit("one"), c.Volatile().Emit("two"), c.Broadcast().Volatile().Emit("three"))
	})
	a, b := siotest.Connect(t, srv), siotest.Connect(t, srv)
	a.Emit("go")
	for _, event := range []string{"plain", "one", "two"} {
		a.Expect(event)
	}
	b.Expect("three")
}

// TestNobodyIsMeant has everything that takes rooms called with an empty list.
func TestNobodyIsMeant(t *testing.T) {
	srv := newServer(t, nil)
	heard := sio.NewEvent[int]("heard")
	var none []string
	srv.On("all", func(c *sio.Context) error {
		for _, target := range []sio.Target{srv.To(none...), srv.In(none...), c.To(none...), c.In(none...), c.Socket().To(none...), srv.All().To(none...)} {
			if err := heard.Emit(target, 1); err != nil {
				return err
			}
			if err := target.Disconnect(true); err != nil {
				return err
			}
		}
		if err := heard.Emit(srv.Except(none...), 2); err != nil {
			return err
		}
		return c.Ack()
	})
	a, b := siotest.Connect(t, srv), siotest.Connect(t, srv)
	a.Call("all").Is()
	for _, c := range []*siotest.Client{a, b} {
		c.Expect("heard").Is(2)
	}
}

// TestTooManyRooms has a handler return what Join has told it.
func TestTooManyRooms(t *testing.T) {
	var log logBuffer
	logger := zerolog.New(&log).Level(zerolog.InfoLevel)
	srv := newServer(t, &sio.Options{MaxRooms: 2, Logger: &logger})
	sio.On(srv, "join", func(c *sio.Context, rooms []string) error {
		if err := c.Join(rooms...); err != nil {
			return err
		}
		return c.Ack()
	})
	c := siotest.Connect(t, srv)
	c.Call("join", []string{"a", "b"}).Is()
	for _, tt := range []struct{ room, want string }{
		{"c", "too many rooms"},
		{strings.Repeat("x", 1025), "name of a room too long"},
	} {
		if err := c.CallError("join", []string{tt.room}); err == nil || err.Error() != tt.want {
			t.Errorf("Join: %v, want %s", err, tt.want)
		}
	}
	if text := log.String(); strings.Contains(text, "failed") {
		t.Errorf("log %s", text)
	}
}

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
