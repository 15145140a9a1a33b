package cluster

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/siokit/sio/internal/fifo"
	"github.com/siokit/sio/socketio"
)

// A history is the events that clients of any server may have missed, as far as this server
// remembers them: those of all namespaces, also of such as it does not have yet.
type history struct {
	limit int // of bytes
	born  time.Time

	mu    sync.RWMutex // protects the following; innermost
	age   time.Duration
	all   fifo.Queue[remembered] // the oldest first
	logs  map[string]*eventLog   // by namespace
	bytes int
	head  uint64        // everything behind it is there
	last  uint64        // of what this server has done with
	heard chan struct{} // closed when last changes; nil if nobody waits
}

// An eventLog is the events of one namespace, in order.
type eventLog struct {
	nsp string
	fifo.Queue[socketio.Kept]
}

// A remembered is an event in the order of all.
type remembered struct {
	log  *eventLog
	pos  uint64
	size int
	at   time.Duration // since the history began
}

const (
	// eventSize is about what an event takes beside its bytes.
	eventSize = 384
	// defaultAge is how long events are remembered before there is a namespace that
	// tells for how long its clients may be away.
	defaultAge = 5 * time.Minute
	// fewEvents is how many are returned at a time.
	fewEvents = 256
)

func (h *history) init(limit int) {
	h.limit, h.born, h.age, h.logs = limit, time.Now(), defaultAge, make(map[string]*eventLog)
}

// keepFor has events remembered for so long at least.
func (h *history) keepFor(age time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.age = max(h.age, age)
}

// add remembers an event of a namespace.
func (h *history) add(nsp string, e *socketio.Kept) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Since(h.born)
	size := eventSize + sizeOf(e.Broadcast)
	l := h.logs[nsp]
	if l == nil {
		l = &eventLog{nsp: nsp}
		h.logs[nsp] = l
	}
	l.Push(*e)
	h.all.Push(remembered{l, e.Pos, size, now})
	h.bytes += size
	for h.all.Len() > 1 {
		old := h.all.All()[0]
		if h.bytes <= h.limit && now-old.at <= h.age {
			break
		}
		h.dropLocked()
	}
}

func (h *history) dropLocked() {
	old := h.all.Pop()
	l := old.log
	if l.Pop(); l.Len() == 0 {
		delete(h.logs, l.nsp)
	}
	h.bytes -= old.size
	h.head = old.pos
}

// begin drops everything: this server is told only of what is behind a position.
func (h *history) begin(pos uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.all.Len() > 0 {
		h.dropLocked()
	}
	h.head = pos
	h.toldLocked(pos)
}

// told notes that the entry at a position has been dealt with, and wakes who waits for that.
func (h *history) told(pos uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.toldLocked(pos)
}

func (h *history) toldLocked(pos uint64) {
	h.last = max(h.last, pos)
	if h.heard != nil {
		close(h.heard)
		h.heard = nil
	}
}

func (h *history) first() uint64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.head
}

func (h *history) end() uint64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.last
}

// await waits until this server has been told of a position.
func (h *history) await(ctx context.Context, pos uint64) error {
	for {
		h.mu.Lock()
		if h.last >= pos {
			h.mu.Unlock()
			return nil
		}
		if h.heard == nil {
			h.heard = make(chan struct{})
		}
		heard := h.heard
		h.mu.Unlock()
		select {
		case <-heard:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// at returns the event of a namespace at a position.
func (h *history) at(nsp string, pos uint64) (e socketio.Kept, ok bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	l := h.logs[nsp]
	if l == nil {
		return e, false
	}
	i, ok := l.find(pos)
	if ok {
		e = l.All()[i]
	}
	return e, ok
}

// after returns some events of a namespace behind a position, up to another one. It reports
// false if some of them are not known any more.
func (h *history) after(nsp string, pos, upTo uint64) ([]socketio.Kept, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if pos < h.head {
		return nil, false
	}
	l := h.logs[nsp]
	if l == nil {
		return nil, true
	}
	i, _ := l.find(pos + 1)
	all := l.All()[i:]
	n := min(len(all), fewEvents)
	for n > 0 && all[n-1].Pos > upTo {
		n--
	}
	return slices.Clone(all[:n]), true
}

// find returns the index of the first event from a position on, and tells whether that is it.
func (l *eventLog) find(pos uint64) (int, bool) {
	return slices.BinarySearchFunc(l.All(), pos, func(e socketio.Kept, pos uint64) int {
		switch {
		case e.Pos < pos:
			return -1
		case e.Pos > pos:
			return 1
		}
		return 0
	})
}

func sizeOf(b *socketio.Broadcast) int {
	n := len(b.Data)
	for _, a := range b.Attachments {
		n += len(a)
	}
	for _, names := range [][]string{b.Rooms, b.Except} {
		for _, name := range names {
			n += len(name) + 16
		}
	}
	return n
}
