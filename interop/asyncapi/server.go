package main

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/siokit/sio"
	siovalidate "github.com/siokit/sio/validate"
)

// A Token says who a client is.
type Token struct {
	Token string `json:"token" validate:"required,min=8"`
	// Device is what the user calls the device.
	Device string `json:"device,omitempty" validate:"omitempty,max=40"`
}

// A Refusal says why a client is not let in.
type Refusal struct {
	Code  int       `json:"code"`
	Until time.Time `json:"until,omitzero"` // when it may try again
}

// A Status is how far an order is.
type Status string

// The states of an order.
const (
	Placed  Status = "placed" // and paid
	Packed  Status = "packed"
	Shipped Status = "shipped" // with a number to follow it
)

// A Priority says who waits for whom.
type Priority int

// From the last to the first.
const (
	Low Priority = iota
	Normal
	High
)

// An Order is what a customer buys.
//
// Its prices are in cents.
type Order struct {
	ID       int64             `json:"id,string"`
	Item     string            `json:"item" validate:"required,min=2,max=40"` // the name, not the number
	Count    uint8             `json:"count" validate:"min=1,max=20"`
	Email    string            `json:"email" validate:"required,email"`
	Key      string            `json:"key,omitempty" validate:"omitempty,uuid"`
	Size     string            `json:"size" validate:"oneof=S M L"`
	Tags     []string          `json:"tags" validate:"max=5,dive,min=1,max=10"`
	Notes    map[string]string `json:"notes,omitempty"`
	Status   Status            `json:"status"`
	Priority Priority          `json:"priority"`
	Price    float64           `json:"price" validate:"gte=0"`
	Placed   time.Time         `json:"placed"`
	Picture  []byte            `json:"picture,omitempty"` // a PNG
	Gift     *Gift             `json:"gift"`
	Parts    []Order           `json:"parts,omitempty" validate:"dive"` // orders are made of orders
	Raw      json.RawMessage   `json:"raw,omitempty"`
	Extra    any               `json:"extra"`
	Point    [2]float64        `json:"point"`
	Box      struct {
		W int  `json:"w"`
		H *int `json:"h,omitempty"`
	} `json:"box"`
	Meta
}

// Meta is in many things.
type Meta struct {
	// Trace is for <support>.
	Trace string `json:"trace,omitempty"`
}

// A Gift is for somebody else.
type Gift struct {
	To   string  `json:"to" validate:"required"`
	Next *Gift   `json:"next,omitempty"`
	All  []*Gift `json:"all"`
}

// A Page is a part of a list.
type Page[T any] struct {
	Items []T `json:"items"`
	Next  int `json:"next,omitempty"`
}

// NoStock is what there is instead.
type NoStock struct {
	Left int `json:"left"`
}

// A Tree has trees.
type Tree map[string]Tree

// Code is a type of its own JSON.
type Code struct{ a, b string }

// MarshalText implements encoding.TextMarshaler.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.a + "-" + c.b), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Code) UnmarshalText(text []byte) error {
	var ok bool
	if c.a, c.b, ok = strings.Cut(string(text), "-"); !ok {
		return errors.New("not a code")
	}
	return nil
}

// Größe is no name in ASCII.
type Größe struct {
	Maß int `json:"maß"`
}

type none = struct{}

// The events that the server sends.
var (
	notice  = sio.NewEvent[string]("notice")
	tick    = sio.NewEvent[none]("tick")
	ordered = sio.NewEvent[Order]("order")
	picture = sio.NewEvent[[]byte]("picture")
	tree    = sio.NewEvent[Tree]("tree")
	now     = sio.NewEvent[time.Time]("time")
	sure    = sio.NewEventWithAck[string, bool]("sure?")
	which   = sio.NewEventWithAck[none, *Order]("which")
	bridge  = sio.UntypedEvent("bridge")
	size    = sio.NewEvent[Größe]("Größe")
	sizes   = sio.NewEvent[int]("Gr__e")
	markup  = sio.NewEvent[int]("<b>")
)

func newServer() *sio.Server {
	srv := sio.New(&sio.Options{Validator: siovalidate.New()})
	srv.Declare(sio.ConnectError[Refusal]{}, notice, tick)
	sio.OnConnect(srv, func(_ *sio.Context, t Token) error {
		if t.Token != "let me in" {
			return &sio.Error{Message: "no", Data: Refusal{Code: 7, Until: time.Now()}}
		}
		return nil
	})
	sio.On(srv, "say", func(c *sio.Context, text string) error { return notice.Emit(c, text) })
	sio.On(srv, "ping me", func(c *sio.Context, _ none) error { return tick.Emit(c, none{}) })

	shop := srv.Of("/shop")
	sio.OnConnect(shop, func(*sio.Context, *Token) error { return nil })
	sio.OnWithAck(shop, "order", func(_ *sio.Context, o Order) (Order, error) {
		switch o.Count {
		case 13:
			return o, &sio.Error{Message: "no stock", Data: NoStock{Left: 12}}
		case 14:
			return o, &sio.Error{Message: "no"}
		}
		return o, nil
	})
	sio.OnWithAck(shop, "list", func(*sio.Context, none) (Page[Order], error) {
		return Page[Order]{Items: []Order{{Status: Placed}}}, nil
	})
	sio.OnWithAck(shop, "gifts", func(_ *sio.Context, g []*Gift) (Page[Gift], error) { return Page[Gift]{Next: len(g)}, nil })
	sio.OnWithAck(shop, "nothing", func(*sio.Context, int) (none, error) { return none{}, nil })
	sio.OnWithAck(shop, "code", func(_ *sio.Context, c Code) (*Code, error) { return &c, nil })
	sio.OnWithAck(shop, "upload", func(_ *sio.Context, data []byte) (int, error) { return len(data), nil })
	sio.OnWithAck(shop, "status/of:this~order", func(_ *sio.Context, s Status) (map[Status]int, error) { return map[Status]int{s: 1}, nil })
	sio.OnWithAck(shop, "show", func(c *sio.Context, o Order) (*Order, error) { return show(c, o) })
	shop.Declare(
		sio.AckError[map[string]any]{}, sio.AckError[NoStock]{"order", "list"},
		ordered, picture, tree, now, sure, which, bridge, size, sizes, markup,
	)

	tenant := srv.Of("/tenant-{id}/room-{room}")
	sio.On(tenant, "say", func(*sio.Context, string) error { return nil })
	tenant.On("raw", func(c *sio.Context) error { return c.Ack("any", 1) })
	tenant.OnAny(func(c *sio.Context) error { return c.Ack() })
	srv.OfFunc(func(name string) bool { return strings.HasPrefix(name, "/dyn-") }).Declare(sio.NewEvent[int]("n"))
	srv.Of("/tenant--id-").OnAny(func(*sio.Context) error { return nil })
	srv.Of("/größe").On("", func(*sio.Context) error { return nil })
	return srv
}

// show sends everything that the shop may send, and returns what the client answers.
func show(c *sio.Context, o Order) (*Order, error) {
	_, err := sure.Call(c.Context(), c, "Really?")
	err = errors.Join(err,
		ordered.Emit(c, o), picture.Emit(c, []byte{1, 2}), tree.Emit(c, Tree{"a": {"b": nil}}), now.Emit(c, time.Now()),
		c.Emit(string(bridge), 1, "two", []byte{3}), size.Emit(c, Größe{1}), sizes.Emit(c, 2), markup.Emit(c, 3))
	if err != nil {
		return nil, err
	}
	return which.Call(c.Context(), c, none{})
}
