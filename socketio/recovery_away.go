package socketio

import (
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio/internal/ledger"
)

// recoverableReasons are the ends that a client did not ask for, nor the
// application: the reference server's, and that of a client that did not keep up.
var recoverableReasons = map[Reason]bool{
	engineio.ReasonTransportError: true,
	engineio.ReasonTransportClose: true,
	engineio.ReasonForcedClose:    true,
	engineio.ReasonPingTimeout:    true,
	engineio.ReasonSlowConsumer:   true,
}

// vacate implements [recoverer]: the client may come back. What does stays in its rooms
// as far as the log goes.
func (r *localRecovery) vacate(s *Socket) {
	c := recoverableOf(s)
	if c == nil {
		return
	}
	r.mu.Lock()
	defer r.unlock()
	r.vacateLocked(c)
}

// vacateLocked is vacate. Who wants to be the client does not wait for others to call
// it.
func (r *localRecovery) vacateLocked(c *recoverable) {
	if c.vacated {
		return
	}
	c.vacated = true
	s := c.socket
	r.house.part(s, c) // if who closes it has not done so yet
	r.house.dropID(s)
	if c.claim != nil { // it has never been the client
		r.giveBackLocked(c.claim)
		return
	}
	r.overtakeLocked(nil, c) // it counts as sent, as all that came before it left
	left := c.leftAt()       // its handlers may have gone on for long
	switch {
	case c.since == 0:
		c.Late(false)
	case s.unproven():
		c.Late(true)
	case left-c.since >= r.proof:
		c.Arrived()
	}
	if r.closed || !c.known || !recoverableReasons[s.Reason()] {
		delete(r.clients, c.PID)
		r.rooms.Forget(&c.Client)
		r.clearLocked()
		return
	}
	c.away = r.away.Add(&c.Client, s.ID(), left+r.opts.Window, s.address(), s.values)
	delete(r.clients, c.PID)
	r.house.acquire() // a dynamic one stays; its socket has not released it yet
	if r.away.Len() > r.opts.MaxSessions {
		r.dropLocked(r.away.TooMany())
	}
	r.armLocked()
}

// departed implements [recoverer]. What is left of a client that may come back is with
// the store from then on, with the values that its handlers have set.
func (r *localRecovery) departed(s *Socket) {
	c := recoverableOf(s)
	if c == nil {
		return
	}
	r.mu.Lock()
	defer r.unlock()
	a := c.away
	c.away = nil
	if a == nil || r.away.Get(a.PID) != a {
		return
	}
	a.Settle()
	if r.deciding[a.PID] == nil {
		r.saveLocked(a)
	}
}

// saveLocked hands what is known of a client to the store.
func (r *localRecovery) saveLocked(a *ledger.Absence) {
	if err := r.away.Save(a); err != nil {
		r.Failed("Save", err)
		r.dropLocked(a)
	}
}

// loadLocked takes what is known of a client from the store, if it is there. It reports
// false if that fails.
func (r *localRecovery) loadLocked(a *ledger.Absence) bool {
	err := r.away.Load(a)
	if err != nil {
		r.Failed("Take", err)
		r.dropLocked(a)
	}
	return err == nil
}

// awayLocked returns the absence of a client that may come back still, or nil.
func (r *localRecovery) awayLocked(pid string) *ledger.Absence {
	a := r.away.Get(pid)
	if a != nil && r.away.IsOver(a) {
		r.dropLocked(a)
		return nil
	}
	return a
}

// giveUp implements [recoverer].
func (r *localRecovery) giveUp() bool {
	r.mu.Lock()
	defer r.unlock()
	if !r.house.alone(r.away.Len()) {
		return false
	}
	for n := 0; n < expireAtOnce && r.away.Len() > 0; n++ {
		if r.dropLocked(r.away.First()); r.away.Len() == 0 {
			return true
		}
	}
	return false
}

// endLocked takes a client off the list of those that are away.
func (r *localRecovery) endLocked(a *ledger.Absence) {
	defer r.house.release()
	r.away.Remove(a)
}

// dropLocked ends an absence for good.
func (r *localRecovery) dropLocked(a *ledger.Absence) {
	r.endLocked(a)
	if err := r.away.Drop(a); err != nil {
		r.Failed("Remove", err)
	}
	r.clearLocked()
}
