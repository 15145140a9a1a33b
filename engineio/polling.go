package engineio

import (
	"bytes"
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/siokit/sio/engineio/parser"
)

const (
	// noopInterval is how often a GET is released while a client has its
	// answer to the probe and must not be left waiting.
	noopInterval = 100 * time.Millisecond
)

// A poll is a GET that waits for packets. Its fields but wake are protected by
// the session's mu.
type poll struct {
	wake  chan struct{}     // holds one signal, for the goroutine that waits; or nil
	web   *webConn          // where it is to be answered, if no goroutine waits
	rules *webRules         // with web
	timer *time.Timer       // likewise: releases it
	final parser.PacketType // the answer, if the session or the polling has ended
	noop  bool              // release it, packets or none
	plain bool              // the answer is not to be compressed
	many  bool              // the answer may have any number of packets
	taken uint32            // packets of the queue that the answer has
}

// closePayload ends a session that was closed while no GET was pending.
var closePayload = []byte{byte(parser.TypeNoop), parser.Separator, byte(parser.TypeClose)}

// returnPayload is closePayload for a client that is to come back: one packet more
// than the official Python client takes. That is a reason for it to come back, and a
// close packet is none. To others the rest means nothing.
var returnPayload = []byte("6\x1e1" + strings.Repeat("\x1e6", 15))

// farewellLocked is the last answer to a GET of a session that is closed.
func (s *Session) farewellLocked() []byte {
	if !s.out.v3 && s.welcomeLocked() {
		return returnPayload
	}
	return s.out.closePayload()
}

// wakePollLocked has the pending GET answered, if there is one. Over a connection of our
// own that is left to the drain, with b when that is flushed: what is sent until then goes
// with it.
func (s *Session) wakePollLocked(b *Batch) {
	p := s.poll
	switch {
	case p == nil:
	case p.web == nil:
		p.signal()
	case s.listed:
	case b == nil, b == cork:
		s.listed = true
		s.srv.drain.add(dueList{s, s, 1})
	default:
		s.listed = true
		b.add(s)
	}
}

func (p *poll) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// releasePollLocked answers the pending GET with one packet.
func (s *Session) releasePollLocked(t parser.PacketType) {
	p := s.poll
	if p == nil {
		return
	}
	p.final = t
	s.poll = nil
	if p.web == nil {
		p.signal()
		return
	}
	payload, _ := s.payloadLocked(p)
	a, _ := s.settleLocked(p, payload, true)
	go p.web.answerPoll(s, p, payload, a) // ends when that is written; the connection is counted
}

// pollAgain has the client poll again if it does.
func (s *Session) pollAgain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateOpen {
		s.releasePollLocked(parser.TypeNoop)
	}
}

// openPolling answers a handshake over HTTP.
func (s *Server) openPolling(w http.ResponseWriter, r *http.Request, q query, capture func() (any, error)) error {
	taking := s.taking(w, r) // before there are headers that are for the answer to r alone
	sess, err := s.newSession(r, q, capture)
	if err != nil {
		s.watch.refused(r, RefusedByCapture)
		return err
	}
	var upgrades []string
	if !s.opts.DisableUpgrades && s.serves(TransportWebSocket) && s.canUpgrade(w, r) {
		upgrades = append(upgrades, TransportWebSocket)
	}
	if !s.start(sess, TransportPolling) {
		sess.abandon()
		s.refuse(w, r, false, errShuttingDown)
		return nil
	}
	s.enterLobby(sess)
	s.setCookie(w, r, sess.id)
	payload := s.openPacket(sess.id, upgrades...).packet()
	if sess.out.v3 {
		payload = parser.AppendV3(nil, payload, false, false)
	}
	sess.countPollingOut(1, len(payload))
	if c := taking.take(w, sess); c != nil {
		c.write(c.first, textAnswer, payload, nil, nil)
		return nil
	}
	w.Header()["Content-Type"] = headerText
	_ = sess.writePayload(w, payload, nil) // the heartbeat will notice
	return nil
}

