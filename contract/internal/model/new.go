package model

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/siokit/sio"
)

// Options are those of New.
type Options struct {
	Dir       string                 // in the module of the types, for their sources; "" for the working directory
	Overrides map[string]Replacement // by type, such as "example.com/shop.Price" or "[]byte"
	Reserved  []string               // names that no type gets
	Validated bool                   // set by New
}

// New makes the model of a contract. It fails if a type has no JSON, or if there is no
// type that an override is for.
func New(c sio.Contract, o Options) (*Model, error) {
	o.Validated = c.Validated
	b := &builder{opts: o, declared: make(map[key]*Type), used: make(map[string]bool)}
	b.source = load(o.Dir, typesOf(c))
	m := &Model{Validated: c.Validated, NoSource: b.source.missing}
	for _, n := range c.Namespaces {
		ns, err := b.namespace(n)
		if err != nil {
			return nil, err
		}
		m.Namespaces = append(m.Namespaces, ns)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Overrides)) {
		if !b.used[name] {
			return nil, fmt.Errorf("there is no type %s that an override is for", name)
		}
	}
	m.Types = b.declare(m)
	return m, nil
}

func typesOf(c sio.Contract) []reflect.Type {
	var all []reflect.Type
	for _, n := range c.Namespaces {
		all = append(all, n.Auth, n.Refusal)
		for _, e := range n.Receive {
			all = append(all, e.Arg, e.Ack, e.Failure)
		}
		for _, e := range n.Send {
			all = append(all, e.Arg, e.Ack)
		}
	}
	return slices.DeleteFunc(all, func(t reflect.Type) bool { return t == nil })
}

func (b *builder) namespace(n sio.NamespaceContract) (ns Namespace, err error) {
	ns = Namespace{Name: n.Name, Pattern: n.Patterned(), Any: n.Any}
	root := func(t reflect.Type, dir Direction, where string, args ...any) *Type {
		if t == nil || err != nil {
			return nil
		}
		b.path = []string{fmt.Sprintf("namespace %s, ", n.Name) + fmt.Sprintf(where, args...) + ": " + strings.TrimPrefix(t.String(), "*")}
		var u *Type
		u, err = b.use(t, dir, false, nil)
		return u
	}
	ns.Auth = root(n.Auth, In, "auth payload")
	ns.Refusal = root(n.Refusal, Out, "ConnectError")
	for _, e := range n.Receive {
		ns.Receive = append(ns.Receive, Event{
			Name: e.Name, Typed: e.Typed,
			Arg:     root(e.Arg, In, "argument of %q", e.Name),
			Ack:     root(e.Ack, Out, "answer to %q", e.Name),
			Failure: root(e.Failure, Out, "AckError of %q", e.Name),
		})
	}
	for _, e := range n.Send {
		ns.Send = append(ns.Send, Event{
			Name: e.Name, Typed: e.Typed,
			Arg: root(e.Arg, Out, "argument of %q", e.Name),
			Ack: root(e.Ack, In, "answer to %q", e.Name),
		})
	}
	return ns, err
}

// declare makes one of types that are alike both ways, gives names to all that are used,
// and returns these.
func (b *builder) declare(m *Model) []*Type {
	same := b.alike()
	var out, in []*Type
	seen := make(map[*Type]bool)
	var walk func(t *Type)
	walk = func(t *Type) {
		if t == nil {
			return
		}
		if t.Kind == Ref {
			if same[t.Go] {
				t.Elem = b.declared[key{t.Go, Out}]
			}
			if seen[t.Elem] {
				return
			}
			seen[t.Elem] = true
			if t.Elem.Direction == Out {
				out = append(out, t.Elem)
			} else {
				in = append(in, t.Elem)
			}
		}
		walk(t.Elem)
		for i := range t.Fields {
			walk(t.Fields[i].Type)
		}
	}
	for _, n := range m.Namespaces {
		walk(n.Auth)
		walk(n.Refusal)
		for _, e := range slices.Concat(n.Receive, n.Send) {
			walk(e.Arg)
			walk(e.Ack)
			walk(e.Failure)
		}
	}
	nameTypes(out, in, b.opts.Reserved)
	return slices.SortedFunc(slices.Values(slices.Concat(out, in)), func(a, b *Type) int { return strings.Compare(a.Name, b.Name) })
}

// alike returns the Go types whose declarations hold the same both ways.
func (b *builder) alike() map[reflect.Type]bool {
	same := make(map[reflect.Type]bool)
	for k := range b.declared {
		if k.dir == In && b.declared[key{k.t, Out}] != nil {
			same[k.t] = true
		}
	}
	for changed := true; changed; { // what holds one that differs differs
		changed = false
		for t := range same {
			if !equal(b.declared[key{t, Out}], b.declared[key{t, In}], same) {
				delete(same, t)
				changed = true
			}
		}
	}
	return same
}

func equal(a, b *Type, same map[reflect.Type]bool) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.Kind != b.Kind || a.Nullable != b.Nullable || a.Format != b.Format || a.Quoted != b.Quoted || a.Len != b.Len {
		return false
	}
	switch a.Kind {
	case Ref:
		return same[a.Go]
	case Binary:
		return false // clients may send it in several forms
	}
	return equal(a.Elem, b.Elem, same) && equal(a.Key, b.Key, same) &&
		slices.EqualFunc(a.Enum, b.Enum, func(a, b Value) bool { return a.JSON == b.JSON }) &&
		slices.EqualFunc(a.Fields, b.Fields, func(a, b Field) bool {
			return a.Name == b.Name && a.Optional == b.Optional && equal(a.Type, b.Type, same)
		})
}
