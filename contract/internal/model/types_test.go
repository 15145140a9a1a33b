package model_test

import (
	"encoding/json"
	"math/big"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/siokit/sio/contract/internal/shop"
)

type (
	color string // enumerated
	level int    // enumerated, one value more than is exported
	state int    // enumerated, as text
	mood  int    // enumerated, by MarshalJSON
	bits  uint8  // not enumerated
	money int64  // not enumerated: one constant

	userID   string
	blob     []byte // base64
	tags     []string
	children []*node
	index    map[string]index
	octet    uint8
	textKey  struct{ a, b string }
	ptrText  struct{ Name string } // pointer receivers
	opaque   struct{ A int }
	anything interface{ Foo() }
)

const (
	red   color = "red"
	green color = "green"

	Low level = iota // 2
	High
	numLevels

	open state = iota - 5 // 0
	closed

	good mood = iota - 7 // 0
	bad

	bitA bits = 1 << 0
	bitB bits = 1 << 1

	cent money = 1
)

var _ = []any{numLevels, bitA, bitB, cent}

func (s state) MarshalText() ([]byte, error) { return []byte([]string{"open", "closed"}[s]), nil }

func (s *state) UnmarshalText(text []byte) error {
	*s = open
	if string(text) == "closed" {
		*s = closed
	}
	return nil
}

func (m mood) MarshalJSON() ([]byte, error) { return json.Marshal([]string{"good", "bad"}[m]) }

func (m *mood) UnmarshalJSON(data []byte) error {
	*m = good
	if string(data) == `"bad"` {
		*m = bad
	}
	return nil
}

func (k textKey) MarshalText() ([]byte, error) {
	return []byte(strings.TrimSuffix(k.a+":"+k.b, ":")), nil
}

func (k *textKey) UnmarshalText(text []byte) error {
	k.a, k.b, _ = strings.Cut(string(text), ":")
	return nil
}

func (p *ptrText) MarshalText() ([]byte, error)    { return []byte(p.Name), nil }
func (p *ptrText) UnmarshalText(text []byte) error { p.Name = string(text); return nil }

func (o opaque) MarshalJSON() ([]byte, error)  { return []byte(`[1,"x"]`), nil }
func (o *opaque) UnmarshalJSON(b []byte) error { return nil }

type node struct {
	Name     string           `json:"name"`
	Left     *node            `json:"left"`
	Children children         `json:"children"`
	Others   map[string]*node `json:"others,omitempty"`
}

type ping struct{ Pong *pong }
type pong struct {
	Ping  ping
	Pings []ping `json:",omitempty"`
}

type page[T any] struct {
	Items []T
	Next  *page[T] `json:",omitempty"`
}

type pair[K comparable, V any] struct {
	Key K
	Val V
}

type Base struct {
	ID   int
	Name string `json:"name"`
}

type Other struct {
	ID   int
	More string
}

type Deep struct{ Base }

type plain struct {
	Bool    bool
	Int     int
	Int8    int8
	Int16   int16
	Int32   int32
	Int64   int64
	Uint    uint
	Uint8   uint8
	Uint16  uint16
	Uint32  uint32
	Uint64  uint64
	Float32 float32
	Float64 float64
	String  string
	hidden  int
	Dash    int `json:"-"`
	Comma   int `json:"-,"`
	Renamed int `json:"re-named"`
	Unicode int `json:"größe"`
	Strange int `json:"<&>/ $"`
	Empty   int `json:""`
	Other   int `yaml:"x"`
}

