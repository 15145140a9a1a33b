package siovalidate

import (
	"reflect"
	"strings"
)

// jsonPath returns the path that JSON has for a path of Go, such as "items[2].price" for
// "Order.Items[2].Price", and the struct that has the last field. The keys of maps, which
// a client has chosen, are left out: "prices[…].amount". Other is the name of a last
// field that no struct has, which a function for structs has reported. It is not used if
// it has a key, behind a key by which the path can't be told.
func jsonPath(t reflect.Type, path, other string) (in string, parent reflect.Type) {
	t = pointee(t)
	if isStruct(t) && t.Name() != "" {
		path = strings.TrimPrefix(path, t.Name()+".")
	}
	var b strings.Builder
	for path != "" {
		t = pointee(t)
		switch {
		case path[0] == '.':
			path = path[1:]
		case path[0] == '[' && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array):
			at := index(path)
			b.WriteString(at)
			t, path = t.Elem(), path[len(at):]
			if at == "" {
				path = ""
			}
		case path[0] == '[' && t.Kind() == reflect.Map:
			b.WriteString("[…]")
			t, path = t.Elem(), behindKey(t.Elem(), path)
		case t.Kind() == reflect.Struct:
			parent = t
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			f, known := t.FieldByName(path[:end])
			name := ""
			if known {
				name, t = jsonName(f), f.Type
			} else if !strings.HasSuffix(other, "]") {
				name = other
			}
			if name != "" && b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(name)
			path = path[end:]
			if !known {
				path = ""
			}
		default: // something in an interface
			path = ""
		}
	}
	return b.String(), parent
}

// behindKey returns what is behind the key at the beginning of a path, whose value is a
// t. A key may contain what looks like the rest of the path.
func behindKey(t reflect.Type, path string) string {
	switch t = pointee(t); {
	case isStruct(t):
		fields := make(map[string]bool) // a key may have a field's name many times
		for _, f := range reflect.VisibleFields(t) {
			fields[f.Name] = true
		}
		for i := range path {
			name, ok := strings.CutPrefix(path[i:], "].")
			if !ok {
				continue
			}
			if end := strings.IndexAny(name, ".["); end >= 0 {
				name = name[:end]
			}
			if fields[name] {
				return path[i+1:]
			}
		}
	case t.Kind() == reflect.Slice, t.Kind() == reflect.Array:
		for i := range path {
			if path[i] == ']' && index(path[i+1:]) != "" {
				return path[i+1:]
			}
		}
	case t.Kind() == reflect.Map:
		if i := strings.Index(path, "]["); i >= 0 {
			return path[i+1:]
		}
	}
	return ""
}

// index returns the index at the beginning of a path, such as "[2]", or "".
func index(path string) string {
	rest, bracket := strings.CutPrefix(path, "[")
	behind := strings.TrimLeft(rest, "0123456789")
	if !bracket || behind == rest || !strings.HasPrefix(behind, "]") {
		return ""
	}
	return path[:len(path)-len(behind)+1]
}

// jsonName returns the name of a field, or "" for an embedded struct whose fields are
// those of the struct around it.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	switch {
	case name != "" && name != "-":
		return name
	case name == "" && f.Anonymous && pointee(f.Type).Kind() == reflect.Struct:
		return ""
	}
	return f.Name
}

// crossField has the rules whose parameters are names of fields: every word of them,
// or every second one.
var crossField = map[string]int{
	"eqfield": 1, "nefield": 1, "gtfield": 1, "gtefield": 1, "ltfield": 1, "ltefield": 1,
	"fieldcontains": 1, "fieldexcludes": 1, "postcode_iso3166_alpha2_field": 1,
	"required_with": 1, "required_with_all": 1, "required_without": 1, "required_without_all": 1,
	"excluded_with": 1, "excluded_with_all": 1, "excluded_without": 1, "excluded_without_all": 1,
	"required_if": 2, "required_unless": 2, "excluded_if": 2, "excluded_unless": 2, "skip_unless": 2,
}

// crossStruct has the rules whose parameter is a path that begins at the argument.
var crossStruct = map[string]bool{
	"eqcsfield": true, "necsfield": true, "gtcsfield": true, "gtecsfield": true, "ltcsfield": true, "ltecsfield": true,
}

// translate returns a rule with the JSON names of the fields in it.
func translate(top, parent reflect.Type, rule string) string {
	all := strings.Split(rule, "|")
	for i, one := range all {
		name, param, _ := strings.Cut(one, "=")
		from, every := parent, crossField[name]
		if crossStruct[name] {
			from, every = top, 1
		}
		if every == 0 || from == nil {
			continue
		}
		words := strings.Fields(param)
		for j := 0; j < len(words); j += every {
			words[j], _ = jsonPath(from, words[j], words[j])
		}
		all[i] = name + "=" + strings.Join(words, " ")
	}
	return strings.Join(all, "|")
}
