//go:build !race

// The race detector makes sync.Pool drop values at random, and with it the number of
// allocations a matter of luck.

package engineio

import (
	"maps"
	"testing"
	"unsafe"

	"github.com/siokit/sio/internal/alloctest"
)

// TestAllocations holds each hot path to the number of allocations that it is
// known to need. One that needs fewer passes, and says so.
func TestAllocations(t *testing.T) {
	want := map[string]float64{
		"packet/encode":                  1,
		"packet/encode binary":           2,
		"packet/encode as base64":        4,
		"packet/decode":                  0,
		"packet/decode base64":           1,
		"payload/decode 10":              0,
		"payload/encode 10":              1,
		"outbox/batch 10":                0,
		"frames/one of 40 B":             0,
		"frames/16 of 40 B":              0,
		"frames/one of 4 kB, two pieces": 1,
		"frames/one of 256 kB":           2, // the buffer grows with what has come
		"handshake/polling":              13,
		"handshake/websocket":            19,
		"polling/post":                   17,
		"polling/get":                    10,
	}
	for name, watch := range map[string][]*Observer{"": nil, "observed": {{}}} {
		t.Run(name, func(t *testing.T) {
			alloctest.Hold(t, 1000, maps.Clone(want), func(yield func(string, func()) bool) {
				for _, p := range hotPaths(t, watch) {
					if !yield(p.name, p.run) {
						return
					}
				}
			})
		})
	}
}

// There is one of each for a client. A field more can have the allocator round up to the
// next size that it has.
func TestSizesInMemory(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the sizes are those of 64 bits")
	}
	for name, x := range map[string]struct{ size, class uintptr }{
		"Session": {unsafe.Sizeof(Session{}), 320},
		"wsConn":  {unsafe.Sizeof(wsConn{}), 224},
		"Message": {unsafe.Sizeof(Message{}), 64},
	} {
		if x.size > x.class {
			t.Errorf("%s has %d bytes, more than %d", name, x.size, x.class)
		}
	}
}
