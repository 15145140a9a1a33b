package engineio

import (
	"slices"
	"time"
)

// Grace is how many times QueueBytes and QueuePackets may wait for a client that goes on
// taking what it is sent. By default that makes 32 MiB, for a handler that emits in a
// loop, which is quicker than any network.
const Grace = 8

const (
	// backlogBytes is how much must wait before we keep account of it. What waits
	// for a client that keeps up is less.
	backlogBytes = 64 << 10
	// largeBytes are so many that the rest may take its time. The bytes of a message
	// that has got so far are a sign of life, as a pong is that can't overtake them.
	largeBytes = 8 << 10
	// lifeBytes is how much of a large message must have moved since the last ping
	// to be taken for a sign of life: nothing for the slowest of modems, and too
	// much for who sends a byte now and then.
	lifeBytes = 1 << 10
	// longBytes take a second at 1 Mbit/s, and may take ten times as long: a ping that
	// would come due meanwhile goes first.
	longBytes = 128 << 10
)

// A backlog is the account of a session for which more than a little waits. It is
// protected by the session's mu.
type backlog struct {
	srv   *Server
	held  int           // bytes of the messages, and of the answers
	moved time.Duration // when the client took something last, or this began; since srv.born
	room  chan struct{} // closed when there is room again, for who waits; or nil

	answers []*answer // to GETs, that are being written
}

// An answer to a GET is what waits, too, while the client takes it.
type answer struct {
	bytes       int
	setDeadline func(time.Time) error // of the writing
}

// answeringLocked counts an answer of n bytes that is about to be written, until
// answered is called. It returns nil if it is not large. The caller sets setDeadline.
func (s *Session) answeringLocked(n int) *answer {
	if counted(n) == 0 || s.state == stateClosed {
		return nil
	}
	a := &answer{bytes: n}
	b := s.backlogLocked()
	b.answers = append(b.answers, a)
	b.hold(n)
	return a
}

// answered is called when an answer has been written, or could not be.
func (s *Session) answered(a *answer) {
	if a == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.out.backlog
	if b == nil {
		return
	}
	if i := slices.Index(b.answers, a); i >= 0 {
		b.answers = slices.Delete(b.answers, i, i+1)
		b.hold(-a.bytes)
	}
	s.forgetLocked()
}

// answerBy returns until when the client has to take more of an answer. Once the session
// has ended there is lingerTimeout, for all that is left of a large one.
func (s *Session) answerBy(a *answer, before time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if b := s.out.backlog; b != nil {
		b.moved = now.Sub(s.srv.born)
	}
	if a == nil || s.state != stateClosed {
		return now.Add(s.srv.opts.WriteTimeout)
	}
	if last := now.Add(lingerTimeout); before.IsZero() || last.Before(before) {
		return last
	}
	return before
}

// endLocked is called with the end of the session, when no message waits any more.
func (b *backlog) endLocked() {
	if b == nil {
		return
	}
	b.wake()
	for _, a := range b.answers {
		_ = a.setDeadline(time.Now().Add(lingerTimeout))
		b.hold(-a.bytes)
	}
}

// forgetLocked ends the account if nothing waits.
func (s *Session) forgetLocked() {
	if s.out.len() == 0 && !s.out.backlog.answering() {
		s.out.backlog = nil
	}
}

// backlogLocked returns the account, which begins now if there is none.
func (s *Session) backlogLocked() *backlog {
	if s.out.backlog == nil {
		b := &backlog{srv: s.srv, moved: time.Since(s.srv.born)}
		for _, m := range s.out.items.All() {
			b.add(m)
		}
		s.out.backlog = b
	}
	return s.out.backlog
}

// graceLocked tells whether more than the bounds may wait: the client has taken
// something within WriteTimeout, or has had nothing to take before. That a client
// of polling does, it shows by a poll. With KeepSlow, what is too much is for the
// sender to know at once.
func (s *Session) graceLocked(packets, bytes int) bool {
	o := &s.srv.opts
	if o.KeepSlow || s.ws == nil && !s.polled || (bytes-1)/Grace >= o.QueueBytes || (packets-1)/Grace >= o.QueuePackets {
		return false
	}
	return time.Since(s.srv.born)-s.backlogLocked().moved <= o.WriteTimeout
}

// tookLocked is called when the client has taken something.
func (s *Session) tookLocked() {
	b := s.out.backlog
	if b == nil {
		return
	}
	b.moved = time.Since(s.srv.born)
	if s.crowdedLocked() {
		return
	}
	b.wake()
	s.forgetLocked()
}

// answering tells whether an answer is being written.
func (b *backlog) answering() bool { return b != nil && len(b.answers) > 0 }

// movedWithin tells whether the client has taken something in the time d before
// now.
func (b *backlog) movedWithin(d, now time.Duration) bool { return b != nil && now-b.moved < d }

func (b *backlog) wake() {
	if b != nil && b.room != nil {
		close(b.room)
		b.room = nil
	}
}

// crowdedLocked tells whether who can wait should: more than half of what is
// bounded waits.
func (s *Session) crowdedLocked() bool {
	o := &s.srv.opts
	return s.out.len() > 0 && (s.out.bytes > o.QueueBytes/2 || s.out.len() > o.QueuePackets/2)
}

// SendSoon sends messages as [Session.Send] does, unless more than half of what QueueBytes
// and QueuePackets allow is waiting already: then it sends nothing, and returns false.
// [Session.Room] tells when to try again.
func (s *Session) SendSoon(first *Message, rest ...*Message) (sent bool, err error) {
	return s.send(first, rest, sendSoon, nil, nil)
}

// Room returns a channel that is closed when another call of [Session.SendSoon] is worth
// a try, or when the session ends. It returns nil if there is nothing to wait for.
func (s *Session) Room() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpen || !s.crowdedLocked() {
		return nil
	}
	b := s.backlogLocked()
	if b.room == nil {
		b.room = make(chan struct{})
	}
	return b.room
}

// alive is called when n bytes of a large message have moved, in either
// direction.
func (s *Session) alive(n int) {
	if s.moved.Load() < lifeBytes { // or it might overflow
		s.moved.Add(int32(min(n, lifeBytes)))
	}
}

// signsOfLife tells whether the peer has shown any since the last call.
func (s *Session) signsOfLife() bool { return s.moved.Swap(0) >= lifeBytes }

// pingFirstLocked puts a ping in front of what takes long, if one would come due
// meanwhile: the client, and we, must not give up for the lack of one.
func (s *Session) pingFirstLocked() {
	o := &s.srv.opts
	if s.out.bytes < longBytes || s.out.off > 0 || s.out.v3 || s.awaitingPong || s.state != stateOpen || s.timer == nil ||
		s.due-time.Since(s.srv.born) > o.PingInterval/2 {
		return
	}
	s.awaitPongLocked()
	s.out.ahead(pingPacket)
}
