package contract

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/siokit/sio/contract/internal/model"
	"github.com/siokit/sio/contract/internal/rules"
)

// whole returns the schema of what an event or the like carries, or nil for nil.
func (s *schemer) whole(t *model.Type, m mode) *jsonschema.Schema {
	switch {
	case t == nil:
		return nil
	case m == in && s.tag != "":
		return s.use(t, m, rules.OfArgument(t.Go))
	}
	return s.use(t, m, nil)
}

// use returns the schema of a type where it is used, with the rules that it has there.
func (s *schemer) use(t *model.Type, m mode, r *rules.Rules) *jsonschema.Schema {
	schema := s.ruled(s.plain(t, m, r), r)
	if t.Nullable && (r == nil || !r.NotNull) {
		schema = nullable(schema)
	}
	if r != nil && len(r.Text) > 0 {
		schema = documented(schema, "Rules: "+strings.Join(r.Text, ", "))
	}
	return schema
}

// within returns which values there are in one that has rules.
func (s *schemer) within(m mode, r *rules.Rules) mode {
	if m == in && s.tag != "" && (r == nil || !r.Checked) {
		return loose
	}
	return m
}

// define returns the schema of a type that has a name.
func (s *schemer) define(v variant) *jsonschema.Schema {
	var r *rules.Rules
	if v.mode == in && s.tag != "" {
		r = rules.OfArgument(v.t.Go)
	}
	return s.plain(v.t, v.mode, r)
}

// plain returns the schema of a type, but for null, and for the rules of the value as a whole.
func (s *schemer) plain(t *model.Type, m mode, r *rules.Rules) *jsonschema.Schema {
	switch t.Kind {
	case model.Ref:
		return s.reference(t.Elem, m, r)
	case model.Override:
		return s.override(t)
	case model.Binary:
		return s.referSpecial(attachmentName, attachment)
	case model.Object:
		return s.object(t, s.within(m, r))
	case model.Array:
		list := &jsonschema.Schema{Type: "array", Items: s.part(t.Elem, m, r)}
		if t.Len >= 0 {
			list.MinItems, list.MaxItems = new(t.Len), new(t.Len)
		}
		return list
	case model.Map:
		return &jsonschema.Schema{Type: "object", PropertyNames: s.key(t.Key, m, r), AdditionalProperties: s.part(t.Elem, m, r)}
	case model.Boolean:
		return &jsonschema.Schema{Type: "boolean"}
	case model.Integer:
		return s.enum(t, integer(t))
	case model.Number:
		return s.enum(t, &jsonschema.Schema{Type: "number"})
	case model.String:
		str := &jsonschema.Schema{Type: "string", Format: t.Format}
		switch {
		case t.Format == "byte":
			str.Format, str.ContentEncoding = "", "base64"
		case t.Quoted:
			quoted(t, str)
		}
		return s.enum(t, str)
	default:
		return s.enum(t, anything(anyJSON))
	}
}

// reference returns what stands for a type that has a name. A list or map whose elements
// have rules where it is used is written there.
func (s *schemer) reference(t *model.Type, m mode, r *rules.Rules) *jsonschema.Schema {
	list := t.Kind == model.Array || t.Kind == model.Map
	switch {
	case !list:
		m = s.within(m, r)
	case m == in && s.tag != "" && (r == nil || r.Elem == nil && r.Keys == nil):
		m = loose
	case m == in && s.tag != "" && (r.Keys != nil || says(r.Elem)):
		return s.plain(t, m, r)
	}
	return s.refer(variant{t, m})
}

// says tells of rules that are more than that the fields of a struct have some.
func says(r *rules.Rules) bool {
	return r != nil && (!r.Checked || r.NotNull || r.Schema != nil || r.Text != nil || r.Keys != nil || says(r.Elem))
}

// part returns the schema of an element.
func (s *schemer) part(t *model.Type, m mode, r *rules.Rules) *jsonschema.Schema {
	if r == nil {
		return s.use(t, s.within(m, nil), nil)
	}
	return s.use(t, m, r.Elem)
}

