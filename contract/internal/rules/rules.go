// Package rules says what the tags of go-playground/validator mean in JSON Schema.
//
// It promises no more than that library enforces: what a server with siovalidate
// accepts, a schema made of these rules accepts, too. Where JSON Schema can't express a
// rule, it is text for people. There are two exceptions. A server matches the names of
// members without regard to case, and takes numbers that are next to a bound, but no
// float64, for the bound; a schema does neither.
package rules

import (
	"encoding"
	stdjson "encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Rules are those that a value has to keep: a field, an element or a key.
type Rules struct {
	// Required says that the value may not be left out, as its zero value is refused.
	Required bool
	// NotNull says that null is refused.
	NotNull bool
	// Checked says of a struct, or a pointer to one, that the rules of its own fields
	// are enforced. They are not where the tag says so, and not in elements of slices
	// and maps whose field has no "dive".
	Checked bool
	// Schema is a JSON Schema that the value matches unless it is null. It has only
	// keywords about the value itself, not about what is inside of it, no $ref, and
	// nothing that differs between the drafts from 6 on. Numbers are json.Number. It is
	// nil if there is nothing to say.
	Schema map[string]any
	// Text has the rules that Schema does not express, or not fully, as they are
	// written, with fields by their JSON names.
	Text []string
	// Elem and Keys are the rules of the elements of a slice, array or map, and of the
	// keys of a map. They are nil if there are none: then elements are not Checked.
	Elem, Keys *Rules
}

// Tag is the name of the struct tag by default.
const Tag = "validate"

// OfArgument returns the rules of the argument of a handler. It has no tag: structs are
// checked, and so are those in slices and maps.
func OfArgument(t reflect.Type) *Rules { return ofArgument(t, make(map[reflect.Type]bool)) }

func ofArgument(t reflect.Type, around map[reflect.Type]bool) *Rules {
	r := &Rules{Checked: true}
	switch t = pointee(t); t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		if !around[t] { // else it has itself as elements, and no structs
			around[t] = true
			r.Elem = ofArgument(t.Elem(), around)
		}
	}
	return r
}

// OfField returns the rules of a field of the struct type parent, which is found by path
// as with [reflect.Value.FieldByIndex], by the tag of the given name. All but the last
// element of path are embedded structs.
func OfField(parent reflect.Type, path []int, tag string) *Rules {
	if tag == "" {
		tag = Tag
	}
	absent := false // the embedded struct may be
	for len(path) > 1 {
		embedded := parent.Field(path[0])
		rules := strings.Split(embedded.Tag.Get(tag), ",")
		if skips(rules) {
			return new(Rules)
		}
		absent = absent || embedded.Type.Kind() == reflect.Pointer
		parent, path = pointee(embedded.Type), path[1:]
	}
	f := parent.Field(path[0])
	p := parser{parent: parent, tag: tag}
	_, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	p.quoted = slices.Contains(strings.Split(options, ","), "string")
	r := new(Rules)
	p.parse(r, f.Type, split(f.Tag.Get(tag)))
	if absent {
		r.Required, r.NotNull = false, false
	}
	return r
}

// skips tells whether the rules of an embedded struct's fields may not be enforced.
func skips(rules []string) bool {
	return slices.ContainsFunc(rules, func(r string) bool {
		switch r {
		case "-", "structonly", "nostructlevel", "omitempty", "omitzero", "isdefault":
			return true
		}
		return false
	})
}

func split(tag string) []string {
	if tag == "" {
		return nil
	}
	return strings.Split(tag, ",")
}

// A parser goes through the tag of a field.
type parser struct {
	parent reflect.Type
	tag    string // its name
	quoted bool   // the field has the option ",string"
}

// parse adds to r what a tag says of a value of type t.
func (p parser) parse(r *Rules, t reflect.Type, tag []string) {
	if len(tag) == 1 && tag[0] == "-" {
		return
	}
	r.Checked = true
	v := p.value(t)
	if p.refusesZero(t, tag) {
		r.Required, r.NotNull = true, v.pointer || !hasMethods(v.t)
	}
	r.Schema = v.schema(p, r, tag)
}

