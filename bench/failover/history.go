package main

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// A number names an event: which of those of an origin it is, from 1 on.
type number struct {
	origin string
	n      int
}

func (e number) String() string { return fmt.Sprintf("%s/%d", e.origin, e.n) }

// An emitted event is what a server has said of it.
type emitted struct {
	to string // rooms, separated by '+'; or everybody
	at time.Time
	ok bool // Emit has returned nil
}

// everybody is where all clients are.
const everybody = "*"

// An origin is a server between two checks. What it emits to rooms is in order; what it emits
// to sockets of its own is, too, and is an origin of its own.
type origin struct {
	events []emitted
	killed time.Time // by kill -9
}

// A history is what servers have emitted since the last check.
type history struct {
	mu      sync.Mutex // protects the following
	origins map[string]*origin
}

func newHistory() *history { return &history{origins: make(map[string]*origin)} }

// begin tells that a server is about to emit.
func (h *history) begin(e number, to string, at time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.origins[e.origin]
	if o == nil {
		o = new(origin)
		h.origins[e.origin] = o
	}
	if e.n != len(o.events)+1 {
		return fmt.Errorf("%v follows %d", e, len(o.events))
	}
	o.events = append(o.events, emitted{to: to, at: at})
	return nil
}

// done tells that Emit has returned nil.
func (h *history) done(e number) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.origins[e.origin]
	if o == nil || e.n != len(o.events) {
		return fmt.Errorf("%v is done and was not begun", e)
	}
	o.events[e.n-1].ok = true
	return nil
}

// last returns the number of the last event of an origin.
func (h *history) last(origin string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if o := h.origins[origin]; o != nil {
		return len(o.events)
	}
	return 0
}

// kill tells when what had these origins was killed.
func (h *history) kill(at time.Time, origins ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range origins {
		if o := h.origins[name]; o != nil {
			o.killed = at
		}
	}
}

// A step is one of what a client has seen.
type step struct {
	what  what
	event number // received
	pos   uint64 // of the event in the journal; 0 if it had no offset
	room  string // joining, joined, leaving, left; of back the server
	rooms []string
	at    time.Time // of what is about rooms, and cut
}

type what byte

const (
	received what = iota
	began         // a new session: it is in the rooms that it asks for
	joining       // it has asked to be let in
	joined        // it is
	leaving
	left
	present // the rooms that it is in, as the server says
	cut     // its connection has ended
	back    // it has another one, to a server
)

// A record is what a client has seen since the last check.
type record struct {
	name   string
	always []string        // the rooms that each session of it is in
	inside map[string]bool // the others that it was in at the last check; nil if it had no session
	steps  []step
}

// has tells whether an event was received. It looks from the end.
func (r *record) has(e number) bool {
	for _, s := range slices.Backward(r.steps) {
		if s.what == received && s.event == e {
			return true
		}
	}
	return false
}
