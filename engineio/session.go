package engineio

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siokit/sio/engineio/parser"
	"github.com/siokit/sio/internal/websocket"
)

const (
	// closeTimeout is how long a session may take to deliver what was queued
	// when it was closed. The reference server gives a polling client 30 s.
	closeTimeout = 30 * time.Second
	// shutdownGrace is how long Shutdown waits for the next GET of a polling
	// client. One that is there makes it at once.
	shutdownGrace = 2 * time.Second
	// lingerTimeout is how long a WebSocket waits for the peer's close frame.
	lingerTimeout = 2 * time.Second
)

type state uint8

const (
	stateOpen    state = iota
	stateClosing       // the handler has been told; what is queued still goes out
	stateClosed
)

// A writer is what owns the write side of a WebSocket.
type writer uint8

const (
	writerNone  writer = iota
	writerDue          // the drain, soon; until then everybody queues
	writerTry          // somebody who writes what the kernel takes at once
	writerFlush        // a goroutine that may block
)

// A lastFrame is left to whoever writes when the session ends.
type lastFrame struct {
	frame []byte        // nil: cut the connection
	sent  chan struct{} // to be closed; the reader waits for it
}

// A Session is one Engine.IO connection. It keeps its id and its queue when it
// moves from polling to WebSocket.
type Session struct {
	srv    *Server
	id     string
	remote string
	path   uint64        // of the handshake request, hashed
	opened time.Duration // since srv.born
	value  any           // from the capture function

	nextDue *Session // in its dueList, whose owner's it is

	paused atomic.Int32 // Pause calls without their Resume; far below zero at the end
	moved  atomic.Int32 // bytes of large messages since the last ping, or with LenientHeartbeat any; see alive
	cheap  atomic.Int32 // see CountCheap
	corked atomic.Bool  // answers wait for uncork
	paid   atomic.Int64 // until when what has come may come, evenly, since srv.born

	// recv is held while a packet is handled. A POST and a WebSocket can
	// contend for it while one gives way to the other.
	recv sync.Mutex

	mu           sync.Mutex // protects the following
	handler      Handler    // nil until open has returned
	ending       *ending    // once it is not open
	ws           *wsConn
	probe        *wsConn // a WebSocket that may take over
	poll         *poll   // the pending GET
	out          outbox
	last         *lastFrame
	timer        *time.Timer
	due          time.Duration // of the timer, since srv.born
	asking       *asking       // see Alive
	resume       chan struct{} // closed by the last Resume, and at the end
	state        state
	polled       bool   // there has been a GET since the handshake
	posting      bool   // a POST is being read
	absent       bool   // paused, and no request was there when tick last looked
	writing      writer // nobody else may write to ws
	listed       bool   // in a dueList; when its turn comes, somebody else may have written
	secure       bool   // of the handshake request, and never changed: it came over TLS
	cross        bool   // likewise: it had an Origin
	awaitingPong bool   // or, in revision 3, a ping
	dismissed    bool   // it has been closed for a client that is not to come back
	extended     bool   // once, since the ping, by a packet that is no pong
	half         bool   // of PingTimeout has passed; in revision 3
	pings        uint8  // not answered, as far as is known
}

// ID returns the session's id: 20 unguessable characters. It is a credential:
// whoever knows it can act for the client. For logs there is LogID.
func (s *Session) ID() string { return s.id }

// LogID returns the part of the session's id that stands in logs and tells
// sessions apart: its first 8 characters. The 12 that follow stay unguessable.
func (s *Session) LogID() string { return s.id[:loggedLen] }

const loggedLen = 8

// abandon tells the captured value of a session that does not come to be.
func (s *Session) abandon() {
	if v, ok := s.value.(interface{ Abandon() }); ok {
		v.Abandon()
	}
}

// RemoteAddr returns the peer's address as the handshake request had it.
func (s *Session) RemoteAddr() string { return s.remote }

// Opened returns when the handshake request came.
func (s *Session) Opened() time.Time { return s.srv.born.Add(s.opened) }

// Secure tells whether the handshake request came over TLS.
func (s *Session) Secure() bool { return s.secure }

// CrossDomain tells whether the handshake request had an Origin.
func (s *Session) CrossDomain() bool { return s.cross }

// Value returns what the capture function of [Server.Serve] returned.
func (s *Session) Value() any { return s.value }

// Transport returns the transport in use: "polling" or "websocket".
func (s *Session) Transport() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ws != nil {
		return TransportWebSocket
	}
	return TransportPolling
}

