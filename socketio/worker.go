package socketio

import (
	"github.com/siokit/sio/engineio"
)

// The handler of a socket runs on a goroutine that is started when there is
// something to tell it and ends when there is nothing more. The first thing is
// always the CONNECT, the last that the socket has left.

// start begins with the connect handler, unless the connection has ended.
// Size is what the connection holds for it meanwhile.
func (s *Socket) start(size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateClosed {
		s.conn.release(size)
		return
	}
	s.running = true
	s.nsp.srv.wg.Add(1) // under the connection's own
	go func() {         // ends like run
		defer s.nsp.srv.wg.Done()
		s.decide()
		s.conn.release(size)
		s.run()
	}()
}

// startLocked starts the goroutine unless it runs.
func (s *Socket) startLocked() {
	if s.running {
		return
	}
	s.running = true
	s.nsp.srv.wg.Add(1) // under the connection's own
	go func() {         // ends when nothing is left to handle
		defer s.nsp.srv.wg.Done()
		s.run()
	}()
}

// enqueue reports false if the socket has left.
func (s *Socket) enqueue(e *Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateClosed {
		return false
	}
	s.queue.Push(e)
	s.startLocked()
	return true
}

// run handles what is queued. It owns s.running.
func (s *Socket) run() {
	for {
		s.mu.Lock()
		closed, accepted := s.state == stateClosed, s.accepted
		kicked := s.reason == ReasonServerDisconnect
		if s.queue.Len() == 0 && !closed {
			s.running = false
			s.mu.Unlock()
			return
		}
		if s.queue.Len() == 0 {
			s.mu.Unlock() // s.running stays: nothing may follow
			s.leave(accepted)
			return
		}
		e := s.queue.Pop()
		s.mu.Unlock()
		s.conn.release(e.size())
		if accepted && !kicked { // whom we have thrown out has no say any more
			s.nsp.handler.Event(s, e)
		}
	}
}

// leave tells the handler that the socket has left.
func (s *Socket) leave(accepted bool) {
	if accepted {
		s.nsp.handler.Disconnecting(s, s.reason)
	}
	s.nsp.local.removeAll(s)
	defer s.conn.release(0)
	if accepted {
		s.nsp.srv.log.Info().Str("sid", s.conn.sess.ID()).Str("nsp", s.nsp.name).Str("socket", s.id).Str("reason", string(s.reason)).Msg("socket disconnected")
		s.nsp.handler.Disconnect(s, s.reason)
	}
}

// decide runs the connect handler and answers the CONNECT.
func (s *Socket) decide() {
	refusal := s.nsp.handler.Connect(s)
	s.mu.Lock()
	s.auth, s.decided = nil, true
	s.accepted = refusal == nil
	closed := s.state == stateClosed
	s.mu.Unlock()
	switch {
	case closed:
	case refusal != nil:
		s.close(ReasonServerDisconnect) // first: the client may try again when it hears
		s.conn.refuse(s.nsp.name, refusal)
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
	s.nsp.local.add(s)
	if !s.conn.admitted(s) {
		return
	}
	s.nsp.srv.log.Info().Str("sid", s.conn.sess.ID()).Str("nsp", s.nsp.name).Str("socket", s.id).Msg("socket connected")
	answer := AppendHeader(nil, TypeConnect, 0, s.nsp.name, 0, false)
	answer = append(answer, `{"sid":"`...)
	answer = append(answer, s.id...) // base64url: nothing to escape
	answer = append(answer, `"}`...)
	out := []*engineio.Message{engineio.NewMessage(answer)}
	s.mu.Lock()
	out = append(out, s.held...)
	for len(out) > 0 {
		s.held, s.heldBytes = nil, 0
		s.mu.Unlock()
		s.conn.control(out[0], out[1:]...) // if it has ended, the socket will hear of it
		s.mu.Lock()
		out = s.held
	}
	if s.state == stateConnecting {
		s.state = stateConnected
	}
	s.mu.Unlock()
}
