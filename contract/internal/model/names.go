package model

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// name gives each declared type a name: that of its Go type, its first letter upper
// case. Types of several packages that have the same one get that of their package in
// front. Of several variants of a type the one for what clients send has the suffix Input,
// and the one whose rules are not enforced Unchecked; the first has none.
func (b *builder) name(used []*Type) {
	taken := make(map[string]bool)
	for _, name := range b.opts.Reserved {
		taken[name] = true
	}
	var order []reflect.Type
	variantsOf := make(map[reflect.Type]map[*Type]bool)
	for _, d := range used {
		if variantsOf[d.Go] == nil {
			variantsOf[d.Go] = make(map[*Type]bool)
			order = append(order, d.Go)
		}
		variantsOf[d.Go][d] = true
	}
	slices.SortStableFunc(order, func(a, b reflect.Type) int { // numbers do not depend on which event comes first
		return cmp.Or(strings.Compare(a.PkgPath(), b.PkgPath()), strings.Compare(a.Name(), b.Name()))
	})
	names := nameGoTypes(order, taken)
	for _, t := range order {
		suffix := "" // of the variant that comes next
		for _, v := range variants {
			d := b.declared[key{t, v.dir, v.unchecked}]
			if d == nil || !variantsOf[t][d] {
				continue
			}
			d.Name = names[t] + suffix
			if suffix != "" {
				if taken[d.Name] {
					d.Name = unused(d.Name, taken)
				}
				taken[d.Name] = true
			}
			if suffix = "Unchecked"; v.dir == Out {
				suffix = "Input"
			}
		}
	}
}

// nameGoTypes returns a name for each type, with as much of the package's path as is
// needed to tell it from those of other packages. Types in functions of one package,
// which nothing tells apart, are numbered.
func nameGoTypes(order []reflect.Type, taken map[string]bool) map[reflect.Type]string {
	names := make(map[reflect.Type]string, len(order))
	for depth := 0; len(order) > 0; depth++ {
		packages := make(map[string]map[string]bool) // that have a type of a name
		for _, t := range order {
			name := identifier(t, depth)
			if packages[name] == nil {
				packages[name] = make(map[string]bool)
			}
			packages[name][t.PkgPath()] = true
		}
		got := make(map[string]bool)
		var again []reflect.Type
		for _, t := range order {
			name := identifier(t, depth)
			deepest := depth > strings.Count(pathOf(t), "/")
			if !deepest && (taken[name] || len(packages[name]) > 1) {
				again = append(again, t)
				continue
			}
			if taken[name] || got[name] {
				name = unused(name, taken, got)
			}
			got[name] = true
			names[t] = name
		}
		maps.Copy(taken, got)
		for name, n := range packages {
			taken[name] = taken[name] || len(n) > 1 // none gets what several want
		}
		order = again
	}
	return names
}

func unused(name string, taken ...map[string]bool) string {
	for n := 2; ; n++ {
		numbered := fmt.Sprint(name, n)
		if !slices.ContainsFunc(taken, func(t map[string]bool) bool { return t[numbered] }) {
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
		name = packageWords(parts[i]) + name
	}
	if !unicode.IsLetter([]rune(name)[0]) {
		name = "T" + name
	}
	return name
}

// packageWords returns a part of a package's path as words.
func packageWords(part string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(part, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		b.WriteString(exported(word))
	}
	return b.String()
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
