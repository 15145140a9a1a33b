package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/siokit/sio/contract/internal/model"
)

// A mode is which values of a type a schema is of.
type mode int

const (
	out   mode = iota // what the server writes
	in                // what clients may send: it keeps the rules of the type
	loose             // what clients may send where rules are not looked at, such as in slices without "dive"
)

// A variant is a type that has a name, as it is written or read somewhere.
type variant struct {
	t    *model.Type
	mode mode
}

// A schemer makes JSON Schemas of types. Those that have a name are defined once, and
// referred to: variants whose schemas are the same share one.
type schemer struct {
	ref     string        // what references begin with
	tag     string        // of the rules that are kept; "" for none
	types   []*model.Type // that have a name
	names   map[variant]string
	taken   map[string]bool // names
	defined map[variant]*jsonschema.Schema
	special map[string]*jsonschema.Schema // what is no type of the application's
	err     error                         // the first one
}

func newSchemer(types []*model.Type, ref, tag string) *schemer {
	s := &schemer{ref: ref, tag: tag, types: types, names: map[variant]string{}, taken: map[string]bool{}}
	for _, t := range types {
		s.taken[t.Name] = true
	}
	return s
}

// settled calls make, which makes all schemas, until each has its name: that of a type
// has a suffix for variants that differ from the first one, as do those that refer to them.
func (s *schemer) settled(make func()) error {
	for {
		s.defined, s.special = map[variant]*jsonschema.Schema{}, map[string]*jsonschema.Schema{}
		make()
		if s.err != nil || !s.split() {
			return s.err
		}
	}
}

// split gives names of their own to variants that have to differ, and reports whether there
// were any.
func (s *schemer) split() bool {
	apart := map[variant]string{}
	for _, t := range s.types {
		for m := in; m <= loose; m++ {
			if name := s.apart(variant{t, m}, apart); name != "" {
				apart[variant{t, m}] = name
			}
		}
	}
	maps.Copy(s.names, apart)
	return len(apart) > 0
}

// apart returns a new name for a variant if those of the same name differ: that of one which is the
// same, if it has a new one, too.
func (s *schemer) apart(v variant, apart map[variant]string) string {
	alone := true
	for m := out; m < v.mode && s.defined[v] != nil; m++ {
		other := variant{v.t, m}
		if s.defined[other] == nil || s.name(other) != s.name(v) {
			continue
		}
		if s.same(s.defined[other], s.defined[v]) {
			return apart[other]
		}
		alone = false
	}
	if alone {
		return ""
	}
	return s.free(v.t.Name + [...]string{in: "Input", loose: "Unchecked"}[v.mode])
}

func (s *schemer) same(a, b *jsonschema.Schema) bool {
	left, err := json.Marshal(a)
	if err != nil {
		s.fail(err)
	}
	right, err := json.Marshal(b)
	if err != nil {
		s.fail(err)
	}
	return bytes.Equal(left, right)
}

// free returns a name like this one that nothing has.
func (s *schemer) free(name string) string {
	free := name
	for i := 2; s.taken[free]; i++ {
		free = fmt.Sprint(name, i)
	}
	s.taken[free] = true
	return free
}

func (s *schemer) name(v variant) string {
	if name := s.names[v]; name != "" {
		return name
	}
	return v.t.Name
}

// refer returns a reference to a variant, and defines it.
func (s *schemer) refer(v variant) *jsonschema.Schema {
	if s.defined[v] == nil {
		s.defined[v] = anything("") // while it is made, for types that have themselves in it
		s.defined[v] = documented(s.define(v), v.t.Doc)
	}
	return &jsonschema.Schema{Ref: s.ref + s.name(v)}
}

// referSpecial returns a reference to what is no type of the application's. The names
// have a dot, which names of types have not.
func (s *schemer) referSpecial(name string, make func() *jsonschema.Schema) *jsonschema.Schema {
	if s.special[name] == nil {
		s.special[name] = make()
	}
	return &jsonschema.Schema{Ref: s.ref + name}
}

// defs returns what is referred to.
func (s *schemer) defs() map[string]*jsonschema.Schema {
	defs := maps.Clone(s.special)
	met := map[reflect.Type]bool{} // so that it is said what others of the same type are
	for m := out; m <= loose; m++ {
		for _, t := range s.types {
			v := variant{t, m}
			schema, name := s.defined[v], s.name(v)
			if schema == nil || defs[name] != nil {
				continue // none, or the same as another variant's
			}
			switch {
			case !met[t.Go]:
				met[t.Go] = true
			case m == loose:
				schema = noted(schema, "This is what clients may send where rules are not checked.")
			case m == in:
				schema = noted(schema, "This is what clients may send.")
			}
			defs[name] = schema
		}
	}
	return defs
}

// noted returns a schema with a description that ends in a note.
func noted(s *jsonschema.Schema, note string) *jsonschema.Schema {
	s = beside(s)
	if s.Description != "" {
		s.Description += "\n\n"
	}
	s.Description += note
	return s
}

func (s *schemer) fail(err error) {
	if s.err == nil {
		s.err = fmt.Errorf("contract: %w", err)
	}
}
