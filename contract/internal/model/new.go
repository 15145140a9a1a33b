package model

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/siokit/sio"
	"github.com/siokit/sio/contract/internal/rules"
)

// Options are those of New.
type Options struct {
	Dir       string                 // in the module of the types, for their sources; "" for the working directory
	Overrides map[string]Replacement // by type, such as "example.com/shop.Price" or "[]byte"
	Reserved  []string               // names that no type gets
	Validated bool                   // rules are kept, those of RuleTag: both are set by New
	RuleTag   string
}

// New makes the model of a contract. It fails if a type has no JSON, or if there is no
// type that an override is for.
func New(c sio.Contract, o Options) (*Model, error) {
	o.Validated, o.RuleTag = c.Validated && c.RuleTag != "", c.RuleTag
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
	ns = Namespace{Name: n.Name, Pattern: n.Patterned(), Rank: n.Rank, Any: n.Any}
	root := func(t reflect.Type, dir Direction, checked bool, where string, args ...any) *Type {
		if t == nil || err != nil {
			return nil
		}
		b.path = []string{fmt.Sprintf("namespace %s, ", n.Name) + fmt.Sprintf(where, args...) + ": " + strings.TrimPrefix(t.String(), "*")}
		var u *Type
		at := place{dir: dir}
		if b.opts.Validated && checked {
			at.rules = rules.OfArgument(t)
		}
		u, err = b.use(t, at)
		return u
	}
	ns.Auth = root(n.Auth, In, true, "auth payload")
	ns.Refusal = root(n.Refusal, Out, false, "ConnectError")
	for _, e := range n.Receive {
		ns.Receive = append(ns.Receive, Event{
			Name: e.Name, Typed: e.Typed,
			Arg:     root(e.Arg, In, true, "argument of %q", e.Name),
			Ack:     root(e.Ack, Out, false, "answer to %q", e.Name),
			Failure: root(e.Failure, Out, false, "AckError of %q", e.Name),
		})
	}
	for _, e := range n.Send {
		ns.Send = append(ns.Send, Event{
			Name: e.Name, Typed: e.Typed,
			Arg: root(e.Arg, Out, false, "argument of %q", e.Name),
			Ack: root(e.Ack, In, false, "answer to %q", e.Name),
		})
	}
	return ns, err
}
