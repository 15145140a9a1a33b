package model

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// nameTypes gives each declared type a name: that of its Go type, its first letter upper
// case. Types of several packages that have the same one get that of their package in
// front. The variant In of a type that differs from its Out has "Input" behind.
func nameTypes(out, in []*Type, reserved []string) {
	taken := make(map[string]bool)
	for _, name := range reserved {
		taken[name] = true
	}
	goTypes := make(map[reflect.Type]string)
	var order []reflect.Type
	for _, d := range slices.Concat(out, in) {
		if _, there := goTypes[d.Go]; !there {
			goTypes[d.Go] = ""
			order = append(order, d.Go)
		}
	}
	for depth := 0; len(order) > 0; depth++ {
		byName := make(map[string][]reflect.Type)
		for _, t := range order {
			name := identifier(t, depth)
			byName[name] = append(byName[name], t)
		}
		var again []reflect.Type
		for _, t := range order {
			name := identifier(t, depth)
			deepest := depth > strings.Count(pathOf(t), "/")+1
			switch {
			case len(byName[name]) == 1 && !taken[name]:
				goTypes[t] = name
			case deepest: // types in functions
				goTypes[t] = unused(name, taken)
			default:
				again = append(again, t)
				continue
			}
			taken[goTypes[t]] = true
		}
		// what is behind gets no name that one of these was refused
		for _, t := range again {
			taken[identifier(t, depth)] = true
		}
		order = again
	}
	both := make(map[reflect.Type]bool)
	for _, d := range out {
		d.Name = goTypes[d.Go]
		both[d.Go] = true
	}
	for _, d := range in {
		d.Name = goTypes[d.Go]
		if both[d.Go] {
			d.Name += "Input"
			if taken[d.Name] {
				d.Name = unused(d.Name, taken)
			}
			taken[d.Name] = true
		}
	}
}

func unused(name string, taken map[string]bool) string {
	for n := 2; ; n++ {
		if numbered := fmt.Sprint(name, n); !taken[numbered] {
			return numbered
		}
	}
}

// pathOf returns the path of a type's package, also of package main.
func pathOf(t reflect.Type) string {
	if path := t.PkgPath(); path != "main" {
		return path
	}
	return strings.TrimSuffix(cmp.Or(strings.TrimPrefix(mainPath(), "."), "main"), ".test")
}

// identifier returns the name of a type with that many parts of its package's path.
func identifier(t reflect.Type, depth int) string {
	name := exported(readable(t.Name()))
	parts := strings.Split(pathOf(t), "/")
	for i := len(parts) - 1; i >= 0 && i >= len(parts)-depth; i-- {
		name = exported(readable(parts[i])) + name
	}
	if !unicode.IsLetter([]rune(name)[0]) {
		name = "T" + name
	}
	return name
}

// packagePath matches what stands in front of a type's name in a type's arguments.
var packagePath = regexp.MustCompile(`[^\[\]{},;*\s()"]*[/.]`)

// readable makes words of a type's name, which may have arguments: "Page[example.com/shop.Item]"
// is PageOfItem.
func readable(name string) string {
	base, args, generic := strings.Cut(name, "[")
	if generic {
		args = packagePath.ReplaceAllString(strings.TrimSuffix(args, "]"), "")
		args = strings.NewReplacer("[]", " listOf ", "map[", " mapOf ", "[", " of ", "·", "").Replace(args)
		base += " of " + args
	}
	var b strings.Builder
	for i, word := range strings.FieldsFunc(base, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' }) {
		if i > 0 {
			word = exported(word)
		}
		b.WriteString(word)
	}
	return b.String()
}

// exported returns a name with its first letter upper case.
func exported(name string) string {
	r := []rune(name)
	if len(r) > 0 {
		r[0] = unicode.ToUpper(r[0])
	}
	return string(r)
}
