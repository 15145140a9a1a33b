package socketio

import (
	"sync"
	"time"
)

const (
	// largeEvent is from how many bytes on an event is counted, and let through the
	// gate.
	largeEvent = 64 << 10
	// gateBytes of large events are handled at a time. Decoded, they can take twenty
	// times as much: [{"":0},…] is made for it.
	gateBytes = 4 << 20
	// gateTime is after how long a handler is taken to wait for something, perhaps for
	// another handler, rather than to decode: the next one may begin. A megabyte is
	// decoded in less.
	gateTime = 250 * time.Millisecond
)

// A gate bounds the large events that are handled at the same time. Others wait in
// the queues of their sockets, whose connections are not read when these are full.
type gate struct {
	mu          sync.Mutex // protects the following
	used        int
	first, last *gateWait // in order, so that a large one gets its turn
}

type gateWait struct {
	size int
	in   chan struct{} // closed when it is let in
	next *gateWait
}

// enter waits for its turn. It is over when what is returned is called, or gateTime
// has passed.
func (g *gate) enter(size int) (leave func()) {
	g.mu.Lock()
	if g.first == nil && g.fitsLocked(size) {
		g.used += size
		g.mu.Unlock()
	} else {
		w := &gateWait{size: size, in: make(chan struct{})}
		if g.first == nil {
			g.first = w
		} else {
			g.last.next = w
		}
		g.last = w
		g.mu.Unlock()
		<-w.in
	}
	var once sync.Once
	left := func() { once.Do(func() { g.leave(size) }) }
	t := time.AfterFunc(gateTime, left)
	return func() {
		t.Stop()
		left()
	}
}

func (g *gate) fitsLocked(size int) bool { return g.used == 0 || g.used+size <= gateBytes }

func (g *gate) leave(size int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.used -= size
	for w := g.first; w != nil && g.fitsLocked(w.size); w = g.first {
		g.used += w.size
		g.first = w.next
		close(w.in)
	}
}
