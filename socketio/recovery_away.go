package socketio

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/fifo"
	"github.com/siokit/sio/internal/share"
	"github.com/siokit/sio/socketio/recovery"
)

// An absence is what has to be known of a client that is away without asking the
// store. It begins when the client has left its rooms. Its fields are protected
// by recovery.mu.
type absence struct {
	pid, id    string
	record     *recovery.Session // nil while the store has it
	socket     *Socket           // whose disconnect handlers have not run yet, or nil
	expires    time.Duration
	left       uint64   // the last event of all when it left
	floor      uint64   // as recoverable.floor, since then
	trails     []*trail // of its spans
	prev, next *absence // in the order in which they left

	holder         *share.Holder[absences] // those that came from the same address
	earlier, later *absence                // among them, in that order
}

// absences are those of one address.
type absences struct{ first, last *absence }

// recoverableReasons are the ends that a client did not ask for, nor the
// application: the reference server's, and that of a client that did not keep up.
var recoverableReasons = map[Reason]bool{
	engineio.ReasonTransportError: true,
	engineio.ReasonTransportClose: true,
	engineio.ReasonForcedClose:    true,
	engineio.ReasonPingTimeout:    true,
	engineio.ReasonSlowConsumer:   true,
}

// vacate is called when a socket has left: it may come back. What does stays in its
// rooms as far as the log goes.
func (s *Socket) vacate() {
	r := s.nsp.recovery
	if s.rec == nil {
		return
	}
	r.mu.Lock()
	defer r.unlock()
	r.vacateLocked(s.rec)
}

// vacateLocked is vacate. Who wants to be the client does not wait for others to call
// it.
func (r *localRecovery) vacateLocked(c *recoverable) {
	if c.vacated {
		return
	}
	c.vacated = true
	s := c.socket
	r.local.part(s, c) // if who closes it has not done so yet
	r.local.dropID(s)
	if c.claim != nil { // it has never been the client
		r.giveBackLocked(c.claim)
		return
	}
	left := r.leftAt(c) // its handlers may have gone on for long
	switch {
	case c.since == 0:
		c.late = c.got
	case s.conn.unproven():
		c.late, c.waited = c.got, 0
	case left-c.since >= r.proof:
		c.late = 0
	}
	if r.closed || !c.known || !recoverableReasons[s.Reason()] {
		r.forgetLocked(c)
		return
	}
	r.leaveLocked(c, left+r.opts.Window)
}

