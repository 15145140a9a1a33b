//go:build !race

// The race detector makes sync.Pool drop values at random, and with it the number of
// allocations a matter of luck.

package sio_test

import "testing"

// TestAllocations holds each hot path, from the bytes that a client sends to
// what it gets, to the number of allocations that it is known to need. One that
// needs fewer passes, and says so.
func TestAllocations(t *testing.T) {
	want := map[string]float64{ // one event each
		"raw":                          1,
		"typed":                        3,
		"ack":                          5,
		"ack behind three middlewares": 5,
		"forward to a room of two":     9,
	}
	for _, p := range hotPaths(t) {
		if p.events > 0 {
			continue // how many handlers' goroutines that takes is a matter of luck
		}
		limit, ok := want[p.name]
		got := testing.AllocsPerRun(500, p.run)
		switch {
		case !ok:
			t.Errorf("%s: %v allocations, and no number to compare with", p.name, got)
		case got > limit:
			t.Errorf("%s: %v allocations, want %v", p.name, got, limit)
		case got < limit:
			t.Logf("%s: %v allocations only: lower the number, %v", p.name, got, limit)
		}
		delete(want, p.name)
	}
	for name := range want {
		t.Errorf("%s: a number, and nothing to compare it with", name)
	}
}
