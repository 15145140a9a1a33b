package socketio

import (
	"math"
	"slices"

	"github.com/siokit/sio/engineio"
)

// blank implements [recoverer]: an event that is to be kept is encoded when its offset is
// known.
func (r *sharedRecovery) blank() any { return nil }

// broadcast implements [recoverer].
func (r *sharedRecovery) broadcast(b *Broadcast) error {
	if b.Volatile || b.Local {
		e, err := r.house.encode(b, nil)
		if err != nil {
			return err
		}
		to := r.house.pick(b.Selector)
		r.lane.behind(func() { r.house.tell(b, r.sendPlain(b, e, to)) })
		return nil
	}
	at := r.house.now() // first: who comes back from here on is not among those picked
	return r.post(&ticket{b: b, to: r.house.pick(b.Selector), at: at})
}

// post appends an event for whom is selected.
func (r *sharedRecovery) post(t *ticket) error {
	waits, urgent, err := r.lane.append(t)
	switch {
	case err != nil:
		return err
	case urgent:
		r.hurry()
	case !waits:
		return r.sendNow(t)
	}
	return nil
}

// sendNow sends an event to whom is selected, without an offset.
func (r *sharedRecovery) sendNow(t *ticket) error {
	e, err := r.house.encode(t.b, nil)
	if err != nil {
		return err
	}
	r.house.tell(t.b, r.sendPlain(t.b, e, t.to))
	return nil
}

// sendTicket does so for a ticket that was in the lane.
func (r *sharedRecovery) sendTicket(t *ticket) {
	if err := r.sendNow(t); err != nil {
		r.house.failed(err)
	}
}

// sendPlain sends an event without an offset.
func (r *sharedRecovery) sendPlain(b *Broadcast, e encoded, to selection) selection {
	var batch delivery
	for s := range to.each {
		_ = s.sendLater(&batch, e, b.Volatile) // that a client is slow, or gone, is no error
	}
	batch.Flush()
	return to
}

// emitOne implements [sharer].
func (r *sharedRecovery) emitOne(s *Socket, b *Broadcast) error {
	m := memberOf(s)
	r.mu.Lock()
	if c := m.claim; c != nil { // it is to be known first who the client is
		defer r.mu.Unlock()
		if len(c.held) >= r.queue.packets {
			return engineio.ErrQueueFull
		}
		c.held = append(c.held, b)
		return nil
	}
	r.mu.Unlock()
	return r.post(r.ticketFor(s, b))
}

func (r *sharedRecovery) ticketFor(s *Socket, b *Broadcast) *ticket {
	return &ticket{b: b, to: r.house.only(s), at: r.house.now()}
}

// emit implements [recoverer]: what can be recovered goes by emitOne.
func (r *sharedRecovery) emit(s *Socket, e encoded) error { return s.sendLater(nil, e, false) }

// emitVolatile implements [recoverer].
func (r *sharedRecovery) emitVolatile(s *Socket, e encoded, _ any) error {
	r.lane.behind(func() { _ = s.sendLater(nil, e, true) }) // what is dropped is no error, and who has left neither
	return nil
}

// numberLocked implements [recoverer]: it is called by pickNumbered and number, for what
// appended delivers.
func (r *sharedRecovery) numberLocked([]string) bool {
	r.pos.Store(r.next)
	return true
}

// appended delivers an event at its turn.
func (r *sharedRecovery) appended(pos, number uint64, b *Broadcast) {
	r.turn.Lock()
	r.turnOf(pos, number, b)
	r.turn.Unlock()
	r.hurry() // what nobody has taken off the lane meanwhile
}

func (r *sharedRecovery) turnOf(pos, number uint64, b *Broadcast) {
	if number == 0 {
		r.deliver(pos, b, nil)
		return
	}
	early, done := r.lane.wasEarly(number), false
	r.lane.moves(number)
	for {
		s, ok := r.lane.take(number)
		if !ok {
			break
		}
		switch {
		case s.f != nil:
			s.f()
		case s.number < number: // it is lost
			r.sendEarly(s.ticket)
		default:
			r.deliver(pos, s.b, s.ticket)
			done = true
		}
	}
	switch {
	case done:
	case early: // for those only who were away then
		r.deliver(pos, b, &ticket{number: number, b: b, early: true})
	default:
		r.deliver(pos, nil, nil)
	}
}

