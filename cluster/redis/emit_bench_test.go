//go:build unix

package redis_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster/redis"
	"github.com/siokit/sio/cluster/redis/internal/redistest"
)

// BenchmarkEmit is about a server that emits while others have the clients: bursts with
// pauses, in which all comes back. What it costs is the CPU time of the process.
func BenchmarkEmit(b *testing.B) {
	const burst, pause = 500, 3 * time.Millisecond
	s := redistest.Start(b)
	for _, v := range []struct {
		name     string
		o        redis.Options
		recovery *sio.Recovery
	}{
		{"classic", redis.Options{}, nil},
		{"recovery", redis.Options{Streams: true}, &sio.Recovery{}},
	} {
		b.Run(v.name, func(b *testing.B) {
			c, err := redis.Open(rueidis.ClientOption{InitAddress: []string{s.Addr}}, &v.o)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			srv := sio.New(&sio.Options{Cluster: c, Recovery: v.recovery})
			defer srv.Shutdown(context.Background())
			received := c.Stats().Received
			b.ReportAllocs()
			b.ResetTimer()
			before := used(b)
			for i := range b.N {
				if err := srv.To("room").Emit("msg", "hello, world"); err != nil {
					b.Fatal(err)
				}
				if i%burst == burst-1 {
					time.Sleep(pause)
				}
			}
			for v.recovery != nil && c.Stats().Received < received+uint64(b.N) {
				time.Sleep(pause)
			}
			b.ReportMetric(float64(used(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// used returns the CPU time of the process.
func used(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
