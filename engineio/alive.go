package engineio

import "time"

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

// Alive sends a ping, and calls f once: with true when that has been answered,
// with false when it has not been within patience, or the session has ended. What
// is heard otherwise does not count, since it may have been under way when the
// connection broke. Over polling an answer takes the next GET and a POST.
//
// A session that is paused when the time is over counts as alive, because its
// answer would not be read, and one that is resumed before has as much time again. So
// does, at once, one of revision 3, where only the client pings. Who asks while
// an answer is awaited shares it, whatever its own patience. The heartbeat goes
// on as ever.
//
// It does not block. Nor may f, which is called by a goroutine that others wait
// for, perhaps before Alive returns.
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

// Unanswered tells whether a ping has not been answered, or the session has ended. Who
// has heard from Alive that nobody is there hears so if somebody has answered since.
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
