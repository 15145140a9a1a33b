// Package alloctest holds operations to the number of allocations that they are
// known to need, and tells what is live.
package alloctest

import (
	"iter"
	"runtime"
	"testing"
)

// Heap returns the bytes of the heap that are live.
func Heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // of what pools and finalizers have kept from the first
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Hold runs each operation so often, and fails if it allocates more than want
// has for its name. One that needs fewer passes, and says so. Every operation
// must have a number, and every number an operation. It takes want apart.
func Hold(t *testing.T, runs int, want map[string]float64, ops iter.Seq2[string, func()]) {
	t.Helper()
	for name, run := range ops {
		limit, ok := want[name]
		got := testing.AllocsPerRun(runs, run)
		switch {
		case !ok:
			t.Errorf("%s: %v allocations, and no number to compare with", name, got)
		case got > limit:
			t.Errorf("%s: %v allocations, want %v", name, got, limit)
		case got < limit:
			t.Logf("%s: %v allocations only: lower the number, %v", name, got, limit)
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("%s: a number, and nothing to compare it with", name)
	}
}
