package engineio

import (
	"time"

	"github.com/siokit/sio/engineio/parser"
)

var pingPacket = newPacket(parser.TypePing, nil)

// tick is the session's only timer: the time to ping, the end of waiting for a
// pong, or the end of a slow close. One time.Timer for each session is 154
// bytes, and exact; a wheel would save these and be late by its slot.
func (s *Session) tick() {
	s.mu.Lock()
	lively := false
	if s.awaitingPong && time.Since(s.srv.born) >= s.due {
		lively = s.signsOfLife()
	}
	switch {
	case s.state == stateClosed, time.Since(s.srv.born) < s.due: // armed anew while we came
		s.mu.Unlock()
	case s.state == stateClosing && (s.ws != nil || s.out.backlog.answering()) && s.out.backlog.movedWithin(closeTimeout, s.due):
		s.armLocked(s.patienceLocked())
		s.mu.Unlock()
	case s.state == stateClosing:
		s.mu.Unlock()
		s.end(s.ending.reason, nil)
	case s.out.v3:
		s.tickV3(lively)
	case !s.awaitingPong:
		s.awaitPongLocked()
		s.mu.Unlock()
		s.sendControl(pingPacket, nil)
	case lively || s.paused.Load() > 0:
		// Ping on: it keeps the peer from giving us up, and shows us one that
		// has gone.
		s.armLocked(s.srv.opts.PingTimeout)
		reading := s.ws != nil || s.poll != nil
		there := reading || s.posting || lively // or its answer is on its way
		gone := s.absent && !there
		s.absent = !there
		if reading {
			s.pingedLocked()
		}
		s.mu.Unlock()
		switch {
		case gone:
			s.end(ReasonPingTimeout, emptyClose)
		case reading:
			s.sendControl(pingPacket, nil)
		}
	default:
		s.mu.Unlock()
		s.end(ReasonPingTimeout, emptyClose)
	}
}

// awaitPongLocked is called when a ping is about to be sent.
func (s *Session) awaitPongLocked() {
	s.awaitingPong, s.extended = true, false
	s.pings = 0 // not every client answers each
	s.pingedLocked()
	s.moved.Store(0)
	s.armLocked(s.srv.opts.PingTimeout)
	s.pinged = s.due - s.srv.opts.PingTimeout
}

func (s *Session) armLocked(d time.Duration) {
	s.due = time.Since(s.srv.born) + d
	if s.timer == nil {
		s.timer = time.AfterFunc(d, s.tick)
		return
	}
	s.timer.Reset(d)
}

// pong postpones the next ping, if there was a ping to answer.
func (s *Session) pong() {
	s.mu.Lock()
	awaited, took := s.state == stateOpen && s.awaitingPong, time.Duration(0)
	if awaited {
		s.awaitingPong = false
		s.armLocked(s.srv.opts.PingInterval)
		took = s.due - s.srv.opts.PingInterval - s.pinged
	}
	asked := s.answeredLocked()
	s.mu.Unlock()
	asked.tell(true)
	if awaited {
		s.srv.watch.answered(s, took)
	}
}

// An asking waits for the answer to a ping. Its fields are protected by the
// session's mu.
type asking struct {
	earlier  uint8         // pings whose answers come first
	patience time.Duration // 0 once it has begun anew
	due      time.Duration // since srv.born
	timer    *time.Timer
	told     []func(alive bool) // as many as asked meanwhile
}

func (a *asking) tell(alive bool) {
	if a == nil {
		return
	}
	a.timer.Stop()
	for _, f := range a.told {
		f(alive)
	}
}

// Alive sends a ping, and calls f once: with true when the ping has been answered, with
// false if it has not been within patience, or the session has ended. Other packets do
// not count, since they may have been under way when the connection broke. Over polling
// an answer takes the next GET and a POST.
//
// A session that is paused when the time is over counts as alive, because its answer
// would not be read. One that is resumed before has as much time again. A session of
// revision 3, where only the client pings, counts as alive at once. A call while another
// one waits for its answer shares that, and its patience. The heartbeat is not affected.
//
// Alive does not block, and f must not: it is called by a goroutine that others wait for,
// perhaps before Alive returns.
func (s *Session) Alive(patience time.Duration, f func(alive bool)) {
	s.mu.Lock()
	open := s.state == stateOpen
	switch a := s.asking; {
	case !open || s.out.v3:
		s.mu.Unlock()
		f(open)
	case a != nil:
		a.told = append(a.told, f)
		s.mu.Unlock()
	default:
		a = &asking{earlier: s.pings, patience: patience, told: []func(bool){f}}
		a.due = time.Since(s.srv.born) + patience
		a.timer = time.AfterFunc(patience, func() { s.silent(a) })
		s.asking = a
		s.pingedLocked()
		s.mu.Unlock()
		s.sendControl(pingPacket, nil)
	}
}

// Unanswered tells whether a ping has not been answered yet, or the session has ended.
// After [Session.Alive] has said that nobody is there, it shows whether the client has
// answered since.
func (s *Session) Unanswered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pings > 0 || s.state != stateOpen
}

// pingedLocked counts a ping that is sent.
func (s *Session) pingedLocked() { s.pings = max(s.pings, s.pings+1) }

// answeredLocked takes a pong. It returns who has waited for that one.
func (s *Session) answeredLocked() *asking {
	s.pings = min(s.pings, s.pings-1)
	a := s.asking
	switch {
	case a == nil:
	case a.earlier > 0:
		a.earlier--
	default:
		return s.askedLocked()
	}
	return nil
}

// askedLocked returns who waits for an answer, to be told without the lock.
func (s *Session) askedLocked() *asking {
	a := s.asking
	s.asking = nil
	return a
}

// againLocked is called when a session is read again: its answer may be among
// what was not.
func (a *asking) againLocked(now time.Duration) {
	if a != nil && a.patience > 0 {
		a.due = now + a.patience
		a.timer.Reset(a.patience)
		a.patience = 0
	}
}

func (s *Session) silent(a *asking) {
	s.mu.Lock()
	if s.asking != a || time.Since(s.srv.born) < a.due { // begun anew while we came
		s.mu.Unlock()
		return
	}
	s.asking = nil
	paused := s.paused.Load() > 0
	s.mu.Unlock()
	a.tell(paused)
}
