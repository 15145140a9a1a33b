package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// TestBalancer wants requests of one browser, or of one client without cookies, to reach
// one server for as long as it is well.
func TestBalancer(t *testing.T) {
	names := []string{"a", "b", "c"}
	b := newBalancer(names, zerolog.Nop())
	ill := make(map[string]bool) // nobody asks while it changes
	for _, name := range names {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path != "/ready":
				fmt.Fprint(w, name, " ", r.Host)
			case ill[name]:
				w.WriteHeader(http.StatusServiceUnavailable)
			default:
				w.WriteHeader(http.StatusOK)
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

	// get returns which server has answered, and the cookie that came with it.
	get := func(path, addr, has string) (server, cookie string) {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "http://chat.example"+path, nil)
		r.RemoteAddr = addr + ":1234"
		if has != "" {
			r.Header.Set("Cookie", "server="+has)
		}
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		body, err := io.ReadAll(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusOK {
			return fmt.Sprint(w.Code), ""
		}
		server, host, _ := strings.Cut(string(body), " ")
		if host != "chat.example" {
			t.Errorf("the server sees the host %q", host)
		}
		for _, c := range w.Result().Cookies() {
			cookie = c.Value
		}
		return server, cookie
	}

	pages := make(map[string]bool)
	for range 3 {
		server, cookie := get("/", "192.0.2.1", "")
		if cookie != server {
			t.Errorf("a page of %s comes with the cookie %q", server, cookie)
		}
		pages[server] = true
	}
	if len(pages) != 3 {
		t.Errorf("three pages come from %v", pages)
	}
	for range 5 {
		if server, cookie := get("/socket.io/", "192.0.2.1", "b"); server != "b" || cookie != "" {
			t.Errorf("who was on b gets to %s with the cookie %q", server, cookie)
		}
	}

	first := make(map[string]string) // by address
	spread := make(map[string]bool)
	for i := range 50 {
		addr := fmt.Sprint("192.0.2.", i)
		first[addr], _ = get("/socket.io/", addr, "")
		spread[first[addr]] = true
	}
	if len(spread) != 3 {
		t.Errorf("fifty addresses are on %v", spread)
	}
	ill["b"] = true
	check()
	for addr, was := range first {
		for range 2 {
			if server, _ := get("/socket.io/", addr, ""); server == "b" || was != "b" && server != was {
				t.Errorf("%s was on %s, and is on %s without b", addr, was, server)
			}
		}
	}
	if server, cookie := get("/socket.io/", "192.0.2.1", "b"); server == "b" || cookie != server {
		t.Errorf("who was on b gets to %s with the cookie %q", server, cookie)
	}
	ill["b"] = false
	check()
	if server, _ := get("/socket.io/", "192.0.2.1", "b"); server != "b" {
		t.Errorf("with b again, who was there gets to %s", server)
	}

	for _, name := range names {
		b.set(name, "")
	}
	if code, _ := get("/", "192.0.2.1", "b"); code != "503" {
		t.Errorf("without servers, the answer is %s", code)
	}
}
