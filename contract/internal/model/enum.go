package model

import (
	"bytes"
	"fmt"
	"go/constant"
	"reflect"

	"github.com/siokit/sio/socketio/parser"
)

// enumerate finds the constants of a type, as JSON. It does nothing if there are none,
// or if one of them can't be told.
func (b *builder) enumerate(d *Type) {
	var values []Value
	kind := Any
	seen := make(map[string]bool)
	for _, c := range b.source.constants(d.Go) {
		text, err := c.json(d.Go, d.Direction)
		if err != nil || len(text) == 0 {
			return
		}
		k := Integer
		if text[0] == '"' {
			k = String
		} else if text[0] != '-' && (text[0] < '0' || text[0] > '9') || bytes.ContainsAny(text, ".eE") {
			return
		}
		if kind != Any && kind != k {
			return
		}
		kind = k
		if !seen[string(text)] {
			seen[string(text)] = true
			values = append(values, Value{Name: c.name, Doc: c.doc, JSON: string(text)})
		}
	}
	if len(values) < 2 {
		return // a constant is not yet all that there is
	}
	d.Kind, d.Enum = kind, values
}

// json encodes a constant. A client is to send only what is decoded into the same.
func (c *constantDecl) json(t reflect.Type, dir Direction) (text []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p) // of the type's method
		}
	}()
	v := reflect.New(t)
	switch value := v.Elem(); {
	case t.Kind() == reflect.String && c.value.Kind() == constant.String:
		value.SetString(constant.StringVal(c.value))
	case value.CanInt() && c.value.Kind() == constant.Int:
		n, _ := constant.Int64Val(c.value)
		value.SetInt(n)
	case value.CanUint() && c.value.Kind() == constant.Int:
		n, _ := constant.Uint64Val(c.value)
		value.SetUint(n)
	default:
		return nil, fmt.Errorf("%v can't be %s", t, c.value)
	}
	text, _, err = parser.JSON{}.Append(nil, v.Interface(), nil)
	if err != nil || dir == Out {
		return text, err
	}
	back := reflect.New(t)
	if err := (parser.JSON{}).Unmarshal(text, nil, back.Interface()); err != nil {
		return nil, err
	}
	if back.Elem().Interface() != v.Elem().Interface() {
		return nil, fmt.Errorf("%s is decoded into something else", text)
	}
	return text, nil
}
