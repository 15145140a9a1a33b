package engineio

import (
	"math"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio/parser"
	"github.com/siokit/sio/internal/logline"
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

// A lastFrame is left to whoever writes when the session ends.
type lastFrame struct {
	frame []byte        // nil: cut the connection
	sent  chan struct{} // to be closed; the reader waits for it
}

// Close ends the session with "forced close" once what is queued has been sent. It does
// not block. The official clients then connect again by themselves: a WebSocket is
// closed with code 1012, and a close packet over polling is followed by what makes the
// Python client do so.
func (s *Session) Close() { s.shut(ReasonForcedClose, nil) }

// Dismiss ends the session as [Session.Close] does, for a client that has been told not to
// connect again: it gets an empty close frame, or a close packet alone, as from the
// reference server.
func (s *Session) Dismiss() {
	s.mu.Lock()
	s.dismissed = true
	s.mu.Unlock()
	s.shut(ReasonForcedClose, nil)
}

// CloseWith ends the session as [Session.Close] does, because the peer has sent what the
// caller can't accept. [Session.Cause] returns why.
func (s *Session) CloseWith(why error) { s.shut(ReasonForcedClose, why) }

// Abort ends the session at once, with that reason. What is queued is lost. It does not
// block.
func (s *Session) Abort(reason Reason) { s.end(reason, emptyClose) }

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
	if !idle {
		s.wakePollLocked(nil)
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
		busy.wakeIdle()
	}
	if probe != nil {
		probe.tried(UpgradeOutlived)
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
	s.logEnd(e)
	if h != nil {
		h.Close(e.reason)
		s.srv.watch.closed(s, e.reason)
	}
}

// logEnd logs the end of the session: as a warning if somebody has to know, be it that the
// client breaks the protocol or that a limit is in its way.
func (s *Session) logEnd(e *ending) {
	var line *zerolog.Event
	needs, faulty := e.fault()
	if faulty {
		line = s.srv.log.Sparse(zerolog.WarnLevel, s.remote, "closed", string(e.reason), needs)
	} else {
		line = s.srv.log.Info()
	}
	if line == nil {
		return
	}
	s.logged(line).Str("reason", string(e.reason)).AnErr("cause", logline.Error(e.cause)) // a Parser's may quote what has come
	if needs != "" {
		line.Str("needs", needs)
	}
	line.Msg("session closed")
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
