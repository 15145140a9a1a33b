package siovalidate

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// CheckType implements [sio.TypeChecker]. It finds rules that do not exist, rules that
// are not for the type of their field, parameters that are none, and names of fields
// that are none, in t and all that is checked with it.
func (v *Validator) CheckType(t reflect.Type) error {
	c := checker{v: v, seen: make(map[reflect.Type]bool)}
	depth := 0
	for t = pointee(t); isList(t) && !c.seen[t]; t = pointee(t.Elem()) { // unless it has itself as elements
		c.seen[t] = true
		depth++
	}
	return c.structure(t, strings.Repeat("[]", depth))
}

// A checker goes through a type.
type checker struct {
	v    *Validator
	seen map[reflect.Type]bool
}

// structure checks a struct, and nothing else.
func (c checker) structure(t reflect.Type, path string) error {
	t = pointee(t)
	if !isStruct(t) || c.seen[t] {
		return nil
	}
	c.seen[t] = true
	if c.v.tag != "" {
		for f := range t.Fields() {
			tag := f.Tag.Get(c.v.tag)
			if tag == "-" || f.PkgPath != "" && !f.Anonymous {
				continue
			}
			if f.Tag.Get("json") == "-" && slices.Contains(strings.Split(tag, ","), "required") {
				return fault(join(path, f.Name), "it is required, and not in JSON")
			}
			if err := c.field(t, f.Type, tag, join(path, jsonName(f))); err != nil {
				return err
			}
		}
	}
	// What is left, such as "keys" without "dive", is found by the library as it
	// parses the tags. It is to check nothing yet.
	problem := panicOf(func() {
		_ = c.v.v.StructFiltered(reflect.New(t).Interface(), func([]byte) bool { panic(parsed{}) })
	})
	return fault(path, problem)
}

// A parsed is what ends the library's work on a struct, before it calls functions that the
// application has registered for it.
type parsed struct{}

func join(path, name string) string {
	if path == "" || name == "" {
		return path + name
	}
	return path + "." + name
}

// field checks the rules of a field of the struct parent, and what is in it.
func (c checker) field(parent, t reflect.Type, tag, path string) error {
	var rules []string
	if tag != "" {
		rules = strings.Split(tag, ",")
	}
	for i, rule := range rules {
		switch rule {
		case "structonly", "nostructlevel":
			return nil
		case "omitempty", "omitzero", "omitnil":
			continue
		case "dive":
			return c.dive(parent, pointee(t), rules[i+1:], path)
		}
		for one := range strings.SplitSeq(rule, "|") {
			if problem := c.rule(parent, t, one); problem != "" {
				return fault(path, problem)
			}
		}
	}
	return c.structure(t, path)
}

// dive checks the rules of the elements of t, and of its keys.
func (c checker) dive(parent, t reflect.Type, rules []string, path string) error {
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
	case reflect.Interface:
		if len(rules) > 0 && rules[0] == "keys" {
			return fault(path, "keys is for maps, and an interface may have others")
		}
		return nil
	default:
		return fault(path, "dive is for slices, arrays and maps")
	}
	if len(rules) > 0 && rules[0] == "keys" {
		end := slices.Index(rules, "endkeys")
		if end < 0 || t.Kind() != reflect.Map {
			return fault(path, "keys is for maps, and needs endkeys")
		}
		if err := c.field(parent, t.Key(), strings.Join(rules[1:end], ","), path+"[]"); err != nil {
			return err
		}
		rules = rules[end+1:]
	}
	return c.field(parent, t.Elem(), strings.Join(rules, ","), path+"[]")
}

// particular has the rules of the library that are for some types only, or take a
// parameter that may be none.
var particular = map[string]bool{
	"min": true, "max": true, "len": true, "eq": true, "ne": true, "gt": true, "gte": true, "lt": true, "lte": true,
	"oneof": true, "oneofci": true, "noneof": true, "noneofci": true, "datetime": true, "timezone": true, "lowercase": true, "uppercase": true,
	"url": true, "uri": true, "http_url": true, "https_url": true, "urn_rfc2141": true, "json": true, "latitude": true,
	"longitude": true, "port": true, "credit_card": true, "luhn_checksum": true, "eq_ignore_case": true, "ne_ignore_case": true,
	"file": true, "filepath": true, "dir": true, "dirpath": true, "image": true, "bcp47_language_tag": true,
	"origin": true, "urn_rfc8141": true, "mimetype": true,
}

