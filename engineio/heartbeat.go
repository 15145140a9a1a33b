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
	if s.state == stateOpen && s.awaitingPong {
		s.awaitingPong = false
		s.armLocked(s.srv.opts.PingInterval)
	}
	asked := s.answeredLocked()
	s.mu.Unlock()
	asked.tell(true)
}
