package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"
)

// TestBalancer wants requests to reach the servers that are well in turn, and no others.
func TestBalancer(t *testing.T) {
	names := []string{"a", "b", "c"}
	b := newBalancer(names, zerolog.Nop())
	var leaving atomic.Value // the server that is not ready
	leaving.Store("")
	for _, name := range names {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path != "/ready":
				fmt.Fprint(w, name, " ", r.Host)
			case leaving.Load() == name:
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}))
		defer s.Close()
		b.set(name, strings.TrimPrefix(s.URL, "http://"))
	}
	if !b.ready(t.Context()) {
		t.Fatal("not ready")
	}
	check := func() {
		for _, s := range b.all() {
			b.check(t.Context(), s)
		}
	}
	// reached tells which servers twelve requests get to, and how many of them.
	reached := func() map[string]int {
		n := make(map[string]int)
		for range 12 {
			r := httptest.NewRequest(http.MethodGet, "http://chat.example/socket.io/", nil)
			w := httptest.NewRecorder()
			b.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				n[fmt.Sprint(w.Code)]++
				continue
			}
			server, host, _ := strings.Cut(w.Body.String(), " ")
			if host != "chat.example" {
				t.Errorf("the server sees the host %q", host)
			}
			n[server]++
		}
		return n
	}
	want := func(want map[string]int) {
		t.Helper()
		if got := reached(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("requests reach %v, want %v", got, want)
		}
	}
	want(map[string]int{"a": 4, "b": 4, "c": 4})
	leaving.Store("b")
	check()
	if got := reached(); got["b"] > 0 || got["a"] == 0 || got["c"] == 0 {
		t.Errorf("with b not ready, requests reach %v", got)
	}
	leaving.Store("")
	check()
	want(map[string]int{"a": 4, "b": 4, "c": 4})
	for _, name := range names {
		b.set(name, "")
	}
	want(map[string]int{"503": 12})
}
