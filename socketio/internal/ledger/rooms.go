package ledger

import (
	"slices"
	"sync"

	"github.com/siokit/sio/socketio/recovery"
)

// Rooms tells which clients were in which rooms when, by the numbers of the events. Its
// methods may be called from any goroutine: the caller has to see to it that a client
// does not come and go at the same time.
type Rooms struct {
	log *Log

	mu     sync.Mutex // protects the following, and what clients remember of rooms
	trails map[string]*trail
	held   uint64 // the event from which on all is remembered; never, if there is none
}

// NewRooms returns what tells of rooms by the numbers of a log.
func NewRooms(log *Log) *Rooms { return &Rooms{log: log, trails: make(map[string]*trail), held: never} }

// A trail is what is remembered of a room, for those who are or were in it.
type trail struct {
	name string
	refs int    // spans, and changes
	lost uint64 // the last event for it that was too much; changed under the caller's lock, too
}

// A span is the events during which a client was in a room.
type span struct {
	*trail
	from uint64 // the last event before
	to   uint64 // the last one of them; never, as long as it is there
}

// maxClosedSpans is how many rooms that a client has left are remembered. They are
// looked at when one more is left; what is older than the log goes anyway.
const maxClosedSpans = 64

// Len returns how many rooms are remembered.
func (r *Rooms) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.trails)
}

// Any tells whether one of the rooms is remembered.
func (r *Rooms) Any(names []string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(names, func(name string) bool { return r.trails[name] != nil })
}

// Missed notes that an event for some rooms had to go.
func (r *Rooms) Missed(names []string, seq uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		if t := r.trails[name]; t != nil {
			t.lost = seq
		}
	}
}

// Hold keeps what is remembered of those who leave rooms from an event on, until it is
// called with 0.
func (r *Rooms) Hold(seq uint64) {
	if seq == 0 {
		seq = never
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = seq
}

// trail returns what is remembered of a room, for one more span.
func (r *Rooms) trail(name string) *trail {
	t := r.trails[name]
	if t == nil {
		t = &trail{name: name}
		r.trails[name] = t
	}
	t.refs++
	return t
}

func (r *Rooms) release(t *trail) {
	if t.refs--; t.refs == 0 {
		delete(r.trails, t.name)
	}
}

// Add notes that a client is one of the namespace now. It counts once.
func (r *Rooms) Add(c *Client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.added == never {
		c.added = r.log.Seq()
	}
}

// Part notes that a client is one of the namespace no more.
func (r *Rooms) Part(c *Client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.parted, c.left = true, r.log.Seq()
}

// Join notes that a client has entered a room.
func (r *Rooms) Join(c *Client, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.spans = append(c.spans, span{r.trail(name), r.log.Seq(), never})
}

// Leave notes that a client has left a room.
func (r *Rooms) Leave(c *Client, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(c.spans) - 1; i >= 0; i-- {
		if s := &c.spans[i]; s.name == name && s.to == never {
			s.to = r.log.Seq()
			c.closed++
			break
		}
	}
	r.shorten(c)
}

// shorten forgets rooms that a client has left, if they are too many.
func (r *Rooms) shorten(c *Client) {
	if c.closed <= maxClosedSpans {
		return
	}
	r.tidy(c, r.log.head.Load())
	if c.closed <= maxClosedSpans {
		return
	}
	var ends []uint64
	for _, s := range c.spans {
		if s.to != never {
			ends = append(ends, s.to)
		}
	}
	slices.Sort(ends)
	r.tidy(c, ends[len(ends)/2])
}

// tidy forgets the rooms that were left up to an event, and notes what may have
// been missed there.
func (r *Rooms) tidy(c *Client, upTo uint64) {
	head := r.log.head.Load()
	c.spans = slices.DeleteFunc(c.spans, func(s span) bool {
		if s.to > upTo || s.to >= r.held {
			return false
		}
		if s.to > head {
			c.forgot = max(c.forgot, s.to) // some of it is still in the log
		} else if s.lost > s.from {
			c.forgot = max(c.forgot, min(s.lost, s.to))
		}
		c.closed--
		r.release(s.trail)
		return true
	})
}

// Forget gives up what is remembered for a client.
func (r *Rooms) Forget(c *Client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range c.spans {
		r.release(s.trail)
	}
	c.spans, c.closed = nil, 0
}

// depart moves what is remembered for a client to its record, and the trails of its
// rooms to who keeps them meanwhile.
func (r *Rooms) depart(c *Client, s *recovery.Session) []*trail {
	r.mu.Lock()
	defer r.mu.Unlock()
	trails := make([]*trail, 0, len(c.spans))
	s.Rooms = make([]recovery.Room, 0, len(c.spans))
	for _, p := range c.spans {
		trails = append(trails, p.trail)
		s.Rooms = append(s.Rooms, recovery.Room{Name: p.name, From: p.from, To: p.to})
	}
	s.Progress.Added, s.Progress.Forgot = c.added, c.forgot
	c.spans, c.closed = nil, 0
	return trails
}

// releaseAll gives up trails that have been kept for a client.
func (r *Rooms) releaseAll(trails []*trail) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range trails {
		r.release(t)
	}
}

