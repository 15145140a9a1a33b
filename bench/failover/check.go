package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A verdict is what a check has found.
type verdict struct {
	emitted, received int
	due               int           // of what was received or should have been
	early             int           // received without an offset
	tail              int           // events that servers took with them when they were killed
	oldest            time.Duration // how long before the kill the first of these was emitted
	late              int           // rooms and values that were changed just before a server was killed, which has forgotten it
	latest            time.Duration // how long before the first of these was
	faults            []string
	count             map[fault]int
}

type fault string

const (
	missing   fault = "missing"
	twice     fault = "twice"
	disorder  fault = "out of order"
	foreign   fault = "not for it"
	rooms     fault = "rooms"
	values    fault = "values"
	gone      fault = "gone from the journal"
	ambiguous fault = "twice in the journal"
)

// A slack is what an engine takes to append and to write: so old an event may be that
// ends with its server, and a change that is forgotten with it. The record of a client is
// written behind the answer.
type slack struct{ event, change time.Duration }

// slackOf is for each engine: JetStream may elect a leader meanwhile.
var slackOf = map[string]slack{
	"redis": {time.Second, 250 * time.Millisecond},
	"nats":  {20 * time.Second, 20 * time.Second},
}

func (v *verdict) addLate(age time.Duration) {
	v.late++
	v.latest = max(v.latest, age)
}

// mostTold bounds the faults that are told one by one.
const mostTold = 40

func (v *verdict) add(f fault, format string, args ...any) {
	if v.count == nil {
		v.count = make(map[fault]int)
	}
	if v.count[f]++; len(v.faults) < mostTold {
		v.faults = append(v.faults, string(f)+": "+fmt.Sprintf(format, args...))
	}
}

// problem returns what is wrong, or "".
func (v *verdict) problem() string {
	if len(v.count) == 0 {
		return ""
	}
	var all []string
	for _, f := range slices.Sorted(maps.Keys(v.count)) {
		all = append(all, fmt.Sprintf("%d × %s", v.count[f], f))
	}
	return strings.Join(all, ", ") + "\n" + strings.Join(v.faults, "\n")
}

// A checker knows what was emitted, and where in the journal that is.
type checker struct {
	*verdict
	origins map[string]*origin
	at      map[number]uint64
	sooner  map[number]bool  // what somebody has got without an offset
	known   map[string][]int // of each origin, the numbers that have a position, in order
}

// check finds out whether each client has got what it was due: once, in the order of each
// origin and in that of the journal.
//
// What is due. An event counts if Emit has returned nil on a server that was not killed. Of
// one that was, it counts if it was appended; since what a server appends keeps its order,
// these are the events up to the last of that server that anybody has got with an offset.
// What the server took with it are those behind that one: none may be older than slack.event when it
// is killed. A client is due the events that count, to rooms that it was in, at positions
// behind the first that it got in its session, and up to the last one; not what was emitted before
// it was told that it has joined a room, which is concurrent with that. All clients are to have
// got the last event of each server that is there.
//
// What clients have got without an offset, because the journal was away, is not checked for
// rooms that they come and go in.
//
// A room that the client has joined or left just before it was cut off may be forgotten.
//
// It leaves the records as those that the next check begins with.
func check(origins map[string]*origin, clients []*record, slack slack) *verdict {
	c := &checker{verdict: new(verdict), origins: origins, at: make(map[number]uint64), sooner: make(map[number]bool), known: make(map[string][]int)}
	for _, r := range clients {
		c.locate(r)
	}
	for e := range c.at {
		c.known[e.origin] = append(c.known[e.origin], e.n)
	}
	for _, known := range c.known {
		slices.Sort(known)
	}
	for name, o := range origins {
		c.emitted += len(o.events)
		c.lastWords(name, o, slack.event)
	}
	for _, r := range clients {
		c.client(r, slack.change)
		r.steps = nil
	}
	return c.verdict
}

// locate learns positions.
func (c *checker) locate(r *record) {
	for _, s := range r.steps {
		if s.what != received {
			continue
		}
		if c.received++; s.pos == 0 {
			c.early++
			c.sooner[s.event] = true
			continue
		}
		if pos, ok := c.at[s.event]; ok && pos != s.pos {
			c.add(ambiguous, "%v is at %d, and at %d for %s", s.event, pos, s.pos, r.name)
			continue
		}
		c.at[s.event] = s.pos
	}
}

// lastWords tells of what a server took with it.
func (c *checker) lastWords(name string, o *origin, grace time.Duration) {
	if o.killed.IsZero() {
		return
	}
	for i := c.lastOf(name); i < len(o.events); i++ {
		if e := o.events[i]; e.ok {
			c.tail++
			before := o.killed.Sub(e.at)
			c.oldest = max(c.oldest, before)
			if before > grace {
				c.add(gone, "%s/%d was emitted %v before the kill, and nobody has got it", name, i+1, before)
			}
		}
	}
}