func (s *schemer) object(t *model.Type, m mode) *jsonschema.Schema {
	o := object()
	for i := range t.Fields {
		f := &t.Fields[i]
		var r *rules.Rules
		if m == in && s.tag != "" {
			r = rules.OfField(pointee(t.Go), f.Path, s.tag)
		}
		value := documented(s.use(f.Type, m, r), f.Doc)
		if m == out && !f.Optional || r != nil && r.Required {
			and(o, f.Name, value)
		} else {
			or(o, f.Name, value)
		}
	}
	return o
}

// ruled returns a schema that keeps the rules of a value as a whole, too.
func (s *schemer) ruled(schema *jsonschema.Schema, r *rules.Rules) *jsonschema.Schema {
	if r == nil || len(r.Schema) == 0 {
		return schema
	}
	text, err := json.Marshal(r.Schema)
	more := new(jsonschema.Schema)
	if err == nil {
		err = json.Unmarshal(text, more)
	}
	if err != nil {
		s.fail(err)
		return schema
	}
	return both(schema, more)
}

// integer returns the schema of an integer by its size. The bounds of 64 bits are no
// numbers that JavaScript has: the next ones that it has are excluded.
func integer(t *model.Type) *jsonschema.Schema {
	i := &jsonschema.Schema{Type: "integer", Minimum: t.Min, Maximum: t.Max}
	if i.Minimum != nil && *i.Minimum <= -exact {
		i.Minimum, i.ExclusiveMinimum = nil, i.Minimum
	}
	if i.Maximum != nil && *i.Maximum >= exact {
		i.Maximum, i.ExclusiveMaximum = nil, i.Maximum
	}
	return i
}

// exact is where a float64 ceases to have all integers.
const exact = 1 << 53

const anyJSON = "Any JSON." // what is said of a type of which no more is known

// quoted says what is in a string by the option string of a tag.
func quoted(t *model.Type, s *jsonschema.Schema) {
	switch g := pointee(t.Go); g.Kind() {
	case reflect.Bool:
		s.Enum = []any{"true", "false"}
	case reflect.String:
		s.Pattern = `^"([^"\\\x00-\x1f]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*"$` // a JSON string
	case reflect.Float32, reflect.Float64:
		s.Pattern = `^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`
	default:
		s.Pattern = integerPattern(g)
	}
}

// integerPattern returns the pattern of an integer in a string.
func integerPattern(t reflect.Type) string {
	if t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uintptr {
		return "^(0|[1-9][0-9]*)$"
	}
	return "^-?(0|[1-9][0-9]*)$"
}

func pointee(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

func (s *schemer) key(t *model.Type, m mode, r *rules.Rules) *jsonschema.Schema {
	var schema *jsonschema.Schema
	switch {
	case t.Kind == model.Integer:
		schema = &jsonschema.Schema{Pattern: integerPattern(t.Go)}
	case t.Kind == model.Ref && t.Elem.Kind == model.String:
		schema = s.plain(t, m, nil)
	}
	if r == nil || r.Keys == nil || r.Keys.Schema == nil {
		return schema
	}
	if schema == nil {
		schema = &jsonschema.Schema{}
	}
	return s.ruled(schema, r.Keys)
}

// enum adds the constants of a type.
func (s *schemer) enum(t *model.Type, to *jsonschema.Schema) *jsonschema.Schema {
	if len(t.Enum) == 0 {
		return to
	}
	to.Minimum, to.Maximum, to.ExclusiveMinimum, to.ExclusiveMaximum = nil, nil, nil, nil
	notes := []string{"Constants:"}
	for _, v := range t.Enum {
		if !json.Valid([]byte(v.JSON)) {
			s.fail(fmt.Errorf("constant %s of %v is no JSON: %s", v.Name, t.Go, v.JSON))
			return to
		}
		to.Enum = append(to.Enum, json.RawMessage(v.JSON))
		note := "- " + v.JSON + " " + v.Name
		if v.Doc != "" {
			note += ": " + v.Doc
		}
		notes = append(notes, note)
	}
	to.Description = strings.Join(notes, "\n")
	return to
}

func (s *schemer) override(t *model.Type) *jsonschema.Schema {
	if t.Override.Schema == nil {
		return anything(anyJSON)
	}
	schema := new(jsonschema.Schema)
	if err := json.Unmarshal(t.Override.Schema, schema); err != nil {
		s.fail(fmt.Errorf("the schema of the override for %v: %w", t.Go, err))
	}
	return schema
}
