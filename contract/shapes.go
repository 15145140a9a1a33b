package contract

import (
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schemas of what sio itself writes around the application's types. They are of
// draft-07, which AsyncAPI's own are made of: there a tuple is an array of items, and
// nothing beside a $ref counts.

// A prop is a property of an object, and must be there.
type prop struct {
	name   string
	schema *jsonschema.Schema
}

// object returns an object, which may have more than these properties.
func object(all ...prop) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}}
	for _, p := range all {
		and(s, p.name, p.schema)
	}
	return s
}

// and adds a property that must be there.
func and(s *jsonschema.Schema, name string, schema *jsonschema.Schema) {
	s.Required = append(s.Required, name)
	or(s, name, schema)
}

// or adds a property that may be left out.
func or(s *jsonschema.Schema, name string, schema *jsonschema.Schema) *jsonschema.Schema {
	s.Properties[name] = schema
	s.PropertyOrder = append(s.PropertyOrder, name)
	return s
}

// text returns a string.
func text(doc string) *jsonschema.Schema { return &jsonschema.Schema{Type: "string", Description: doc} }

// anything returns a schema of any JSON. Without a text it would be written as true, which not
// all tools know.
func anything(doc string) *jsonschema.Schema { return &jsonschema.Schema{Description: doc} }

// tuple returns an array that begins with these items.
func tuple(items ...*jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "array", ItemsArray: items, MinItems: new(len(items))}
}

// closed returns a tuple that ends with its last item.
func closed(s *jsonschema.Schema) *jsonschema.Schema {
	s.AdditionalItems = nothing()
	return s
}

func nothing() *jsonschema.Schema { return &jsonschema.Schema{Not: &jsonschema.Schema{}} }

func constant(v any) *jsonschema.Schema { return &jsonschema.Schema{Const: &v} }

// attachment returns what stands for a []byte in the JSON of a packet.
func attachment() *jsonschema.Schema {
	s := object(prop{"_placeholder", constant(true)}, prop{"num", &jsonschema.Schema{Type: "integer", Minimum: new(0.0)}})
	s.Format = binary
	s.Description = "Bytes: the client gets an ArrayBuffer (Node: a Buffer) and sends one, or a typed array, Blob or File. In the packet this object stands for them, and they follow as its attachment of this number."
	return s
}

const (
	binary         = "binary" // the Format of an attachment
	specialPrefix  = "sio."
	attachmentName = specialPrefix + "Attachment"
	invalidName    = specialPrefix + "InvalidData"
)

// problem returns what a client is told of an error: an Error, whose data is not always there.
func problem(data *jsonschema.Schema) *jsonschema.Schema {
	return or(object(prop{"message", text("What went wrong.")}), "data", data)
}

// invalid returns the data of the error that refuses an invalid value.
func invalid() *jsonschema.Schema {
	field := object(
		prop{"field", text(`The field, such as "items[2].price", or "" for the whole value.`)},
		prop{"rule", text(`The rule that it breaks, such as "max".`)})
	or(field, "param", text(`What the rule compares with, such as "20".`))
	s := object(prop{"fields", &jsonschema.Schema{Type: "array", Items: field}})
	s.Description = "What does not fit, or breaks a rule."
	return s
}

// nullable returns a schema for null, too.
func nullable(s *jsonschema.Schema) *jsonschema.Schema {
	switch {
	case isAny(s):
		return s
	case s.Type != "" && s.Enum == nil && s.Const == nil && s.Not == nil && s.AnyOf == nil && s.AllOf == nil:
		s.Types, s.Type = []string{s.Type, "null"}, ""
		return s
	}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s, {Type: "null"}}}
}

// isAny tells of a schema without a condition.
func isAny(s *jsonschema.Schema) bool {
	bare := *s
	bare.Description = ""
	return reflect.ValueOf(bare).IsZero()
}

// both returns a schema of what fits two. Where that can be said so, it is the first one with the
// keywords of the second one.
func both(s, more *jsonschema.Schema) *jsonschema.Schema {
	s = beside(s)
	parts := more.AllOf
	more.AllOf = nil
	for _, part := range parts {
		s = both(s, part)
	}
	if low := s.ExclusiveMinimum; low != nil && *low <= -exact && (more.Minimum != nil || more.ExclusiveMinimum != nil) {
		s.ExclusiveMinimum = nil // the size of the integer allows more
	}
	if high := s.ExclusiveMaximum; high != nil && *high >= exact && (more.Maximum != nil || more.ExclusiveMaximum != nil) {
		s.ExclusiveMaximum = nil
	}
	s.Minimum, more.Minimum = stricter(s.Minimum, more.Minimum, +1)
	s.Maximum, more.Maximum = stricter(s.Maximum, more.Maximum, -1)
	s.MinLength, more.MinLength = stricter(s.MinLength, more.MinLength, +1)
	s.MaxLength, more.MaxLength = stricter(s.MaxLength, more.MaxLength, -1)
	s.MinItems, more.MinItems = stricter(s.MinItems, more.MinItems, +1)
	s.MaxItems, more.MaxItems = stricter(s.MaxItems, more.MaxItems, -1)
	to, from := reflect.ValueOf(s).Elem(), reflect.ValueOf(more).Elem()
	for i := range to.NumField() {
		if !to.Field(i).IsZero() && !from.Field(i).IsZero() {
			s.AllOf = append(s.AllOf, more)
			return s
		}
	}
	for i := range to.NumField() {
		if !from.Field(i).IsZero() {
			to.Field(i).Set(from.Field(i))
		}
	}
	return s
}

// stricter returns the stricter one of two bounds.
func stricter[N int | float64](a, b *N, sign N) (bound, none *N) {
	switch {
	case a == nil:
		return b, nil
	case b == nil || *a*sign > *b*sign:
		return a, nil
	}
	return b, nil
}

// beside returns a schema to which keywords can be added.
func beside(s *jsonschema.Schema) *jsonschema.Schema {
	if s.Ref == "" {
		return s
	}
	return &jsonschema.Schema{AllOf: []*jsonschema.Schema{s}}
}

// documented returns a schema with a description.
func documented(s *jsonschema.Schema, doc string) *jsonschema.Schema {
	if doc == "" {
		return s
	}
	s = beside(s)
	if s.Description != "" && s.Description != anyJSON {
		doc += "\n\n" + s.Description
	}
	s.Description = doc
	return s
}
