package app

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// A State is what has become of an order.
type State string

// The states.
const (
	Open    State = "open"    // not paid
	Paid    State = "paid"    // paid, not sent
	Shipped State = "shipped" // on its way
)

// A Level is how urgent something is.
type Level int

// The levels.
const (
	Low Level = iota + 1
	Middle
	High
)

// A Mood is how a customer feels.
type Mood string

// The moods.
const (
	Glad  Mood = "glad"
	Sad   Mood = "sad"
	Angry Mood = "angry"
)

// A Rank is how good something is.
type Rank int

// The ranks.
const (
	Poor Rank = iota + 1
	Fair
	Good
)

// An Order is what a customer wants.
type Order struct {
	ID    int    `json:"id"`
	Title string `json:"title"` // of the first item
	// Note is what the customer has added.
	Note  string   `json:"note,omitempty"`
	State State    `json:"state"`
	Items []Item   `json:"items"`
	Tags  []string `json:"tags,omitempty"`
	Gift  *Gift    `json:"gift"`
}

// An Item is a part of an [Order].
type Item struct {
	Name  string  `json:"name"`
	Price float64 `json:"price"`
	Count uint8   `json:"count,omitempty"`
}

// A Gift is wrapped.
type Gift struct {
	Paper string `json:"paper"`
}

// A Receipt is the answer to an [Order].
type Receipt struct {
	Order int       `json:"order"`
	Total float64   `json:"total"`
	Due   time.Time `json:"due"`
	PDF   []byte    `json:"pdf"`
}

// NoStock is why an order fails.
type NoStock struct {
	Item string `json:"item"`
	Left int    `json:"left"`
}

// A Problem is why anything else fails.
type Problem struct {
	Code string `json:"code"`
}

// A Credential is shown by a client of the namespace /admin.
type Credential struct {
	Token string `json:"token"`
	Since int    `json:"since,omitempty"`
}

// A Ticket may be shown by a client of the namespace /gate.
type Ticket struct {
	Seat int `json:"seat"`
}

// A Refusal is why a client is not let in.
type Refusal struct {
	Retry bool   `json:"retry"`
	Hint  string `json:"hint,omitempty"`
}

// Named has a string for each kind of key.
type Named struct {
	ByName  map[string]Item     `json:"byName"`
	ByID    map[int]string      `json:"byID"`
	ByState map[State]int       `json:"byState"`
	ByAddr  map[netip.Addr]bool `json:"byAddr"`
}

// Optional has the ways in which a field may be missing.
type Optional struct {
	Plain     string            `json:"plain"`
	Pointer   *string           `json:"pointer"`
	Empty     string            `json:"empty,omitempty"`
	EmptyPtr  *string           `json:"emptyPtr,omitempty"`
	Zero      time.Time         `json:"zero,omitzero"`
	ZeroItem  Item              `json:"zeroItem,omitzero"`
	EmptyItem Item              `json:"emptyItem,omitempty"` //nolint:modernize // a struct is never empty
	EmptyMap  map[string]string `json:"emptyMap,omitempty"`
	List      []int             `json:"list"`
	EmptyList []int             `json:"emptyList,omitempty"`
	Fixed     [2]int            `json:"fixed,omitempty"` // neither is an array with elements
	Any       any               `json:"any"`
	EmptyAny  any               `json:"emptyAny,omitempty"`
	Deep      **int             `json:"deep"`
}

// Tagged has what tags can do.
type Tagged struct {
	Untagged string
	Renamed  string `json:"new-name"`
	Skipped  string `json:"-"`
	Dash     string `json:"-,"`
	Number   int    `json:"number,string"`
	Flag     bool   `json:"flag,string,omitempty"`
	Quote    string `json:"quote,string"`
	Odd      int    `json:"$ref"`
	Space    string `json:"with space"`
	hidden   int
}

// A Base is embedded.
type Base struct {
	Key     string `json:"key"`
	Shared  int    `json:"shared"`
	Clashes string `json:"clash"`
}

