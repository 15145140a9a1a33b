package sio_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/siotest"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
)

// where answers with what a handler is told of its namespace.
func where(parts ...string) sio.Handler {
	return func(c *sio.Context) error {
		answer := []any{c.Namespace()}
		for _, p := range parts {
			answer = append(answer, c.Param(p))
		}
		return c.Ack(answer...)
	}
}

func TestPatternNamespaces(t *testing.T) {
	h := newHost(t, nil)
	tenants := h.Of("tenant-{id}")
	if tenants != h.Of("/tenant-{id}") || tenants.Name() != "/tenant-{id}" {
		t.Errorf("Of makes another %s", tenants.Name())
	}
	var tr trace
	tenants.Use(func(next sio.Handler) sio.Handler {
		return func(c *sio.Context) error {
			tr.note(c.Event() + " " + c.Param("id"))
			return next(c)
		}
	})
	tenants.OnConnect(func(c *sio.Context) error {
		if c.Param("id") == "locked" {
			return &sio.Error{Message: "not authorized"}
		}
		return c.Join("lobby")
	})
	tenants.On("where", where("id", "none"))
	tenants.Group(func(r sio.Router) {
		sio.OnWithAck(r, "double", func(c *sio.Context, n int) (string, error) { return c.Param("id") + fmt.Sprint(2*n), nil })
	})
	tenants.OnAny(func(c *sio.Context) error { return c.Ack("any", c.Event()) })
	left := make(chan struct{}, 3)
	tenants.OnDisconnect(func(*sio.Context) error { left <- struct{}{}; return nil })
	h.Of("/room-{a}/of-{b}").On("where", where("a", "b"))
	h.Of("/chat").On("where", where("id"))

	c := h.join("/tenant-42", "/tenant-43", "/room-1/of-2", "/chat")
	c.send(`2/tenant-42,1["where"]`)
	c.want(`3/tenant-42,1["/tenant-42","42",""]`)
	c.send(`2/tenant-43,1["double",3]`)
	c.want(`3/tenant-43,1["436"]`)
	c.send(`2/tenant-43,1["nobody's"]`)
	c.want(`3/tenant-43,1["any","nobody's"]`)
	c.send(`2/room-1/of-2,1["where"]`)
	c.want(`3/room-1/of-2,1["/room-1/of-2","1","2"]`)
	c.send(`2/chat,1["where"]`)
	c.want(`3/chat,1["/chat",""]`)
	if got := c.refused("/tenant-locked", nil); got != `{"message":"not authorized"}` {
		t.Errorf("refused with %s", got)
	}
	for _, name := range []string{"/tenant-", "/tenant-a/b", "/tenant-{id}", "/tenant", "/room-1/of-", "/{func 1}"} {
		if got := c.refused(name, nil); got != `{"message":"Invalid namespace"}` {
			t.Errorf("CONNECT to %s: %s", name, got)
		}
	}
	c.send("1/tenant-42,", "1/tenant-43,")
	receive(t, left, "OnDisconnect")
	receive(t, left, "OnDisconnect")
	tr.mu.Lock()
	slices.Sort(tr.notes) // of sockets that do not wait for each other
	tr.mu.Unlock()
	tr.want(t, "connect 42", "connect 43", "connect locked", "disconnect 42", "disconnect 43", "double 43", "nobody's 43", "where 42")
}

func TestOfFunc(t *testing.T) {
	h := newHost(t, nil)
	some := h.OfFunc(regexp.MustCompile(`^/dyn-\d+$`).MatchString)
	some.On("where", where("id"))
	h.OfFunc(func(name string) bool {
		if strings.ContainsAny(name, "{}") {
			t.Errorf("asked for %s", name)
		}
		return strings.HasPrefix(name, "/dyn-")
	}).On("where", func(c *sio.Context) error { return c.Ack("second") })
	if h.Of(some.Name()) != some {
		t.Errorf("%s is not found by its name", some.Name())
	}
	h.OfFunc(func(string) bool { panic("oops") })

	c := h.join("/dyn-7", "/dyn-x")
	c.send(`2/dyn-7,1["where"]`)
	c.want(`3/dyn-7,1["/dyn-7",""]`)
	c.send(`2/dyn-x,1["where"]`)
	c.want(`3/dyn-x,1["second"]`)
	for _, name := range []string{"/panics", "/dyn-{id}"} {
		if got := c.refused(name, nil); got != `{"message":"Invalid namespace"}` {
			t.Errorf("CONNECT to %s: %s", name, got)
		}
	}
	if err := h.Of("/dyn-7").Emit("hello"); err != nil {
		t.Fatal(err)
	}
	if err := some.Emit("hello, all"); err != nil {
		t.Fatal(err)
	}
	c.want(`2/dyn-7,["hello"]`, `2/dyn-7,["hello, all"]`)
}