// Close ends the session with "forced close" once what is queued has gone out. It
// does not block. The official clients come back by themselves: a WebSocket is
// closed with 1012, and behind the close packet of a poll there is what makes
// Python's do so.
func (s *Session) Close() { s.shut(ReasonForcedClose, nil) }

// Dismiss is Close for a client that has been told not to come back: it gets an empty
// close frame, or a close packet, as from the reference server.
func (s *Session) Dismiss() {
	s.mu.Lock()
	s.dismissed = true
	s.mu.Unlock()
	s.shut(ReasonForcedClose, nil)
}

// CloseWith is Close for a peer that has sent what the caller can't accept.
// Cause returns why.
func (s *Session) CloseWith(why error) { s.shut(ReasonForcedClose, why) }

// Abort ends the session at once, without what is queued.
func (s *Session) Abort(reason Reason) { s.end(reason, emptyClose) }

// Pause stops the reading from the peer, behind the message that is being
// handled, until Resume has been called as often. A paused peer is not taken
// for dead. Neither blocks.
func (s *Session) Pause() { s.paused.Add(1) }

// Resume takes one Pause back.
func (s *Session) Resume() {
	s.mu.Lock() // before the count changes: tick must not see one without the other
	defer s.mu.Unlock()
	if s.paused.Add(-1) > 0 {
		return
	}
	if s.state == stateOpen && s.awaitingPong {
		s.armLocked(s.srv.opts.PingTimeout) // its pong may wait among what was not read
		s.half = true
	}
	s.asking.againLocked(time.Since(s.srv.born))
	s.wakeReaderLocked()
}

func (s *Session) wakeReaderLocked() {
	if s.resume != nil {
		close(s.resume)
		s.resume = nil
	}
	if s.ws != nil {
		s.ws.unmute()
	}
}

// waitResumed waits while the session is paused and open. It reports false if
// done came first.
func (s *Session) waitResumed(done <-chan struct{}) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.paused.Load() > 0 && s.state == stateOpen {
		if s.resume == nil {
			s.resume = make(chan struct{})
		}
		resume := s.resume
		s.mu.Unlock()
		select {
		case <-resume:
		case <-done:
			s.mu.Lock()
			return false
		}
		s.mu.Lock()
	}
	return true
}

func (s *Session) isOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == stateOpen
}

// arrived takes note of a packet. It reports false if the session has ended. A
// pong may be late once for each ping if something else has come since, as with
// the reference server: it can be behind what is large.
func (s *Session) arrived(t parser.PacketType) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.awaitingPong && !s.extended && !s.out.v3 && t != parser.TypePong && s.state == stateOpen {
		s.extended = true
		s.armLocked(s.srv.opts.PingTimeout)
	}
	return s.state == stateOpen
}

// receive handles one packet from the transport in use.
func (s *Session) receive(p parser.Packet) {
	s.recv.Lock()
	defer s.recv.Unlock()
	if !s.arrived(p.Type) {
		return
	}
	s.srv.log.Debug().Str("sid", s.LogID()).Str("type", string(rune(p.Type))).Int("bytes", len(p.Data)).Msg("packet received")
	switch p.Type {
	case parser.TypeMessage:
		s.handler.Message(p.Data, p.Binary)
	case parser.TypePong, parser.TypePing:
		switch {
		case (p.Type == parser.TypePing) != s.out.v3: // it is the other side that pings
			s.fail(ReasonTransportError, errPing, emptyClose)
		case s.out.v3:
			s.ping(p.Data)
		default:
			s.pong()
		}
	case parser.TypeClose:
		s.endWith(endingOf(ReasonTransportClose, nil), emptyClose, parser.TypeNoop)
	}
}

// shut ends the session once what is queued has gone out.
func (s *Session) shut(reason Reason, cause error) {
	s.mu.Lock()
	if s.state != stateOpen {
		if s.state == stateClosing && reason == ReasonShutdown {
			s.armLocked(s.patienceLocked())
		}
		s.mu.Unlock()
		return
	}
	s.state = stateClosing
	s.paused.Store(math.MinInt32 / 2)
	e := endingOf(reason, cause)
	s.ending = e
	h := s.handler
	idle := s.out.len() == 0 && s.writing == writerNone && (s.ws != nil || s.poll != nil)
	if s.timer != nil {
		s.armLocked(min(s.patienceLocked(), s.leftLocked()))
	}
	if s.poll != nil && !idle {
		s.poll.signal()
	}
	s.out.backlog.wake()
	s.wakeReaderLocked()
	asked := s.askedLocked()
	s.mu.Unlock()
	s.ended(h, e)
	asked.tell(false)
	if idle {
		s.end(reason, emptyClose)
	}
}

