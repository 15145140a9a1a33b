package contract

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// typeRef is what references begin with in the schemas of the page.
const typeRef = "#type-"

// A piece is a part of a type as people read it.
type piece struct {
	Text string
	Link string // to the type of this name; "" for none
}

// notation returns a schema as TypeScript would have it, more or less.
func notation(s *jsonschema.Schema) []piece {
	switch {
	case s.Ref != "":
		name := strings.TrimPrefix(s.Ref, typeRef)
		return []piece{{shown(name), typeRef + name}}
	case s.Const != nil:
		return piecesOf(jsonText(*s.Const))
	case s.Enum != nil:
		return union(each(s.Enum, func(v any) []piece { return piecesOf(jsonText(v)) }), " | ")
	case s.AnyOf != nil || s.OneOf != nil:
		return union(each(append(slices.Clip(s.AnyOf), s.OneOf...), notation), " | ")
	case s.AllOf != nil:
		return union(each(s.AllOf, notation), " & ")
	case s.Types != nil:
		return union(each(s.Types, func(t string) []piece {
			one := *s
			one.Type, one.Types = t, nil
			return notation(&one)
		}), " | ")
	case s.Type == "array":
		return listNotation(s)
	case s.Type == "object":
		return objectNotation(s)
	case s.Type != "":
		return piecesOf(s.Type)
	}
	return piecesOf("any")
}

// shown returns the name of a type for people.
func shown(name string) string {
	if name == attachmentName {
		return binary
	}
	return strings.TrimPrefix(name, specialPrefix)
}

func listNotation(s *jsonschema.Schema) []piece {
	switch {
	case s.ItemsArray != nil:
		return slices.Concat(piecesOf("["), union(each(s.ItemsArray, notation), ", "), piecesOf("]"))
	case s.Items == nil:
		return piecesOf("any[]")
	}
	item := notation(s.Items)
	if len(item) > 1 {
		item = slices.Concat(piecesOf("("), item, piecesOf(")"))
	}
	return append(item, piece{Text: "[]"})
}

func objectNotation(s *jsonschema.Schema) []piece {
	if len(s.Properties) == 0 {
		if s.AdditionalProperties == nil {
			return piecesOf("{}")
		}
		return slices.Concat(piecesOf("Record<string, "), notation(s.AdditionalProperties), piecesOf(">"))
	}
	return slices.Concat(piecesOf("{ "), union(each(s.PropertyOrder, func(name string) []piece {
		mark := "?: "
		if slices.Contains(s.Required, name) {
			mark = ": "
		}
		return slices.Concat(piecesOf(name+mark), notation(s.Properties[name]))
	}), "; "), piecesOf(" }"))
}

func piecesOf(text string) []piece { return []piece{{Text: text}} }

func each[T any](all []T, f func(T) []piece) [][]piece {
	out := make([][]piece, len(all))
	for i, v := range all {
		out[i] = f(v)
	}
	return out
}

// union puts something between.
func union(all [][]piece, between string) []piece {
	var out []piece
	for i, p := range all {
		if i > 0 {
			out = append(out, piece{Text: between})
		}
		out = append(out, p...)
	}
	return out
}

func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// conditions returns what a value has to keep beside its type.
func conditions(s *jsonschema.Schema) []string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if s.Format != "" && s.Format != binary {
		add("%s", s.Format)
	}
	if s.ContentEncoding != "" {
		add("%s", s.ContentEncoding)
	}
	bound := func(sign string, v *float64) {
		if v != nil && math.Abs(*v) < exact { // beyond it is but the size of an integer
			add("%s %v", sign, jsonText(*v))
		}
	}
	bound("≥", s.Minimum)
	bound(">", s.ExclusiveMinimum)
	bound("≤", s.Maximum)
	bound("<", s.ExclusiveMaximum)
	count := func(least, most *int, what string) {
		switch {
		case least == nil && most == nil:
		case most == nil:
			add("at least %d %s", *least, plural(what, *least))
		case least == nil:
			add("at most %d %s", *most, plural(what, *most))
		case *least == *most:
			add("%d %s", *least, plural(what, *least))
		default:
			add("%d to %d %s", *least, *most, plural(what, *most))
		}
	}
	count(s.MinLength, s.MaxLength, "character")
	if s.ItemsArray == nil {
		count(s.MinItems, s.MaxItems, "item")
	}
	count(s.MinProperties, s.MaxProperties, "key")
	if s.Pattern != "" {
		add("/%s/", s.Pattern)
	}
	if s.UniqueItems {
		add("no two alike")
	}
	if s.Items != nil {
		for _, c := range conditions(s.Items) {
			add("each: %s", c)
		}
	}
	for _, part := range slices.Concat(s.AllOf, s.AnyOf, s.OneOf) {
		all = append(all, conditions(part)...)
	}
	return all
}

func plural(what string, n int) string {
	if n == 1 {
		return what
	}
	return what + "s"
}
