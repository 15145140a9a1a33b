package sio

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPattern(t *testing.T) {
	long := strings.Repeat("x", 256-len("/tenant-"))
	for _, tt := range []struct{ pattern, name, parts string }{ // the parts, joined by spaces; "" if it does not match
		{"/tenant-{id}", "/tenant-42", "42"},
		{"/tenant-{id}", "/tenant-" + long, long},
		{"/tenant-{id}", "/tenant-?x=1", "?x=1"},
		{"/tenant-{id}", "/tenant-__proto__", "__proto__"},
		{"/tenant-{id}", "/tenant-%2F..%2F", "%2F..%2F"},
		{"/tenant-{id}", "/tenant-é", "é"},
		{"/tenant-{id}", "/tenant-\xff", "\xff"},
		{"/tenant-{id}", "/tenant-", ""},
		{"/tenant-{id}", "/tenant", ""},
		{"/tenant-{id}", "/", ""},
		{"/tenant-{id}", "", ""},
		{"/tenant-{id}", "/Tenant-a", ""},
		{"/tenant-{id}", "/tenant-a/b", ""},
		{"/tenant-{id}", "/tenant-a/", ""},
		{"/tenant-{id}", "/tenant-/", ""},
		{"/tenant-{id}", "/tenant-a,b", ""},
		{"/tenant-{id}", "/tenant-{id}", ""},
		{"/tenant-{id}", "/tenant-a}", ""},
		{"/tenant-{id}", "/x/tenant-a", ""},
		{"/{a}", "//", ""},
		{"/{a}.json", "/x.json", "x"},
		{"/{a}.json", "/.json", ""},
		{"/{a}.json", "/x.json.json", "x.json"},
		{"/{a}.json", "/x.jso", ""},
		{"/t-{a}/r-{b}", "/t-1/r-2", "1 2"},
		{"/t-{a}/r-{b}", "/t-1/x/r-2", ""},
		{"/t-{a}/r-{b}", "/t-1/r-2/", ""},
		{"/t-{a}/r-{b}", "/t-/r-2", ""},
		{"/t-{a}/r-{b}", "/t-1/r-", ""},
		{"/{a}-{b}", "/x-y-z", "x y-z"},
		{"/{a}-{b}", "/-x", ""},
		{"/{a}-{b}", "/--x", "- x"},
		{"/{a}-{b}", "/---", "- -"},
		{"/{a}-{b}-c", "/x-c-c", "x c"},
		{"/{a}-{b}-c", "/x-c", ""},
		{"/{a}/{b}/{c}", "/1/2/3", "1 2 3"},
		{"/{a}/{b}/{c}", "/1//3", ""},
		{"/{a}é{b}", "/1éé2", "1 é2"},
	} {
		p := parsePattern(tt.pattern)
		if ok := p.match(tt.name); ok != (tt.parts != "") {
			t.Errorf("%s matches %s: %t", tt.pattern, tt.name, ok)
			continue
		}
		if tt.parts == "" {
			continue
		}
		var parts []string
		for i := range p.parts {
			part, _ := p.find(tt.name, i)
			parts = append(parts, part)
		}
		if got := strings.Join(parts, " "); got != tt.parts {
			t.Errorf("%s has parts %q in %s, want %q", tt.pattern, got, tt.name, tt.parts)
		}
	}
}

// FuzzPattern compares patterns to regular expressions.
func FuzzPattern(f *testing.F) {
	for _, text := range []string{"/tenant-{id}", "/t-{a}/r-{b}", "/{a}-{b}-c", "/{a}/x-{b}y{c}", "/{a}{b}", "{", "}", "/{}", "/{a}-{a}", "/{a}--{b}/-"} {
		for _, name := range []string{"/tenant-42", "/t-1/r-2", "/--x-c", "/-/--/-", "/x-c-c", "/a/x-by", "/a/x-x-yyy", "\xff"} {
			f.Add(text, name)
		}
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		p := tryPattern(text)
		if p == nil || len(p.parts) == 0 || strings.ContainsRune(text, utf8.RuneError) {
			return // a name, or what regexp takes for any byte that is not UTF-8
		}
		re := regexp.QuoteMeta(p.head)
		for _, q := range p.parts {
			re += `([^/,{}]+?)` + regexp.QuoteMeta(q.tail)
		}
		want := regexp.MustCompile(`(?s)\A` + re + `\z`).FindStringSubmatch(name)
		if ok := p.match(name); ok != (want != nil) {
			t.Fatalf("%q matches %q: %t", text, name, ok)
		}
		for i := range p.parts {
			if want == nil {
				break
			}
			if got, _ := p.find(name, i); got != want[i+1] {
				t.Fatalf("part %d of %q in %q is %q, want %q", i, text, name, got, want[i+1])
			}
		}
	})
}

func tryPattern(text string) (p *pattern) {
	defer func() {
		if v := recover(); v != nil && !strings.HasPrefix(v.(string), "sio: Of(") {
			panic(v)
		}
	}()
	return parsePattern(text)
}