// A handle of one namespace works wherever the clients are, and a name that a
// client has chosen is always one of a single namespace.
func TestHandleOfDynamic(t *testing.T) {
	h := newHost(t, nil)
	special := h.Of("/tenant-special")
	special.On("where", func(c *sio.Context) error { return c.Ack("special") })
	tenants := h.Of("/tenant-{id}")
	tenants.OnConnect(func(c *sio.Context) error { return c.Join("lobby") })
	tenants.On("tell", func(c *sio.Context) error { return h.Of(c.Namespace()).Emit("told") })
	left := make(chan struct{}, 1)
	tenants.OnDisconnect(func(c *sio.Context) error {
		err := h.Of(c.Namespace()).Emit("gone", c.Param("id"))
		left <- struct{}{}
		return err
	})
	if h.Of("/tenant-special") != special {
		t.Error("an exact name does not come first")
	}
	one := h.Of("tenant-42")
	if err := one.To("lobby").Emit("nobody"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c := h.dial()
		id := c.connect("/tenant-42", nil)
		d, e := h.join("/tenant-43"), h.join("/tenant-special")
		if one.Name() != "/tenant-42" || one.Len() != 1 || tenants.Len() != 2 || one.Socket(id) == nil || h.Of("/tenant-42").Socket(id) != one.Socket(id) {
			t.Errorf("%s has %d sockets", one.Name(), one.Len())
		}
		if err := one.To("lobby").Emit("lobby"); err != nil {
			t.Fatal(err)
		}
		if err := one.Volatile().To(id).Except("lobby").Emit("nobody"); err != nil {
			t.Fatal(err)
		}
		if err := tenants.In("lobby").Emit("all"); err != nil {
			t.Fatal(err)
		}
		c.send(`2/tenant-42,["tell"]`)
		c.want(`2/tenant-42,["lobby"]`, `2/tenant-42,["all"]`, `2/tenant-42,["told"]`)
		d.want(`2/tenant-43,["all"]`)
		e.send(`2/tenant-special,1["where"]`)
		e.want(`3/tenant-special,1["special"]`)
		if err := one.Disconnect(true); err != nil {
			t.Fatal(err)
		}
		receive(t, left, "OnDisconnect")
		d.Close()
		receive(t, left, "OnDisconnect")
		if n := one.Len() + tenants.Len(); n != 0 {
			t.Errorf("%d sockets are left", n)
		}
	}
}

func TestDynamicRoutes(t *testing.T) {
	srv := sio.New(nil)
	nothing := func(*sio.Context) error { return nil }
	srv.OfFunc(func(string) bool { return false }).On("f", nothing)
	srv.Of("/tenant-{id}").On("p", nothing)
	srv.Of("/chat").On("c", nothing)
	want := []sio.Route{{"/chat", "c"}, {"/tenant-{id}", "p"}, {"{func 1}", "f"}}
	if got := srv.Routes(); !slices.Equal(got, want) {
		t.Errorf("routes %v, want %v", got, want)
	}
	if got := srv.Of("/tenant-1").Routes(); !slices.Equal(got, want[1:2]) {
		t.Errorf("routes of one %v, want %v", got, want[1:2])
	}
}

