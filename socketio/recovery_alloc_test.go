//go:build !race

// The race detector needs memory of its own.

package socketio_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/siokit/sio/internal/alloctest"
	"github.com/siokit/sio/socketio"
)

// TestAllocatedByRecovery holds what the option costs for each client.
func TestAllocatedByRecovery(t *testing.T) {
	// rounds returns a function that connects clients, and returns the bytes of each.
	rounds := func(o *socketio.Options) func() int64 {
		h := newHost(t, o)
		n := h.of("/", &nsp{quiet: true})
		return func() int64 {
			const clients = 100
			before, all := alloctest.Heap(), n.Len()+clients
			for range clients {
				c := h.ws()
				c.send("40")
				c.read()
			}
			if n.Len() != all {
				t.Errorf("%d clients, want %d", n.Len(), all)
			}
			return (alloctest.Heap() - before) / clients
		}
	}
	withoutRound, withRound := rounds(nil), rounds(recovering(socketio.Recovery{}))
	// What earlier tests leave may be freed in a round, and tables grow in some: the median has
	// neither.
	var without, with []int64
	for range 9 {
		without = append(without, withoutRound())
		with = append(with, withRound())
	}
	t.Logf("%d bytes for each client and connection, %d with recovery", without, with)
	slices.Sort(without)
	slices.Sort(with)
	if with[len(with)/2]-without[len(without)/2] > 400 {
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
