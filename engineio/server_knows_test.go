package engineio_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// A session is known at the path that it was opened at, as the client wrote it.
func TestKnows(t *testing.T) {
	h := newHost(t, nil)
	sid := h.open().ID() // at "/engine.io/"
	for target, want := range map[string]bool{
		"/engine.io/?EIO=4&sid=" + sid:      true,
		"/engine.io/?sid=" + sid + "&EIO=4": true,
		"/engine.io/?EIO=4;x&sid=" + sid:    true, // and refused
		"/engine.io/":                       false,
		"/engine.io/?EIO=4":                 false,
		"/engine.io/?sid=" + sid[1:] + "x":  false,
		"/engine.io/?sid=" + sid + "&sid=x": false,
		"/admin?EIO=4&sid=" + sid:           false,
		"/engine.io?EIO=4&sid=" + sid:       false,
		"/socket.io/?EIO=4&sid=" + sid:      false,
	} {
		if got := h.Knows(httptest.NewRequest(http.MethodPost, target, nil)); got != want {
			t.Errorf("%s: %t, want %t", target, got, want)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/admin?sid="+sid, nil)
	r.URL.Path = "/engine.io/" // rewritten on its way
	if h.Knows(r) {
		t.Error("a request for another path is known after it has been rewritten")
	}
}
