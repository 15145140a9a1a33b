package agreement_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
)

// A State is enumerated.
type State string

// The states.
const (
	Open   State = "open"
	Closed State = "closed"
)

// A Level is enumerated, too.
type Level int8

// The levels.
const (
	Low  Level = -1
	High Level = 1
)

type (
	blob    []byte
	celsius float32
	names   map[string]string
	triple  [3]*int
	pointer *struct{ X int }
	bytes4  [4]byte
)

// Loop refers to itself by way of each kind of type.
type Loop struct {
	Next  *Loop           `json:"next"`
	List  []Loop          `json:"list,omitempty"`
	Index map[string]Loop `json:"index,omitempty"`
	Other *Other          `json:"other,omitzero"`
	Any   any             `json:"any,omitempty"`
	Array [1]*Loop        `json:"array"`
}

// An Other refers to a [Loop].
type Other struct{ Loop *Loop }

// A List is a slice of itself.
type List []List

// A Dict is a map of itself.
type Dict map[string]Dict

// Generic has two parameters.
type Generic[K comparable, V any] struct {
	Key  K            `json:"key"`
	Vals []V          `json:"vals"`
	Map  map[K]V      `json:"-"`
	More *Box[Box[V]] `json:"more,omitempty"`
}

// A Box is generic.
type Box[T any] struct{ In T }

// Options has all ways for a field to be left out.
type Options struct {
	A string         `json:"a,omitempty"`
	B *string        `json:"b,omitempty"`
	C []int          `json:",omitempty"`
	D map[string]int `json:"d,omitempty"`
	E any            `json:"e,omitempty"`
	F [0]int         `json:"f,omitempty"`
	G [1]int         `json:"g,omitempty"`
	H Box[int]       `json:"h,omitempty"`
	I time.Time      `json:"i,omitempty"`
	J time.Time      `json:"j,omitzero"`
	K Box[string]    `json:"k,omitzero"`
	L *int           `json:"l,omitzero"`
	M []byte         `json:"m,omitempty"`
	N []byte         `json:"n,omitzero"`
	O Even           `json:"o,omitzero"`
	P bool           `json:"p,omitempty,omitzero"`
	Q float64        `json:"q,string,omitempty"`
}

// Even says itself when it is zero.
type Even int

// IsZero reports whether the number is even.
func (e Even) IsZero() bool { return e%2 == 0 }

// Quoted has what may be in a string.
type Quoted struct {
	Int     int      `json:"int,string"`
	Uint8   uint8    `json:"uint8,string"`
	Float   float64  `json:"float,string"`
	Bool    bool     `json:"bool,string"`
	String  string   `json:"string,string"`
	Pointer *int     `json:"pointer,string"`
	Twice   **bool   `json:"twice,string"`
	Slice   []int    `json:"slice,string"` // the option does nothing
	Struct  Box[int] `json:"struct,string"`
	Named   Level    `json:"named,string"`
	Bytes   []byte   `json:"bytes,string"`
	Any     any      `json:"any,string"`
}

// Tags has names of all sorts.
type Tags struct {
	Plain    int
	Dash     int `json:"-,"`
	Skipped  int `json:"-"`
	Space    int `json:"a b"`
	Slash    int `json:"a/b~c%$ref"`
	Unicode  int `json:"日本"`
	Proto    int `json:"__proto__"`
	Empty    int `json:",omitempty"`
	Ref      int `json:"$ref"`
	Constant int `json:"_placeholder"`
	_        int
	Fn       func() `json:"-"`
}

type inner struct {
	Promoted string `json:"promoted"`
	Shadowed string `json:"shadowed"`
	Both     int    `json:"both"`
}

// A Middle embeds.
type Middle struct {
	inner
	Both int `json:"both"` // nearer than that of inner
}

// A Beside is embedded at the same depth as [Middle].
type Beside struct {
	Promoted2 string
	Clash     int
}

// A Third clashes with [Beside].
type Third struct {
	Clash int
}

// Embeds has every sort of embedded type.
type Embeds struct {
	*Middle
	Beside
	Third   `json:",omitempty"`
	Options `json:"options"`
	State
	names
	Shadowed bool `json:"shadowed"`
}

