//go:build !race

// The race detector needs memory of its own.

package socketio_test

import (
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
