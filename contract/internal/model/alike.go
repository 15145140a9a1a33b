package model

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/siokit/sio/contract/internal/rules"
)

// declare makes one of types that are alike both ways, gives names to all that are used,
// and returns these.
func (b *builder) declare(m *Model) []*Type {
	same := b.alike()
	var used []*Type
	seen := make(map[*Type]bool)
	var walk func(t *Type)
	walk = func(t *Type) {
		if t == nil {
			return
		}
		if t.Kind == Ref {
			t.Elem = same[t.Elem]
			if seen[t.Elem] {
				return
			}
			seen[t.Elem] = true
			used = append(used, t.Elem)
		}
		walk(t.Elem)
		walk(t.Key)
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
	b.name(used)
	return slices.SortedFunc(slices.Values(used), func(a, b *Type) int { return strings.Compare(a.Name, b.Name) })
}

// variants are those that one Go type is declared in, in the order in which they get names.
var variants = []struct {
	dir       Direction
	unchecked bool
}{{Out, false}, {In, false}, {In, true}}

// alike returns for each declaration the one that stands for it, since it holds the same.
func (b *builder) alike() map[*Type]*Type {
	byGo := make(map[reflect.Type][]*Type)
	for t := range maps.Keys(b.declared) {
		byGo[t.t] = nil
	}
	same := make(map[*Type]*Type, len(b.declared))
	for t := range byGo {
		for _, v := range variants {
			if d := b.declared[key{t, v.dir, v.unchecked}]; d != nil {
				byGo[t] = append(byGo[t], d)
				same[d] = byGo[t][0]
			}
		}
	}
	for changed := true; changed; { // what holds one that differs differs
		changed = false
		for _, all := range byGo {
			split := make(map[*Type]*Type) // from what stood for those that leave to what does now
			for _, d := range all {
				if old := same[d]; !equal(old, d, same) {
					if split[old] == nil {
						split[old] = d
					}
					same[d], changed = split[old], true
				}
			}
		}
	}
	return same
}

func equal(a, b *Type, same map[*Type]*Type) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || a.Kind != b.Kind || a.Nullable != b.Nullable || a.Format != b.Format || a.Quoted != b.Quoted || a.Len != b.Len {
		return false
	}
	switch a.Kind {
	case Ref:
		return same[a.Elem] == same[b.Elem]
	case Binary:
		return a.Direction == b.Direction // clients may send it in several forms
	}
	return equal(a.Elem, b.Elem, same) && equal(a.Key, b.Key, same) &&
		slices.EqualFunc(a.Enum, b.Enum, func(a, b Value) bool { return a.JSON == b.JSON }) &&
		slices.EqualFunc(a.Fields, b.Fields, func(a, b Field) bool {
			return a.Name == b.Name && a.Optional == b.Optional && a.rules() == b.rules() && equal(a.Type, b.Type, same)
		})
}

// rules tells whether a field has any. That there are some differs between variants, but
// not which.
func (f *Field) rules() bool {
	return saysAny(f.Rules)
}

func saysAny(r *rules.Rules) bool {
	return r != nil && (r.Required || r.NotNull || r.Schema != nil || len(r.Text) > 0 || saysAny(r.Elem) || saysAny(r.Keys))
}
