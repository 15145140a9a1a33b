// Package memory has an engine of clusters whose servers are in one process, for tests.
// What goes wrong in a network, an [Engine] can be told to do.
package memory

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/wire"
)

// ErrCut is the reason that the [cluster.Receiver] of an [Engine] that was cut off hears.
var ErrCut = errors.New("memory: cut off")

// ErrFull is the reason why messages are lost when too many wait.
var ErrFull = errors.New("memory: too many messages wait")

// maxWaiting is how many messages wait, in either direction, of an engine that is cut off
// or frozen: enough for any test that does not want to lose some.
const maxWaiting = 1 << 16

// A Hub is what engines are connected to. Its methods may be called from any goroutine.
type Hub struct {
	countless bool

	mu   sync.Mutex                  // protects the following, and all of its engines but their inboxes
	subs map[string]map[*Engine]bool // by channel

	journals []*Journal
	kept     []wire.Entry // what the journal has
	trimmed  uint64       // how many are gone before these
	halted   bool
	records  map[string]record // by pid
}

// NewHub returns a hub whose engines count who has subscribed to a channel, as Redis does.
func NewHub() *Hub { return &Hub{subs: make(map[string]map[*Engine]bool)} }

// NewCountlessHub returns a hub whose engines can't count, like those of NATS.
func NewCountlessHub() *Hub {
	h := NewHub()
	h.countless = true
	return h
}

// Engine returns another engine of the hub.
func (h *Hub) Engine() *Engine {
	e := &Engine{hub: h, subs: make(map[string]bool), done: make(chan struct{})}
	e.wake.L = &e.inMu
	return e
}

// An Engine is a [cluster.Engine]. What it receives, a goroutine of its own hands over, in
// the order in which it was published to the hub. It receives what it publishes itself,
// too, as from Redis. It works in the bubbles of testing/synctest.
type Engine struct {
	hub  *Hub
	r    cluster.Receiver
	done chan struct{} // closed when run has ended; nobody does if it was not started

	// Protected by hub.mu.
	subs   map[string]bool // what it has subscribed to; of the hub's, it is in these unless it is cut off
	cut    bool
	frozen bool
	out    []publication // waits while it is cut off or frozen
	closed bool

	inMu  sync.Mutex // protects the following. Taken under hub.mu
	wake  sync.Cond
	inbox []func() // for the goroutine
	waits int      // of these, messages
	lost  int      // and more for which there was no room
	hold  bool     // it is frozen
	ended bool
}

type publication struct {
	channel string
	data    []byte
}

// Start implements [cluster.Engine].
func (e *Engine) Start(_ context.Context, r cluster.Receiver) error {
	e.r = r
	go e.run() // until Close, which waits
	return nil
}

func (e *Engine) run() {
	defer close(e.done)
	for {
		e.inMu.Lock()
		for (len(e.inbox) == 0 || e.hold) && !e.ended {
			e.wake.Wait()
		}
		if e.ended {
			e.inMu.Unlock()
			return
		}
		tell := e.inbox
		if n := e.lost; n > 0 {
			tell = append(tell, func() { e.r.Missed(n, ErrFull) })
		}
		e.inbox, e.waits, e.lost = nil, 0, 0
		e.inMu.Unlock()
		for _, f := range tell {
			if e.stopped() {
				return
			}
			f()
		}
	}
}

func (e *Engine) stopped() bool {
	e.inMu.Lock()
	defer e.inMu.Unlock()
	return e.ended
}

// tell has the goroutine call f, in its turn.
func (e *Engine) tell(f func()) {
	e.inMu.Lock()
	defer e.inMu.Unlock()
	e.inbox = append(e.inbox, f)
	e.wake.Signal()
}

// deliver has the goroutine hand over a message, if there is room.
func (e *Engine) deliver(p publication) {
	e.inMu.Lock()
	defer e.inMu.Unlock()
	if e.waits == maxWaiting {
		e.lost++
		return
	}
	e.waits++
	e.inbox = append(e.inbox, func() { e.r.Receive(p.channel, p.channel, bytes.Clone(p.data)) })
	e.wake.Signal()
}