var _ = Embeds{}.names // it is in no JSON

// Attached has attachments.
type Attached struct {
	Data  []byte            `json:"data"`
	List  [][]byte          `json:"list"`
	Map   map[string][]byte `json:"map"`
	Ptr   *[]byte           `json:"ptr"`
	Any   any               `json:"any"`
	Blob  blob              `json:"blob"`
	Array bytes4            `json:"array"`
	Small []uint8           `json:"small"`
	Fixed [2][]byte         `json:"fixed"`
	Of    []bytes4          `json:"of"`
	Level []levelByte       `json:"level"`
}

type levelByte byte

// Keys has all types that keys of maps can have.
type Keys struct {
	String map[string]int     `json:"string"`
	Named  map[State]int      `json:"named"`
	Int    map[int]int        `json:"int"`
	Uint8  map[uint8]int      `json:"uint8"`
	Level  map[Level]int      `json:"level"`
	Text   map[netip.Addr]int `json:"text"`
	Color  map[color]int      `json:"color"`
}

type color struct{ R, G, B uint8 }

func (c color) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "#%02x%02x%02x", c.R, c.G, c.B), nil
}

func (c *color) UnmarshalText(text []byte) error {
	if _, err := fmt.Sscanf(string(text), "#%02x%02x%02x", &c.R, &c.G, &c.B); err != nil {
		return fmt.Errorf("no color: %w", err)
	}
	return nil
}

// pointerColor writes itself only by a pointer.
type pointerColor struct{ R uint8 }

func (c *pointerColor) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d", c.R), nil }

func (c *pointerColor) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(string(text), "%d", &c.R)
	return err
}

// anyJSON writes itself: nobody knows how.
type anyJSON struct{ n int }

func (a anyJSON) MarshalJSON() ([]byte, error) {
	return [][]byte{[]byte("null"), []byte(`"s"`), []byte("[1]"), []byte("{}")}[a.n&3], nil
}

func (a *anyJSON) UnmarshalJSON(data []byte) error {
	if !json.Valid(data) {
		return errors.New("no JSON")
	}
	a.n = len(data)
	return nil
}

// Foreign has types of the standard library, and those with methods.
type Foreign struct {
	Time     time.Time       `json:"time"`
	TimePtr  *time.Time      `json:"timePtr"`
	Duration time.Duration   `json:"duration"`
	Raw      json.RawMessage `json:"raw,omitempty"`
	Number   json.Number     `json:"number"`
	Addr     netip.Addr      `json:"addr"`
	Big      *big.Int        `json:"big"`
	URL      *url.URL        `json:"url"`
	Month    time.Month      `json:"month"`
	Color    color           `json:"color"`
	Colors   []*color        `json:"colors"`
	Pointer  *pointerColor   `json:"pointer"`
	Custom   anyJSON         `json:"custom"`
	Customs  []anyJSON       `json:"customs"`
	Empty    struct{}        `json:"empty"`
}