// lastOf returns the last number of an origin that has a position, or 0.
func (c *checker) lastOf(name string) int {
	if known := c.known[name]; len(known) > 0 {
		return known[len(known)-1]
	}
	return 0
}

// counts tells whether an event counts.
func (c *checker) counts(name string, o *origin, n int) bool {
	there := o.events[n-1].ok || c.at[number{name, n}] != 0
	return there && (o.killed.IsZero() || n <= c.lastOf(name))
}

// between returns the positions that an event may have, if nobody has got it.
func (c *checker) between(e number) (lo, hi uint64) {
	if pos := c.at[e]; pos != 0 {
		return pos, pos
	}
	known := c.known[e.origin]
	i, _ := slices.BinarySearch(known, e.n)
	lo, hi = 0, never
	if i > 0 {
		lo = c.at[number{e.origin, known[i-1]}] + 1
	}
	if i < len(known) {
		hi = c.at[number{e.origin, known[i]}] - 1
	}
	return lo, hi
}

// unsure tells whether nobody knows for whom an event was: while the journal is away, it goes to
// who is in the room on its server when it is emitted, and to others by its position, which is
// much later.
func (c *checker) unsure(e number, to string) bool {
	return c.sooner[e] && slices.ContainsFunc(targets(to), func(room string) bool { return slices.Contains(loose, room) })
}

// client checks what one has got.
func (c *checker) client(r *record, late time.Duration) {
	in, inside := spansOf(r, func(text, room string, age time.Duration) {
		if age < late {
			c.addLate(age)
		} else {
			c.add(rooms, "%s %s: %s", r.name, text, room)
		}
	})
	got := make(map[number]bool)
	last := make(map[string]int)
	var pos uint64
	for _, s := range r.steps {
		switch s.what {
		case began:
			pos = 0
		case received:
			c.receipt(r, s, in, got, last, &pos)
		}
	}
	for name, o := range c.origins {
		for i, e := range o.events {
			id := number{name, i + 1}
			if got[id] {
				c.due++
				continue
			}
			if !c.counts(name, o, id.n) || c.unsure(id, e.to) {
				continue
			}
			if lo, hi := c.between(id); in.due(targets(e.to), lo, hi, e.at) {
				c.due++
				c.add(missing, "%s has not got %v to %s, at %d to %d: %s", r.name, id, e.to, lo, hi, around(r.steps, hi))
			}
		}
	}
	if r.inside != nil || len(in) > 0 {
		r.inside = inside
	}
}

// around tells what a client has seen about a position.
func around(steps []step, pos uint64) string {
	next := slices.IndexFunc(steps, func(s step) bool { return s.what == received && s.pos > pos })
	if next < 0 {
		next = len(steps) - 1
	}
	var all []string
	for _, s := range steps[max(0, next-8):min(len(steps), next+3)] {
		text := map[what]string{
			received: s.event.String(), began: "began", present: "present", cut: "cut by " + s.room, back: "back on " + s.room,
			joining: "joining " + s.room, joined: "joined " + s.room, leaving: "leaving " + s.room, left: "left " + s.room,
		}[s.what]
		if s.what == received && s.pos > pos {
			text = "> " + text
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func targets(to string) []string { return strings.Split(to, "+") }

// receipt checks one event that a client has got.
func (c *checker) receipt(r *record, s step, in spans, got map[number]bool, last map[string]int, pos *uint64) {
	o := c.origins[s.event.origin]
	switch {
	case o == nil || s.event.n < 1 || s.event.n > len(o.events):
		c.add(foreign, "%s has got %v, which nobody has emitted", r.name, s.event)
		return
	case got[s.event]:
		c.add(twice, "%s has got %v, at %d", r.name, s.event, s.pos)
		return
	}
	got[s.event] = true
	to := o.events[s.event.n-1].to
	if at := c.at[s.event]; at != 0 && !c.unsure(s.event, to) && !in.allowed(targets(to), at) {
		c.add(foreign, "%s has got %v to %s, at %d", r.name, s.event, to, at)
	}
	if n := last[s.event.origin]; n > s.event.n {
		c.add(disorder, "%s has got %v behind %d", r.name, s.event, n)
	}
	last[s.event.origin] = s.event.n
	if s.pos == 0 {
		return
	}
	if s.pos <= *pos {
		c.add(disorder, "%s has got %v at %d behind %d", r.name, s.event, s.pos, *pos)
	}
	*pos = s.pos
}
