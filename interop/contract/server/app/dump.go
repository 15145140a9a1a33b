package app

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dump writes a value so that two that differ look different: unlike %#v it follows
// pointers, and tells nil from empty.
func dump(v any) string {
	var b strings.Builder
	dumpValue(&b, reflect.ValueOf(v))
	return b.String()
}

func dumpValue(b *strings.Builder, v reflect.Value) {
	if !v.IsValid() {
		b.WriteString("nil")
		return
	}
	if t, ok := reflect.TypeAssert[time.Time](v); ok {
		b.WriteString("Time(" + t.Format(time.RFC3339Nano) + ")")
		return
	}
	if s, ok := reflect.TypeAssert[fmt.Stringer](v); ok && v.Kind() == reflect.Struct {
		fmt.Fprintf(b, "%s(%s)", v.Type().Name(), s)
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		if v.Kind() == reflect.Pointer {
			b.WriteByte('&')
		} else {
			b.WriteString(v.Elem().Type().String() + ":")
		}
		dumpValue(b, v.Elem())
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.IsNil() {
			b.WriteString("nil")
			return
		}
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(' ')
			}
			dumpValue(b, v.Index(i))
		}
		b.WriteByte(']')
	case reflect.Map:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		members := make(map[string]string)
		for key, value := range v.Seq2() {
			members[dump(key.Interface())] = dump(value.Interface())
		}
		b.WriteString("map[")
		for _, key := range slices.Sorted(maps.Keys(members)) {
			b.WriteString(key + ":" + members[key] + " ")
		}
		b.WriteByte(']')
	case reflect.Struct:
		b.WriteByte('{')
		for f, field := range v.Fields() {
			if f.IsExported() {
				b.WriteString(f.Name + ":")
				dumpValue(b, field)
				b.WriteByte(' ')
			}
		}
		b.WriteByte('}')
	case reflect.String:
		b.WriteString(strconv.Quote(v.String()))
	default:
		fmt.Fprint(b, v.Interface())
	}
}