// types are those whose values have to agree with their schemas.
var types = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[string](), reflect.TypeFor[any](),
	reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](), reflect.TypeFor[int32](), reflect.TypeFor[int64](),
	reflect.TypeFor[uint](), reflect.TypeFor[uint8](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[uint64](), reflect.TypeFor[uintptr](),
	reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[celsius](),
	reflect.TypeFor[[]byte](), reflect.TypeFor[*[]byte](), reflect.TypeFor[blob](), reflect.TypeFor[bytes4](), reflect.TypeFor[[][]byte](),
	reflect.TypeFor[*int](), reflect.TypeFor[**string](), reflect.TypeFor[pointer](),
	reflect.TypeFor[[]string](), reflect.TypeFor[[][]int](), reflect.TypeFor[[2]bool](), reflect.TypeFor[[0]int](), reflect.TypeFor[triple](),
	reflect.TypeFor[map[string]any](), reflect.TypeFor[names](), reflect.TypeFor[map[int][]string](), reflect.TypeFor[map[string]*[]*int](),
	reflect.TypeFor[State](), reflect.TypeFor[Level](), reflect.TypeFor[[]State](), reflect.TypeFor[map[State]*Level](), reflect.TypeFor[levelByte](),
	reflect.TypeFor[Loop](), reflect.TypeFor[*Loop](), reflect.TypeFor[Other](), reflect.TypeFor[List](), reflect.TypeFor[Dict](),
	reflect.TypeFor[Generic[string, int]](), reflect.TypeFor[Generic[State, []byte]](), reflect.TypeFor[Box[Box[*time.Time]]](),
	reflect.TypeFor[Options](), reflect.TypeFor[Quoted](), reflect.TypeFor[Tags](), reflect.TypeFor[Embeds](), reflect.TypeFor[*Embeds](),
	reflect.TypeFor[Attached](), reflect.TypeFor[Keys](), reflect.TypeFor[Foreign](), reflect.TypeFor[*Foreign](),
	reflect.TypeFor[time.Time](), reflect.TypeFor[*time.Time](), reflect.TypeFor[time.Duration](), reflect.TypeFor[json.RawMessage](), reflect.TypeFor[json.Number](),
	reflect.TypeFor[color](), reflect.TypeFor[pointerColor](), reflect.TypeFor[*pointerColor](), reflect.TypeFor[anyJSON](), reflect.TypeFor[*big.Int](), reflect.TypeFor[url.URL](),
	reflect.StructOf([]reflect.StructField{
		{Name: "A", Type: reflect.TypeFor[int](), Tag: `json:"same"`}, // in none: vet knows of it
		{Name: "B", Type: reflect.TypeFor[int](), Tag: `json:"same"`},
	}),
	reflect.TypeFor[struct{}](), reflect.TypeFor[struct {
		A, B *struct{ C []struct{ D int } }
	}](),
}

// constants are those of enumerated types.
var constants = map[reflect.Type][]reflect.Value{
	reflect.TypeFor[State]():      {reflect.ValueOf(Open), reflect.ValueOf(Closed)},
	reflect.TypeFor[Level]():      {reflect.ValueOf(Low), reflect.ValueOf(High)},
	reflect.TypeFor[time.Month](): {reflect.ValueOf(time.January), reflect.ValueOf(time.December)},
}

// unnamed are the types that random ones are made of: those with a name have their
// sources read, which takes a while.
var unnamed = slices.DeleteFunc(slices.Clone(types), func(t reflect.Type) bool {
	for t.Name() == "" && t.Kind() != reflect.Struct && t.Kind() != reflect.Interface {
		t = t.Elem()
	}
	return t.PkgPath() != "" && t != reflect.TypeFor[time.Time]()
})

// randomType returns a type that a program could have declared.
func (f *filler) randomType(depth int) reflect.Type {
	n := f.below(10)
	if depth >= 4 {
		n %= 3
	}
	switch n {
	case 0, 1, 2:
		return unnamed[f.below(len(unnamed))]
	case 3:
		return reflect.PointerTo(f.randomType(depth + 1))
	case 4:
		return reflect.SliceOf(f.randomType(depth + 1))
	case 5:
		return reflect.ArrayOf(f.below(4), f.randomType(depth+1))
	case 6:
		keys := []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[uint64]()}
		return reflect.MapOf(keys[f.below(len(keys))], f.randomType(depth+1))
	}
	fields := make([]reflect.StructField, f.below(5))
	for i := range fields {
		fields[i] = reflect.StructField{
			Name: fmt.Sprintf("F%d", i),
			Type: f.randomType(depth + 1),
			Tag:  f.randomTag(),
		}
	}
	return reflect.StructOf(fields)
}

func (f *filler) randomTag() reflect.StructTag {
	names := []string{"", "a", "b", "F1", "-", "with space", "$ref", "日本", "__proto__", "!#$%&()*+-./:;<=>?@[]^_{|}~ 9"}
	tag := names[f.below(len(names))]
	var options strings.Builder
	for _, o := range []string{",omitempty", ",omitzero", ",string", ","} {
		if f.byte()&3 == 1 {
			options.WriteString(o)
		}
	}
	if tag == "" && options.Len() == 0 {
		return ""
	}
	return reflect.StructTag(`json:"` + tag + options.String() + `"`)
}
