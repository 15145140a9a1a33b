package socketio

import (
	"runtime"
	"sync"

	"github.com/siokit/sio/engineio"
)

// The handler of a socket is called by a goroutine while there is something to
// tell it. The first thing is always the CONNECT, the last that the socket has
// left.

// A crew is the goroutines that call handlers. One of them takes socket after
// socket; it does not matter if its handler blocks, since whenever a socket waits
// there is another one on its way. So there are as many as handlers block, and a
// few more, which end when there is nothing to do.
type crew struct {
	work func() // made once: go with a method would allocate

	mu          sync.Mutex // protects the following
	first, last *Socket
	coming      bool // a goroutine has been started and has not looked yet
}

// push adds a socket. It is not served before start is called.
func (c *crew) push(s *Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first == nil {
		c.first = s
	} else {
		c.last.next = s
	}
	c.last = s
}

func (c *crew) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moreLocked()
}

// moreLocked has another goroutine come if a socket waits.
func (c *crew) moreLocked() {
	if c.first != nil && !c.coming {
		c.coming = true
		go c.work() // ends when no socket waits; Server.wg counts the sockets
	}
}

func (c *crew) run() {
	for s := c.pop(true); s != nil; s = c.pop(false) {
		if s.serve() {
			runtime.Gosched() // who reads and writes has its turn, too
		}
	}
}

// turnEvents is how many events of a socket are handled before others get their turn.
const turnEvents = 16

// serve handles what is queued, a turn of it, and tells whether there may be more. If a handler ends the goroutine, as FailNow does
// in a test, another one goes on.
func (s *Socket) serve() (again bool) {
	defer s.nsp.srv.wg.Done()
	returned := false
	defer func() {
		if !returned && !s.left {
			s.nsp.srv.wg.Add(1)
			s.nsp.srv.crew.push(s)
			s.nsp.srv.crew.start()
		}
	}()
	if again = s.run(); again {
		s.nsp.srv.wg.Add(1)
		s.nsp.srv.crew.push(s) // behind the others; who has called goes on with them
	}
	returned = true
	return again
}

// pop returns the next socket, or nil.
func (c *crew) pop(came bool) *Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	if came {
		c.coming = false
	}
	s := c.first
	if s != nil {
		c.first, s.next = s.next, nil
	}
	c.moreLocked()
	return s
}

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
		if s.nsp.greeter != nil && s.Connected() {
			s.nsp.greeter.Connected(s)
		}
	}()
}

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
			s.nsp.srv.log.Info().Str("sid", s.conn.sess.LogID()).Str("nsp", loggable(s.nsp.name)).Str("socket", s.LogID()).Str("reason", string(s.reason)).Msg("socket disconnected")
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

// decide runs the connect handler and answers the CONNECT, for which the connection
// holds size.
func (s *Socket) decide(size int) {
	defer s.conn.release(size)
	refusal := &Refusal{Message: "no decision"} // if the handler ends the goroutine
	defer func() { s.answer(refusal) }()
	if r := s.nsp.recovery; r != nil && !s.conn.v3() && !r.begin(s) {
		return // it has ended: nobody asks for a decision any more
	}
	refusal = s.nsp.handler.Connect(s)
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
		var ok bool
		if out, ok = s.nsp.recovery.takeOver(s); !ok {
			s.conn.sess.Close() // it comes back by itself, and begins anew
			return
		}
	}
	s.nsp.local.add(s)
	if !s.conn.admitted(s) {
		return
	}
	s.nsp.srv.log.Info().Str("sid", s.conn.sess.LogID()).Str("nsp", loggable(s.nsp.name)).Str("socket", s.LogID()).Msg("socket connected")
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
