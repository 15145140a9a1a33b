package socketio

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/siokit/sio/engineio"
)

// Whoever shows the pid of a client says that it is this client. Perhaps it only
// knows the pid, and perhaps the client is there. So that client is asked first, if its
// connection has not ended, and then the connect handler; until that has accepted,
// nothing of the client's changes.

const (
	// askPatience is how long a client may take to show that it is there: a radio that has
	// to wake, or two round trips for one that polls, on a slow link.
	askPatience = 3 * time.Second
	// askAgain is which part of that has to pass from its answer until it is asked
	// again, however often its pid is shown.
	askAgain = 3
	// claimTimeout bounds how long who comes back waits for all that: with a pause, and with a
	// session that is resumed while it is asked.
	claimTimeout = 8 * time.Second
)

// A claim is that of a socket to be a client which has been there, from then on until
// its connect handler has decided. What the socket does meanwhile takes place when it
// is accepted. Its fields are protected by recovery.mu, but for the last ones.
type claim struct {
	pid    string
	socket *Socket
	over   chan struct{} // closed when it has been decided

	pos         uint64              // the event up to which the client has them
	origin      uint64              // the hash of the offset that says so
	at          uint64              // the event up to which what it has missed is known
	missed      []*engineio.Message // that
	size        int                 // its bytes
	first, last uint64              // its first event, and its last one
	held        []encoded           // what was emitted to the socket, and has no number yet

	rooms   map[string]struct{} // what the socket is told; protected by Local.mu, as is all below
	changes []change
}

// A change is a room that a socket has joined or left before it was accepted.
type change struct {
	*trail
	joined bool
	at     uint64 // the last event before
}

// claimed returns the claim of the socket, or nil. It is called with Local.mu held.
func (s *Socket) claimed() *claim {
	if s.rec == nil {
		return nil
	}
	return s.rec.claim
}

func (c *claim) join(r *localRecovery, name string) error {
	if _, in := c.rooms[name]; in {
		return nil
	}
	if err := r.local.roomFor(len(c.rooms), name); err != nil {
		return err
	}
	c.rooms[name] = struct{}{}
	c.changes = append(c.changes, change{r.trail(name), true, r.seq.Load()})
	return nil
}

func (c *claim) leave(r *localRecovery, name string) {
	if _, in := c.rooms[name]; in {
		delete(c.rooms, name)
		c.changes = append(c.changes, change{r.trail(name), false, r.seq.Load()})
	}
}

