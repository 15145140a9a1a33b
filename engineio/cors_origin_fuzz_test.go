package engineio

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzOrigin reads the headers Origin and Host. What is taken for an origin is one to
// net/url, too, with the same host, and nobody is admitted who is not below the host of
// a rule.
func FuzzOrigin(f *testing.F) {
	for _, s := range []string{
		"https://example.com", "http://example.com:80", "wss://EXAMPLE.com./", "null", "file://", "app://x", "https://[::1]:3000", "http://[fe80::1%25e]",
		"https://a.example.com", "https://example.com@evil.example", "https://evil.example#.example.com", "https://.example.com", "http://a..", "http://[::1", "://", "",
	} {
		f.Add(s, "example.com:443")
	}
	below := hostRule{host: "example.com", below: true}
	f.Fuzz(func(t *testing.T, value, header string) {
		if host, port, ok := splitHost(header); ok {
			text := host
			if strings.Contains(host, ":") {
				text = "[" + host + "]"
			}
			if again, p, ok := splitHost(text + ":" + port); !ok || again != host || p != port {
				t.Fatalf("host %q is %q %q, then %q %q", header, host, port, again, p)
			}
		}
		o, ok := parseOrigin(value)
		if !ok || o.host == "" {
			return
		}
		u, err := url.Parse(value)
		if err != nil {
			return // it is stricter about what stands in a scheme
		}
		name, _, _ := strings.Cut(strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), "%")
		if u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" || name != o.host && !strings.Contains(o.host, ":") {
			t.Fatalf("origin %q is %+v, but %+v to net/url", value, o, u)
		}
		if below.admits(o) && (!strings.HasSuffix(name, ".example.com") || name[0] == '.') {
			t.Fatalf("%q is below example.com", value)
		}
	})
}
