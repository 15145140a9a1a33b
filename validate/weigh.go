package siovalidate

import (
	"reflect"
	"sync"
)

// The library keeps an error with two paths for every broken field, of which there may
// be hundreds of thousands. Paths are as long as a client likes where types are
// recursive, and behind keys of maps: with both, a megabyte could take hundreds of
// gigabytes. So of such types, the paths that there can be are added up before.

// maxPaths is how many bytes all paths of a value may have. A megabyte of the smallest
// elements there are has 10 MB, at 30 bytes each.
const maxPaths = 32 << 20

var openTypes sync.Map // reflect.Type → whether open holds of it

// isOpen tells whether a type does not bound the length of paths in it.
func isOpen(t reflect.Type) bool {
	if open, ok := openTypes.Load(t); ok {
		return open.(bool)
	}
	open := findOpen(t, make(map[reflect.Type]bool))
	openTypes.Store(t, open)
	return open
}

// findOpen looks at t within the structs that are in around.
func findOpen(t reflect.Type, around map[reflect.Type]bool) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return findOpen(t.Elem(), around)
	case reflect.Map:
		switch pointee(t.Elem()).Kind() {
		case reflect.Struct, reflect.Slice, reflect.Array, reflect.Map:
			return true
		}
	case reflect.Struct:
		if around[t] {
			return true
		}
		around[t] = true
		defer delete(around, t)
		for f := range t.Fields() {
			if findOpen(f.Type, around) {
				return true
			}
		}
	}
	return false
}

// A scale adds up the lengths of paths.
type scale struct{ total int }

// weigh adds those of v and all in it, and reports false once they are too many.
func (s *scale) weigh(v reflect.Value, path int) bool {
	if s.total += path; s.total > maxPaths {
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
			if !s.weigh(v.Index(i), path+len("[123456]")) {
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
		for i := range v.NumField() {
			if !s.weigh(v.Field(i), path+len(v.Type().Field(i).Name)+1) {
				return false
			}
		}
	}
	return true
}
