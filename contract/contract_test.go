package contract_test

import (
	"encoding/json"
	"math/big"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/contract/internal/shop"
)

// A Color is what a pen has.
type Color string

// The colors.
const (
	Red   Color = "red" // as blood
	Green Color = "green"
)

// A Level tells how urgent something is.
type Level int

const (
	// Low can wait.
	Low Level = iota + 1
	High
)

// A Status is written as a word.
type Status int

// What there is of it.
const (
	Open Status = iota
	Closed
)

func (s Status) MarshalText() ([]byte, error) {
	return []byte([]string{"open", "closed"}[s]), nil
}

func (s *Status) UnmarshalText(text []byte) error {
	*s = Open
	if string(text) == "closed" {
		*s = Closed
	}
	return nil
}

// Flags are bits.
type Flags uint8

const (
	FlagA Flags = 1 << iota
	FlagB
)

// UserID names a user.
type UserID string

// A User is one of two types of this name.
//
// Deprecated: not really. A */ does not end this comment.
type User struct {
	ID UserID `json:"id"`
	/*
		Nick is what
		others see.
	*/
	Nick *string `json:"nick"`
	Bio  string  `json:"bio,omitempty"`
}

// A Page is a part of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitzero"`
}

// A Node is a tree.
type Node struct {
	Name     string           `json:"name"`
	Children []*Node          `json:"children,omitempty"`
	ByName   map[string]Node  `json:"byName"`
	Extra    map[Status][]int `json:"extra"`
}

// A Decimal encodes itself.
type Decimal struct{ text string }

func (d Decimal) MarshalJSON() ([]byte, error) { return json.Marshal(d.text) }

type meta struct {
	Version int `json:"version"` // of the form
}

// Everything has a field of each kind.
type Everything struct {
	*meta
	shop.Base
	Bool    bool            `json:"bool"`
	Int     int             `json:"int"`
	Quoted  int64           `json:"quoted,string"`
	Float   float32         `json:"float"`
	Color   Color           `json:"color"`
	Level   Level           `json:"level"`
	Status  Status          `json:"status"`
	Flags   Flags           `json:"flags"`
	Data    []byte          `json:"data"`
	Hash    [32]byte        `json:"hash"`
	Point   [2]float64      `json:"point"`
	Raw     json.RawMessage `json:"raw"`
	Number  json.Number     `json:"number"`
	Big     *big.Int        `json:"big"`
	Took    time.Duration   `json:"took"`
	At      time.Time       `json:"at,omitzero"`
	Tags    []string        `json:"tags"`
	Matrix  [][]*float64    `json:"matrix"`
	Any     any             `json:"any"`
	Map     map[int]User    `json:"map"`
	Decimal Decimal         `json:"decimal"`
	Inline  struct {
		X int `json:"x"` // across
	} `json:"inline"`
	Strange  string `json:"it is <strange>"`
	Dashed   string `json:"a-b"`
	Proto    string `json:"__proto__"`
	Dash     string `json:"-,"`
	Left     string `json:"-"`
	Page     Page[shop.Item]
	PageUser Page[Page[*User]]
}

// Refusal tells why.
type Refusal struct {
	Code int `json:"code"`
}

// NoStock tells what is missing.
type NoStock struct {
	SKU string `json:"sku"`
}

type auth struct {
	Token string `json:"token,omitempty" validate:"required,min=20"`
	Room  string `json:"room" validate:"omitempty,max=20"`
}

func newServer() *sio.Server {
	srv := sio.New(nil)
	sio.OnConnect(srv, func(*sio.Context, auth) error { return nil })
	sio.OnWithAck(srv, "everything", func(*sio.Context, Everything) (Everything, error) { return Everything{}, nil })
	sio.On(srv, "node", func(*sio.Context, *Node) error { return nil })
	sio.On(srv, "it's \"quoted\"\n", func(*sio.Context, string) error { return nil })
	sio.On(srv, "__proto__", func(*sio.Context, shop.User) error { return nil })
	sio.On(srv, "größe", func(*sio.Context, struct{}) error { return nil })
	sio.OnWithAck(srv, "order", func(*sio.Context, []shop.Item) (struct{}, error) { return struct{}{}, nil })
	sio.OnWithAck(srv, "time", func(*sio.Context, struct{}) (time.Time, error) { return time.Time{}, nil })
	srv.On("untyped", func(*sio.Context) error { return nil })
	srv.Declare(
		sio.NewEvent[Node]("tree"),
		sio.NewEvent[struct{}]("bye"),
		sio.NewEvent[[]byte]("file"),
		sio.NewEventWithAck[User, Color]("ask"),
		sio.UntypedEvent("bridge"),
		sio.ConnectError[Refusal]{},
		sio.AckError[NoStock]{"order"},
	)

	chat := srv.Of("/chat")
	sio.OnConnect(chat, func(*sio.Context, *auth) error { return nil })
	sio.On(chat, "upload", func(*sio.Context, []byte) error { return nil })
	chat.OnAny(func(*sio.Context) error { return nil })
	chat.Declare(sio.NewEvent[map[string]shop.User]("members"))

	sio.On(srv.Of("/tenant-{id}"), "hello", func(*sio.Context, string) error { return nil })
	srv.OfFunc(func(string) bool { return false })
	return srv
}
