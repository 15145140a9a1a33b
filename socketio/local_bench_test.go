//go:build !race

package socketio_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
)

// crowd puts n sockets into a namespace that have no connection.
func crowd(n *socketio.Namespace, count int) []*socketio.Socket {
	all := make([]*socketio.Socket, count)
	for i := range all {
		all[i] = n.Stand()
	}
	return all
}

// BenchmarkLockOfRooms has 100,000 sockets, of whom some join and leave a room of all,
// broadcasts' selections, one in as many rooms as one may be in that leaves, and a
// thousand that leave at once. It tells how long somebody else had to wait for the
// namespace's lock.
func BenchmarkLockOfRooms(b *testing.B) {
	for _, count := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			h := newHost(b, &socketio.Options{Engine: engineio.Options{}, MaxRooms: 10_000})
			n := h.Of("/", &sink{sockets: make(chan *socketio.Socket, 1)})
			all := crowd(n, count)
			for _, s := range all {
				must(b, s.Join("all"))
			}
			var names []string
			for i := range 10_000 {
				names = append(names, fmt.Sprint("room ", i))
			}
			stop := make(chan struct{})
			var wg sync.WaitGroup
			busy := func(f func(i int)) {
				wg.Go(func() { // until stop
					for i := 0; ; i++ {
						select {
						case <-stop:
							return
						default:
							f(i)
							runtime.Gosched()
						}
					}
				})
			}
			busy(func(i int) { // joins and leaves
				s := all[i%100]
				must(b, s.Join("x"))
				s.Leave("all")
				must(b, s.Join("all"))
				s.Leave("x")
			})
			busy(func(i int) { // who is meant
				_, err := n.All().To("all").Except("x").Count(b.Context())
				must(b, err)
				n.Rooms()
			})
			var took []time.Duration
			for b.Loop() {
				many := n.Stand()
				must(b, many.Join(names...))
				leaving := crowd(n, 100)
				for _, s := range leaving {
					must(b, s.Join("all"))
				}
				gone := make(chan struct{})
				go func() { // ends when they have left
					defer close(gone)
					many.Part()
					for _, s := range leaving {
						s.Part()
					}
				}()
				for done := false; !done; {
					select {
					case <-gone:
						done = true
					default:
						start := time.Now()
						n.Socket("nobody")
						took = append(took, time.Since(start))
						time.Sleep(time.Duration(rand.IntN(20)) * time.Microsecond)
					}
				}
			}
			close(stop)
			wg.Wait()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)-1].Microseconds()), "µs-worst")
			b.ReportMetric(float64(took[len(took)*999/1000].Microseconds()), "µs-p999")
		})
	}
}
