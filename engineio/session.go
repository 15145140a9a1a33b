package engineio

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio/parser"
	"github.com/siokit/sio/internal/logline"
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

// What a Session wants.
const (
	wantsUncork  uint32 = 1 << iota // answers wait for it
	wantsSettled                    // see WantSettled
)

// A Session is one Engine.IO connection. It keeps its id and its queue when it
// moves from polling to WebSocket. Its methods may be called by any goroutine.
type Session struct {
	srv    *Server
	id     string
	remote string
	path   uint64        // of the handshake request, hashed
	opened time.Duration // since srv.born
	value  any           // from the capture function

	nextDue *Session // in its dueList, whose owner's it is

	paused atomic.Int32  // Pause calls without their Resume; far below zero at the end
	moved  atomic.Int32  // bytes of large messages since the last ping, or with LenientHeartbeat any; see alive
	cheap  atomic.Int32  // see CountCheap
	wants  atomic.Uint32 // what is to be done when what has come together has been handled
	paid   atomic.Int64  // until when what has come may come, evenly, since srv.born

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
	pinged       time.Duration // when the pong that is awaited was asked for, since srv.born
	asking       *asking       // see Alive
	resume       chan struct{} // closed by the last Resume, and at the end
	relayed      uint64        // the last GET, hashed, if it came by another server
	state        state
	polled       bool   // there has been a GET since the handshake
	posting      bool   // a POST is being read
	oversized    bool   // likewise: it is too large
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
	owned        bool   // see Owned; protected by recv
}

// ID returns the session's id: 20 characters that can't be guessed. It is a credential:
// whoever knows it can act for the client. Logs should have [Session.LogID].
func (s *Session) ID() string { return s.id }

// LogID returns the first 8 characters of the session's id, which tell sessions apart in
// logs. The 12 that follow still can't be guessed.
func (s *Session) LogID() string { return s.id[:loggedLen] }

// LogAddr returns [Session.RemoteAddr] as logs should have it: middlewares may have taken
// it from a header, which can be anything.
func (s *Session) LogAddr() string { return logline.Text(s.remote, logline.AddrLimit) }

const loggedLen = 8

// logged adds to a line of the log whom it is about.
func (s *Session) logged(line *zerolog.Event) *zerolog.Event {
	if line == nil { // below the logger's level
		return nil
	}
	return line.Str("sid", s.LogID()).Str("addr", s.LogAddr())
}

// RemoteAddr returns the RemoteAddr of the handshake request.
func (s *Session) RemoteAddr() string { return s.remote }

// Opened returns the time of the handshake request.
func (s *Session) Opened() time.Time { return s.srv.born.Add(s.opened) }

// Secure tells whether the handshake request came over TLS.
func (s *Session) Secure() bool { return s.secure }

// CrossDomain tells whether the handshake request had an Origin.
func (s *Session) CrossDomain() bool { return s.cross }

// Value returns what the capture function of [Server.Serve] has returned, or nil.
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

// Pause stops the handling of what the peer sends, behind the message that is being
// handled, until Resume has been called as often as Pause. Nothing more is read
// meanwhile, and the missing pongs do not end the session. It does not block.
func (s *Session) Pause() { s.paused.Add(1) }

// Resume takes one call of Pause back. It does not block.
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

// Owned tells a [Handler], while its Message is called, that it may keep data: the message
// lies in memory of its own, as large ones over WebSocket do. Elsewhere the result means
// nothing.
func (s *Session) Owned() bool { return s.owned }

// receive handles one packet from the transport in use, which lies in memory of its own or
// not.
func (s *Session) receive(p parser.Packet, owned bool) {
	s.recv.Lock()
	defer s.recv.Unlock()
	if !s.arrived(p.Type) {
		return
	}
	s.srv.log.Debug().Str("sid", s.LogID()).Str("type", string(rune(p.Type))).Int("bytes", len(p.Data)).Msg("packet received")
	switch p.Type {
	case parser.TypeMessage:
		s.owned = owned
		s.handler.Message(p.Data, p.Binary)
		s.owned = false
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
