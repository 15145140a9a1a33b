package model

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// A field is a member of the JSON object that a struct becomes, found as encoding/json
// finds it.
type field struct {
	name      string // in JSON
	tagged    bool
	index     []int
	owner     reflect.Type // the struct that it stands in
	sf        reflect.StructField
	omitEmpty bool
	omitZero  bool
	quoted    bool
	behind    bool   // an embedded pointer
	malformed string // the name in its tag, if it is none
	hidden    bool   // behind an embedded pointer to an unexported struct: it can't be decoded
}

// fieldsOf returns the fields of a struct in order.
func fieldsOf(t reflect.Type) []field {
	type embedded struct {
		t              reflect.Type
		index          []int
		behind, hidden bool
	}
	next := []embedded{{t: t}}
	var nextCount map[reflect.Type]int
	visited := make(map[reflect.Type]bool)
	var fields []field
	for len(next) > 0 {
		current, count := next, nextCount
		next, nextCount = nil, make(map[reflect.Type]int)
		for _, e := range current {
			if visited[e.t] {
				continue
			}
			visited[e.t] = true
			for sf := range e.t.Fields() {
				ft := sf.Type // behind a pointer
				if ft.Name() == "" && ft.Kind() == reflect.Pointer {
					ft = ft.Elem()
				}
				if !sf.IsExported() && !(sf.Anonymous && ft.Kind() == reflect.Struct) {
					continue
				}
				tag := sf.Tag.Get("json")
				if tag == "-" {
					continue
				}
				name, list, _ := strings.Cut(tag, ",")
				options := strings.Split(list, ",")
				malformed := ""
				if name != "" && !isValidName(name) {
					name, malformed = "", name
				}
				index := append(slices.Clip(e.index), sf.Index...)
				if name == "" && sf.Anonymous && ft.Kind() == reflect.Struct {
					if nextCount[ft]++; nextCount[ft] == 1 {
						pointer := sf.Type.Kind() == reflect.Pointer
						next = append(next, embedded{ft, index, e.behind || pointer, e.hidden || pointer && !sf.IsExported()})
					}
					continue
				}
				f := field{
					name:      cmp.Or(name, sf.Name),
					tagged:    name != "",
					index:     index,
					owner:     e.t,
					sf:        sf,
					omitEmpty: slices.Contains(options, "omitempty"),
					omitZero:  slices.Contains(options, "omitzero"),
					quoted:    slices.Contains(options, "string") && canQuote(ft.Kind()),
					behind:    e.behind,
					malformed: malformed,
					hidden:    e.hidden,
				}
				fields = append(fields, f)
				if count[e.t] > 1 {
					fields = append(fields, f) // it is there twice, and so, not at all
				}
			}
		}
	}
	return dominant(fields)
}

// dominant leaves out the fields that others of the same name hide.
func dominant(fields []field) []field {
	slices.SortStableFunc(fields, func(a, b field) int {
		return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(len(a.index), len(b.index)), -compareBool(a.tagged, b.tagged))
	})
	var out []field
	for len(fields) > 0 {
		n := 1
		for n < len(fields) && fields[n].name == fields[0].name {
			n++
		}
		if n == 1 || len(fields[0].index) != len(fields[1].index) || fields[0].tagged != fields[1].tagged {
			out = append(out, fields[0])
		}
		fields = fields[n:]
	}
	slices.SortFunc(out, func(a, b field) int { return slices.Compare(a.index, b.index) })
	return out
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// isValidName reports whether encoding/json takes a name of a tag.
func isValidName(name string) bool {
	for _, r := range name {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return name != ""
}

// canQuote tells which kinds the option string is for.
func canQuote(k reflect.Kind) bool {
	return k == reflect.String || k >= reflect.Bool && k <= reflect.Float64
}

// mayBeEmpty reports whether omitempty ever leaves out a value of a type.
func mayBeEmpty(t reflect.Type) bool {
	switch k := t.Kind(); k {
	case reflect.Array:
		return t.Len() == 0
	case reflect.Map, reflect.Slice, reflect.Interface, reflect.Pointer:
		return true
	default:
		return canQuote(k)
	}
}

var zeroer = reflect.TypeFor[interface{ IsZero() bool }]()

// leavesOutNil reports whether nil is never written for a field.
func (f *field) leavesOutNil() bool {
	own := f.sf.Type.Kind() != reflect.Pointer && f.sf.Type.Kind() != reflect.Interface &&
		reflect.PointerTo(f.sf.Type).Implements(zeroer) // it says itself what zero is
	return f.omitEmpty || f.omitZero && !own
}
