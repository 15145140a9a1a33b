package socketio

import "github.com/siokit/sio/engineio"

// From a CONNECT to its answer.

// start begins with the connect handler, unless the connection has ended.
// Size is what the connection holds for it meanwhile.
func (s *Socket) start(size int) {
	s.mu.Lock()
	closed := s.state == stateClosed
	if !closed {
		s.running = true
		s.nsp.srv.wg.Add(1) // under the connection's own
	}
	s.mu.Unlock()
	if closed {
		s.conn.release(size) // without the lock: it may take the session's
		return
	}
	go func() { // ends like serve
		defer s.nsp.srv.crew.start() // goes on behind a turn
		defer s.serve()              // even if a handler ends the goroutine
		s.decide(size)
		if s.Connected() {
			s.changed()
			if s.nsp.greeter != nil {
				s.nsp.greeter.Connected(s)
			}
		}
	}()
}

// decide runs the connect handler and answers the CONNECT, for which the connection
// holds size.
func (s *Socket) decide(size int) {
	defer s.conn.release(size)
	refusal := &Refusal{Message: "no decision"} // if the handler ends the goroutine
	defer func() { s.answer(refusal) }()
	if s.endsEarly() {
		return
	}
	if r := s.nsp.recovery; r != nil && !s.conn.v3() && !r.begin(s) {
		return // it has ended: nobody asks for a decision any more
	}
	if s.endsEarly() {
		return
	}
	refusal = s.nsp.handler.Connect(s)
}

// endsEarly ends the socket if the server shuts down, and reports whether it does: the session
// is about to end, too, and one that is refused would not look for another server.
func (s *Socket) endsEarly() bool {
	if !s.nsp.srv.closing.Load() {
		return false
	}
	s.conn.remove(s, true) // what is under way to it is of no account
	s.close(engineio.ReasonShutdown)
	return true
}

// answer answers the CONNECT. Nil accepts the socket.
func (s *Socket) answer(refusal *Refusal) {
	s.mu.Lock()
	s.auth, s.decided = nil, true
	s.accepted = refusal == nil
	closed := s.state == stateClosed
	s.mu.Unlock()
	if (closed || refusal != nil) && s.rec != nil {
		s.nsp.recovery.giveBack(s) // first, too
		if s.recovered {
			s.nsp.srv.watch.recovered(s, RecoveryRefused)
		}
	}
	switch {
	case closed:
	case refusal != nil:
		if s.close(ReasonServerDisconnect) { // first: the client may try again when it hears
			s.conn.refuse(s.nsp.name, refusal)
		}
	default:
		s.admit()
	}
	s.mu.Lock()
	kick := s.kick
	s.kick = nil
	s.mu.Unlock()
	if kick != nil {
		kick()
	}
}

// admit answers the CONNECT, and sends what was held back behind it, in order:
// what is emitted meanwhile is held back too. The answer and what the connect
// handler emitted go as one: an empty send queue takes that whatever its size.
func (s *Socket) admit() {
	var out []*engineio.Message
	if s.recovered {
		missed, ok := s.nsp.recovery.takeOver(s)
		if !ok {
			s.nsp.srv.watch.recovered(s, RecoveryFailed)
			s.conn.sess.Close() // it comes back by itself, and begins anew
			return
		}
		s.nsp.srv.watch.recovered(s, RecoveryDone)
		s.countMissed(missed)
		out = missed.messages
	}
	s.nsp.local.add(s)
	if !s.conn.admitted(s) {
		return
	}
	s.logged(s.nsp.srv.log.Info()).Msg("socket connected")
	s.told = true
	s.nsp.srv.watch.connected(s)
	e, err := s.encodeConnected()
	if err != nil {
		s.conn.unsayable(err)
		return
	}
	tooMuch := func() {}
	if len(out) > 0 {
		tooMuch = func() { s.nsp.recovery.unsendable(s) }
	}
	if s.rec != nil {
		s.nsp.recovery.answered(s)
	}
	out = append(append(out, e.first), e.rest...)
	for {
		held, left := s.takeHeld()
		if left {
			return
		}
		out = append(out, held...)
		sent, err := s.conn.sess.SendIf(s.connected, out[0], out[1:]...)
		s.conn.must(err, tooMuch) // if it has ended, the socket will hear of it
		if sent || err != nil {
			return
		}
	}
}

// connected is called when what is sent from now on is behind the answer, and
// before the client has that: what is emitted when it has must not be in s.held,
// where a session that closes leaves it. It reports false if there is more to go
// with the answer, or the socket has left.
func (s *Socket) connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateConnecting || len(s.held) > 0 {
		return false
	}
	s.state = stateConnected
	return true
}

func (s *Socket) takeHeld() (held []*engineio.Message, left bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held = s.held
	s.held, s.heldBytes = nil, 0
	return held, s.state == stateClosed
}