// Publish implements [cluster.Engine].
func (e *Engine) Publish(channel string, data []byte, volatile bool) {
	h := e.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case e.closed:
	case e.cut && volatile:
		e.tell(func() { e.r.Lost(1, ErrCut) })
	case !e.cut && !e.frozen:
		h.publishLocked(publication{channel, data})
	case len(e.out) == maxWaiting:
		e.tell(func() { e.r.Lost(1, ErrFull) })
	default:
		e.out = append(e.out, publication{channel, data})
	}
}

func (h *Hub) publishLocked(p publication) {
	for e := range h.subs[p.channel] {
		e.deliver(p)
	}
}

// Subscribe implements [cluster.Engine].
func (e *Engine) Subscribe(channels ...string) {
	e.hub.mu.Lock()
	defer e.hub.mu.Unlock()
	if e.closed {
		return
	}
	for _, c := range channels {
		e.subs[c] = true
		if !e.cut {
			e.hub.addLocked(c, e)
		}
	}
}

func (h *Hub) addLocked(channel string, e *Engine) {
	if h.subs[channel] == nil {
		h.subs[channel] = make(map[*Engine]bool)
	}
	h.subs[channel][e] = true
}

// Unsubscribe implements [cluster.Engine].
func (e *Engine) Unsubscribe(channels ...string) {
	e.hub.mu.Lock()
	defer e.hub.mu.Unlock()
	for _, c := range channels {
		delete(e.subs, c)
		e.hub.removeLocked(c, e)
	}
}

func (h *Hub) removeLocked(channel string, e *Engine) {
	delete(h.subs[channel], e)
	if len(h.subs[channel]) == 0 {
		delete(h.subs, channel)
	}
}

// Count implements [cluster.Engine]. An engine that is cut off fails.
func (e *Engine) Count(_ context.Context, channel string) (int, error) {
	h := e.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.countless:
		return -1, nil
	case e.cut:
		return 0, ErrCut
	}
	return len(h.subs[channel]), nil
}

// Channels returns how many channels have subscribers.
func (h *Hub) Channels() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.subs)
}

// Cut cuts the engine off: nobody receives what it publishes, which waits, and it receives
// nothing. Its Receiver hears of it.
func (e *Engine) Cut() {
	e.hub.mu.Lock()
	defer e.hub.mu.Unlock()
	if e.cut || e.closed {
		return
	}
	e.cut = true
	for c := range e.subs {
		e.hub.removeLocked(c, e)
	}
	e.tell(func() { e.r.Away(ErrCut) })
}

// Heal undoes Cut.
func (e *Engine) Heal() {
	e.hub.mu.Lock()
	defer e.hub.mu.Unlock()
	if !e.cut || e.closed {
		return
	}
	e.cut = false
	for c := range e.subs {
		e.hub.addLocked(c, e)
	}
	e.tell(e.r.Back)
	e.flushLocked()
}

// Freeze makes nothing come or go, without anybody hearing of it, as if the machine were
// stopped: all of it waits.
func (e *Engine) Freeze() {
	e.hub.mu.Lock()
	defer e.hub.mu.Unlock()
	e.frozen = true
	e.holdLocked(true)
}

// Thaw undoes Freeze.
func (e *Engine) Thaw() {
	e.hub.mu.Lock()
	defer e.hub.mu.Unlock()
	e.frozen = false
	e.holdLocked(false)
	e.flushLocked()
}

func (e *Engine) holdLocked(hold bool) {
	e.inMu.Lock()
	defer e.inMu.Unlock()
	e.hold = hold
	e.wake.Signal()
}

// flushLocked publishes what waits, unless it has to wait on.
func (e *Engine) flushLocked() {
	if e.cut || e.frozen {
		return
	}
	for _, p := range e.out {
		e.hub.publishLocked(p)
	}
	e.out = nil
}

// Close implements [cluster.Engine]. What waits since a Freeze is published, and what
// waits since a Cut is lost.
func (e *Engine) Close() error {
	lost := e.close()
	if e.r != nil {
		<-e.done
	}
	if lost > 0 {
		e.r.Lost(lost, ErrCut)
	}
	return nil
}

func (e *Engine) close() (lost int) {
	h := e.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.closed {
		return 0
	}
	e.closed, e.frozen = true, false
	e.flushLocked()
	lost = len(e.out)
	for c := range e.subs {
		h.removeLocked(c, e)
	}
	e.inMu.Lock()
	defer e.inMu.Unlock()
	e.ended = true
	e.wake.Signal()
	return lost
}
