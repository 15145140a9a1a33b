//go:build !race

// The race detector needs memory of its own.

package socketio_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/siokit/sio/internal/alloctest"
	"github.com/siokit/sio/socketio"
)

// TestAllocatedByRecovery holds what the option costs for each client.
func TestAllocatedByRecovery(t *testing.T) {
	const clients = 1000
	cost := func(o *socketio.Options) int64 {
		h := newHost(t, o)
		n := h.of("/", &nsp{quiet: true})
		before := alloctest.Heap()
		for range clients {
			c := h.ws()
			c.send("40")
			c.read()
		}
		if n.Len() != clients {
			t.Errorf("%d clients", n.Len())
		}
		return (alloctest.Heap() - before) / clients
	}
	without, with := cost(nil), cost(recovering(socketio.Recovery{}))
	t.Logf("%d bytes for each client and connection, %d with recovery", without, with)
	if with-without > 400 {
		t.Error("that is too much")
	}
}

// What a client shows beside its pid is not decoded.
func TestAllocatedForThePid(t *testing.T) {
	h := newHost(t, recovering(socketio.Recovery{}))
	n := h.of("/", nil)
	g := h.guest("/")
	n.wants("connect")
	g.cut(n)
	payload := fmt.Sprintf(`40{"a":[%s{}],"b":{"pid":"x","offset":7},"pid":%q}`, strings.Repeat(`{"":0},`, 120_000), g.pid)
	c := h.ws()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c.send(payload)
	answer := c.read()
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > uint64(10*len(payload)) {
		t.Errorf("%d bytes for %d", got, len(payload))
	}
	if !strings.Contains(answer, g.pid) {
		t.Errorf("answer %s", answer)
	}
}