type optional struct {
	Bool    bool              `json:",omitempty"`
	Int     int               `json:",omitempty"`
	Float   float64           `json:",omitempty"`
	String  string            `json:",omitempty"`
	Pointer *int              `json:",omitempty"`
	Double  **int             `json:",omitempty"`
	Slice   []int             `json:",omitempty"`
	PSlice  *[]int            `json:",omitempty"`
	Map     map[string]int    `json:",omitempty"`
	Any     any               `json:",omitempty"`
	Struct  Base              `json:",omitempty"` // always there
	Time    time.Time         `json:",omitempty"` // always there
	Array   [2]int            `json:",omitempty"` // always there
	None    [0]int            `json:",omitempty"` // never there
	Bytes   []byte            `json:",omitempty"`
	Raw     json.RawMessage   `json:",omitempty"`
	ZStruct Base              `json:",omitzero"`
	ZTime   time.Time         `json:",omitzero"`
	ZArray  [2]int            `json:",omitzero"`
	ZSlice  []int             `json:",omitzero"`
	ZMap    map[string]string `json:",omitzero"`
	ZPtr    *Base             `json:",omitzero"`
	ZOwn    never             `json:",omitzero"`
	Both    []int             `json:",omitempty,omitzero"`
}

// never is zero when it has just one 0: nil is not.
type never []int

func (n never) IsZero() bool { return len(n) == 1 && n[0] == 0 }

type nullable struct {
	Pointer  *int
	Double   **string
	Slice    []string
	Slices   [][]*string
	Map      map[string][]int
	Bytes    []byte
	List     [][]byte
	Blob     blob
	Octets   []octet
	Tags     tags
	PTags    *tags
	Index    index
	Any      any
	Raw      json.RawMessage
	Array    [3]*int
	Bytes4   [4]byte
	PBase    *Base
	Children children
}

type quoted struct {
	Bool   bool    `json:",string"`
	Int    int     `json:",string"`
	Uint64 uint64  `json:"u,string"`
	Float  float64 `json:",string,omitempty"`
	String string  `json:",string"`
	PInt   *int    `json:",string"`
	ID     userID  `json:",string"`
	Color  color   `json:",string"`
	State  state   `json:",string"` // by its method
	Slice  []int   `json:",string"` // no effect
	Struct Base    `json:",string"` // no effect
	PState *state  `json:",string"`
}

type keys struct {
	Strings map[string]int
	Named   map[userID]int
	Ints    map[int]string
	Uints   map[uint8]bool
	Texts   map[textKey]int
	Numbers map[json.Number]int
	States  map[state]int
}

type embedding struct {
	Base
	*Other        // ID conflicts with that of Base: neither is there
	Tagged Deep   `json:"tagged"`
	Name   string `json:"name"` // hides Base.name
}

type (
	Twice  struct{ Gone int }
	First  struct{ Twice }
	Second struct{ Twice }
)

type diamond struct { // Twice is there twice, and so not at all
	First
	Second
	Kept int
}

type Tagging struct {
	Renamed int `json:"More"`
}

type tagWins struct { // over Other.More, which is as deep
	Other
	Tagging
}

type embeddedTag struct {
	Base  `json:"base"`
	*Deep `json:",omitempty"`
}

type (
	unexported    struct{ Inner int }
	embedsHidden  struct{ unexported }
	embedsPointer struct{ *unexported }
	embedsKind    struct {
		userID
		Public
		shop.Base
	}
	Public string
)

type methods struct {
	State  state
	Mood   mood
	Moods  []mood
	Opaque opaque
	PText  *ptrText
	Texts  []ptrText
	Key    textKey
	Time   time.Time
	Took   time.Duration
	Number json.Number
	Big    *big.Int
	Addr   netip.Addr
	URL    url.URL
	PURL   *url.URL
}

// either has what is encoded in one way or the other, as it is sent by value or by pointer.
type either struct {
	Value ptrText
	Map   map[string]ptrText
	Array [1]ptrText
}

type enums struct {
	Color  color
	PColor *color
	Colors []color `json:",omitempty"`
	Level  level
	Bits   bits
	Money  money
	ID     userID
}

type inline struct {
	// A is inside.
	A struct {
		B int // of A
		C []struct {
			D *int // deepest
		}
	}
}

type generics struct {
	Ints  page[int]
	Items page[shop.Item]
	Pages page[page[*Base]]
	Lists page[[]shop.Item]
	Maps  page[map[string]Base]
	Anon  page[struct{ X int }]
	Pair  pair[string, page[color]]
}

type empty struct{}