// Header values that every answer shares.
var (
	headerText    = []string{"text/plain; charset=UTF-8"}
	headerHTML    = []string{"text/html"}
	headerNoStore = []string{"no-store"}
	headerTwo     = []string{"2"}
)

// smallPayload is what an HTTP server's buffers take without a write that could
// block.
const smallPayload = 2 << 10

// writePayload answers a GET, whose Content-Type is set. Each batch of a larger
// payload must be taken in WriteTimeout. It fails if that is not the case, as far
// as can be seen. A is how the payload is counted, or nil.
func (s *Session) writePayload(w http.ResponseWriter, payload []byte, a *answer) error {
	h := w.Header()
	h["Cache-Control"] = headerNoStore
	h.Set("Content-Length", strconv.Itoa(len(payload)))
	if len(payload) <= smallPayload {
		_, err := w.Write(payload)
		s.answered(a)
		return err
	}
	rc := http.NewResponseController(w)
	// Not every writer has deadlines: a test recorder, say. They would hold for
	// the next request of the connection, too.
	defer func() {
		s.answered(a) // first: the session's end sets a deadline, too
		_ = rc.SetWriteDeadline(time.Time{})
	}()
	var by time.Time
	for i := 0; i < len(payload); i += batchSize {
		by = s.answerBy(a, by)
		_ = rc.SetWriteDeadline(by)
		if _, err := w.Write(payload[i:min(i+batchSize, len(payload))]); err != nil {
			return err
		}
		if i > 0 {
			s.alive(batchSize)
		}
	}
	return flush(rc)
}

// flush flushes where that is possible. Some wrappers panic where it is not.
func flush(rc *http.ResponseController) (err error) {
	defer func() {
		if recover() != nil {
			err = nil
		}
	}()
	if err := rc.Flush(); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// pollableLocked refuses r, and releases s.mu, if the session can't be polled or
// r overlaps another request of its kind, which ends the session.
func (s *Session) pollableLocked(w http.ResponseWriter, r *http.Request, overlaps bool) bool {
	closed, polling, oversized := s.state == stateClosed, s.ws == nil, s.oversized
	if !closed && polling && !overlaps {
		return true
	}
	s.mu.Unlock()
	switch {
	case closed:
		s.srv.refuse(w, r, false, errSessionOver)
		return false
	case polling:
		cause := errOverlap
		if oversized { // the client says that it leaves
			cause = errBodyTooLarge
		}
		s.fail(ReasonTransportError, cause, emptyClose)
	}
	s.srv.refuse(w, r, false, errBadRequest)
	return false
}

// serveGet answers with what is queued, or waits for something. Taking is nil, or how the
// connection can be taken over for that.
func (s *Session) serveGet(w http.ResponseWriter, r *http.Request, taking *taking) {
	s.mu.Lock()
	if !s.pollableLocked(w, r, s.poll != nil) {
		return
	}
	// Sec-Fetch-Mode is what nothing but a browser sends, or a program that is made like
	// one, and a page can't change: its client is not Python's.
	p := &poll{wake: make(chan struct{}, 1), many: len(r.Header["Sec-Fetch-Mode"]) > 0}
	s.poll = p
	s.absent, s.polled = false, true
	if taking != nil {
		s.mu.Unlock()
		c := taking.take(w, s)
		s.mu.Lock()
		if c != nil {
			s.waitOnLocked(c, p, c.first)
			return
		}
	}
	payload, ok := s.awaitPayloadLocked(p, r.Context(), pollDeadline(w, r))
	a, closed := s.settleLocked(p, payload, ok)
	if a != nil {
		a.setDeadline = http.NewResponseController(w).SetWriteDeadline
	}
	plain := p.plain
	s.mu.Unlock()
	if !ok {
		s.fail(ReasonTransportError, context.Cause(r.Context()), nil)
		return
	}
	if closed {
		s.end(s.ending.reason, emptyClose)
	}
	w.Header()["Content-Type"] = contentType(payload)
	if !plain {
		payload = s.srv.compress(w, r, payload)
	}
	s.countPollingOut(max(1, int(p.taken)), len(payload))
	if err := s.writePayload(w, payload, a); err != nil {
		s.tellLate(err)
		s.fail(ReasonTransportError, err, nil)
	}
}

// settleLocked is called when the payload for p is known. It returns how the answer is
// counted, and whether it is the last one of a session that is closed.
func (s *Session) settleLocked(p *poll, payload []byte, ok bool) (a *answer, closed bool) {
	if s.poll == p {
		s.poll = nil
	}
	if s.state == stateClosing {
		closed = ok && s.out.len() == 0 && bytes.Equal(payload, s.farewellLocked())
		s.armLocked(s.patienceLocked()) // for the next GET
	}
	return s.answeringLocked(len(payload)), closed
}

// pollDeadline is when a GET must be answered: a little before a timeout
// middleware would answer in our place, or the HTTP server cut the connection.
// It is zero if there is no such time.
func pollDeadline(w http.ResponseWriter, r *http.Request) time.Time {
	deadline, _ := r.Context().Deadline()
	if timeout := liftWriteTimeout(w, r); timeout > 0 {
		if d := time.Now().Add(timeout); deadline.IsZero() || d.Before(deadline) {
			deadline = d
		}
	}
	if deadline.IsZero() {
		return deadline
	}
	return deadline.Add(-min(time.Until(deadline)/2, time.Second)) // we may be late by as much
}

// liftWriteTimeout takes back the WriteTimeout of the HTTP server for r: it counts from
// the head of a request, and begins anew with the next one. It returns what stays.
func liftWriteTimeout(w http.ResponseWriter, r *http.Request) time.Duration {
	srv, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok || srv.WriteTimeout <= 0 || http.NewResponseController(w).SetWriteDeadline(time.Time{}) == nil {
		return 0
	}
	return srv.WriteTimeout
}

// releaseAfter has p answered by then, packets or none.
func (s *Session) releaseAfter(p *poll, after time.Duration) *time.Timer {
	return time.AfterFunc(after, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		p.noop = true
		if s.poll == p {
			s.wakePollLocked(nil)
		}
	})
}