// A Second is embedded beside a [Base].
type Second struct {
	Clashes string `json:"clash"` // in both: in none
	Other   bool   `json:"other"`
}

type unexported struct {
	Inner string `json:"inner"`
}

// Embedding has embedded structs of all kinds.
type Embedding struct {
	Base
	*Second
	unexported
	Shared string `json:"shared"` // hides the one of Base
	Item   `json:"item"`
}

// A Tree is recursive.
type Tree struct {
	Name     string           `json:"name"`
	Children []*Tree          `json:"children,omitempty"`
	Index    map[string]*Tree `json:"index,omitempty"`
	Parent   *Branch          `json:"parent"`
}

// A Branch is recursive by way of a [Tree].
type Branch struct {
	Tree *Tree `json:"tree,omitempty"`
}

// A Page is generic.
type Page[T any] struct {
	Items []T  `json:"items"`
	Next  *int `json:"next"`
}

// A Pair has two types.
type Pair[K comparable, V any] struct {
	Key   K `json:"key"`
	Value V `json:"value"`
}

// A Blob is no attachment: encoding/json makes base64 of it.
type Blob []byte

// Files has attachments, at several depths, and what looks like some.
type Files struct {
	One   []byte            `json:"one"`
	Many  [][]byte          `json:"many"`
	Named map[string][]byte `json:"named"`
	Maybe []byte            `json:"maybe,omitempty"`
	Ptr   *[]byte           `json:"ptr"`
	Blob  Blob              `json:"blob"`
	Sum   [4]byte           `json:"sum"`
	Any   any               `json:"any"`
}

// Money writes itself as a string such as "12.50 EUR". What clients see is declared
// by an override.
type Money struct {
	Cents    int64
	Currency string
}

// MarshalJSON implements [json.Marshaler].
func (m Money) MarshalJSON() ([]byte, error) {
	return json.Marshal(fmt.Sprintf("%d.%02d %s", m.Cents/100, m.Cents%100, m.Currency))
}

// UnmarshalJSON implements [json.Unmarshaler].
func (m *Money) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	var whole, part int64
	if _, err := fmt.Sscanf(s, "%d.%d %s", &whole, &part, &m.Currency); err != nil {
		return fmt.Errorf("no amount: %w", err)
	}
	m.Cents = whole*100 + part
	return nil
}

// A Color is a text, by encoding.TextMarshaler.
type Color struct{ R, G, B uint8 }

// MarshalText implements [encoding.TextMarshaler].
func (c Color) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "#%02x%02x%02x", c.R, c.G, c.B), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *Color) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(strings.ToLower(string(text)), "#%02x%02x%02x", &c.R, &c.G, &c.B)
	return err
}

// Special has types that are JSON of their own.
type Special struct {
	Time  time.Time       `json:"time"`
	Took  time.Duration   `json:"took"`
	Raw   json.RawMessage `json:"raw"`
	Exact json.Number     `json:"exact"`
	Addr  netip.Addr      `json:"addr"`
	Color Color           `json:"color"`
	Price Money           `json:"price"`
}

// Enums has enumerated types in all places.
type Enums struct {
	State  State           `json:"state"`
	Level  Level           `json:"level"`
	Maybe  *Level          `json:"maybe"`
	Unset  State           `json:"unset,omitempty"`
	All    []State         `json:"all"`
	Counts map[State]Level `json:"counts"`
}

// Numbers has all of them.
type Numbers struct {
	I   int     `json:"i"`
	I8  int8    `json:"i8"`
	I16 int16   `json:"i16"`
	I32 int32   `json:"i32"`
	I64 int64   `json:"i64"`
	U   uint    `json:"u"`
	U8  uint8   `json:"u8"`
	U16 uint16  `json:"u16"`
	U32 uint32  `json:"u32"`
	U64 uint64  `json:"u64"`
	F32 float32 `json:"f32"`
	F64 float64 `json:"f64"`
}
