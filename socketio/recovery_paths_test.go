//go:build !race

// See paths_bench_test.go.

package socketio_test

import (
	"testing"

	"github.com/siokit/sio/internal/alloctest"
	"github.com/siokit/sio/socketio"
)

// recoveryPaths are those that are other ones where clients can come back.
func recoveryPaths(t testing.TB) alloctest.HotPaths {
	nsp, _, sockets := discarding(t, &socketio.Options{Engine: quiet, Recovery: new(socketio.Recovery)}, 100)
	for _, s := range sockets {
		must(t, s.Join("room"))
	}
	s := sockets[0]
	var arg any = &benchStruct{1, "hello"}
	return alloctest.HotPaths{
		{"emit", func() { must(t, s.Emit("message", arg)) }},
		{"emit volatile", func() { must(t, s.Volatile().Emit("message", arg)) }},
		{"emit a volatile string", func() { must(t, s.Volatile().Emit("message", "text")) }},
		{"broadcast", func() { must(t, nsp.All().To("room").Emit("message", arg)) }},
		{"broadcast to nobody", func() { must(t, nsp.All().To("room").Except("room").Emit("message", arg)) }},
		{"broadcast what is volatile", func() { must(t, nsp.All().To("room").Except("room").Volatile().Emit("message", arg)) }},
		{"join and leave", func() {
			must(t, s.Join("other"))
			s.Leave("other")
		}},
	}
}

func BenchmarkRecovery(b *testing.B) { recoveryPaths(b).Bench(b) }

// TestAllocationsOfRecovery is TestAllocationsPerPacket for those.
func TestAllocationsOfRecovery(t *testing.T) {
	want := map[string]float64{
		"emit":                       5,
		"emit volatile":              2,
		"emit a volatile string":     1,
		"broadcast":                  9,
		"broadcast to nobody":        13,
		"broadcast what is volatile": 10,
		"join and leave":             2,
	}
	alloctest.Hold(t, 500, want, recoveryPaths(t).All())
}
