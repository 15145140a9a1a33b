package socketio

import (
	"bytes"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/siokit/sio/socketio/internal/ledger"
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
// is accepted. Its fields are protected by localRecovery.mu.
type claim struct {
	r      *localRecovery
	pid    string
	socket *Socket
	over   chan struct{}   // closed when it has been decided
	rooms  *ledger.Aside   // what the socket is told, from before it has its standing
	was    *ledger.Absence // the client's, when the socket takes its place

	pos         uint64    // the event up to which the client has them
	origin      uint64    // the hash of the offset that says so
	at          uint64    // the event up to which what it has missed is known
	missed      missed    // that
	first, last uint64    // its first event, and its last one
	held        []encoded // what was emitted to the socket, and has no number yet
}

// asideLocked implements [standing].
func (c *recoverable) asideLocked() aside {
	if c.claim == nil {
		return nil
	}
	return c.claim
}

func (c *claim) join(room string) error { return c.r.rooms.JoinAside(c.rooms, room, c.r.house.roomFor) }
func (c *claim) leave(room string)      { c.r.rooms.LeaveAside(c.rooms, room) }
func (c *claim) names() []string        { return c.r.rooms.NamesAside(c.rooms) }
func (c *claim) clear()                 { c.r.rooms.ClearAside(c.rooms) }

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

// claimLocked makes a socket one that says it is the client with that pid, and returns
// [RecoveryDone]. It does not if there is no such client, if that is there, if the offset is
// none that it can have, or events are gone, or if others have shown the pid since. It may
// release r.mu meanwhile.
func (r *localRecovery) claimLocked(s *Socket, pid, offset string) RecoveryResult {
	if result := r.knownLocked(s, pid, offset); result != RecoveryDone {
		return result
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
				return RecoveryPresent
			}
		case c == nil, c == dead:
			return r.provideLocked(s, c, pid, offset)
		case c.socket.Reason() != "":
			r.vacateLocked(c)
		case c.answered != 0 && r.house.now() < c.answered+r.patience/askAgain:
			pause := make(chan struct{})
			timer := time.AfterFunc(c.answered+r.patience/askAgain-r.house.now(), func() { close(pause) })
			ok := wait(pause, c.socket.Context().Done())
			timer.Stop()
			if !ok {
				return RecoveryPresent
			}
		default:
			alive := false
			done := make(chan struct{})
			r.unlock()
			c.socket.alive(r.patience, func(ok bool) {
				alive = ok
				close(done)
			})
			r.mu.Lock()
			switch ok := wait(done, nil); {
			case !ok:
				return RecoveryPresent
			case alive:
				c.answered = r.house.now()
				return RecoveryPresent
			}
			dead = c
		}
	}
	return RecoveryPresent
}

// knownLocked returns [RecoveryDone] if a pid and an offset may be those of a client. One
// that is there need not be asked if they are not.
func (r *localRecovery) knownLocked(s *Socket, pid, offset string) RecoveryResult {
	r.expireLocked()
	c := r.clients[pid]
	switch {
	case c == nil && r.awayLocked(pid) == nil, c != nil && !c.known:
		return RecoveryUnknown
	case c == nil:
		return RecoveryDone
	case c.socket.with(s):
		return RecoveryPresent
	}
	if _, ok := r.log.Position(r.rooms.Of(&c.Client, c.socket.ID()), offset); !ok {
		return RecoveryMissed
	}
	return RecoveryDone
}

// provideLocked gives a socket what the client with that pid has, which is c or away, and
// what that has missed, for the connect handler to decide. It may release r.mu meanwhile.
func (r *localRecovery) provideLocked(s *Socket, c *recoverable, pid, offset string) RecoveryResult {
	var m *ledger.Membership
	var values map[any]any
	if c != nil {
		r.overtakeLocked(nil, c)
		m, values = r.rooms.Of(&c.Client, c.socket.ID()), c.socket.values()
	} else {
		a := r.awayLocked(pid)
		if a == nil || !r.loadLocked(a) {
			return RecoveryUnknown
		}
		m, values = a.Membership(nil), a.Values()
	}
	claim := &claim{r: r, pid: pid, socket: s, over: make(chan struct{}), origin: r.log.Hash(offset)}
	r.deciding[pid] = claim // from here on nobody else
	var ok bool
	if claim.pos, ok = r.log.Position(m, offset); ok {
		claim.at = claim.pos
		ok = r.walkLocked(claim, func() *ledger.Membership { return m })
	}
	if !ok {
		r.giveBackLocked(claim)
		return RecoveryMissed
	}
	claim.rooms = ledger.NewAside(m)
	s.assume(m.ID(), values, &recoverable{Client: ledger.Client{PID: pid}, r: r, socket: s, claim: claim})
	return RecoveryDone
}

// takeOver implements [recoverer]. If the client is still there, its connection is dead,
// and ends now. From then on the socket is sent what it would have been; that is held back
// behind the answer.
func (r *localRecovery) takeOver(s *Socket) (_ missed, ok bool) {
	rec := recoverableOf(s)
	claim := rec.claim
	r.mu.Lock()
	c := r.clients[rec.PID]
	mine := r.deciding[rec.PID] == claim && s.Reason() == "" &&
		(c == nil || c.socket.unanswered()) // or that one has shown that it is there since
	r.mu.Unlock()
	if mine && c != nil {
		c.socket.bury()
		r.vacate(c.socket)
	}

	r.mu.Lock()
	defer r.unlock()
	defer r.giveBackLocked(claim)
	var a *ledger.Absence
	var m *ledger.Membership
	known := -1
	ok = mine && r.walkLocked(claim, func() *ledger.Membership {
		if a = r.away.Get(rec.PID); a == nil {
			return nil
		}
		changes := r.rooms.ChangesOf(claim.rooms)
		if len(changes) != known { // later than every event that has been looked at
			known = len(changes)
			m = a.Membership(changes)
		}
		return m
	})
	if !ok {
		if a != nil && r.away.Get(a.PID) == a && s.Reason() == "" {
			r.dropLocked(a) // it would not do next time either
		}
		return missed{}, false
	}
	r.becomeLocked(rec, a)
	return claim.missed, true
}

// becomeLocked makes a socket the client that was away.
func (r *localRecovery) becomeLocked(c *recoverable, a *ledger.Absence) {
	claim := c.claim
	r.log.Resume(&c.Client, a, claim.pos, claim.origin, claim.first, claim.last)
	c.known = true
	delete(r.deciding, c.PID)
	close(claim.over)
	r.clients[c.PID] = c
	claim.was = a
	r.house.readmit(c.socket)
	r.endLocked(a)
	for _, e := range claim.held {
		r.fill(e, r.log.Seq()+1)
		r.sentLocked(c, e)
	}
}

// returnLocked implements [standing]. It is called by readmit, with mu held, too.
func (c *recoverable) returnLocked(gone bool) (rooms []string) {
	claim := c.claim
	c.claim = nil
	return c.r.rooms.Return(&c.Client, claim.was, claim.rooms, gone)
}

// giveBack implements [recoverer].
func (r *localRecovery) giveBack(s *Socket) {
	c := recoverableOf(s)
	r.mu.Lock()
	defer r.unlock()
	if c.claim != nil {
		r.giveBackLocked(c.claim)
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
	claim.missed, claim.held = missed{}, nil
	if claim.rooms != nil { // one that has got as far as to its connect handler goes with the claim
		r.house.shut(claim.socket)
		r.rooms.Discard(claim.rooms)
	}
	if a := r.away.Get(claim.pid); a != nil && a.Idle() {
		r.saveLocked(a)
	}
}