// rule returns what is wrong with one rule of a value of type t.
func (c checker) rule(parent, t reflect.Type, rule string) (problem string) {
	name, param, _ := strings.Cut(rule, "=")
	// Nothing is checked by any rule where there is no value.
	if problem := panicOf(func() { _ = c.v.v.Var(nil, name) }); problem != "" {
		if strings.HasPrefix(problem, "Undefined validation function") {
			return fmt.Sprintf("there is no rule %q", name)
		}
		return problem
	}
	if name == "unique" {
		return notUnique(pointee(t), param)
	}
	if every := crossField[name]; every > 0 {
		return noField(parent, name, strings.Fields(param), every)
	}
	if !particular[name] || pointee(t).Kind() == reflect.Interface {
		return ""
	}
	sample := reflect.New(t).Elem()
	for at := sample; at.Kind() == reflect.Pointer; at = at.Elem() {
		at.Set(reflect.New(at.Type().Elem()))
	}
	check := func() { _ = c.v.v.Var(sample.Interface(), rule) }
	if isStruct(pointee(t)) { // of which Var ignores the rule
		tag := reflect.StructTag(c.v.tag + ":" + strconv.Quote(rule))
		one := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "A", Type: t, Tag: tag}}))
		one.Elem().Field(0).Set(sample)
		check = func() { _ = c.v.v.Struct(one.Interface()) }
	}
	if problem := panicOf(check); problem != "" {
		return fmt.Sprintf("rule %s: %s", rule, problem)
	}
	return ""
}

// notUnique tells why values in t can't be compared: whole, or by a field.
func notUnique(t reflect.Type, by string) string {
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
	default:
		return "" // it is compared with another field, if there is one of that name
	}
	e := t.Elem()
	if e.Kind() == reflect.Pointer {
		e = e.Elem()
	}
	if by != "" {
		if e.Kind() != reflect.Struct {
			return fmt.Sprintf("rule unique=%s: %s has no fields", by, e)
		}
		f, ok := e.FieldByName(by)
		if !ok {
			return fmt.Sprintf("rule unique=%s: there is no field %[1]s", by)
		}
		e = f.Type
		if e.Kind() == reflect.Pointer {
			e = e.Elem()
		}
	}
	if !e.Comparable() {
		return fmt.Sprintf("rule unique: %s can't be compared", e)
	}
	return ""
}

// noField tells which of the fields in a parameter there is not.
func noField(parent reflect.Type, rule string, words []string, every int) string {
	if len(words) == 0 || len(words)%every != 0 && !slices.ContainsFunc(words, quoted) {
		return fmt.Sprintf("rule %s: its parameter is incomplete", rule)
	}
	if slices.ContainsFunc(words, quoted) {
		words = words[:1] // a value with spaces: which words are fields is not clear
	}
	for i := 0; i < len(words); i += every {
		name := words[i]
		if end := strings.IndexAny(name, ".["); end >= 0 {
			name = name[:end]
		}
		if _, ok := parent.FieldByName(name); !ok {
			return fmt.Sprintf("rule %s: there is no field %s beside it", rule, name)
		}
	}
	return ""
}

func quoted(word string) bool { return strings.Contains(word, "'") }

func fault(path, problem string) error {
	switch {
	case problem == "":
		return nil
	case path == "":
		return fmt.Errorf("%s", problem)
	}
	return fmt.Errorf("%s: %s", path, problem)
}

// panicOf calls f and returns the text that it panics with. The library panics with
// texts; what else comes is from functions of the application, which were not meant to
// be called with such values.
func panicOf(f func()) (problem string) {
	defer func() { problem, _ = recover().(string) }()
	f()
	return ""
}
