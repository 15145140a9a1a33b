package sio_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/siokit/sio"
)

type refusal struct{ Why string }

// describe writes a contract as text: types by their names, "-" for none.
func describe(c sio.Contract) []string {
	var lines []string
	name := func(t reflect.Type) string {
		if t == nil {
			return "-"
		}
		return strings.TrimPrefix(t.String(), "sio_test.")
	}
	for _, n := range c.Namespaces {
		line := n.Name + " auth " + name(n.Auth) + " refusal " + name(n.Refusal)
		if n.Any {
			line += " any"
		}
		if n.Patterned() {
			line += fmt.Sprintf(" patterned %d", n.Rank)
		}
		lines = append(lines, line)
		for _, e := range n.Receive {
			lines = append(lines, fmt.Sprintf("  on %s %t %s %s %s", e.Name, e.Typed, name(e.Arg), name(e.Ack), name(e.Failure)))
		}
		for _, e := range n.Send {
			lines = append(lines, fmt.Sprintf("  sends %s %t %s %s", e.Name, e.Typed, name(e.Arg), name(e.Ack)))
		}
	}
	return lines
}

func wantContract(t *testing.T, srv *sio.Server, want ...string) {
	t.Helper()
	if got := describe(srv.Contract()); !slices.Equal(got, want) {
		t.Errorf("contract\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestContract(t *testing.T) {
	srv := newServer(t, nil)
	wantContract(t, srv, "/ auth - refusal -")

	sio.On(srv, "said", func(*sio.Context, message) error { return nil })
	sio.OnWithAck(srv, "ask", func(_ *sio.Context, m *message) (receipt, error) { return receipt{}, nil })
	sio.OnWithAck(srv, "ask nothing", func(*sio.Context, struct{}) ([]string, error) { return nil, nil })
	sio.OnWithAck(srv, "ask for nothing", func(*sio.Context, int) (struct{}, error) { return struct{}{}, nil })
	srv.On("untyped", func(*sio.Context) error { return nil })
	srv.OnAny(func(*sio.Context) error { return nil })
	srv.Declare(
		sio.NewEvent[message]("said"), // the same name, the other way
		sio.NewEvent[struct{}]("tick"),
		sio.NewEventWithAck[int, bool]("sure?"),
		sio.NewEventWithAck[struct{}, string]("name?"),
		sio.UntypedEvent("raw"),
		sio.AckError[string]{},
		sio.AckError[refusal]{"ask", "not registered"},
	)
	srv.Declare(sio.ConnectError[refusal]{})

	chat := srv.Of("/chat")
	sio.OnConnect(chat, func(*sio.Context, *message) error { return nil })
	chat.Group(func(r sio.Router) {
		sio.NewEvent[int]("grouped").On(r, func(*sio.Context, int) error { return nil })
		r.Group(func(r sio.Router) {
			sio.NewEventWithAck[int, string]("nested").On(r, func(*sio.Context, int) (string, error) { return "", nil })
			r.Declare(sio.NewEvent[[]byte]("from a group"))
		})
	})
	sio.OnConnect(srv, func(*sio.Context, struct{}) error { return nil }) // no payload
	tenant := srv.Of("/tenant-{id}")
	sio.On(tenant, "e", func(*sio.Context, any) error { return nil })
	tenant.Declare(sio.UntypedEvent("to tenants"))
	sio.On(srv.OfFunc(func(name string) bool { return name == "/f" }), "e", func(*sio.Context, string) error { return nil })
	srv.Of("/tenant-42") // a handle, not a namespace

	wantContract(t, srv,
		"/ auth - refusal refusal any",
		"  on ask true *sio_test.message receipt refusal",
		"  on ask for nothing true int struct {} string",
		"  on ask nothing true - []string string",
		"  on said true message - string",
		"  on untyped false - - string",
		"  sends name? true - string",
		"  sends raw false - -",
		"  sends said true message -",
		"  sends sure? true int bool",
		"  sends tick true - -",
		"/chat auth *sio_test.message refusal -",
		"  on grouped true int - -",
		"  on nested true int string -",
		"  sends from a group true []uint8 -",
		"/tenant-{id} auth - refusal - patterned 1",
		"  on e true interface {} - -",
		"  sends to tenants false - -",
		"{func 1} auth - refusal - patterned 2",
		"  on e true string - -",
	)
}

// What a Contract says is a copy.
func TestContractIsACopy(t *testing.T) {
	srv := newServer(t, nil)
	srv.Declare(sio.UntypedEvent("a"))
	before := srv.Contract()
	before.Namespaces[0].Send[0].Name = "changed"
	srv.Declare(sio.UntypedEvent("b"))
	if len(before.Namespaces[0].Send) != 1 {
		t.Errorf("an old contract has %v", before.Namespaces[0].Send)
	}
	wantContract(t, srv, "/ auth - refusal -", "  sends a false - -", "  sends b false - -")
}

func TestContractValidated(t *testing.T) {
	for _, tt := range []struct {
		validator sio.Validator
		validated bool
		tag       string
	}{
		{nil, false, ""},
		{newRules(allValid), true, "rule"},
		{struct{ sio.Validator }{newRules(allValid)}, true, ""},
	} {
		c := newServer(t, &sio.Options{Validator: tt.validator}).Contract()
		if c.Validated != tt.validated || c.RuleTag != tt.tag {
			t.Errorf("%T: %t %q", tt.validator, c.Validated, c.RuleTag)
		}
	}
}

func TestDeclareMistakes(t *testing.T) {
	srv := newServer(t, nil)
	chat := srv.Of("/chat")
	const where = "sio: Declare in namespace /chat: "
	chat.Declare(sio.UntypedEvent("a"), sio.ConnectError[int]{}, sio.AckError[int]{}, sio.AckError[int]{"e"})
	for _, tt := range []struct {
		d    sio.Declaration
		want string
	}{
		{nil, "nil declaration"},
		{sio.UntypedEvent("a"), `"a" is declared already`},
		{sio.NewEvent[int]("a"), `"a" is declared already`},
		{sio.NewEventWithAck[int, int]("a"), `"a" is declared already`},
		{sio.UntypedEvent(""), "an event without a name"},
		{sio.UntypedEvent("connect"), `"connect": the name is reserved: use OnConnect`},
		{sio.UntypedEvent("connection"), `"connection": clients that connect are no event: use OnConnect`},
		{sio.NewEvent[int]("*"), `"*": it stands for no other event: use OnAny`},
		{sio.ConnectError[string]{}, "there is a ConnectError already"},
		{sio.AckError[string]{}, "there is an AckError for all events already"},
		{sio.AckError[string]{"f", "e"}, `there is an AckError for "e" already`},
		{sio.AckError[string]{"g", "disconnect"}, `AckError for "disconnect": the name is reserved: use OnDisconnect`},
		{sio.AckError[string]{"g", "g"}, `there is an AckError for "g" already`},
	} {
		mustPanic(t, where+tt.want, func() { chat.Declare(sio.UntypedEvent("not kept"), tt.d) })
	}
	wantContract(t, srv, "/ auth - refusal -", "/chat auth - refusal int", "  sends a false - -")
	chat.Declare()                                     // nothing
	srv.Declare(sio.UntypedEvent("a"))                 // in another namespace
	srv.Of("/dyn-{id}").Declare(sio.UntypedEvent("a")) // and in one by pattern
	mustPanic(t, "sio: namespace /dyn-1 is one of /dyn-{id}: register its handlers there, or make it before that", func() {
		srv.Of("/dyn-1").Declare(sio.UntypedEvent("b"))
	})
	mustPanic(t, "sio: namespace /dyn-1 is one of /dyn-{id}: register its handlers there, or make it before that", func() {
		sio.On(srv.Of("/dyn-1"), "e", func(*sio.Context, int) error { return nil })
	})
}

// A prefixed Router is a user's: it gives events other names.
type prefixed struct {
	sio.Router
	prefix string
}

func (p prefixed) On(event string, h sio.Handler, mw ...sio.Middleware) {
	p.Router.On(p.prefix+event, h, mw...)
}

// A quiet Router registers nothing.
type quietRouter struct{ sio.Router }

func (quietRouter) On(string, sio.Handler, ...sio.Middleware) {}

func TestContractOfOwnRouters(t *testing.T) {
	srv := newServer(t, nil)
	srv.On("said", func(*sio.Context) error { return nil }) // another one than chat:said
	r := prefixed{srv, "chat:"}
	sio.On(r, "said", func(*sio.Context, message) error { return nil })
	sio.OnWithAck(r, "ask", func(*sio.Context, int) (bool, error) { return true, nil })
	sio.On(prefixed{srv, ""}, "plain", func(*sio.Context, int) error { return nil })
	sio.On(quietRouter{srv}, "nowhere", func(*sio.Context, int) error { return nil })
	r.Declare(sio.UntypedEvent("sent"))
	sio.OnConnect(r, func(*sio.Context, string) error { return nil })
	wantContract(t, srv,
		"/ auth string refusal -",
		"  on chat:ask true int bool -",
		"  on chat:said true message - -",
		"  on plain true int - -",
		"  on said false - - -",
		"  sends sent false - -",
	)
}

// Registering and asking for the contract may happen at the same time.
func TestContractConcurrently(t *testing.T) {
	srv := newServer(t, nil)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := fmt.Sprint("e", i)
			sio.On(srv, name, func(*sio.Context, int) error { return nil })
			srv.Declare(sio.NewEvent[int](name), sio.AckError[int]{name})
			srv.Of(fmt.Sprint("/n", i%2)).Declare(sio.UntypedEvent(name))
			srv.Contract()
		})
	}
	wg.Wait()
	c := srv.Contract()
	if len(c.Namespaces) != 3 || len(c.Namespaces[0].Receive) != 8 || len(c.Namespaces[0].Send) != 8 {
		t.Fatalf("contract %+v", c)
	}
	for _, e := range c.Namespaces[0].Receive {
		if !e.Typed || e.Arg != reflect.TypeFor[int]() || e.Failure != reflect.TypeFor[int]() {
			t.Errorf("%+v", e)
		}
	}
}

type endless *endless

// A function that reads itself is one that something can be decoded into.
type fromText func()

func (*fromText) UnmarshalText([]byte) error { return nil }

func TestUndecodable(t *testing.T) {
	srv := sio.New(nil)
	mustPanic(t, `sio: On("x") in namespace /: nothing can be decoded into a chan int`,
		func() { sio.On(srv, "x", func(*sio.Context, chan int) error { return nil }) })
	mustPanic(t, `sio: OnWithAck("x") in namespace /: nothing can be decoded into a *func()`,
		func() { sio.OnWithAck(srv, "x", func(*sio.Context, *func()) (int, error) { return 0, nil }) })
	mustPanic(t, `sio: OnConnect in namespace /: nothing can be decoded into a sio_test.endless`,
		func() { sio.OnConnect(srv, func(*sio.Context, endless) error { return nil }) })
	sio.On(srv, "x", func(*sio.Context, fromText) error { return nil })
}