// patienceLocked is how long a session that is being closed may take to the
// next sign of its client.
func (s *Session) patienceLocked() time.Duration {
	if s.srv.closing.Load() && s.ws == nil {
		return shutdownGrace
	}
	return closeTimeout
}

// leftLocked is how long it takes until a client of which there is no sign would have
// been given up without being closed.
func (s *Session) leftLocked() time.Duration {
	if s.ws != nil || s.poll != nil || s.posting {
		return closeTimeout
	}
	left := s.due - time.Since(s.srv.born)
	switch {
	case !s.awaitingPong:
		left += s.srv.opts.PingTimeout
	case s.out.v3 && !s.half:
		left += s.srv.opts.PingTimeout / 2
	}
	return left
}

// end ends the session now. A WebSocket gets closeFrame, or is cut if it is
// nil; a pending GET gets a close packet.
func (s *Session) end(reason Reason, closeFrame []byte) {
	s.fail(reason, nil, closeFrame)
}

// fail is end for an error that the transport knows.
func (s *Session) fail(reason Reason, cause error, closeFrame []byte) {
	s.endWith(endingOf(reason, cause), closeFrame, parser.TypeClose)
}

// malformed is fail for what parser could not decode.
func (s *Session) malformed(err error) {
	rule, _ := err.(parser.Error)
	s.fail(ReasonParseError, ProtocolError(rule), emptyClose)
}

func (s *Session) endWith(e *ending, closeFrame []byte, answer parser.PacketType) {
	s.uncork() // it came first
	s.mu.Lock()
	if s.state == stateClosed {
		s.mu.Unlock()
		return
	}
	first := s.state == stateOpen
	s.state = stateClosed
	s.paused.Store(math.MinInt32 / 2)
	h := s.handler
	if first {
		s.ending = e
	}
	w, probe, probeFrame := s.ws, s.probe, closeFrame
	if closeFrame != nil && answer == parser.TypeClose && e.reason == s.ending.reason && s.welcomeLocked() {
		closeFrame = restartClose
	}
	var busy *wsConn // with a write that blocks, which need not mean that the peer is slow
	switch {
	case w == nil:
	case s.writing == writerTry:
		s.last = &lastFrame{closeFrame, w.sending()}
		w = nil
	case s.writing == writerFlush && closeFrame != nil:
		s.last = w.lastly(closeFrame)
		w, busy = nil, w
	}
	ready := probe != nil && probe.ready // or else its handshake is being answered, and cut then
	s.probe = nil
	s.releasePollLocked(answer)
	if s.timer != nil {
		s.timer.Stop()
	}
	s.out.clear()
	s.out.backlog.endLocked()
	s.out.backlog = nil
	s.wakeReaderLocked()
	asked := s.askedLocked()
	s.mu.Unlock()

	s.srv.sessions.remove(s.id)
	if w != nil {
		w.shut(closeFrame)
	}
	if busy != nil {
		busy.unpark()
	}
	if ready {
		probe.timer.Stop()
		probe.shut(probeFrame)
	}
	if first {
		s.ended(h, e)
	}
	asked.tell(false)
	s.srv.wg.Done()
}

// ended tells the handler. If open has not returned yet there is none, and
// Server.start does it.
func (s *Session) ended(h Handler, e *ending) {
	s.srv.log.Info().Str("sid", s.LogID()).Str("reason", string(e.reason)).AnErr("cause", e.cause).Msg("session closed")
	if h != nil {
		h.Close(e.reason)
	}
}

// start gives the session its handler and its heartbeat.
func (s *Session) start(h Handler) {
	s.mu.Lock()
	s.handler = h
	e := s.ending
	switch {
	case e == nil:
		s.armLocked(s.srv.opts.PingInterval)
	case s.state == stateClosing:
		s.armLocked(s.patienceLocked())
	}
	s.mu.Unlock()
	if e != nil {
		h.Close(e.reason)
	}
}

// welcomeLocked tells whether the session is one that we have ended, and the client
// is to come back.
func (s *Session) welcomeLocked() bool {
	if s.ending == nil {
		return false
	}
	r := s.ending.reason
	return s.ending.cause == nil && !s.dismissed && (r == ReasonForcedClose || r == ReasonShutdown || r == ReasonSlowConsumer)
}

// restartClose (1012, "service restart") ends a WebSocket whose client is to come back.
// From an empty frame, the official C++ client does not, nor, before its ping timeout,
// the Java client.
var restartClose = websocket.CloseFrame(1012)

var emptyClose = websocket.CloseFrame(0)
