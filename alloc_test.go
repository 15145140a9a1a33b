//go:build !race

// The race detector makes sync.Pool drop values at random, and with it the number of
// allocations a matter of luck.

package sio_test

import (
	"maps"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/alloctest"
)

// TestAllocations holds each hot path, from the bytes that a client sends to
// what it gets, to the number of allocations that it is known to need. One that
// needs fewer passes, and says so.
func TestAllocations(t *testing.T) {
	want := map[string]float64{ // one event each
		"raw":                          1,
		"typed":                        3,
		"ack":                          5 + alloctest.StructCopies,
		"ack behind three middlewares": 5 + alloctest.StructCopies,
		"forward to a room of two":     9 + alloctest.StructCopies,
	}
	observed := []*sio.Observer{{Handled: func(*sio.Context, sio.Handled) {}}}
	for name, watch := range map[string][]*sio.Observer{"": nil, "observed": observed} {
		t.Run(name, func(t *testing.T) {
			alloctest.Hold(t, 500, maps.Clone(want), func(yield func(string, func()) bool) {
				for _, p := range hotPaths(t, watch) {
					if p.events > 0 {
						continue // how many handlers' goroutines that takes is a matter of luck
					}
					if !yield(p.name, p.run) {
						return
					}
				}
			})
		})
	}
}
