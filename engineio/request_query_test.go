package engineio

import (
	"net/url"
	"testing"
)

// FuzzQuery wants of a query what url.Values has, and the last of several.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{
		"", "sid=a", "EIO=4&transport=polling&sid=a", "sid=a&sid=b", "sid", "sid=", "=a", "&&sid=a&",
		"%73id=a", "sid=%61+b", "sid=%zz", "sid=%zz&sid=a", "%zz=a&sid=b", "sid=a;b", "sid=a;b&sid=c", ";sid=a",
		"sid=a=b", "+sid=a", "SID=a", "sid=a#b", "x=sid&sid=y", "sid+=a", "%=a", "sid=%",
	} {
		f.Add(q, "sid")
	}
	f.Add("a+b=c", "a b")
	f.Add("=x", "")
	f.Add("x&", "")
	f.Fuzz(func(t *testing.T, raw, name string) {
		q := query(raw)
		want, _ := url.ParseQuery(raw)
		var last string
		if all := want[name]; len(all) > 0 {
			last = all[len(all)-1]
		}
		if got := q.get(name); got != last {
			t.Errorf("get(%q) of %q = %q, want %q", name, raw, got, last)
		}
		if got := q.has(name); got != want.Has(name) {
			t.Errorf("has(%q) of %q = %t, want %t", name, raw, got, want.Has(name))
		}
	})
}
