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
	// round connects clients to a server of their own, and returns the bytes of each.
	round := func(name string, o *socketio.Options) (each int64) {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, o)
			n := h.of("/", &nsp{quiet: true})
			const clients = 500
			before := alloctest.Heap()
			for range clients {
				c := h.ws()
				c.send("40")
				c.read()
			}
			if n.Len() != clients {
				t.Errorf("%d clients, want %d", n.Len(), clients)
			}
			each = (alloctest.Heap() - before) / clients
		})
		return each
	}
	alloctest.HoldMore(t, 400,
		func() int64 { return round("without", nil) },
		func() int64 { return round("with", recovering(socketio.Recovery{})) })
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
