package agreement

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

type (
	inner struct {
		Must string `json:"must" validate:"required,max=3"`
		May  int    `json:"may" validate:"omitempty,min=2"`
	}
	outer struct {
		In   inner  `json:"in"`
		Free string `json:"free"`
	}
	// Embedded and EmbeddedPointer lend their fields.
	Embedded struct {
		ID string `json:"id" validate:"required"`
		N  int    `json:"n" validate:"max=3"`
	}
	tree struct {
		Name string  `json:"name" validate:"required"`
		Left *tree   `json:"left"`
		All  []*tree `json:"all" validate:"max=2,dive,required"`
		Lax  []tree  `json:"lax"`
	}
	list[T any] struct {
		Items []T `json:"items" validate:"min=1,dive"`
		Page  int `json:"page" validate:"gte=1"`
	}
	level int
	color string
	given struct{ Set bool }
	// Types that have a name, and elements with rules in some places.
	names  []*string
	forest map[string]forest
	nest   []nest
	pair   struct {
		Left  int  `json:"left"`
		Right *int `json:"right"`
	}
)

func (l *level) UnmarshalText(text []byte) error {
	*l = level(len(text))
	return nil
}

// UnmarshalJSON makes something of null, too.
func (g *given) UnmarshalJSON([]byte) error {
	g.Set = true
	return nil
}

// Types as applications have them.
var types = []reflect.Type{
	reflect.TypeFor[inner](),
	reflect.TypeFor[*inner](),
	reflect.TypeFor[outer](),
	reflect.TypeFor[[]inner](),
	reflect.TypeFor[[]*inner](),
	reflect.TypeFor[[][]inner](),
	reflect.TypeFor[[2]inner](),
	reflect.TypeFor[map[string]inner](),
	reflect.TypeFor[map[int][]inner](),
	reflect.TypeFor[tree](),
	reflect.TypeFor[[]tree](),
	reflect.TypeFor[list[inner]](),
	reflect.TypeFor[list[int]](),
	reflect.TypeFor[list[*tree]](),
	reflect.TypeFor[struct{ Embedded }](),
	reflect.TypeFor[struct{ *Embedded }](),
	reflect.TypeFor[struct {
		Embedded `validate:"omitempty"`
	}](),
	reflect.TypeFor[struct {
		*Embedded `validate:"required"`
	}](),
	reflect.TypeFor[struct {
		Embedded `json:"named"`
	}](),
	reflect.TypeFor[struct {
		Embedded `validate:"-"`
		Other    *inner `json:"other"`
	}](),
	reflect.TypeFor[struct {
		Items []inner `json:"items"` // not checked
		Some  []inner `json:"some" validate:"dive"`
	}](),
	reflect.TypeFor[struct {
		L level       `json:"l" validate:"required,max=3"`
		C color       `json:"c" validate:"omitempty,oneof=red green"`
		G given       `json:"g" validate:"required"`
		J json.Number `json:"j" validate:"required,max=2"`
		Q int         `json:"q,string" validate:"required,max=3"`
		T time.Time   `json:"t" validate:"omitempty"`
		P *time.Time  `json:"p" validate:"required"`
		R json.RawMessage
	}](),
	reflect.TypeFor[struct {
		A string `json:"a" validate:"required_with=B"`
		B string `json:"b" validate:"omitempty,eqfield=A"`
		C *int   `json:"c" validate:"required_if=A ab,omitempty,min=1"`
		D *int   `json:"d" validate:"excluded_with=C"`
	}](),
	reflect.TypeFor[struct {
		S []pair            `json:"s" validate:"unique"`
		P []*pair           `json:"p" validate:"unique"`
		T []time.Time       `json:"t" validate:"unique"`
		D []**int           `json:"d" validate:"unique"`
		A [][2]color        `json:"a" validate:"unique"`
		L []struct{ I any } `json:"l" validate:"unique"`
	}](),
	reflect.TypeFor[struct {
		Must names  `json:"must" validate:"dive,required"`
		May  names  `json:"may"`
		Wood forest `json:"wood" validate:"min=1,dive,min=1"`
		Nest nest   `json:"nest" validate:"min=1,dive,min=1"`
	}](),
	reflect.TypeFor[forest](),
	reflect.TypeFor[nest](),
	reflect.TypeFor[string](),
	reflect.TypeFor[[]string](),
	reflect.TypeFor[any](),
	reflect.TypeFor[time.Time](),
}

// Types with several fields, in several levels.
func TestTypes(t *testing.T) {
	for _, of := range types {
		j := newJudge(t, of)
		accepted := 0
		for _, json := range valuesOf(of, false, 4) {
			if j.compare(t, json, false) {
				accepted++
			}
		}
		if accepted == 0 {
			t.Errorf("%v: the server accepts none of these values", of)
		}
	}
}

// FuzzTypes makes values of the types from bytes.
func FuzzTypes(f *testing.F) {
	f.Add(uint8(0), []byte("abc"))
	f.Fuzz(func(t *testing.T, which uint8, choices []byte) {
		of := types[int(which)%len(types)]
		g := &chooser{choices}
		newJudgeOnce(t, of).compare(t, g.value(of, 5), false)
	})
}

var judges sync.Map // reflect.Type → *judge

func newJudgeOnce(t *testing.T, of reflect.Type) *judge {
	if j, ok := judges.Load(of); ok {
		return j.(*judge)
	}
	j := newJudge(t, of)
	judges.Store(of, j)
	return j
}

// A chooser makes JSON of choices.
type chooser struct{ choices []byte }

func (c *chooser) next(n int) int {
	if len(c.choices) == 0 || n == 0 {
		return 0
	}
	i := int(c.choices[0]) % n
	c.choices = c.choices[1:]
	return i
}

// value returns a value for a t, or now and then for another type.
func (c *chooser) value(t reflect.Type, depth int) string {
	if depth == 0 || c.next(8) == 7 {
		others := []string{`""`, "0", "[]", "{}", "true", "null"}
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
			return others[c.next(6)]
		case reflect.Array:
			return `""`
		}
		return others[c.next(5)]
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Time](), reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()):
	case t.Kind() == reflect.Struct:
		var members []string
		for _, f := range reflect.VisibleFields(t) {
			if name := nameOf(f); name != "" && c.next(4) > 0 {
				members = append(members, quote(name)+":"+c.value(f.Type, depth-1))
			}
		}
		return "{" + strings.Join(members, ",") + "}"
	case t.Kind() == reflect.Slice, t.Kind() == reflect.Array:
		var elems []string
		n := c.next(4)
		if t.Kind() == reflect.Array {
			n = t.Len()
		}
		for range n {
			elems = append(elems, c.value(t.Elem(), depth-1))
		}
		return "[" + strings.Join(elems, ",") + "]"
	case t.Kind() == reflect.Map:
		var members []string
		for i := range c.next(4) {
			members = append(members, quote(string(rune('1'+i)))+":"+c.value(t.Elem(), depth-1))
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	some := valuesOf(t, true, 1)
	return some[c.next(len(some))]
}