// leaveLocked makes a client one that is away.
func (r *localRecovery) leaveLocked(c *recoverable, expires time.Duration) {
	a := &absence{pid: c.pid, id: c.id, socket: c.socket, expires: expires, left: c.left}
	c.away = a
	a.record = &recovery.Session{
		PID:     c.pid,
		ID:      c.id,
		Expires: r.born.Add(expires),
		Progress: recovery.Progress{
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
	p := &a.record.Progress
	p.Strings, p.Older = c.marks.record()
	a.trails, a.record.Rooms = r.local.depart(c, p)
	delete(r.clients, c.pid)
	r.absent[a.pid], r.away[a.id] = a, a
	r.local.nsp.acquire() // a dynamic one stays; its socket has not released it yet
	if a.prev = r.last; a.prev == nil {
		r.first = a
	} else {
		a.prev.next = a
	}
	r.last = a
	r.chargeLocked(a, share.Of(c.socket.conn.sess.RemoteAddr()))
	if len(r.away) > r.opts.MaxSessions {
		r.dropLocked(r.oneTooManyLocked())
	}
	r.armLocked()
}

// chargeLocked counts an absence among those of its address.
func (r *localRecovery) chargeLocked(a *absence, who netip.Prefix) {
	a.holder = r.held.Add(who)
	list := &a.holder.Value
	if a.earlier = list.last; a.earlier == nil {
		list.first = a
	} else {
		a.earlier.later = a
	}
	list.last = a
}

func (r *localRecovery) dischargeLocked(a *absence) {
	list := &a.holder.Value
	if a.earlier == nil {
		list.first = a.later
	} else {
		a.earlier.later = a.later
	}
	if a.later == nil {
		list.last = a.earlier
	} else {
		a.later.earlier = a.earlier
	}
	r.held.Remove(a.holder)
}

// oneTooManyLocked returns who has to go: of the address that most are away from, the
// first to leave; the first of all, if none has more than that one's.
func (r *localRecovery) oneTooManyLocked() *absence {
	if most := r.held.Most(); r.first.holder.Len() < most.Len() {
		return most.Value.first
	}
	return r.first
}

// departed is called when the disconnect handlers of a socket have run. What is
// left of a client that may come back is with the store from then on, with the
// values that they have set.
func (r *localRecovery) departed(s *Socket) {
	c := s.rec
	if c == nil {
		return
	}
	r.mu.Lock()
	defer r.unlock()
	a := c.away
	c.away = nil
	if a == nil || r.absent[a.pid] != a {
		return
	}
	a.record.Data = a.data()
	a.socket = nil
	if r.deciding[a.pid] == nil {
		r.saveLocked(a)
	}
}

// data returns a copy of the client's values: a store may still be writing those that
// it has, and the old socket be referred to.
func (a *absence) data() map[any]any {
	if a.socket == nil {
		return maps.Clone(a.record.Data)
	}
	a.socket.mu.Lock()
	defer a.socket.mu.Unlock()
	return maps.Clone(a.socket.data)
}

// saveLocked hands what is known of a client to the store.
func (r *localRecovery) saveLocked(a *absence) {
	err := r.store.Save(*a.record)
	a.record = nil
	if err != nil {
		r.failedLocked("Save", err)
		r.dropLocked(a)
	}
}

var errOtherRecord = errors.New("socketio: another record than was stored")

// recordLocked takes what is known of a client from the store. It reports false if
// that fails, or if it is of another absence.
func (r *localRecovery) recordLocked(a *absence) bool {
	if a.record != nil {
		return true
	}
	saved, err := r.store.Take(a.pid)
	if err == nil && !a.is(&saved) {
		err = errOtherRecord
	}
	if err != nil {
		r.failedLocked("Take", err)
		r.dropLocked(a)
		return false
	}
	a.record = &saved
	return true
}

func (a *absence) is(saved *recovery.Session) bool {
	return saved.PID == a.pid && saved.ID == a.id && saved.Progress.Left == a.left &&
		slices.EqualFunc(saved.Rooms, a.trails, func(room recovery.Room, t *trail) bool { return room.Name == t.name })
}

// client returns the client as it was, but for its rooms, which are in its record.
func (a *absence) client() *recoverable {
	p := &a.record.Progress
	return &recoverable{
		pid:    a.pid,
		id:     a.id,
		base:   p.Base,
		origin: p.Origin,
		got:    p.Got,
		floor:  max(p.Floor, a.floor),
		waited: p.Waited,
		late:   p.Late,
		known:  true,
		forged: p.Forged,
		marks:  marksOf(p),
		added:  p.Added,
		forgot: p.Forgot,
	}
}

// spans returns when the client was in which room.
func (a *absence) spans() []span {
	all := make([]span, len(a.trails))
	for i, room := range a.record.Rooms {
		all[i] = span{a.trails[i], room.From, room.To}
	}
	return all
}

// inTimeLocked returns an absence unless it has gone on for too long: whose handlers
// went on after it had left are not the last of the list.
func (r *localRecovery) inTimeLocked(a *absence) *absence {
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

// giveUp forgets clients that are away from a namespace where nobody else is. It reports
// whether those were all: of many, it forgets some.
func (r *localRecovery) giveUp() bool {
	r.mu.Lock()
	defer r.unlock()
	d := &r.local.nsp.srv.dynamic
	d.mu.Lock()
	others := r.local.nsp.users > len(r.absent)
	d.mu.Unlock()
	if others || r.first == nil {
		return false
	}
	for range expireAtOnce {
		if r.dropLocked(r.first); r.first == nil {
			return true
		}
	}
	return false
}

// endLocked takes a client off the list of those that are away.
func (r *localRecovery) endLocked(a *absence) {
	defer r.local.nsp.release()
	delete(r.absent, a.pid)
	delete(r.away, a.id)
	r.local.releaseTrails(a.trails)
	r.dischargeLocked(a)
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
func (r *localRecovery) dropLocked(a *absence) {
	r.endLocked(a)
	if a.record == nil {
		r.failedLocked("Remove", r.store.Remove(a.pid))
	}
	r.clearLocked()
}

// forgetLocked forgets a client that is there.
func (r *localRecovery) forgetLocked(c *recoverable) {
	delete(r.clients, c.pid)
	r.local.forget(c)
	r.clearLocked()
}

// clearLocked gives up the log when there is nobody any more.
func (r *localRecovery) clearLocked() {
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