// deliver sends an event with its offset to whom it is for: those that are selected now, or, of
// a ticket, those that were when it was emitted, and who has come back since. Without an event
// it only notes the position.
func (r *sharedRecovery) deliver(pos uint64, b *Broadcast, t *ticket) {
	var batch delivery
	r.mu.Lock()
	r.next = pos
	var picked selection
	switch {
	case t != nil:
		picked = t.to
		r.house.number()
	case b != nil:
		picked, _ = r.house.pickNumbered(b.Selector)
		picked = picked.settled()
	default:
		r.house.number()
	}
	back := r.backSinceLocked(t, pos)
	r.lane.turned()
	r.forgetReturnsLocked()
	if b == nil || picked.found.Len()+len(back) == 0 {
		r.mu.Unlock()
		return
	}
	var e, whole, old encoded // for clients with what was early, without it, of Engine.IO 3
	last, due := r.lane.earlyDue()
	whole, err := r.house.encodeKept(b, r.journal.Offset(pos))
	if e = whole; err == nil && due {
		e, err = r.house.encodeKept(b, r.provisional(pos, last))
	}
	if err == nil && r.house.allowsV3() {
		old, err = r.house.encode(b, nil)
	}
	if err != nil {
		r.mu.Unlock()
		r.house.failed(err)
		return
	}
	told := r.lane.toldNumber()
	send := func(m *member) {
		if !m.vacated { // its record is final
			if m.got = pos; m.ahead <= told {
				m.ahead, m.aheadAt = 0, 0
			}
		}
		out := e
		if due && m.awaits(0) {
			out = whole
			if m.ahead > told { // it has a part of what is early
				if some, err := r.house.encodeKept(b, r.provisional(pos, m.ahead)); err == nil {
					out = some
				}
			}
		}
		_ = m.socket.sendLater(&batch, out, false) // who doesn't get it may come back for it
	}
	for s := range picked.each {
		m := memberOf(s)
		switch {
		case m == nil:
			_ = s.sendLater(&batch, old, false)
		case m.claim != nil: // it is among what the client has missed
		case m.had != nil && m.hadAt(pos):
		default:
			send(m)
		}
	}
	for _, m := range back {
		if m.got < pos { // it may be among the others
			send(m)
		}
	}
	r.mu.Unlock()
	batch.Flush()
	r.house.tell(b, picked)
}

// backSinceLocked returns who has come back since a ticket was made, and whom it is for.
func (r *sharedRecovery) backSinceLocked(t *ticket, pos uint64) (back []*member) {
	if r.back.Len() == 0 || t == nil {
		return nil
	}
	e := Kept{Pos: pos, Server: r.journal.Server(), Number: t.number, Broadcast: t.b}
	for _, b := range slices.Backward(r.back.All()) {
		switch {
		case !t.early && b.at < t.at:
			return back
		case t.early && (b.m.since() < t.number || t.number <= b.m.ahead): // it was there, and has been sent it
		case b.m.meant(&e):
			back = append(back, b.m)
		}
	}
	return back
}

// forgetReturnsLocked forgets who came back before all that waits was emitted, and all that is
// about to be appended.
func (r *sharedRecovery) forgetReturnsLocked() {
	before := r.house.now() - 2*earlyAfter
	if r.back.Len() == 0 || r.back.All()[0].at >= before && r.back.Len() <= maxReturns {
		return
	}
	oldest, due := r.lane.oldest()
	before = min(before, oldest)
	for r.back.Len() > 0 && (r.back.All()[0].at < before && !due || r.back.Len() > maxReturns) {
		r.back.Pop()
	}
}

// sendEarly sends an event whose turn takes too long, or will not come, with a provisional
// offset. Those who came back while others waited for their turn get it at its own.
func (r *sharedRecovery) sendEarly(t *ticket) {
	r.lane.setEarly(t.number)
	e, err := r.house.encodeKept(t.b, r.provisional(r.pos.Load(), t.number))
	var old encoded
	if err == nil && r.house.allowsV3() {
		old, err = r.house.encode(t.b, nil)
	}
	if err != nil {
		r.house.failed(err)
		return
	}
	var batch delivery
	r.mu.Lock()
	for _, b := range slices.Backward(r.back.All()) {
		if b.at < t.at {
			break
		}
		b.m.await(t.number) // it may have come back while the event was about to be appended
	}
	for s := range t.to.each {
		switch m := memberOf(s); {
		case m == nil:
			_ = s.sendLater(&batch, old, false)
		case m.claim != nil || m.awaits(t.number):
		default:
			m.sentAheadLocked(t.number)
			_ = s.sendLater(&batch, e, false)
		}
	}
	r.mu.Unlock()
	batch.Flush()
	r.house.tell(t.b, t.to)
}

// refused is called for an event that will not have its turn: what waits behind it must not
// wait for ever.
func (r *sharedRecovery) refused(number uint64) {
	r.turn.Lock()
	r.early(number)
	r.turn.Unlock()
	r.hurry()
}

// hurry sends all that is not to wait. Whoever has the turn looks again when it is over: who
// emits may have been told of an event just then, and must not wait for itself.
func (r *sharedRecovery) hurry() {
	for r.lane.urgent() && r.turn.TryLock() {
		r.early(math.MaxUint64)
		r.turn.Unlock()
	}
}

// early does what is in the lane up to a ticket, and behind it up to the next one.
func (r *sharedRecovery) early(number uint64) {
	for {
		s, ok := r.lane.take(number)
		switch {
		case !ok:
			return
		case s.f != nil:
			s.f()
		default:
			r.sendEarly(s.ticket)
		}
	}
}

// setAway is told when the journal goes and comes.
func (r *sharedRecovery) setAway(away bool) {
	r.lane.setAway(away)
	if away {
		r.hurry()
	}
}
