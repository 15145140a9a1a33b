package engineio

import (
	"runtime"
	"testing"
)

// TestDrainLeavesACore has more to write than all cores could do: one of them is
// left to who reads.
func TestDrainLeavesACore(t *testing.T) {
	for _, tt := range []struct{ cores, want int }{{1, 1}, {2, 1}, {4, 3}} {
		var d drain
		d.init(tt.cores)
		if d.max != tt.want {
			t.Errorf("%d goroutines write on %d cores, want %d", d.max, tt.cores, tt.want)
		}
	}
}

// TestCores: threads that have no core of their own don't count.
func TestCores(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + 14))
	if got := cores(); got != runtime.NumCPU() {
		t.Errorf("%d cores, want %d", got, runtime.NumCPU())
	}
	runtime.GOMAXPROCS(1)
	if got := cores(); got != 1 {
		t.Errorf("%d cores by GOMAXPROCS=1", got)
	}
}