// Aside is the rooms of who says that it is a client, as it is told of them, and what
// of that is still to be: until it is known to be the client, it is in none of them. Its
// fields are protected by Rooms.mu.
type Aside struct {
	in      map[string]struct{}
	changes Changes
}

// A change is a room that has been joined or left aside.
type change struct {
	*trail
	joined bool
	at     uint64 // the last event before
}

// NewAside returns the rooms that a client is in.
func NewAside(m *Membership) *Aside {
	a := &Aside{in: make(map[string]struct{})}
	for name, spans := range m.rooms {
		if slices.ContainsFunc(spans, func(s span) bool { return s.to == never }) {
			a.in[name] = struct{}{}
		}
	}
	return a
}

// JoinAside joins a room, unless check, which is told how many there are already, returns
// an error.
func (r *Rooms) JoinAside(a *Aside, name string, check func(rooms int, name string) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, in := a.in[name]; in {
		return nil
	}
	if err := check(len(a.in), name); err != nil {
		return err
	}
	a.in[name] = struct{}{}
	a.changes = append(a.changes, change{r.trail(name), true, r.log.Seq()})
	return nil
}

// LeaveAside leaves a room.
func (r *Rooms) LeaveAside(a *Aside, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, in := a.in[name]; in {
		delete(a.in, name)
		a.changes = append(a.changes, change{r.trail(name), false, r.log.Seq()})
	}
}

// NamesAside returns the rooms' names.
func (r *Rooms) NamesAside(a *Aside) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := make([]string, 0, len(a.in))
	for name := range a.in {
		names = append(names, name)
	}
	return names
}

// ClearAside forgets the rooms, but not what is still to be.
func (r *Rooms) ClearAside(a *Aside) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a.in = nil
}

// Discard forgets what is still to be.
func (r *Rooms) Discard(a *Aside) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.discard(a)
}

func (r *Rooms) discard(a *Aside) {
	for _, c := range a.changes {
		r.release(c.trail)
	}
	a.changes = nil
}

// Changes are what has changed aside, in order.
type Changes []change

// ChangesOf returns what has changed aside so far: what comes is added at the end.
func (r *Rooms) ChangesOf(a *Aside) Changes {
	r.mu.Lock()
	defer r.mu.Unlock()
	return a.changes
}

// Return gives a client what the one that was away remembers of rooms, with what has
// changed aside, and returns those that it is in now. The events of the meantime count for
// it, too. If it is gone again, it is away from here on.
func (r *Rooms) Return(c *Client, was *Absence, aside *Aside, gone bool) (in []string) {
	old := was.client()
	r.mu.Lock()
	defer r.mu.Unlock()
	c.added, c.forgot = old.added, old.forgot
	c.spans = changed(was.spans(), aside.changes)
	for _, s := range c.spans { // beside who has kept them meanwhile
		s.refs++
		if s.to != never {
			c.closed++
		} else {
			in = append(in, s.name)
		}
	}
	r.discard(aside)
	r.shorten(c)
	if gone {
		c.parted, c.left = true, r.log.Seq()
	}
	return in
}

// changed applies changes to the rooms of a client.
func changed(spans []span, changes Changes) []span {
	open := make(map[string]int)
	if len(changes) > 0 {
		for i, s := range spans {
			if s.to == never {
				open[s.name] = i
			}
		}
	}
	for _, c := range changes {
		i, in := open[c.name]
		switch {
		case c.joined && !in:
			open[c.name] = len(spans)
			spans = append(spans, span{c.trail, c.at, never})
		case !c.joined && in:
			spans[i].to = c.at
			delete(open, c.name)
		}
	}
	return spans
}
