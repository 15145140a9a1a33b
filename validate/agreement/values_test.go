package agreement

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// texts are strings that one rule or another is about.
var texts = []string{
	"", "red", "a", "ab", "abc", "abcd", "abcde", "ä", "äö", "äöü", "日本語", "😀", "😀😀😀", "a1", "A", "ABC", "aB", "a b", " ", "\n", "a\n", "\x00", "a\x00b",
	"0", "1", "2", "12", "007", "-1", "+1", "1.5", "1.", ".5", "0x10", "1e3", "true", "false", "null", "red", "green", "dark green", "a,b", "a|b", "a.b", "a+b",
	"x@example.com", "ä@example.com", `"a b"@example.com`, "x@", "http://example.com/a?b#c", "https://example.com", "example.com", "/a/b", "urn:a:b", "file:///a",
	"127.0.0.1", "300.0.0.1", "::1", "::ffff:1.2.3.4", "10.0.0.0/8", "00:11:22:33:44:55",
	"550e8400-e29b-41d4-a716-446655440000", "550E8400-E29B-41D4-A716-446655440000", "6fa459ea-ee8a-3ca4-894e-db77e160355e", "886313e1-3b8a-5372-9b90-0c9aee199e5d", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
	"01ARZ3NDEKTSV4RRFFQ69G5FAV", "81ARZ3NDEKTSV4RRFFQ69G5FAV", "01arz3ndektsv4rrffq69g5fav", "01ARZ3NDE\u212aTſV4RRFFQ69G5FAV"[:28],
	"#fff", "#ffff", "#fffff", "#A0b1C2d3", "rgb(1,2,3)", "rgba(1,2,3,0.5)", "hsl(1,2%,3%)", "+4912345678", "12345678", "0123",
	"deadbeef", "0xDEADBEEF", "YQ==", "YWI=", "YWJj", "YW-_", "ME======", strings.Repeat("0a", 16), strings.Repeat("0A", 16), strings.Repeat("0a", 20), strings.Repeat("0a", 24),
	strings.Repeat("0a", 32), strings.Repeat("0a", 48), strings.Repeat("0a", 64), "0a0a0a0a0a0a0a0a0a0a0a0a", "1.2.3", "1.2.3-rc.1+b", "v1.2.3", "a.b.c", "a.b.", "12-3456789",
	"2020-02-30", "2020-02-28", "2020-01-01T00:00:00Z", "2020-01-01T00:00:00.5+01:00", "2020-01-01 00:00:00", "1h", "Europe/Berlin", "DE", "de-DE", "EUR",
	strings.Repeat("x", 20), strings.Repeat("x", 21), strings.Repeat("ö", 20), strings.Repeat("ö", 21),
}

var numbers = []string{
	"-3", "-2", "-1", "0", "-0", "1", "2", "3", "4", "5", "10", "15", "16", "17", "100", "0.1", "0.5", "0.25", "0.75", "1.5", "-1.5", "1e2", "3599999999999", "3600000000000", "3600000000001",
	"9007199254740991", "127", "128", "255", "256", "-129", "70000", "18446744073709551615",
}

// attachments are what values of []byte stand for.
var attachments = [][]byte{{}, {1}, {1, 2}, {1, 2, 3}}

var times = []string{`"0001-01-01T00:00:00Z"`, `"2020-01-01T00:00:00+05:30"`, `"2020-01-01T00:00:00Z"`, `"2999-01-01T00:00:00+02:00"`}

