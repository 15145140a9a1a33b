package socketio

import (
	"hash/maphash"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/siokit/sio/socketio/recovery"
)

// never is later than every event.
const never = math.MaxUint64

// A trail is what is remembered of a room, for those who are or were in it.
type trail struct {
	name string
	refs int    // spans
	lost uint64 // the last event for it that was too much for MaxBytes; changed with recovery.mu held
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

// trail returns what is remembered of a room, for one more span. It is called with
// Local.mu held.
func (r *localRecovery) trail(name string) *trail {
	t := r.room[name]
	if t == nil {
		t = &trail{name: name}
		r.room[name] = t
	}
	t.refs++
	return t
}

// joined notes that c has entered a room. It is called with Local.mu held.
func (r *localRecovery) joined(c *recoverable, name string) {
	c.spans = append(c.spans, span{r.trail(name), r.seq.Load(), never})
}

// parted notes that c has left a room. It is called with Local.mu held.
func (r *localRecovery) parted(c *recoverable, name string) {
	for i := len(c.spans) - 1; i >= 0; i-- {
		if s := &c.spans[i]; s.name == name && s.to == never {
			s.to = r.seq.Load()
			c.closed++
			break
		}
	}
	r.shorten(c)
}

// shorten forgets rooms that c has left, if they are too many. It is called with
// Local.mu held.
func (r *localRecovery) shorten(c *recoverable) {
	if c.closed <= maxClosedSpans {
		return
	}
	r.tidy(c, r.head.Load())
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
// been missed there. It is called with Local.mu held.
func (r *localRecovery) tidy(c *recoverable, upTo uint64) {
	head := r.head.Load()
	c.spans = slices.DeleteFunc(c.spans, func(s span) bool {
		if s.to > upTo {
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

func (r *localRecovery) release(t *trail) {
	if t.refs--; t.refs == 0 {
		delete(r.room, t.name)
	}
}

// forget gives up what is remembered for a client.
func (l *Local) forget(c *recoverable) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range c.spans {
		l.nsp.recovery.release(s.trail)
	}
	c.spans, c.closed = nil, 0
}

// depart moves what is remembered for a client that is away to its record, and the
// trails of its rooms to who keeps them meanwhile.
func (l *Local) depart(c *recoverable, p *recovery.Progress) ([]*trail, []recovery.Room) {
	l.mu.Lock()
	defer l.mu.Unlock()
	trails := make([]*trail, 0, len(c.spans))
	rooms := make([]recovery.Room, 0, len(c.spans))
	for _, s := range c.spans {
		trails = append(trails, s.trail)
		rooms = append(rooms, recovery.Room{Name: s.name, From: s.from, To: s.to})
	}
	p.Added, p.Forgot = c.added, c.forgot
	c.spans, c.closed = nil, 0
	return trails, rooms
}

// releaseTrails gives up trails that have been kept for a client.
func (l *Local) releaseTrails(trails []*trail) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range trails {
		l.nsp.recovery.release(t)
	}
}

// A membership tells what a client was sent, or would have been.
type membership struct {
	client *recoverable
	left   uint64 // the last event of all when it left
	rooms  map[string][]span
}

func newMembership(c *recoverable, left uint64, spans []span) *membership {
	m := &membership{c, left, make(map[string][]span, len(spans))}
	for _, s := range spans {
		m.rooms[s.name] = append(m.rooms[s.name], s)
	}
	return m
}

// in tells whether the client was in any of the rooms when an event was emitted.
func (m *membership) in(names []string, seq uint64) bool {
	for _, name := range names {
		if name == m.client.id && seq > m.client.added {
			return true
		}
		for _, s := range m.rooms[name] {
			if s.from < seq && seq <= s.to {
				return true
			}
		}
	}
	return false
}

// meant tells whether an event was for the client.
func (m *membership) meant(e *recovery.Event) bool {
	switch {
	case e.PID != "":
		return e.PID == m.client.pid
	case len(e.Rooms) == 0 && e.Seq <= m.client.added:
		return false
	case len(e.Rooms) > 0 && !m.in(e.Rooms, e.Seq):
		return false
	}
	return !m.in(e.Except, e.Seq) && !slices.Contains(e.Except, m.client.id)
}

// completeLocked tells whether the log has all that the client may have missed
// after pos.
func (r *localRecovery) completeLocked(m *membership, pos uint64) bool {
	c := m.client
	missed := func(seq uint64) bool {
		// Up to the time it left, nothing was sent behind c.got.
		return seq > pos && (pos < c.got || seq > m.left)
	}
	if head := r.head.Load(); pos < c.late && head > pos && head >= c.waited {
		return false // it was sent too late for its age to tell
	}
	if missed(r.gap) || missed(c.floor) || missed(c.forgot) || r.lost > m.client.added && missed(r.lost) {
		return false
	}
	for _, spans := range m.rooms {
		for _, s := range spans {
			if s.lost > s.from && pos < s.to && missed(s.lost) {
				return false
			}
		}
	}
	return true
}

// positionLocked returns the number up to which a client has the events, by the
// offset that it shows, "" being none. It reports false if that is none that the
// client can have, or in doubt.
//
// The official client takes the last argument of any event for an offset if it
// is a string (of an event without arguments, the name), and keeps it when it is
// given a new socket.
func (r *localRecovery) positionLocked(m *membership, offset string) (pos uint64, ok bool) {
	c := m.client
	found := func(at uint64) {
		switch {
		case !ok:
			pos, ok = at, true
		case pos != at:
			pos = never // it may be the one or the other
		}
	}
	h := r.hash(offset)
	if h == c.origin {
		found(c.base)
	}
	seq, ours := r.number(offset)
	switch {
	case ours && !c.forged && seq > c.base && seq <= c.got && r.wasSentLocked(m, seq):
		found(seq)
	case !ours && h != 0 && c.marks != nil && !c.marks.find(h, found):
		return 0, false
	}
	return pos, ok && pos != never
}

// wasSentLocked tells whether the event of that number was for the client, as far
// as the log goes.
func (r *localRecovery) wasSentLocked(m *membership, seq uint64) bool {
	if seq <= r.head.Load() {
		return true
	}
	i, ok := r.findLocked(seq)
	if !ok {
		return false
	}
	e, err := r.eventLocked(r.log.All()[i])
	return err == nil && m.meant(&e)
}

// Marks are strings that an official client takes for offsets, and where they
// were sent. Those of which too little is known are in doubt.
type marks struct {
	recent [16]mark // the last ones
	n      int      // how many there have been
	older  [8]uint64
}

type mark struct {
	hash uint64
	got  uint64 // the last event that had been sent
}

// mark notes that the client is sent a string by an event without an offset. It is
// called with recovery.mu held.
func (c *recoverable) mark(h uint64) {
	if h == 0 {
		c.forged = true
		return
	}
	if c.marks == nil {
		c.marks = new(marks)
	}
	m := c.marks
	now := mark{h, c.got}
	if slices.Contains(m.recent[:min(m.n, len(m.recent))], now) {
		return
	}
	slot := &m.recent[m.n%len(m.recent)]
	if m.n >= len(m.recent) {
		for _, bit := range filterBits(slot.hash) {
			m.older[bit/64] |= 1 << (bit % 64)
		}
	}
	*slot = now
	m.n++
}

// record returns the marks as they are stored. There may be none.
func (m *marks) record() (recent []recovery.String, older []uint64) {
	if m == nil {
		return nil, nil
	}
	for _, k := range m.recent[:min(m.n, len(m.recent))] {
		recent = append(recent, recovery.String{Hash: k.hash, Got: k.got})
	}
	return recent, slices.Clone(m.older[:])
}

// marksOf is the reverse. They are good for find.
func marksOf(p *recovery.Progress) *marks {
	if len(p.Strings) == 0 {
		return nil
	}
	m := new(marks)
	for i, s := range p.Strings[:min(len(p.Strings), len(m.recent))] {
		m.recent[i] = mark{s.Hash, s.Got}
		m.n++
	}
	copy(m.older[:], p.Older)
	return m
}

// find calls found with each place where the string was sent. It reports false
// if there may have been more.
func (m *marks) find(h uint64, found func(uint64)) bool {
	for _, k := range m.recent[:min(m.n, len(m.recent))] {
		if k.hash == h {
			found(k.got)
		}
	}
	for _, bit := range filterBits(h) {
		if m.older[bit/64]&(1<<(bit%64)) == 0 {
			return true
		}
	}
	return false
}

// filterBits are the bits of a string in the Bloom filter that marks.older is.
func filterBits(h uint64) [2]uint64 { return [2]uint64{h % 512, h >> 32 % 512} }

// hash returns the hash of an offset that a client has shown: 0 for none.
func (r *localRecovery) hash(offset string) uint64 {
	if offset == "" {
		return 0
	}
	return maphash.String(r.seed, offset) | 1
}

// trailing returns the hash of what the client would take for an offset, if it
// does so: 0 if it looks like one. The arguments have been encoded already.
func (r *localRecovery) trailing(event string, args []any) (h uint64, ok bool) {
	text := event
	if len(args) > 0 {
		if text, ok = r.stringArg(args[len(args)-1]); !ok {
			return 0, false
		}
	}
	if _, ours := r.number(text); ours {
		return 0, true
	}
	return r.hash(text), text != ""
}

// stringArg returns what arrives as a string.
func (r *localRecovery) stringArg(arg any) (string, bool) {
	switch arg := arg.(type) {
	case string:
		if utf8.ValidString(arg) {
			return arg, true
		}
	case nil, bool, int, int64, uint64, float64, []byte, []any, map[string]any:
		return "", false
	}
	text, _, err := r.local.nsp.srv.opts.Codec.Append(nil, arg, nil)
	if err != nil || len(text) == 0 || text[0] != '"' {
		return "", false
	}
	plain, err := jsontext.AppendUnquote(nil, text)
	return string(plain), err == nil
}
