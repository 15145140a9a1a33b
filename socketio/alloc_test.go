//go:build !race

// The race detector makes sync.Pool drop values at random, and with it the number of
// allocations a matter of luck.

package socketio_test

import (
	"maps"
	"testing"

	"github.com/siokit/sio/internal/alloctest"
	"github.com/siokit/sio/socketio"
)

// TestAllocationsPerPacket holds each hot path to the number of allocations
// that it is known to need. One that needs fewer passes, and says so.
func TestAllocationsPerPacket(t *testing.T) {
	want := map[string]float64{
		"dispatch":                           2,
		"dispatch/with an ack":               3,
		"emit":                               1,
		"emit/volatile":                      1,
		"emit/binary":                        6,
		"emit/with an ack":                   6,
		"broadcast/to all 100":               5, // that depends a little on how many goroutines take part
		"broadcast/to a room of 100":         6, // likewise
		"broadcast/to a room but the sender": 7, // likewise
		"rooms/join one and leave it":        0,
		"rooms/make one and give it up":      2,
		"rooms/emit to one":                  4,
	}
	for name, watch := range map[string][]*socketio.Observer{"": {}, "observed": {{}}} {
		t.Run(name, func(t *testing.T) {
			alloctest.Hold(t, 500, maps.Clone(want), hotPaths(t, watch).All())
		})
	}
}
