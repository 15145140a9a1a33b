package contract

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/siokit/sio/contract/internal/model"
)

// A schemer makes JSON Schemas of types. It refers to those that have a name.
type schemer struct {
	ref       string // what references begin with
	validated bool   // what clients send is held to the rules of its types
	specials  map[string]*jsonschema.Schema
	err       error // the first one
}

func (s *schemer) fail(err error) {
	if s.err == nil {
		s.err = fmt.Errorf("contract: %w", err)
	}
}

// defs returns the schemas of all types that have a name.
func (s *schemer) defs(all []*model.Type) map[string]*jsonschema.Schema {
	defs := make(map[string]*jsonschema.Schema, len(all))
	for _, t := range all {
		defs[t.Name] = documented(s.plain(t), t.Doc)
	}
	return defs
}

// use returns the schema of a type where it is used, or nil for nil.
func (s *schemer) use(t *model.Type) *jsonschema.Schema {
	switch {
	case t == nil:
		return nil
	case t.Nullable:
		return nullable(s.plain(t))
	}
	return s.plain(t)
}

// plain returns the schema of a type, but for null.
func (s *schemer) plain(t *model.Type) *jsonschema.Schema {
	switch t.Kind {
	case model.Ref:
		return &jsonschema.Schema{Ref: s.ref + t.Elem.Name}
	case model.Override:
		return s.override(t)
	case model.Binary:
		return s.special(attachmentName, attachment)
	case model.Object:
		return s.object(t)
	case model.Array:
		list := &jsonschema.Schema{Type: "array", Items: s.use(t.Elem)}
		if t.Len >= 0 {
			list.MinItems, list.MaxItems = new(t.Len), new(t.Len)
		}
		return list
	case model.Map:
		return &jsonschema.Schema{Type: "object", PropertyNames: s.key(t.Key), AdditionalProperties: s.use(t.Elem)}
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
		return s.enum(t, anything("Any JSON."))
	}
}

// special returns a reference to what is no type of the application's. The names have a dot, which
// names of types have not.
func (s *schemer) special(name string, make func() *jsonschema.Schema) *jsonschema.Schema {
	if s.specials == nil {
		s.specials = map[string]*jsonschema.Schema{}
	}
	if s.specials[name] == nil {
		s.specials[name] = make()
	}
	return &jsonschema.Schema{Ref: s.ref + name}
}

// integer returns the schema of an integer by its size.
func integer(t *model.Type) *jsonschema.Schema {
	i := &jsonschema.Schema{Type: "integer", Minimum: t.Min, Maximum: t.Max}
	const exact = 1 << 53 // from here on float64 has not all integers
	if t.Min != nil && *t.Min <= -exact {
		i.Format, i.Minimum = "int64", nil
	}
	if t.Max != nil && *t.Max >= exact {
		i.Maximum = nil
	}
	return i
}

// quoted says what is in a string by the option string of a tag.
func quoted(t *model.Type, s *jsonschema.Schema) {
	g := t.Go
	for g.Kind() == reflect.Pointer {
		g = g.Elem()
	}
	switch k := g.Kind(); {
	case k == reflect.Bool:
		s.Enum = []any{"true", "false"}
	case k == reflect.String:
		s.Description = "A string as JSON, with quotes, in a string."
	case k == reflect.Float32, k == reflect.Float64:
		s.Pattern = `^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$`
	default:
		s.Pattern = "^-?[0-9]+$"
	}
}

func (s *schemer) object(t *model.Type) *jsonschema.Schema {
	o := object()
	for i := range t.Fields {
		f := &t.Fields[i]
		value := documented(s.field(f), f.Doc)
		if f.Optional {
			or(o, f.Name, value)
		} else {
			and(o, f.Name, value)
		}
	}
	return o
}

// field returns the schema of a field's value.
func (s *schemer) field(f *model.Field) *jsonschema.Schema {
	return s.use(f.Type)
}

// key returns the schema of a map's keys, or nil if they can be any.
func (s *schemer) key(t *model.Type) *jsonschema.Schema {
	switch {
	case t == nil:
		return nil
	case t.Kind == model.Integer:
		return &jsonschema.Schema{Pattern: "^-?[0-9]+$"}
	case t.Kind == model.Ref && t.Elem.Kind == model.String:
		return s.plain(t)
	}
	return nil
}

// enum adds the constants of a type.
func (s *schemer) enum(t *model.Type, to *jsonschema.Schema) *jsonschema.Schema {
	if len(t.Enum) == 0 {
		return to
	}
	to.Minimum, to.Maximum, to.Format = nil, nil, ""
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
		return anything("Any JSON.")
	}
	schema := new(jsonschema.Schema)
	if err := json.Unmarshal(t.Override.Schema, schema); err != nil {
		s.fail(fmt.Errorf("the schema of the override for %v: %w", t.Go, err))
	}
	return schema
}
