// Package app is a server whose contract has everything that a contract can have.
package app

import (
	"fmt"
	"os"

	"github.com/siokit/sio"
)

// Change is the environment variable that [Server] reads.
const Change = "CONTRACT_CHANGE"

// Server returns the server with the change that the environment asks for, for siogen.
func Server() *sio.Server {
	srv, err := New(os.Getenv(Change))
	if err != nil {
		panic(err)
	}
	return srv
}

// New returns the server with one of [Changes], or as it is with "".
func New(change string) (*sio.Server, error) {
	o := original()
	if change != "" {
		apply, ok := changes[change]
		if !ok {
			return nil, fmt.Errorf("app: no change %q", change)
		}
		apply(&o)
	}
	srv := sio.New(nil)
	o.shop(srv)
	o.events(srv)
	o.admin(srv.Of("/admin"))
	o.tenant(srv.Of("/tenant-{id}"))
	if o.gate != nil {
		o.gate(srv.Of("/gate"))
	}
	o.loose(srv.Of("/loose"))
	o.values(srv.Of("/values"))
	o.byFunc(srv.OfFunc(func(name string) bool { return name == "/known-1" }))
	return srv, nil
}

// parts register the namespaces. A change replaces one.
type parts struct {
	shop, events, admin, tenant, gate, loose, values, byFunc func(r sio.Router) // gate may be nil
}

func original() parts {
	return parts{
		shop:   shop[Order, Receipt, NoStock],
		events: events[Mood, Rank],
		admin:  admin[Credential, Refusal],
		tenant: tenant,
		gate:   gate,
		loose:  loose,
		values: values,
		byFunc: byFunc,
	}
}

// shop has what a change can be about: an argument, an answer, and a failure.
func shop[In, Out, Failure any](r sio.Router) {
	sio.OnWithAck(r, "order", func(*sio.Context, In) (out Out, err error) { return out, nil })
	r.Declare(sio.AckError[Failure]{"order"}, sio.AckError[Problem]{})
	r.Declare(sio.NewEvent[Out]("receipt"))
}

// events are the other forms.
func events[M ~string, R ~int](r sio.Router) {
	// Of clients.
	sio.On(r, "ping me", func(*sio.Context, struct{}) error { return nil })
	sio.On(r, "mood", func(*sio.Context, M) error { return nil })
	sio.On(r, "ranks", func(*sio.Context, []R) error { return nil })
	sio.On(r, "say", func(*sio.Context, string) error { return nil })
	sio.On(r, "maybe", func(*sio.Context, *string) error { return nil })
	sio.On(r, "upload", func(*sio.Context, []byte) error { return nil })
	sio.On(r, "optional", func(*sio.Context, Optional) error { return nil })
	sio.On(r, "files", func(*sio.Context, Files) error { return nil })
	sio.On(r, "price", func(*sio.Context, Money) error { return nil })
	sio.OnWithAck(r, "now", func(*sio.Context, struct{}) (Special, error) { return Special{}, nil })
	sio.OnWithAck(r, "count", func(*sio.Context, string) (int, error) { return 3, nil })
	sio.OnWithAck(r, "find", func(*sio.Context, Pair[string, M]) (Page[Item], error) { return Page[Item]{}, nil })
	sio.OnWithAck(r, "tree", func(_ *sio.Context, t *Tree) (*Tree, error) { return t, nil })
	sio.OnWithAck(r, "fail", func(*sio.Context, string) (string, error) {
		return "", &sio.Error{Message: "it failed", Data: Problem{Code: "E1"}}
	})
	sio.OnWithAck(r, "done", func(*sio.Context, int) (struct{}, error) { return struct{}{}, nil })
	r.On("raw", func(c *sio.Context) error { return c.Ack("raw", c.Args().Len()) })

	// Names that are none of an identifier, or of a variable.
	for _, name := range []string{"", "7", "with space", `quo"ted`, "it's", "back\\slash", "new\nline", "class", "__proto__", "constructor", "日本", "🦀", "a/b:c", "</script>", "*/", "${x}"} {
		sio.On(r, name, func(*sio.Context, int) error { return nil })
		r.Declare(sio.NewEvent[int](name))
	}

	// Of the server.
	r.Declare(
		sio.NewEvent[struct{}]("hello"),
		sio.NewEvent[string]("said"),
		sio.NewEvent[M]("mood"),
		sio.NewEvent[[]byte]("download"),
		sio.NewEvent[Files]("files"),
		sio.NewEvent[*Tree]("tree"),
		sio.NewEvent[Special]("special"),
		sio.NewEvent[Optional]("optional"),
		sio.NewEventWithAck[string, Pair[string, R]]("question"),
		sio.NewEventWithAck[struct{}, bool]("alive"),
		sio.NewEventWithAck[Item, []byte]("sign"),
		sio.UntypedEvent("anything"),
	)
}

// admin needs a credential.
func admin[Auth, Refused any](r sio.Router) {
	sio.OnConnect(r, func(_ *sio.Context, a Auth) error {
		if c, ok := any(a).(Credential); ok && c.Token != "good" {
			return &sio.Error{Message: "not authorized", Data: Refusal{Retry: true, Hint: "good"}}
		}
		return nil
	})
	r.Declare(sio.ConnectError[Refused]{})
	sio.On(r, "ban", func(*sio.Context, string) error { return nil })
	r.Declare(sio.NewEvent[int]("users"))
}

// tenant is a pattern, with an event that has the types of another namespace.
func tenant(r sio.Router) {
	sio.OnWithAck(r, "where", func(c *sio.Context, _ struct{}) (string, error) { return c.Namespace(), nil })
	sio.On(r, "say", func(c *sio.Context, n int) error { return sio.NewEvent[int]("said").Emit(c, n) })
	r.Declare(sio.NewEvent[int]("said"))
}

// gate has an auth payload that may be left out.
func gate(r sio.Router) {
	sio.OnConnect(r, func(*sio.Context, *Ticket) error { return nil })
	sio.OnWithAck(r, "same", func(_ *sio.Context, i Item) (Item, error) { return i, nil })
}

// loose takes any event.
func loose(r sio.Router) {
	sio.OnWithAck(r, "known", func(_ *sio.Context, s string) (string, error) { return s, nil })
	r.On("raw", func(c *sio.Context) error { return c.Ack(c.Args().Len()) })
	r.OnAny(func(c *sio.Context) error { return c.Ack("any", c.Event()) })
}

// byFunc has a namespace whose names only a function knows.
func byFunc(r sio.Router) {
	sio.OnWithAck(r, "where", func(c *sio.Context, _ struct{}) (string, error) { return c.Namespace(), nil })
}
