package socketio

import (
	"errors"
	"maps"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/fifo"
)

// An absence is what has to be known of a client that is away without asking the
// store. It begins when the client has left its rooms. Its fields are protected
// by recovery.mu.
type absence struct {
	pid, id    string
	stored     bool // the disconnect handlers have run, and the store has been told
	expires    time.Duration
	left       uint64   // the last event of all when it left
	floor      uint64   // as recoverable.floor, since then
	trails     []*trail // of its spans
	prev, next *absence // in the order in which they left
}

// An exit is for those who come back for a client before its disconnect handlers
// have run. Its fields are protected by recovery.mu.
type exit struct {
	done   chan struct{} // closed when they have
	claims int           // how many came back: the last one gets it
	away   *absence      // what it leaves, or nil
	record RecoverySession
}

// exitLocked is called with recovery.mu held.
func (c *recoverable) exitLocked() *exit {
	if c.exit == nil {
		c.exit = &exit{done: make(chan struct{})}
	}
	return c.exit
}

// recoverableReasons are the ends that a client did not ask for, nor the
// application: the reference server's, and that of a client that did not keep up.
var recoverableReasons = map[Reason]bool{
	engineio.ReasonTransportError: true,
	engineio.ReasonTransportClose: true,
	engineio.ReasonForcedClose:    true,
	engineio.ReasonPingTimeout:    true,
	engineio.ReasonSlowConsumer:   true,
}

// vacate takes a socket that has left out of everything, for good. What may come
// back stays in its rooms as far as the log goes.
func (s *Socket) vacate() {
	if s.rec == nil {
		s.nsp.local.removeAll(s)
		return
	}
	r, c := s.nsp.recovery, s.rec
	r.mu.Lock()
	defer r.unlock()
	s.nsp.local.removeAll(s)
	c.missed = nil
	left := r.leftAt(c) // its handlers may have gone on for long
	switch {
	case c.since == 0:
		c.late = c.got
	case s.conn.unproven():
		c.late, c.waited = c.got, 0
	case left-c.since >= r.proof:
		c.late = 0
	}
	if r.closed || !c.known || !recoverableReasons[s.reason] {
		r.forgetLocked(c)
		return
	}
	r.leaveLocked(c, left+r.opts.Window)
}

// leaveLocked makes a client one that is away.
func (r *recovery) leaveLocked(c *recoverable, expires time.Duration) {
	if len(r.away) == r.opts.MaxSessions {
		r.dropLocked(r.first)
	}
	a := &absence{pid: c.pid, id: c.id, expires: expires, left: r.seq.Load()}
	x := c.exitLocked()
	x.away = a
	x.record = RecoverySession{
		PID:     c.pid,
		ID:      c.id,
		Expires: r.born.Add(expires),
		Progress: RecoveryProgress{
			Base:   c.base,
			Origin: c.origin,
			Got:    c.got,
			Left:   a.left,
			Floor:  c.floor,
			Waited: c.waited,
			Late:   c.late,
			Forged: c.forged,
		},
	}
	p := &x.record.Progress
	p.Strings, p.Older = c.marks.record()
	a.trails, x.record.Rooms = r.local.depart(c, p)
	r.absent[a.pid], r.away[a.id] = a, a
	r.local.nsp.acquire() // a dynamic one stays; its socket has not released it yet
	if a.prev = r.last; a.prev == nil {
		r.first = a
	} else {
		a.prev.next = a
	}
	r.last = a
	r.armLocked()
}

// departed is called when the disconnect handlers of a socket have run. What is
// left of a client that may come back is with the store from then on.
func (r *recovery) departed(s *Socket) {
	c := s.rec
	if c == nil {
		return
	}
	r.mu.Lock()
	defer r.unlock()
	if c.exit == nil {
		return
	}
	defer close(c.exit.done)
	a := c.exit.away
	if a == nil || r.absent[a.pid] != a {
		return
	}
	delete(r.clients, c.pid)
	s.mu.Lock()
	c.exit.record.Data = maps.Clone(s.data) // the old socket may still be referred to
	s.mu.Unlock()
	a.stored = true
	err := r.store.Save(c.exit.record)
	c.exit.record = RecoverySession{}
	if err != nil {
		r.failedLocked("Save", err)
		r.dropLocked(a)
	}
}

