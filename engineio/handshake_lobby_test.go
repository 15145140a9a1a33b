package engineio_test

import (
	"net/http/httptest"
	"testing"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
)

// TestHandshakesNotUsed has as many handshakes by polling as may wait for their
// clients, and one more: the oldest is forgotten, but nobody who is there.
func TestHandshakesNotUsed(t *testing.T) {
	const most = 10_000
	h := newHost(t, nil)
	polls, probing, moved := h.open(), h.open(), h.open()
	pending := h.pend(polls.ID())
	polls.polled()
	h.probe(probing)
	upgraded := h.upgrade(moved)
	silent, next := h.open(), h.open()

	for range most - 1 {
		res := httptest.NewRecorder()
		h.ServeHTTP(res, httptest.NewRequest("GET", "/?"+polling, nil))
		if res.Code != 200 {
			t.Fatalf("handshake: %d", res.Code)
		}
		h.peer()
	}
	silent.ends("ping timeout")
	if n := h.audit.reached(engineio.LimitUnpolled); n != 1 {
		t.Errorf("observers were told %d times, want once", n)
	}
	h.gone(silent.ID())
	next.alive()
	polls.send("a")
	timetest.Receive(t, pending, patience, "the poll").want(t, 200, "4a")
	h.pollingWorks(probing)
	upgraded.text("4b")
	moved.want("b")
}