// changed applies changes to the rooms of a client.
func changed(spans []span, changes []change) []span {
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

// shown returns the pid and the offset in the payload of a CONNECT. It reports false if
// the offset is none that a client can have: one that shows none has heard no event. What
// else is there is passed over, without being decoded: it can be made to take fifty
// times its size. That it makes no sense is for the connect handler to say.
func shown(auth []byte) (pid, offset string, ok bool) {
	d := jsontext.NewDecoder(bytes.NewBuffer(auth), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if d.PeekKind() != '{' {
		return "", "", true
	}
	_, err := d.ReadToken()
	text := func() (s string) {
		if err != nil {
			return ""
		}
		if d.PeekKind() != '"' {
			err = d.SkipValue()
			return ""
		}
		t, e := d.ReadToken()
		if err = e; e == nil {
			s = t.String()
		}
		return s
	}
	for ok = true; err == nil && d.PeekKind() == '"'; {
		switch text() {
		case "pid":
			pid = text()
		case "offset":
			offset = text()
			ok = offset != ""
		default:
			err = d.SkipValue()
		}
	}
	return pid, offset, ok
}

// claimLocked makes a socket one that says it is the client with that pid. It reports
// false if there is no such client, if that is there, if the offset is none that it can
// have, or events are gone, or if others have shown the pid since. It may release r.mu
// meanwhile.
func (r *localRecovery) claimLocked(s *Socket, pid, offset string) bool {
	if !r.knownLocked(s, pid, offset) {
		return false
	}
	if w := r.waiting[pid]; w != nil {
		close(w) // one may wait: the last, as a client whose connections break is
	}
	giveWay := make(chan struct{})
	r.waiting[pid] = giveWay
	defer func() {
		if r.waiting[pid] == giveWay {
			delete(r.waiting, pid)
		}
	}()
	timeout := time.NewTimer(claimTimeout)
	defer timeout.Stop()
	// wait reports false if it is in vain.
	wait := func(done, gone <-chan struct{}) bool {
		r.unlock()
		defer r.mu.Lock()
		select {
		case <-done:
		case <-gone:
		case <-timeout.C:
			return false
		case <-giveWay:
			return false
		case <-s.Context().Done():
			return false
		}
		return true
	}
	var dead *recoverable
	for r.waiting[pid] == giveWay && s.Reason() == "" {
		c, other := r.clients[pid], r.deciding[pid]
		switch {
		case other != nil && other.socket.Reason() != "":
			r.giveBackLocked(other)
		case other != nil: // be it accepted or not, there is somebody to be asked
			if !wait(other.over, other.socket.Context().Done()) {
				return false
			}
		case c == nil, c == dead:
			return r.provideLocked(s, c, pid, offset)
		case c.socket.Reason() != "":
			r.vacateLocked(c)
		case c.answered != 0 && r.now() < c.answered+r.patience/askAgain:
			pause := make(chan struct{})
			timer := time.AfterFunc(c.answered+r.patience/askAgain-r.now(), func() { close(pause) })
			ok := wait(pause, c.socket.Context().Done())
			timer.Stop()
			if !ok {
				return false
			}
		default:
			alive := false
			done := make(chan struct{})
			r.unlock()
			c.socket.conn.sess.Alive(r.patience, func(ok bool) {
				alive = ok
				close(done)
			})
			r.mu.Lock()
			switch ok := wait(done, nil); {
			case !ok:
				return false
			case alive:
				c.answered = r.now()
				return false
			}
			dead = c
		}
	}
	return false
}

// knownLocked tells whether a pid and an offset may be those of a client. One that is
// there need not be asked if they are not.
func (r *localRecovery) knownLocked(s *Socket, pid, offset string) bool {
	r.expireLocked()
	c := r.clients[pid]
	if c == nil {
		return r.inTimeLocked(r.absent[pid]) != nil
	}
	if !c.known || c.socket.conn == s.conn {
		return false
	}
	_, ok := r.positionLocked(r.membershipLocked(c), offset)
	return ok
}

// membershipLocked is that of a client that is there.
func (r *localRecovery) membershipLocked(c *recoverable) *membership {
	r.local.mu.RLock()
	spans := slices.Clone(c.spans)
	r.local.mu.RUnlock()
	return newMembership(c, r.seq.Load(), spans)
}

// provideLocked gives a socket what the client with that pid has, which is c or away, and
// what that has missed, for the connect handler to decide. It may release r.mu meanwhile.
func (r *localRecovery) provideLocked(s *Socket, c *recoverable, pid, offset string) bool {
	var m *membership
	var data map[any]any
	if c != nil {
		m = r.membershipLocked(c)
		c.socket.mu.Lock()
		data = maps.Clone(c.socket.data)
		c.socket.mu.Unlock()
	} else {
		a := r.inTimeLocked(r.absent[pid])
		if a == nil || !r.recordLocked(a) {
			return false
		}
		m, data = newMembership(a.client(), a.left, a.spans()), a.data()
	}
	claim := &claim{pid: pid, socket: s, over: make(chan struct{}), origin: r.hash(offset)}
	r.deciding[pid] = claim // from here on nobody else
	rec := &recoverable{pid: pid, id: m.client.id, socket: s, claim: claim}
	var ok bool
	if claim.pos, ok = r.positionLocked(m, offset); ok {
		claim.at = claim.pos
		ok = r.walkLocked(rec, func() *membership { return m })
	}
	if !ok {
		r.giveBackLocked(claim)
		return false
	}
	claim.rooms = make(map[string]struct{})
	for name, spans := range m.rooms {
		if slices.ContainsFunc(spans, func(s span) bool { return s.to == never }) {
			claim.rooms[name] = struct{}{}
		}
	}
	s.id, s.recovered = rec.id, true
	s.mu.Lock() // who closes it looks for it
	s.data = data
	s.rec = rec
	s.mu.Unlock()
	return true
}

// takeOver makes a socket that has been accepted the client that it says it is. If
// that is still there, its connection is dead, and ends now. It returns what the client has
// missed. From then on the socket is sent what it would have been; that is held back
// behind the answer. It reports false if that can't be done any more.
func (r *localRecovery) takeOver(s *Socket) (missed []*engineio.Message, ok bool) {
	rec := s.rec
	claim := rec.claim
	r.mu.Lock()
	c := r.clients[rec.pid]
	mine := r.deciding[rec.pid] == claim && s.Reason() == "" &&
		(c == nil || c.socket.conn.sess.Unanswered()) // or that one has shown that it is there since
	r.mu.Unlock()
	if mine && c != nil {
		c.socket.conn.sess.Abort(engineio.ReasonTransportClose)
		c.socket.close(engineio.ReasonTransportClose) // if somebody else is just ending the session
		c.socket.partAll()                            // who sees the one does not see the other
		c.socket.vacate()
	}

	r.mu.Lock()
	defer r.unlock()
	defer r.giveBackLocked(claim)
	var a *absence
	var m *membership
	known := -1
	ok = mine && r.walkLocked(rec, func() *membership {
		if a = r.absent[rec.pid]; a == nil {
			return nil
		}
		r.local.mu.RLock()
		changes := claim.changes
		r.local.mu.RUnlock()
		if len(changes) != known { // later than every event that has been looked at
			known = len(changes)
			m = newMembership(a.client(), a.left, changed(a.spans(), changes))
		}
		return m
	})
	if !ok {
		if a != nil && r.absent[a.pid] == a && s.Reason() == "" {
			r.dropLocked(a) // it would not do next time either
		}
		return nil, false
	}
	missed = claim.missed
	r.becomeLocked(s, a)
	return missed, true
}

// becomeLocked makes a socket the client that was away.
func (r *localRecovery) becomeLocked(s *Socket, a *absence) {
	c, was := s.rec, a.client()
	claim := c.claim
	c.base, c.origin, c.got = claim.pos, claim.origin, max(claim.pos, claim.last)
	if c.waited = r.seq.Load() + 1; claim.first > 0 {
		c.waited = claim.first
	}
	c.floor, c.late, c.known = was.floor, was.late, true
	delete(r.deciding, c.pid)
	close(claim.over)
	r.clients[c.pid] = c
	r.local.readmit(c, was, a.spans())
	r.endLocked(a)
	for _, e := range claim.held {
		seq := r.seq.Load() + 1
		e.first.Overwrite(r.blank, r.offset(seq))
		r.sentLocked(s, seq, e)
	}
}

// readmit puts the socket of a client that is back where it was, its rooms being
// those that it has not left. The events of the meantime count for it, too.
func (l *Local) readmit(c, was *recoverable, spans []span) {
	l.mu.Lock()
	defer l.mu.Unlock()
	changes := c.claim.changes
	c.claim = nil
	c.added, c.forgot = was.added, was.forgot
	c.spans = changed(spans, changes)
	for _, s := range c.spans { // beside who has kept them meanwhile
		s.refs++
		if s.to != never {
			c.closed++
		} else if i, in := findRoom(c.socket.rooms, s.name); !in && !c.socket.gone {
			l.enterLocked(c.socket, s.name, i)
		}
	}
	for _, ch := range changes {
		l.nsp.recovery.release(ch.trail)
	}
	l.nsp.recovery.shorten(c)
	if c.socket.gone { // again: it is away from here on
		c.left = l.nsp.recovery.seq.Load()
		l.ids[c.id] = c.socket
		return
	}
	l.addLocked(c.socket)
}

// giveBack ends the claim of a socket that is not accepted.
func (r *localRecovery) giveBack(s *Socket) {
	r.mu.Lock()
	defer r.unlock()
	if claim := s.rec.claim; claim != nil {
		r.giveBackLocked(claim)
	}
}

// giveBackLocked ends a claim that has come to nothing, unless it has ended: the client
// is what it was.
func (r *localRecovery) giveBackLocked(claim *claim) {
	if r.deciding[claim.pid] != claim {
		return
	}
	delete(r.deciding, claim.pid)
	close(claim.over)
	claim.missed, claim.held = nil, nil
	r.local.discard(claim)
	if a := r.absent[claim.pid]; a != nil && a.socket == nil && a.record != nil {
		r.saveLocked(a)
	}
}

// discard forgets where the socket of a claim would have been. One that has got as far as
// to its connect handler goes with the claim.
func (l *Local) discard(claim *claim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range claim.changes {
		l.nsp.recovery.release(c.trail)
	}
	claim.changes = nil
	if claim.socket.rec != nil {
		claim.socket.gone = true
	}
}