// claimLocked returns the absence of the client with the given pid, or nil. If that
// one is still there its connection must be dead: it is ended, and its disconnect
// handlers are waited for. It may release r.mu meanwhile.
func (r *recovery) claimLocked(s *Socket, pid string) *absence {
	r.expireLocked()
	c := r.clients[pid]
	if c == nil {
		return r.inTimeLocked(r.absent[pid])
	}
	if c.socket.conn == s.conn {
		return nil
	}
	x, sess := c.exitLocked(), c.socket.conn.sess
	x.claims++
	mine := x.claims
	r.unlock()
	sess.Abort(engineio.ReasonTransportClose)
	timer := time.NewTimer(takeoverTimeout)
	select {
	case <-x.done:
	case <-timer.C:
	case <-s.Context().Done():
	}
	timer.Stop()
	r.mu.Lock()
	if x.claims != mine || s.Reason() != "" {
		return nil
	}
	r.expireLocked()
	if a := r.absent[pid]; a != nil && a == x.away && a.stored {
		return r.inTimeLocked(a)
	}
	return nil // the handlers take too long, or it need not come back
}

// inTimeLocked returns an absence unless it has gone on for too long: whose handlers
// went on after it had left are not the last of the list.
func (r *recovery) inTimeLocked(a *absence) *absence {
	if a != nil && a.expires <= r.now() {
		r.dropLocked(a)
		return nil
	}
	return a
}

// unproven tells whether what was sent long before the client left may not have
// arrived though no loss was noticed: while a connection is not read, or any bytes
// are a sign of life, nobody has to answer pings.
func (c *conn) unproven() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.srv.opts.Engine.LenientHeartbeat || c.halted
}

// giveUp forgets the clients that are away from a namespace where nobody else is.
func (r *recovery) giveUp() bool {
	r.mu.Lock()
	defer r.unlock()
	if len(r.clients) > 0 || r.first == nil {
		return false
	}
	for r.first != nil {
		r.dropLocked(r.first)
	}
	return true
}

// takeLocked ends an absence: it makes the client, which is back as s, anew from
// what the store has. It returns nil if the store fails.
func (r *recovery) takeLocked(s *Socket, a *absence) (c *recoverable, saved *RecoverySession) {
	record, err := r.store.Take(a.pid)
	if err == nil {
		c, err = r.revive(s, a, &record)
	}
	if err != nil {
		r.failedLocked("Take", err)
		r.dropLocked(a)
		return nil, nil
	}
	r.clients[a.pid] = c
	r.endLocked(a)
	return c, &record
}

var errOtherRecord = errors.New("socketio: another record than was stored")

// revive makes a client of a record, if that is the one of the absence, and not of
// an earlier one.
func (r *recovery) revive(s *Socket, a *absence, saved *RecoverySession) (*recoverable, error) {
	p := &saved.Progress
	c := &recoverable{
		pid:    a.pid,
		id:     a.id,
		socket: s,
		base:   p.Base,
		origin: p.Origin,
		got:    p.Got,
		floor:  max(p.Floor, a.floor),
		waited: p.Waited,
		late:   p.Late,
		known:  true,
		forged: p.Forged,
		marks:  marksOf(p),
	}
	if saved.PID != a.pid || saved.ID != a.id || p.Left != a.left || len(saved.Rooms) != len(a.trails) || !r.local.revisit(c, saved) {
		return nil, errOtherRecord
	}
	return c, nil
}

// endLocked takes a client off the list of those that are away.
func (r *recovery) endLocked(a *absence) {
	defer r.local.nsp.release()
	delete(r.absent, a.pid)
	delete(r.away, a.id)
	r.local.releaseTrails(a.trails)
	if a.prev == nil {
		r.first = a.next
	} else {
		a.prev.next = a.next
	}
	if a.next == nil {
		r.last = a.prev
	} else {
		a.next.prev = a.prev
	}
}

// dropLocked ends an absence for good.
func (r *recovery) dropLocked(a *absence) {
	r.endLocked(a)
	if a.stored {
		r.failedLocked("Remove", r.store.Remove(a.pid))
	} else {
		delete(r.clients, a.pid)
	}
	r.clearLocked()
}

// forgetLocked forgets a client that is there.
func (r *recovery) forgetLocked(c *recoverable) {
	delete(r.clients, c.pid)
	r.local.forget(c)
	r.clearLocked()
}

// clearLocked gives up the log when there is nobody any more.
func (r *recovery) clearLocked() {
	if len(r.clients) > 0 || len(r.absent) > 0 {
		return
	}
	seq := r.seq.Load()
	r.failedLocked("Drop", r.store.Drop(seq)) // of what it has failed to drop before, too
	r.holdLocked(-r.bytes)
	r.log = fifo.Queue[entry]{}
	r.head.Store(seq)
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
}
