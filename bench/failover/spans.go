package main

import (
	"math"
	"slices"
	"time"
)

const never = math.MaxUint64

// A span is from when to when a client was in a room, by positions of the journal. When a
// client is told that it has joined, the server may have got further than to what the client
// has heard last: so between two events that it hears it may be in the room, or not yet.
type span struct {
	after, from   uint64 // it may get what is after, and is due what is from here on
	until, before uint64 // it is due what is up to here, and may get what is before
	sure          bool   // it is inside for all that the client knows
	changed       time.Time
	joined        time.Time // when it was told so: what was emitted before need not be for it
}

// spans are those of all rooms of a client.
type spans map[string][]*span

// due tells whether an event is that was emitted then.
func (s spans) due(rooms []string, lo, hi uint64, at time.Time) bool {
	return slices.ContainsFunc(rooms, func(room string) bool {
		return slices.ContainsFunc(s[room], func(x *span) bool { return x.from <= lo && hi <= x.until && !x.joined.After(at) })
	})
}

func (s spans) allowed(rooms []string, pos uint64) bool {
	return slices.ContainsFunc(rooms, func(room string) bool {
		return slices.ContainsFunc(s[room], func(x *span) bool { return x.after < pos && pos < x.before })
	})
}

// A walk goes through what a client has seen.
type walk struct {
	spans spans
	open  map[string]*span
	shut  map[string]*span // those that it has left
	cut   time.Time        // when its last connection ended
	last  uint64           // the position heard of last
	next  []*uint64        // what is known with the next one
}

// spansOf returns those of a client, and the rooms beside those of always that it is in at
// the end. Wrong is told of rooms that the server has mistaken, and how long before the client
// was cut off they were joined or left.
func spansOf(r *record, wrong func(text, room string, age time.Duration)) (spans, map[string]bool) {
	w := &walk{spans: make(spans), open: make(map[string]*span), shut: make(map[string]*span)}
	if r.inside != nil {
		for _, room := range r.always {
			w.enter(room, true).from = 0
		}
		for room := range r.inside {
			w.enter(room, true).from = 0
		}
	}
	for _, s := range r.steps {
		switch x := w.open[s.room]; s.what {
		case received:
			if s.pos != 0 {
				w.reached(s.pos)
			}
		case began:
			for room := range w.open {
				w.end(room, w.last+1)
			}
			for _, room := range r.always {
				w.know(&w.enter(room, true).from)
			}
		case joining:
			w.enter(s.room, false)
		case cut:
			w.cut = s.at
		case present:
			w.compare(r, s.rooms, wrong)
		case joined, leaving, left:
			if x == nil { // the server has said that it is not in the room
				continue
			}
			x.changed = s.at
			switch s.what {
			case joined:
				x.sure, x.joined = true, s.at
				w.know(&x.from)
			case leaving:
				x.sure, x.until = false, w.last
			case left:
				w.know(&x.before)
				delete(w.open, s.room)
				w.shut[s.room] = x
			}
		}
	}
	inside := make(map[string]bool)
	for room := range w.open {
		if !slices.Contains(r.always, room) {
			inside[room] = true
		}
	}
	return w.spans, inside
}

// enter opens a span.
func (w *walk) enter(room string, sure bool) *span {
	x := &span{after: w.last, from: never, until: never, before: never, sure: sure}
	w.open[room] = x
	w.spans[room] = append(w.spans[room], x)
	return x
}

// end closes one.
func (w *walk) end(room string, before uint64) {
	x := w.open[room]
	x.until, x.before = min(x.until, w.last), min(x.before, before)
	delete(w.open, room)
}

// know has a bound set to the next position.
func (w *walk) know(bound *uint64) { w.next = append(w.next, bound) }

func (w *walk) reached(pos uint64) {
	for _, bound := range w.next {
		*bound = pos
	}
	w.next, w.last = w.next[:0], pos
}

// compare compares the rooms that the server says the client is in with what it knows.
func (w *walk) compare(r *record, rooms []string, wrong func(text, room string, age time.Duration)) {
	for _, room := range rooms {
		switch x := w.open[room]; {
		case x == nil:
			age := time.Duration(math.MaxInt64)
			y := w.enter(room, true)
			if old := w.shut[room]; old != nil {
				age = w.age(old)
				y.after = old.until
			}
			wrong("is in a room that it has left, or never joined", room, age)
			w.know(&y.from)
		case !x.sure && x.until != never: // it was about to leave
			w.end(room, w.last+1)
			y := w.enter(room, true)
			y.after = x.until
			w.know(&y.from)
		case !x.sure:
			x.sure = true
			w.know(&x.from)
		}
	}
	for room, x := range w.open {
		if slices.Contains(rooms, room) || slices.Contains(r.always, room) {
			continue
		}
		if x.sure {
			wrong("is not in a room that it has joined", room, w.age(x))
			x.from = never
		}
		w.end(room, never)
		w.know(&x.before)
	}
}

// age tells how long before the client was cut off a room was joined or left.
func (w *walk) age(x *span) time.Duration {
	if w.cut.IsZero() || x.changed.After(w.cut) {
		return math.MaxInt64
	}
	return w.cut.Sub(x.changed)
}