// payloadLocked returns the answer to the GET p, or false while there is none.
func (s *Session) payloadLocked(p *poll) (payload []byte, ok bool) {
	switch {
	case p.final == parser.TypeClose && s.welcomeLocked():
		return s.farewellLocked(), true
	case p.final != 0:
		return s.out.control(p.final), true
	case s.state == stateClosing && s.out.len() == 0:
		return s.farewellLocked(), true
	case s.out.len() > 0:
		// A close packet goes into the next one: clients handle it before
		// the messages that precede it in the same payload.
		s.pingFirstLocked()
		p.plain = slices.ContainsFunc(s.out.items.All(), (*Message).isPlain)
		most := s.srv.opts.PollPackets
		if p.many {
			most = math.MaxInt
		}
		queued := s.out.len()
		payload = s.out.payload(s.srv.opts.MaxPayload, most)
		p.taken = uint32(queued - s.out.len())
		s.tookLocked()
		return payload, true
	case p.noop:
		return s.out.control(parser.TypeNoop), true
	}
	return nil, false
}

// awaitPayloadLocked returns the answer to the GET p, or false if its client
// has gone. It is called with s.mu held, and returns with it held.
func (s *Session) awaitPayloadLocked(p *poll, ctx context.Context, deadline time.Time) (payload []byte, ok bool) {
	var noop *time.Timer
	release := func(after time.Duration) *time.Timer { return s.releaseAfter(p, after) }
	if !deadline.IsZero() {
		defer release(time.Until(deadline)).Stop()
	}
	for {
		if payload, ok := s.payloadLocked(p); ok {
			return payload, true
		}
		if noop == nil && s.probe != nil && s.probe.answered {
			noop = release(noopInterval)
			defer noop.Stop()
		}
		s.mu.Unlock()
		select {
		case <-p.wake:
			s.mu.Lock()
		case <-ctx.Done():
			s.mu.Lock()
			if errors.Is(ctx.Err(), context.DeadlineExceeded) { // not the client's doing
				p.noop = true
				continue
			}
			return nil, p.final != 0 // or the session has ended by itself
		}
	}
}