// schema returns what the rules of a tag say, adding to r what can't be said so.
func (v value) schema(p parser, r *Rules, tag []string) map[string]any {
	var s schema
	for i, rule := range tag {
		rest := tag[i+1:]
		switch rule {
		case "structonly", "nostructlevel":
			r.Checked = false
			return s.keywords()
		case "dive":
			p.dive(r, v.t, rest)
			return s.keywords()
		case "omitnil", "":
			continue
		case "omitempty", "omitzero":
			zero := v.zero(rule)
			// A struct or array is let through if all in it is zero.
			if whole := !v.pointer || rule == "omitzero"; whole && v.form == object {
				r.Checked = false
			} else if whole && v.form == list {
				if len(rest) > 0 {
					r.Text = append(r.Text, p.translate(strings.Join(tag[i:], ",")))
				}
				return s.keywords()
			}
			if after := v.schema(p, r, rest); zero != nil {
				s.either(zero, after)
			} else {
				s.add(after)
			}
			return s.keywords()
		}
		keywords, exact := v.keywords(rule)
		s.add(keywords)
		if !exact {
			r.Text = append(r.Text, p.translate(rule))
		}
	}
	return s.keywords()
}

// dive adds the rules of elements and keys.
func (p parser) dive(r *Rules, t reflect.Type, tag []string) {
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
	default:
		return // the server refuses to start
	}
	p.quoted = false
	if len(tag) > 0 && tag[0] == "keys" {
		end := slices.Index(tag, "endkeys")
		if end < 0 || t.Kind() != reflect.Map {
			return
		}
		r.Keys = new(Rules)
		p.parse(r.Keys, t.Key(), tag[1:end])
		tag = tag[end+1:]
	}
	r.Elem = new(Rules)
	p.parse(r.Elem, t.Elem(), tag)
}

// A form is what JSON a value is, as far as rules care.
type form int

const (
	custom form = iota // what methods of the type make of it, or an attachment, or any
	text
	number
	boolean
	array  // a slice
	list   // an array of Go
	dict   // a map with strings as keys
	table  // another map
	object // a struct
)

// A value is one that rules are about.
type value struct {
	t       reflect.Type // less pointers
	pointer bool
	form    form
}

var (
	bytesType    = reflect.TypeFor[[]byte]()
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	numberType   = reflect.TypeFor[stdjson.Number]()

	custommade = []reflect.Type{
		reflect.TypeFor[stdjson.Unmarshaler](),
		reflect.TypeFor[encoding.TextUnmarshaler](),
	}
)

func pointee(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

func (p parser) value(t reflect.Type) value {
	v := value{t: pointee(t), pointer: t.Kind() == reflect.Pointer}
	if p.quoted || isCustom(v.t) {
		return v
	}
	switch v.t.Kind() {
	case reflect.String:
		v.form = text
	case reflect.Bool:
		v.form = boolean
	case reflect.Slice:
		if v.t.Elem().Kind() != reflect.Uint8 { // else an attachment, or base64
			v.form = array
		}
	case reflect.Array:
		v.form = list
	case reflect.Map:
		v.form = table
		if v.t.Key().Kind() == reflect.String && !isCustom(v.t.Key()) {
			v.form = dict
		}
	case reflect.Struct:
		v.form = object
	default:
		if isInt(v.t) || isUint(v.t) || isFloat(v.t) {
			v.form = number
		}
	}
	return v
}

func isCustom(t reflect.Type) bool {
	return t == bytesType || t == numberType || t.Kind() == reflect.Interface || hasMethods(t)
}

// hasMethods tells whether methods decode a t.
func hasMethods(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	_, from := p.MethodByName("UnmarshalJSONFrom") // of encoding/json/v2
	return from || slices.ContainsFunc(custommade, p.Implements)
}

func isInt(t reflect.Type) bool   { return t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64 }
func isUint(t reflect.Type) bool  { return t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uintptr }
func isFloat(t reflect.Type) bool { return t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64 }
func isTime(t reflect.Type) bool  { return t.Kind() == reflect.Struct && t.ConvertibleTo(timeType) }

// zero returns the schema of the values, beside null, that rule leaves out.
func (v value) zero(rule string) map[string]any {
	if v.pointer && rule == "omitempty" {
		return nil // what is there counts, even if it is zero
	}
	switch v.form {
	case text:
		return map[string]any{"const": ""}
	case number:
		return map[string]any{"const": stdjson.Number("0")}
	case boolean:
		return map[string]any{"const": false}
	case array:
		if rule == "omitzero" {
			return map[string]any{"maxItems": stdjson.Number("0")}
		}
	case dict, table:
		if rule == "omitzero" {
			return map[string]any{"maxProperties": stdjson.Number("0")}
		}
	}
	return nil
}
