package rules

import (
	"reflect"
	"strings"
)

// crossField are the rules whose parameters are fields: one, several, or each in front
// of a value.
var crossField = map[string]int{
	"eqfield": 1, "nefield": 1, "gtfield": 1, "gtefield": 1, "ltfield": 1, "ltefield": 1,
	"fieldcontains": 1, "fieldexcludes": 1, "postcode_iso3166_alpha2_field": 1,
	"required_with": 1, "required_with_all": 1, "required_without": 1, "required_without_all": 1,
	"excluded_with": 1, "excluded_with_all": 1, "excluded_without": 1, "excluded_without_all": 1,
	"required_if": 2, "required_unless": 2, "excluded_if": 2, "excluded_unless": 2, "skip_unless": 2,
}

// translate returns a rule with the JSON names of the fields in it.
func (p parser) translate(rule string) string {
	all := strings.Split(rule, "|")
	for i, one := range all {
		name, param, _ := strings.Cut(one, "=")
		every := crossField[name]
		if every == 0 {
			continue
		}
		words := strings.Fields(param)
		for j := 0; j < len(words); j += every {
			words[j] = jsonName(p.parent, words[j])
		}
		all[i] = name + "=" + strings.Join(words, " ")
	}
	return strings.Join(all, "|")
}

// jsonName returns the JSON name of a field, or of one in a nested struct.
func jsonName(t reflect.Type, path string) string {
	first, rest, nested := strings.Cut(path, ".")
	if t == nil || pointee(t).Kind() != reflect.Struct {
		return path
	}
	f, ok := pointee(t).FieldByName(first)
	if !ok {
		return path
	}
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" {
		name = f.Name
	}
	if nested {
		name += "." + jsonName(f.Type, rest)
	}
	return name
}
