package parser

import (
	stdjson "encoding/json"
	"reflect"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
)

var (
	allTraits sync.Map // reflect.Type → traits

	numberType      = reflect.TypeFor[stdjson.Number]()
	bytesType       = reflect.TypeFor[[]byte]()
	rawType         = reflect.TypeFor[stdjson.RawMessage]()
	marshalerToType = reflect.TypeFor[json.MarshalerTo]()
	unmarshalerType = reflect.TypeFor[json.UnmarshalerFrom]()
)

// traits are what there may be in a type.
type traits struct {
	hooks bool // what type-specific functions are for: a []byte, an interface that may hold one, or a Number
	once  bool // what must not be decoded twice: by methods, or by adding to what is there
}

func meetsHooks(t reflect.Type) bool { return traitsOf(t).hooks }

func traitsOf(t reflect.Type) traits {
	if t == nil {
		return traits{}
	}
	if found, ok := allTraits.Load(t); ok {
		return found.(traits)
	}
	var found traits
	found.find(t, make(map[reflect.Type]bool))
	allTraits.Store(t, found)
	return found
}

func (f *traits) find(t reflect.Type, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	if t == bytesType || t == numberType || t.Kind() == reflect.Interface {
		f.hooks = true
		f.once = f.once || t.Kind() == reflect.Interface && t.NumMethod() > 0 // it may hold what has others, too
	}
	p := reflect.PointerTo(t)
	if p.Implements(marshalerToType) || p.Implements(unmarshalerType) {
		f.hooks = true // methods that are handed the encoder or decoder can go on to any type
	}
	if t != timeType && t != rawType && decidesItself(t) { // those two are known to set all
		f.once = true
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		f.find(t.Elem(), seen)
	case reflect.Map:
		f.find(t.Key(), seen)
		f.find(t.Elem(), seen)
	case reflect.Struct:
		for field := range t.Fields() {
			f.find(field.Type, seen)
			f.once = f.once || takesRest(field)
		}
	}
}

// takesRest tells whether a field takes the members of an object that have none of their own,
// as the library has it by names that differ between its versions: it adds to what is there.
func takesRest(field reflect.StructField) bool {
	_, opts, _ := strings.Cut(field.Tag.Get("json"), ",")
	for opt := range strings.SplitSeq(opts, ",") {
		if opt == "embed" || opt == "inline" || opt == "unknown" {
			return true
		}
	}
	return false
}