// valuesOf returns JSON that is, or may be, a t. It has depth levels of elements and
// fields; full asks for all strings.
//
// There is null only for what can be nil: for the rest, the server takes it for the zero
// value, as encoding/json does, which a schema does not promise. Nor does it promise that
// arrays may be of another length than their type, and that two names may be one key.
func valuesOf(t reflect.Type, full bool, depth int) (all []string) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		all = []string{"null"}
	}
	if depth == 0 {
		return append(all, "{}")
	}
	switch k := t.Kind(); {
	case t == reflect.TypeFor[json.Number]():
		all = append(all, numbers...)
	case t == reflect.TypeFor[json.RawMessage]():
		all = append(all, "0", "{}")
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) && t.Kind() != reflect.Struct:
		return append(all, valuesOf(stringType, full, depth)...)
	case t == reflect.TypeFor[time.Time]():
		all = append(all, times...)
	case t == reflect.TypeFor[[]byte]():
		for i := range attachments {
			all = append(all, fmt.Sprintf(`{"_placeholder":true,"num":%d}`, i))
		}
	case k == reflect.Pointer:
		return append(all, valuesOf(t.Elem(), full, depth)...)
	case k == reflect.Interface:
		all = append(all, `""`, `"abc"`, "0", "1", "5", "false", "true", "[]", "[1,1]", "{}", `{"a":1}`)
	case k == reflect.String:
		some := texts
		if !full {
			some = texts[:8]
		}
		for _, s := range some {
			all = append(all, quote(s))
		}
	case k == reflect.Bool:
		all = append(all, "true", "false")
	case k >= reflect.Int && k <= reflect.Float64:
		all = append(all, numbers...)
	case k == reflect.Array: // of its length, though the server takes others, too
		elems := valuesOf(t.Elem(), false, depth-1)
		for i := range elems {
			var some []string
			for n := range t.Len() {
				some = append(some, elems[(i+n)%len(elems)])
			}
			all = append(all, "["+strings.Join(some, ",")+"]")
		}
	case k == reflect.Slice:
		elems := valuesOf(t.Elem(), false, depth-1)
		all = append(all, "[]")
		for i, e := range elems {
			other := elems[(i+1)%len(elems)]
			all = append(all, "["+e+"]", "["+e+","+e+"]", "["+e+","+other+"]", "["+e+","+other+","+elems[(i+2)%len(elems)]+"]")
		}
	case k == reflect.Map:
		keys := []string{"a", "ab", "äöü", ""}
		if t.Key().Kind() != reflect.String {
			keys = []string{"1", "2", "-3", "70"}
		}
		elems := valuesOf(t.Elem(), false, depth-1)
		all = append(all, "{}")
		for i, e := range elems {
			for j, key := range keys {
				all = append(all, fmt.Sprintf("{%s:%s}", quote(key), e), fmt.Sprintf("{%s:%s,%s:%s}", quote(key), e, quote(keys[(j+1)%len(keys)]), elems[(i+1)%len(elems)]))
			}
		}
	case k == reflect.Struct:
		all = append(all, "{}")
		for f := range t.Fields() {
			name := nameOf(f)
			if name == "" {
				for _, v := range valuesOf(f.Type, full, depth) {
					if v != "null" {
						all = append(all, v)
					}
				}
				continue
			}
			for _, v := range fieldValues(f, full, depth-1) {
				all = append(all, "{"+quote(name)+":"+v+"}")
			}
		}
		all = append(all, objectsOf(t, depth)...)
	}
	return all
}

// objectsOf returns objects that have all fields, with some of the values of each.
func objectsOf(t reflect.Type, depth int) (all []string) {
	var names []string
	var values [][]string
	for f := range t.Fields() {
		if name := nameOf(f); name != "" {
			names = append(names, name)
			values = append(values, fieldValues(f, false, depth-1))
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		var members []string
		for i, name := range names {
			members = append(members, quote(name)+":"+values[i][r.IntN(len(values[i]))])
		}
		all = append(all, "{"+strings.Join(members, ",")+"}")
	}
	return all
}

// fieldValues returns JSON for a field, which may have the option ",string".
func fieldValues(f reflect.StructField, full bool, depth int) []string {
	all := valuesOf(f.Type, full, depth)
	if strings.HasSuffix(f.Tag.Get("json"), ",string") {
		for i, v := range all {
			all[i] = quote(v)
		}
	}
	return all
}

// nameOf returns the JSON name of a field, or "" of an embedded struct.
func nameOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	switch {
	case name == "" && f.Anonymous:
		return ""
	case name == "":
		return f.Name
	}
	return name
}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if r < ' ' || r == '"' || r == '\\' {
			b.WriteString(`\u` + fmt.Sprintf("%04s", strconv.FormatInt(int64(r), 16)))
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
