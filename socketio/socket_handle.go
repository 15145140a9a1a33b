package socketio

// From the queue of a socket to its handler.

// startLocked has the handler called unless it is.
func (s *Socket) startLocked() {
	s.wantLocked()
	s.nsp.srv.crew.start()
}

// wantLocked is startLocked once the crew is started.
func (s *Socket) wantLocked() {
	if s.running {
		return
	}
	s.running = true
	s.nsp.srv.wg.Add(1) // under the connection's own; until nothing is left to handle
	s.nsp.srv.crew.push(s)
}

// enqueue has an event handled once the crew is started: who reads messages has
// that done for all of them; see [engineio.Server.AfterMessages]. It reports
// false if the socket has left.
func (s *Socket) enqueue(e *Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateClosed {
		return false
	}
	s.queue.push(e)
	s.wantLocked()
	return true
}

// run handles what is queued. It owns s.running, and returns true if that is more than
// a turn.
func (s *Socket) run() (again bool) {
	for range turnEvents {
		s.mu.Lock()
		e := s.queue.pop()
		closed, accepted := s.state == stateClosed, s.accepted
		kicked := s.reason == ReasonServerDisconnect
		if e == nil && !closed {
			s.running = false
		}
		s.mu.Unlock()
		switch {
		case e != nil && e.size() >= largeEvent:
			s.handleLarge(e, accepted && !kicked)
		case e != nil:
			s.conn.release(e.size())
			if accepted && !kicked { // whom we have thrown out has no say any more
				s.handle(e)
			}
		case closed: // s.running stays: nothing may follow
			s.left = true
			s.leave(accepted)
			return false
		default:
			return false
		}
	}
	return true
}

// handleLarge handles an event that waits for its turn, if it is to be handled.
func (s *Socket) handleLarge(e *Event, wanted bool) {
	size := e.size()
	defer s.conn.sess.Hold(-size)
	if wanted {
		defer s.nsp.srv.gate.enter(size)()
	}
	s.conn.release(size)
	if wanted {
		s.handle(e)
	}
}

func (s *Socket) handle(e *Event) {
	if e.upgrade {
		s.nsp.upgrade.Upgraded(s)
		return
	}
	s.received(e)
	s.nsp.handler.Event(s, e)
}

// leave tells the handler that the socket has left.
func (s *Socket) leave(accepted bool) {
	defer s.nsp.release()
	defer s.conn.release(0) // all this even if a handler ends the goroutine
	r := s.nsp.recovery
	if r != nil {
		defer r.departed(s)
	}
	if accepted {
		defer func() {
			s.logged(s.nsp.srv.log.Info()).Str("reason", string(s.reason)).Msg("socket disconnected")
			if s.told {
				s.nsp.srv.watch.disconnected(s, s.reason)
			}
			s.nsp.handler.Disconnect(s, s.reason)
		}()
	}
	defer s.nsp.local.drop(s)
	if r != nil {
		defer r.vacate(s)
	}
	s.partAll() // if who closes it is not done yet
	if accepted {
		s.nsp.handler.Disconnecting(s, s.reason)
	}
}
