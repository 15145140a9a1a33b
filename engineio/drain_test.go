package engineio

import (
	"runtime"
	"testing"
)

// TestDrainLeavesACore has more to write than all cores could do: one of them is
// left to who reads.
func TestDrainLeavesACore(t *testing.T) {
	for _, tt := range []struct{ cores, want int }{{1, 1}, {2, 1}, {4, 3}} {
		before := runtime.GOMAXPROCS(tt.cores)
		var d drain
		d.init()
		runtime.GOMAXPROCS(before)
		if d.max != tt.want {
			t.Errorf("%d goroutines write on %d cores, want %d", d.max, tt.cores, tt.want)
		}
	}
}
