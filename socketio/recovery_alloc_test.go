//go:build !race

// The race detector needs memory of its own.

package socketio_test

import (
	"runtime"
	"testing"

	"github.com/siokit/sio/socketio"
)

// TestAllocatedByRecovery holds what the option costs for each client.
func TestAllocatedByRecovery(t *testing.T) {
	const clients = 1000
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	cost := func(o *socketio.Options) int {
		h := newHost(t, o)
		n := h.of("/", &nsp{quiet: true})
		before := heap()
		for range clients {
			c := h.ws()
			c.send("40")
			c.read()
		}
		if n.Len() != clients {
			t.Errorf("%d clients", n.Len())
		}
		return (heap() - before) / clients
	}
	without, with := cost(nil), cost(recovering(socketio.Recovery{}))
	t.Logf("%d bytes for each client and connection, %d with recovery", without, with)
	if with-without > 400 {
		t.Error("that is too much")
	}
}
