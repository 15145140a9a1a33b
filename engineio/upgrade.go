package engineio

import (
	"net/http"
	"slices"
	"time"

	"github.com/siokit/sio/engineio/parser"
)

// The upgrade: a client opens a WebSocket with the id of its polling session,
// sends a probe, and when that is answered pauses its polling and sends an
// upgrade packet. Until then polling works both ways. Whatever goes wrong
// before ends the new WebSocket only. Some clients send the upgrade packet at once,
// without a probe: .NET's, and small ones on microcontrollers.

var probeAnswer = newPacket(parser.TypePong, []byte("probe"))

// canUpgrade tells whether the client of r can have a WebSocket. If r came over HTTP/2,
// whose connections can't be taken over, a browser opens one over HTTP/1.1 beside, where
// the HTTP server takes that. If it does not, the log says why, once.
func (s *Server) canUpgrade(w http.ResponseWriter, r *http.Request) bool {
	var why string
	switch {
	case r.ProtoMajor == 1 && canHijack(w):
		return true
	case r.ProtoMajor == 1:
		why = "the connection can't be taken over: http.TimeoutHandler, or a writer without Unwrap, is in front"
	default:
		hs, known := r.Context().Value(http.ServerContextKey).(*http.Server)
		if known && (hs.Protocols == nil || hs.Protocols.HTTP1()) && hasDeadlines(w) {
			return true
		}
		why = "the request came over " + r.Proto + ", and no HTTP/1.1 is known to be served beside"
	}
	s.noUpgrades.Do(func() {
		s.log.Warn().Str("why", why).Msg("clients stay with polling")
	})
	return false
}

// An attempt is what a WebSocket knows while it probes.
type attempt struct {
	began time.Duration // when its handshake was checked, since srv.born

	// Of the reader.
	asked bool     // the probe, since it was last answered
	pong  *Message // the answer to a ping
}

// tried tells observers how an attempt has ended. Whoever takes the WebSocket out of
// Session.probe calls it.
func (w *wsConn) tried(outcome UpgradeOutcome) {
	w.srv.watch.upgraded(w.sess, outcome, time.Since(w.srv.born)-w.try.began)
}

// startProbe makes c the one WebSocket that may take its session over, and
// then answers its handshake.
func (s *Server) startProbe(c *wsConn, answer, early []byte, base64 bool) {
	sess := c.sess
	c.try = &attempt{began: time.Since(s.born)}
	sess.mu.Lock()
	accepted := sess.state != stateClosed && sess.ws == nil && sess.probe == nil
	if accepted {
		sess.probe = c
	}
	sess.mu.Unlock()
	err := c.write(answer)

	sess.mu.Lock()
	if err != nil || sess.state == stateClosed {
		failed := sess.probe == c
		if failed {
			sess.probe = nil
		}
		sess.mu.Unlock()
		switch {
		case failed:
			c.tried(UpgradeFailed)
		case !accepted:
			c.tried(UpgradeRefused)
		}
		_ = c.conn.Close()
		return
	}
	if accepted {
		sess.out.base64 = sess.out.base64 || base64
		sess.out.deflate = c.compression()
		c.ready = true
		c.timer = time.AfterFunc(s.opts.UpgradeTimeout, func() { c.dropProbe(emptyClose, UpgradeTimeout) })
	}
	s.wg.Add(1) // the session still holds its own
	sess.mu.Unlock()
	if !accepted {
		c.tried(UpgradeRefused)
		c.shut(emptyClose)
	}
	go c.read(early)
}

// onProbe takes a message on a WebSocket that has not taken over yet.
func (w *wsConn) onProbe(data []byte, binary bool) error {
	switch {
	case binary:
	case string(data) == "2probe":
		w.sess.CountCheap()
		w.try.asked = true
		return nil
	case string(data) == "5":
		w.answerPending()
		if w.takeOver() {
			return nil
		}
	}
	w.dropProbe(emptyClose, UpgradeFailed)
	return nil
}

// answerPending answers what has come over a probing connection, the last ping and
// the last probe. When that is answered it releases the pending GET: the client waits
// for it before it sends the upgrade packet.
func (w *wsConn) answerPending() {
	var answer []byte
	packets := 0
	if w.try.pong != nil {
		answer = w.try.pong.frame
		packets++
	}
	asked := w.try.asked
	if asked {
		answer = append(answer, probeAnswer.frame...)
		packets++
	}
	w.try.pong, w.try.asked = nil, false
	if len(answer) == 0 {
		return
	}
	if err := w.write(answer); err != nil {
		w.dropProbe(nil, UpgradeFailed)
		return
	}
	w.sess.countWebSocketOut(packets, len(answer))
	if !asked {
		return
	}
	s := w.sess
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probe != w {
		return
	}
	w.answered = true
	if s.poll != nil {
		s.poll.noop = true
		s.wakePollLocked(nil)
	}
}

// takeOver makes the WebSocket its session's transport. What is queued follows
// at once.
func (w *wsConn) takeOver() bool {
	s := w.sess
	s.mu.Lock()
	if s.out.deflate != nil && s.out.len() > 0 { // what has been queued before the probe
		queued := slices.Clone(s.out.items.All())
		s.deflateLocked(queued[0], queued[1:])
	}
	if s.probe != w || s.state == stateClosed {
		s.mu.Unlock()
		return false
	}
	w.timer.Stop()
	w.probing = false
	s.probe = nil
	_ = w.conn.SetWriteDeadline(time.Time{}) // of the probe's answer
	w.own()
	s.ws = w
	s.releasePollLocked(parser.TypeNoop)
	switch {
	case s.out.len() > 0:
		s.writing = writerTry
		s.writeLocked(w)
	default:
		s.drainedLocked()
	}
	s.logged(s.srv.log.Info()).Str("transport", TransportWebSocket).Msg("session upgraded")
	w.tried(UpgradeDone)
	w.try = nil
	s.upgraded()
	return true
}

// upgraded tells a handler that wants to know, in front of what comes over the
// new transport.
func (s *Session) upgraded() {
	s.recv.Lock()
	defer s.recv.Unlock()
	s.mu.Lock()
	h, open := s.handler, s.state == stateOpen
	s.mu.Unlock()
	if u, ok := h.(UpgradeHandler); ok && open {
		u.Upgraded()
	}
}

// dropProbe ends the WebSocket, and leaves its session where it was.
func (w *wsConn) dropProbe(frame []byte, outcome UpgradeOutcome) {
	s := w.sess
	s.mu.Lock()
	if s.ws == w { // it has taken over, at the last moment
		s.mu.Unlock()
		return
	}
	ours := s.probe == w
	if ours {
		s.probe = nil
		s.out.deflate = nil
	}
	s.mu.Unlock()
	if ours {
		w.tried(outcome)
	}
	if w.timer != nil {
		w.timer.Stop()
	}
	w.shut(frame)
}