func TestDynamicPanics(t *testing.T) {
	srv := sio.New(nil)
	nothing := func(*sio.Context) error { return nil }
	srv.Of("/tenant-{id}").On("x", nothing)
	for name, want := range map[string]string{
		"/a{":              "a { without a }",
		"/a}":              "a } without a {",
		"/a}{b}":           "a } without a {",
		"/{a}}":            "a } without a {",
		"/{a{b}":           "{a{b} is not the name of a part: letters, digits and underscores are",
		"/{}":              "{} is not the name of a part: letters, digits and underscores are",
		"/{a-b}":           "{a-b} is not the name of a part: letters, digits and underscores are",
		"/{func 1}":        "{func 1} is not the name of a part: letters, digits and underscores are",
		"/{a}{b}":          "there is nothing between two parts",
		"/{a}-{a}":         "two parts are named {a}",
		"/tenant-{name}":   "/tenant-{id} matches the same names",
		"/{a},{b}":         "no client can name it: it has a comma, is not UTF-8, or is too long",
		"/{a}\xff":         "no client can name it: it has a comma, is not UTF-8, or is too long",
		"/{a}" + long(256): "no client can name it: it has a comma, is not UTF-8, or is too long",
	} {
		mustPanic(t, fmt.Sprintf("sio: Of(%q): %s", name, want), func() { srv.Of(name) })
	}
	mustPanic(t, "sio: OfFunc: nil function", func() { srv.OfFunc(nil) })
	mustPanic(t, `sio: On("x") in namespace /tenant-{id}: the event has a handler already`, func() { srv.Of("/tenant-{id}").On("x", nothing) })

	one := srv.Of("/tenant-42")
	const not = "sio: namespace /tenant-42 is one of /tenant-{id}: register its handlers there, or make it before that"
	for _, register := range []func(){
		func() { one.On("y", nothing) },
		func() { one.OnAny(nothing) },
		func() { one.OnConnect(nothing) },
		func() { one.OnDisconnecting(nothing) },
		func() { one.OnDisconnect(nothing) },
		func() { one.OnError(func(*sio.Context, error) {}) },
		func() { one.Use(sio.Recover()) },
		func() { one.Group(func(r sio.Router) { r.On("y", nothing) }) },
		func() { one.Group(func(r sio.Router) { r.Use(sio.Recover()) }) },
		func() { sio.On(one, "y", func(*sio.Context, int) error { return nil }) },
	} {
		mustPanic(t, not, register)
	}
	srv.Of("/tenant-{id}").On("y", nothing) // a mistake changes nothing
}

func long(n int) string { return strings.Repeat("x", n) }

func TestDynamicCaps(t *testing.T) {
	var log logBuffer
	h := newHost(t, &sio.Options{MaxDynamicNamespaces: 3, MaxClientNamespaces: 2, Logger: log.logger()})
	h.Of("/tenant-{id}")
	const refusal = `{"message":"too many namespaces"}`
	c, d := h.join("/tenant-1", "/tenant-2", "/"), h.join("/tenant-3")
	if got := c.refused("/tenant-3", nil); got != refusal {
		t.Errorf("refused with %s", got)
	}
	if got := d.refused("/tenant-4?token=secret", nil); got != refusal {
		t.Errorf("refused with %s", got)
	}
	lines := log.lines(t, "namespace refused")
	if len(lines) != 2 || lines[0]["level"] != "warn" || lines[0]["why"] != "too many namespaces" || lines[0]["nsp"] != "/tenant-3" || lines[1]["nsp"] != "/tenant-4" || lines[0]["sid"] != c.SID[:8] {
		t.Errorf("log lines %v", lines)
	}
	d.connect("/tenant-1", nil)
}

// What stands behind a question mark does not get into the log, wherever that
// writes down a namespace.
func TestDynamicLog(t *testing.T) {
	var log logBuffer
	var told notebook
	o := &sio.Observer{}
	o.NamespaceRefused = func(_ *engineio.Session, name string) { told.note("no %s", name) }
	h := newHost(t, &sio.Options{Logger: log.logger(), Observers: []*sio.Observer{o}})
	n := h.Of("/tenant-{id}")
	h.OfFunc(func(name string) bool { panic("no tenant " + name) })
	n.Use(sio.Logger())
	n.OnConnect(func(c *sio.Context) error {
		if strings.HasPrefix(c.Param("id"), "no") {
			return &sio.Error{Message: "no", Data: func() {}} // which can't be encoded
		}
		return nil
	})
	n.On("where", where("id"))
	n.On("fails", func(*sio.Context) error { return errInternal })
	n.On("refuses", func(*sio.Context) error { return &sio.Error{Message: "no", Data: func() {}} })
	n.On("panics", func(*sio.Context) error { panic("oops") })
	c := h.dial()
	const name = "/tenant-a?token=secret"
	c.connect(name, nil)
	for i, event := range []string{"fails", "refuses", "panics"} {
		c.send(fmt.Sprintf(`2%s,%d["%s"]`, name, i, event))
		if _, err := c.Next(); err != nil {
			t.Fatal(err)
		}
	}
	c.send("2" + name + `,["nobody's"]`)
	c.refused("/tenant-no?token=secret", nil)
	c.refused("/else?token=secret", nil)
	told.wants(t, "no /else?token=secret")
	c.send("2" + name + `,1["where"]`)
	c.want("3" + name + `,1["` + name + `","a?token=secret"]`)
	c.Close()
	shut(t, h.Server)
	if all := log.String(); strings.Contains(all, "token") || !strings.Contains(all, `"nsp":"/tenant-a"`) || !strings.Contains(all, `"panic":"string"`) {
		t.Errorf("the log is\n%s", all)
	}
}

