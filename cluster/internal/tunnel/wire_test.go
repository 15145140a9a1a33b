package tunnel

import (
	"bytes"
	"net"
	"sync"
	"testing"
)

// A wire takes frames from one Mux to another, in order, as an engine does.
type wire struct {
	mu    sync.Mutex // protects the following
	wake  sync.Cond
	queue []frameTo
	ended bool
	held  bool
	twist func(f frameTo) []frameTo // what becomes of a frame; nil: it gets there
	sent  int                       // frames
	most  int                       // bytes that waited
	bytes int                       // that wait

	muxes map[string]*Mux
	wg    sync.WaitGroup
}

type frameTo struct {
	from, to string
	data     []byte
}

// newWire returns what connects servers of these names.
func newWire(t testing.TB, names ...string) *wire {
	w := &wire{muxes: make(map[string]*Mux)}
	w.wake.L = &w.mu
	for _, name := range names {
		w.muxes[name] = New(name, func(to string, f []byte) { w.push(frameTo{name, to, bytes.Clone(f)}) })
	}
	w.wg.Go(w.run) // until the test ends
	t.Cleanup(func() {
		for _, m := range w.muxes {
			m.Close()
			if left := m.left(); left != "" {
				t.Error(left)
			}
		}
		w.mu.Lock()
		w.ended = true
		w.wake.Signal()
		w.mu.Unlock()
		w.wg.Wait()
	})
	return w
}

func (w *wire) push(f frameTo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent++
	frames := []frameTo{f}
	if w.twist != nil {
		frames = w.twist(f)
	}
	for _, f := range frames {
		w.queue = append(w.queue, f)
		w.bytes += len(f.data)
	}
	w.most = max(w.most, w.bytes)
	w.wake.Signal()
}

func (w *wire) run() {
	for {
		w.mu.Lock()
		for (len(w.queue) == 0 || w.held) && !w.ended {
			w.wake.Wait()
		}
		if w.ended {
			w.mu.Unlock()
			return
		}
		queue := w.queue
		w.queue, w.bytes = nil, 0
		w.mu.Unlock()
		for _, f := range queue {
			if m := w.muxes[f.to]; m != nil {
				m.Receive(f.from, f.data)
			}
		}
	}
}

// set has f done while nothing is sent.
func (w *wire) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	w.wake.Signal()
}

func (w *wire) frames() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}

// pipe returns the two ends of a stream from a to b. They are closed when the test ends.
func (w *wire) pipe(t testing.TB, l net.Listener, a, b string) (dialed, accepted net.Conn) {
	t.Helper()
	dialed, err := w.muxes[a].Dial(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	accepted, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialed.Close(); accepted.Close() })
	return dialed, accepted
}

// left returns what a Mux still knows of streams.
func (m *Mux) left() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.streams != 0 || len(m.links) != 0 || len(m.owing) != 0 {
		return string(m.name) + " has streams left"
	}
	return ""
}
