package ledger

import (
	"slices"

	"github.com/siokit/sio/socketio/recovery"
)

// A Client is what has been sent to a client that is there, and where it was meanwhile.
type Client struct {
	PID string // the secret that the client shows

	marks  *marks
	base   uint64 // the number up to which the client had events when its connection began
	origin uint64 // the hash of the offset that it showed then, or 0
	got    uint64 // the last event that was sent to it
	floor  uint64 // the last event for it alone that was too much
	waited uint64 // the first event that had to wait for the answer to the CONNECT
	late   uint64 // the last one that did, if it may not have arrived
	forged bool   // an argument of the application's looked like an offset

	parted bool   // the client is one of the namespace no more; protected by Rooms.mu, as is all below
	closed int32  // how many spans are over
	added  uint64 // the last event before it was one of the namespace
	left   uint64 // the last event before it was one no more
	spans  []span
	forgot uint64 // as floor, for spans that are not remembered
}

// NewClient returns a client that comes with an offset of others, or "".
func (l *Log) NewClient(pid, offset string) Client {
	seq := l.Seq()
	return Client{PID: pid, base: seq, origin: l.Hash(offset), got: seq, waited: seq + 1, added: never}
}

// Sent notes that an event is sent to the client.
func (c *Client) Sent(seq uint64) { c.got = seq }

// Has tells whether the client has been sent an event, or a later one.
func (c *Client) Has(seq uint64) bool { return c.got >= seq }

// Missed notes that an event for it alone had to go.
func (c *Client) Missed(seq uint64) { c.floor = seq }

// Late notes that what has been sent to it may not have arrived, however old it is. That
// is so of what waits for the answer to the CONNECT, or, with all, of everything.
func (c *Client) Late(all bool) {
	c.late = c.got
	if all {
		c.waited = 0
	}
}

// Arrived notes that what waited for the answer has arrived.
func (c *Client) Arrived() { c.late = 0 }

// Resume gives the client what the one that was away had, and what it is sent now: the
// events behind pos, up to which it has shown that it has them. First and last are
// the numbers of those that it has missed, or 0. Its rooms are for [Rooms.Return].
func (l *Log) Resume(c *Client, was *Absence, pos, origin, first, last uint64) {
	c.base, c.origin, c.got = pos, origin, max(pos, last)
	if c.waited = l.Seq() + 1; first > 0 {
		c.waited = first
	}
	old := was.client()
	c.floor, c.late = old.floor, old.late
}

// A Membership tells what a client was sent, or would have been.
type Membership struct {
	client *Client
	id     string // of its sockets
	left   uint64 // the last event of all when it left
	rooms  map[string][]span
}

func newMembership(c *Client, id string, left uint64, spans []span) *Membership {
	m := &Membership{c, id, left, make(map[string][]span, len(spans))}
	for _, s := range spans {
		m.rooms[s.name] = append(m.rooms[s.name], s)
	}
	return m
}

// ID returns the id of the client's sockets.
func (m *Membership) ID() string { return m.id }

// Of returns the membership of a client that is there, by the id of its socket.
func (r *Rooms) Of(c *Client, id string) *Membership {
	r.mu.Lock()
	spans := slices.Clone(c.spans)
	r.mu.Unlock()
	return newMembership(c, id, r.log.Seq(), spans)
}

// Meant tells whether the event that Hold was called with is for a client that is there, by
// the id of its socket.
func (r *Rooms) Meant(c *Client, id string, e *recovery.Event) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	gone := c.parted && c.left < e.Seq
	return !gone && newMembership(c, id, c.left, c.spans).Meant(e)
}

// in tells whether the client was in any of the rooms when an event was emitted.
func (m *Membership) in(names []string, seq uint64) bool {
	for _, name := range names {
		if name == m.id && seq > m.client.added {
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

// Meant tells whether an event was for the client.
func (m *Membership) Meant(e *recovery.Event) bool {
	switch {
	case e.PID != "":
		return e.PID == m.client.PID
	case len(e.Rooms) == 0 && e.Seq <= m.client.added:
		return false
	case len(e.Rooms) > 0 && !m.in(e.Rooms, e.Seq):
		return false
	}
	return !m.in(e.Except, e.Seq) && !slices.Contains(e.Except, m.id)
}

// Complete tells whether the log has all that the client may have missed behind pos. It is
// called under the caller's lock, too: the client may be there, and leave rooms meanwhile.
func (r *Rooms) Complete(m *Membership, pos uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, l := m.client, r.log
	missed := func(seq uint64) bool {
		// Up to the time it left, nothing was sent behind c.got.
		return seq > pos && (pos < c.got || seq > m.left)
	}
	if head := l.head.Load(); pos < c.late && head > pos && head >= c.waited {
		return false // it was sent too late for its age to tell
	}
	if missed(l.gap) || missed(c.floor) || missed(c.forgot) || l.lost > c.added && missed(l.lost) {
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

// Position returns the number up to which a client has the events, by the offset that it
// shows, "" being none. It reports false if that is none that the client can have, or in
// doubt.
//
// The official client takes the last argument of any event for an offset if it
// is a string (of an event without arguments, the name), and keeps it when it is
// given a new socket.
func (l *Log) Position(m *Membership, offset string) (pos uint64, ok bool) {
	c := m.client
	found := func(at uint64) {
		switch {
		case !ok:
			pos, ok = at, true
		case pos != at:
			pos = never // it may be the one or the other
		}
	}
	h := l.Hash(offset)
	if h == c.origin {
		found(c.base)
	}
	seq, ours := l.number(offset)
	switch {
	case ours && !c.forged && seq > c.base && seq <= c.got && l.wasSent(m, seq):
		found(seq)
	case !ours && h != 0 && c.marks != nil && !c.marks.find(h, found):
		return 0, false
	}
	return pos, ok && pos != never
}

// wasSent tells whether the event of that number was for the client, as far as the log
// goes.
func (l *Log) wasSent(m *Membership, seq uint64) bool {
	if seq <= l.head.Load() {
		return true
	}
	i, ok := l.find(seq)
	if !ok {
		return false
	}
	e, err := l.event(l.entries.All()[i])
	return err == nil && m.Meant(&e)
}
