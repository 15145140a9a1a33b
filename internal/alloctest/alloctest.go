// Package alloctest is for tests that count allocations.
package alloctest

import (
	"iter"
	"runtime"
	"testing"
)

// Heap returns the number of bytes on the heap that are in use.
func Heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // of what pools and finalizers have kept from the first
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// HoldMore fails t if with does not return about as many bytes as without, or at most limit more,
// each time that the two are tried: what others have left may be freed meanwhile. The first
// call of without is for what the runtime keeps.
func HoldMore(t testing.TB, limit int64, without, with func() int64) {
	t.Helper()
	without()
	for left := tries; left > 0; left-- {
		before, after := without(), with()
		t.Logf("%d bytes without, %d with", before, after)
		if more := after - before; -limit <= more && more <= limit {
			return
		}
	}
	t.Errorf("more than %d bytes more, or less", limit)
}

// tries is how often an operation may be measured: what else the process does meanwhile
// counts, too, and what a collection has taken out of pools.
const tries = 5

// Hold runs each operation runs times, and fails t if one allocates more often than
// want has for its name, each time that it is tried. If it needs fewer allocations, the
// log says so. Every operation must be in want, and all of want must be an operation.
// Want is emptied.
func Hold(t *testing.T, runs int, want map[string]float64, ops iter.Seq2[string, func()]) {
	t.Helper()
	for name, run := range ops {
		limit, ok := want[name]
		got := testing.AllocsPerRun(runs, run)
		for try := 1; got > limit && try < tries; try++ {
			got = min(got, testing.AllocsPerRun(runs, run))
		}
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

// HotPaths are operations to be measured, and to be held to their allocations.
type HotPaths []struct {
	Name string
	Run  func()
}

// All returns them for [Hold].
func (ps HotPaths) All() iter.Seq2[string, func()] {
	return func(yield func(string, func()) bool) {
		for _, p := range ps {
			if !yield(p.Name, p.Run) {
				return
			}
		}
	}
}

// Bench measures each.
func (ps HotPaths) Bench(b *testing.B) {
	for _, p := range ps {
		b.Run(p.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Run()
			}
		})
	}
}
