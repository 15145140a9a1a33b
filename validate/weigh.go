package siovalidate

import (
	"reflect"
	"strings"
	"sync"
)

// The library keeps an error with two paths for every broken field. Their number is not
// bounded by that of bytes that were sent, since fields that are left out may be broken,
// too: "{}" breaks as many rules as its type has. Nor are their lengths where types are
// recursive, and behind keys of maps. A megabyte could take gigabytes, or hundreds of
// them with both. So of such types, what there can be is added up before.

// maxPaths is how many bytes all paths of a value may have. A megabyte of the smallest
// elements there are has 10 MB, at 30 bytes each.
const maxPaths = 32 << 20

// maxZeros is how many fields that may not be left out may be zero, each of which may cost 250 bytes. A
// megabyte of elements that have 40 bytes each, and leave out 20 such fields, has as many.
const maxZeros = 500_000

var openTypes sync.Map // reflect.Type → whether open holds of it

// isOpen tells whether a type does not bound the length of paths in it, or how many fields
// are left out.
func isOpen(t reflect.Type) bool {
	if open, ok := openTypes.Load(t); ok {
		return open.(bool)
	}
	open := findOpen(t, make(map[reflect.Type]bool))
	openTypes.Store(t, open)
	return open
}

// findOpen looks at t within the types that are in around.
func findOpen(t reflect.Type, around map[reflect.Type]bool) bool {
	if around[t] {
		return true
	}
	around[t] = true
	defer delete(around, t)
	switch t.Kind() {
	case reflect.Pointer:
		return findOpen(t.Elem(), around)
	case reflect.Slice, reflect.Array:
		e := pointee(t.Elem())
		return isStruct(e) || e.Kind() == reflect.Array || findOpen(e, around)
	case reflect.Map:
		e := pointee(t.Elem())
		return isStruct(e) || isList(e)
	case reflect.Struct:
		for f := range t.Fields() {
			if findOpen(f.Type, around) {
				return true
			}
		}
	}
	return false
}

// A scale adds up the lengths of paths, and counts fields that are zero.
type scale struct {
	tag          string // that has the rules; "" if it is not known
	paths, zeros int
}

// weigh adds what is in v, and reports false once it is too much.
func (s *scale) weigh(v reflect.Value, path int) bool {
	if s.paths += path; s.paths > maxPaths || s.zeros > maxZeros {
		return false
	}
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil() || s.weigh(v.Elem(), path)
	case reflect.Slice, reflect.Array:
		if kind := v.Type().Elem().Kind(); kind == reflect.Uint8 {
			return true
		}
		for i := range v.Len() {
			e := v.Index(i)
			if v.Kind() == reflect.Array {
				s.count(e) // which may have been left out, too
			}
			if !s.weigh(e, path+len("[123456]")) {
				return false
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			key := len("[1234567890]")
			if it.Key().Kind() == reflect.String {
				key = len("[]") + it.Key().Len()
			}
			if !s.weigh(it.Value(), path+key) {
				return false
			}
		}
	case reflect.Struct:
		t := v.Type()
		if !isStruct(t) {
			return true
		}
		for i := range v.NumField() {
			f := t.Field(i)
			if s.tag == "" || refusesZero(f.Tag.Get(s.tag)) {
				s.count(v.Field(i))
			}
			if !s.weigh(v.Field(i), path+len(f.Name)+1) {
				return false
			}
		}
	}
	return true
}

// refusesZero tells whether a tag may refuse what has been left out.
func refusesZero(tag string) bool {
	return tag != "" && tag != "-" && !strings.HasPrefix(tag, "omit") && !strings.HasPrefix(tag, "dive")
}

func (s *scale) count(v reflect.Value) {
	if v.IsZero() {
		s.zeros++
	}
}