// What a pattern's clients are sent is heard, and they are asked, counted and
// described together.
func TestPatternAsTarget(t *testing.T) {
	srv := newServer(t, nil)
	tenants := srv.Of("/tenant-{id}")
	var heard sync.Map
	tenants.OnAnyOutgoing(func(s *sio.Socket, event string, _ []any) { heard.Store(s.ID()+event, true) })
	tenants.OnConnect(func(c *sio.Context) error {
		c.Set("tenant", c.Param("id"))
		c.Use(func(next sio.Handler) sio.Handler {
			return func(c *sio.Context) error { return errors.Join(c.Emit("own", c.Param("id")), next(c)) }
		})
		return nil
	})
	tenants.On("event", func(*sio.Context) error { return nil })
	clients := map[string]*siotest.Client{}
	for _, id := range []string{"1", "2"} {
		c := siotest.Connect(t, srv, &siotest.Options{Namespace: "/tenant-" + id})
		clients[c.ID()] = c
		c.Emit("event")
		c.Expect("own").Is(id)
	}
	sockets, err := tenants.Sockets(t.Context())
	if n, countErr := tenants.Count(t.Context()); err != nil || countErr != nil || n != 2 || len(sockets) != 2 || len(tenants.All().LocalSockets()) != 2 {
		t.Fatalf("%d and %d sockets, %v %v", n, len(sockets), err, countErr)
	}
	for _, s := range sockets {
		if err := s.Emit("direct", s.Data["tenant"]); err != nil {
			t.Error(err)
		}
		clients[s.ID].Expect("direct").Is(s.Data["tenant"])
	}
	asked := make(chan []sio.Answer, 1)
	go func() { // ends with the answers
		answers, err := tenants.EmitWithAck(t.Context(), "who")
		if err != nil {
			t.Error(err)
		}
		asked <- answers
	}()
	for id, c := range clients {
		c.Expect("who").Ack(id)
	}
	for _, a := range receive(t, asked, "the answers") {
		var id string
		if err := a.Args.Bind(&id); err != nil || id != a.ID || clients[id] == nil {
			t.Errorf("%s answers %q, %v, %v", a.ID, id, err, a.Err)
		}
	}
	if err := tenants.ServerSideEmit("nobody"); err != nil {
		t.Error(err)
	}
	for id, c := range clients {
		for _, event := range []string{"own", "direct", "who"} {
			if _, ok := heard.Load(id + event); !ok {
				t.Errorf("%s was not heard to %s", event, id)
			}
		}
		c.ExpectNone()
	}
}

// Handlers of other servers' events know which of the pattern's namespaces is
// meant.
func TestServerEventOfPattern(t *testing.T) {
	locals := make(chan *socketio.Local, 1)
	srv := newServer(t, &sio.Options{Broker: func(l *socketio.Local) socketio.Broker {
		if l.Namespace().Name() == "/tenant-7" {
			locals <- l
		}
		return l
	}})
	tenants := srv.Of("/tenant-{id}")
	tenants.OnServerEvent("notify", func(_ context.Context, n *sio.Namespace, args sio.Args) (any, error) {
		var text string
		return n.Name(), errors.Join(args.Bind(&text), n.Emit("note", text))
	})
	c := siotest.Connect(t, srv, &siotest.Options{Namespace: "/tenant-7"})
	other := siotest.Connect(t, srv, &siotest.Options{Namespace: "/tenant-8"})
	answer, err := receive(t, locals, "the namespace").ServerEvent(t.Context(), "notify", parser.NewArgs(nil, []byte(`["x"]`), nil, 0))
	if err != nil || answer != "/tenant-7" {
		t.Errorf("%v %v", answer, err)
	}
	c.Expect("note").Is("x")
	other.ExpectNone()
}

// A panic of an argument is one of the handler that emits it, whomever it emits to.
func TestPanicOfArgumentToPattern(t *testing.T) {
	srv := newServer(t, nil)
	tenants := srv.Of("/tenant-{id}")
	tenants.On("ask", func(c *sio.Context) error {
		_, err := tenants.EmitWithAck(c.Context(), "q", explosive{})
		return err
	})
	tenants.On("emit", func(c *sio.Context) error { return tenants.Emit("q", explosive{}) })
	c := siotest.Connect(t, srv, &siotest.Options{Namespace: "/tenant-7"})
	for _, event := range []string{"emit", "ask"} {
		if err := c.CallError(event); err.Message != "internal error" {
			t.Errorf("%s: %v", event, err)
		}
	}
}
