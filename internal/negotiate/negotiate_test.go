package negotiate_test

import (
	"net/http"
	"testing"

	"github.com/siokit/sio/internal/negotiate"
)

func TestGzip(t *testing.T) {
	for _, tt := range []struct {
		accept []string
		want   bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{"identity"}, false},
		{[]string{"br, deflate"}, false},
		{[]string{"gzip"}, true},
		{[]string{"GZip"}, true},
		{[]string{"x-gzip"}, true},
		{[]string{"gzipped"}, false},
		{[]string{"br;q=1.0, gzip;q=0.8, *;q=0.1"}, true},
		{[]string{"br", "gzip"}, true}, // two lines
		{[]string{"gzip;q=0"}, false},
		{[]string{"gzip;q=0.000"}, false},
		{[]string{"gzip ; Q = 0"}, false},
		{[]string{"gzip;q=0.001"}, true},
		{[]string{"gzip;q="}, false},
		{[]string{"gzip;q=many"}, false},
		{[]string{"gzip;level=9"}, false},
		{[]string{"gzip;"}, true},
		{[]string{"*"}, true},
		{[]string{"*;q=0"}, false},
		{[]string{"*, gzip;q=0"}, false},
		{[]string{"gzip, *;q=0"}, true},
		{[]string{"*;q=0, gzip"}, true},
		{[]string{",;,=,q=1"}, false},
	} {
		h := http.Header{}
		r := &http.Request{Header: http.Header{"Accept-Encoding": tt.accept}}
		if got := negotiate.Gzip(h, r); got != tt.want {
			t.Errorf("Accept-Encoding %q: %t, want %t", tt.accept, got, tt.want)
		}
		if got := h.Get("Vary"); got != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: Vary is %q", tt.accept, got)
		}
	}
}

func TestGzipIsLeftToOthers(t *testing.T) {
	r := &http.Request{Header: http.Header{"Accept-Encoding": {"gzip"}}}
	for _, h := range []http.Header{
		{"Content-Encoding": {"br"}},
		{"Vary": {"Origin, accept-encoding"}},
		{"Vary": {"Origin", "Accept-Encoding"}},
	} {
		if negotiate.Gzip(h, r) {
			t.Errorf("with %v: compressed", h)
		}
	}
	if h := (http.Header{"Vary": {"Origin"}}); !negotiate.Gzip(h, r) {
		t.Error("Vary: Origin keeps us from compressing")
	}
}

func TestVary(t *testing.T) {
	h := http.Header{}
	for _, name := range []string{"Origin", "origin", "Cookie", "Origin"} {
		negotiate.Vary(h, name)
	}
	if got := h.Values("Vary"); len(got) != 2 || got[0] != "Origin" || got[1] != "Cookie" {
		t.Errorf("Vary: %q", got)
	}
	h = http.Header{"Vary": {"*"}}
	if negotiate.Vary(h, "Origin"); len(h["Vary"]) != 1 {
		t.Errorf("Vary: %q", h["Vary"])
	}
}
