package engineio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	// noopInterval is how often a GET is released while a client has its
	// answer to the probe and must not be left waiting.
	noopInterval = 100 * time.Millisecond
	// drainLimit and drainTimeout bound what is read and thrown away of a body
	// that is too large, so that its sender can read the 413 instead of seeing
	// the connection reset.
	drainLimit   = 16 << 20
	drainTimeout = 5 * time.Second
)

// A poll is a GET that waits for packets. Its fields but wake are protected by
// the session's mu.
type poll struct {
	wake  chan struct{} // holds one signal
	final PacketType    // the answer, if the session or the polling has ended
	noop  bool          // release it, packets or none
	plain bool          // the answer is not to be compressed
}

// closePayload ends a session that was closed while no GET was pending.
var closePayload = []byte{byte(PacketNoop), separator, byte(PacketClose)}

func (p *poll) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// releasePollLocked answers the pending GET with one packet.
func (s *Session) releasePollLocked(t PacketType) {
	if s.poll != nil {
		s.poll.final = t
		s.poll.signal()
		s.poll = nil
	}
}

// openPolling answers a handshake over HTTP.
func (s *Server) openPolling(w http.ResponseWriter, r *http.Request, q query, capture func() (any, error)) error {
	sess, err := s.newSession(r, q, capture)
	if err != nil {
		return err
	}
	var upgrades []string
	if !s.opts.DisableUpgrades && s.serves(TransportWebSocket) && r.ProtoMajor == 1 && canHijack(w) {
		upgrades = append(upgrades, TransportWebSocket)
	}
	if !s.start(sess, TransportPolling) {
		sess.abandon()
		s.refuse(w, r, false, errShuttingDown)
		return nil
	}
	s.setCookie(w, r, sess.id)
	payload := s.openPacket(sess.id, upgrades...).packet()
	if sess.out.v3 {
		payload = appendV3(nil, payload, false, false)
	}
	w.Header()["Content-Type"] = headerText
	_ = s.writePayload(w, payload) // the heartbeat will notice
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
// as can be seen.
func (s *Server) writePayload(w http.ResponseWriter, payload []byte) error {
	h := w.Header()
	h["Cache-Control"] = headerNoStore
	h.Set("Content-Length", strconv.Itoa(len(payload)))
	if len(payload) <= smallPayload {
		_, err := w.Write(payload)
		return err
	}
	rc := http.NewResponseController(w)
	// Not every writer has deadlines: a test recorder, say. They would hold for
	// the next request of the connection, too.
	defer func() { _ = rc.SetWriteDeadline(time.Time{}) }()
	for batch := range slices.Chunk(payload, batchSize) {
		_ = rc.SetWriteDeadline(time.Now().Add(s.opts.WriteTimeout))
		if _, err := w.Write(batch); err != nil {
			return err
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
	closed, polling := s.state == stateClosed, s.ws == nil
	if !closed && polling && !overlaps {
		return true
	}
	s.mu.Unlock()
	switch {
	case closed:
		s.srv.refuse(w, r, false, errUnknownSID)
		return false
	case polling:
		s.fail(ReasonTransportError, errOverlap, emptyClose)
	}
	s.srv.refuse(w, r, false, errBadRequest)
	return false
}

// serveGet answers with what is queued, or waits for something.
func (s *Session) serveGet(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if !s.pollableLocked(w, r, s.poll != nil) {
		return
	}
	p := &poll{wake: make(chan struct{}, 1)}
	s.poll = p
	s.absent = false
	payload, ok := s.awaitPayloadLocked(p, r.Context(), pollDeadline(w, r))
	if s.poll == p {
		s.poll = nil
	}
	plain, closed := p.plain, bytes.Equal(payload, s.out.closePayload())
	if s.state == stateClosing {
		s.armLocked(s.patienceLocked()) // for the next GET
	}
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
	if err := s.srv.writePayload(w, payload); err != nil {
		s.fail(ReasonTransportError, err, nil)
	}
}

// pollDeadline is when a GET must be answered: a little before a timeout
// middleware would answer in our place, or the HTTP server cut the connection.
// It is zero if there is no such time.
func pollDeadline(w http.ResponseWriter, r *http.Request) time.Time {
	deadline, _ := r.Context().Deadline()
	if srv, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && srv.WriteTimeout > 0 {
		if http.NewResponseController(w).SetWriteDeadline(time.Time{}) != nil {
			if d := time.Now().Add(srv.WriteTimeout); deadline.IsZero() || d.Before(deadline) {
				deadline = d
			}
		}
	}
	if deadline.IsZero() {
		return deadline
	}
	return deadline.Add(-min(time.Until(deadline)/2, time.Second)) // we may be late by as much
}

// awaitPayloadLocked returns the answer to the GET p, or false if its client
// has gone. It is called with s.mu held, and returns with it held.
func (s *Session) awaitPayloadLocked(p *poll, ctx context.Context, deadline time.Time) (payload []byte, ok bool) {
	var noop *time.Timer
	release := func(after time.Duration) *time.Timer {
		return time.AfterFunc(after, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			p.noop = true
			p.signal()
		})
	}
	if !deadline.IsZero() {
		defer release(time.Until(deadline)).Stop()
	}
	for {
		switch {
		case p.final != 0:
			return s.out.control(p.final), true
		case s.state == stateClosing && s.out.len() == 0:
			return s.out.closePayload(), true
		case s.out.len() > 0:
			// A close packet goes into the next one: clients handle it before
			// the messages that precede it in the same payload.
			p.plain = slices.ContainsFunc(s.out.items.All(), (*Message).isPlain)
			return s.out.payload(s.srv.opts.MaxPayload, s.srv.opts.PollPackets), true
		case p.noop:
			return s.out.control(PacketNoop), true
		case noop == nil && s.probe != nil && s.probe.answered:
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

// servePost hands over the packets of a payload.
func (s *Session) servePost(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if !s.pollableLocked(w, r, s.posting) {
		return
	}
	s.posting = true
	s.absent = false
	s.mu.Unlock()
	over := false
	posted := func() { // once: then another may be under way
		if over {
			return
		}
		over = true
		s.mu.Lock()
		defer s.mu.Unlock()
		s.posting = false
	}
	defer posted()

	binary := r.Header.Get("Content-Type") == "application/octet-stream"
	if binary && !s.out.v3 {
		s.fail(ReasonTransportError, errBinaryBody, emptyClose)
		s.srv.refuse(w, r, false, errBadRequest)
		return
	}
	body, err := s.readBody(w, r)
	switch {
	case errors.Is(err, errBodyTooLarge):
		posted() // the client may go on when it sees the answer
		s.tooLarge(w, r)
		return
	case err != nil:
		s.fail(ReasonTransportError, err, emptyClose)
		s.srv.refuse(w, r, false, errBadRequest)
		return
	case !s.isOpen():
		s.srv.refuse(w, r, false, errUnknownSID)
		return
	}
	if s.out.v3 {
		s.receivePayloadV3(body, binary, r.Context().Done())
	} else {
		s.receivePayload(body, r.Context().Done())
	}
	h := w.Header()
	h["Content-Type"] = headerHTML
	h["Content-Length"] = headerTwo
	_, _ = io.WriteString(w, "ok")
}

// receivePayload handles the packets one by one, waiting between them while
// the session is paused. What precedes a malformed one counts.
func (s *Session) receivePayload(payload []byte, gone <-chan struct{}) {
	if !utf8.Valid(payload) {
		s.fail(ReasonParseError, errNotUTF8, emptyClose)
		return
	}
	for more := true; more; {
		var packet []byte
		packet, payload, more = nextPacket(payload)
		if t, data, binary, err := decodePacket(packet); !s.receiveNext(t, data, binary, err, gone) {
			return
		}
	}
}

// receiveNext handles a packet of a payload, unless it could not be decoded. It
// reports false if there is to be no more.
func (s *Session) receiveNext(t PacketType, data []byte, binary bool, err error, gone <-chan struct{}) bool {
	if err != nil {
		s.fail(ReasonParseError, err, emptyClose)
		return false
	}
	if !s.waitResumed(gone) { // the client has aborted the request
		s.fail(ReasonTransportError, context.Canceled, emptyClose)
		return false
	}
	s.receive(t, data, binary)
	s.srv.received()
	return true
}

// readBody reads the body of a POST, and not a byte more than one above the
// limit into memory. A body that takes longer than a pong may take is cut.
func (s *Session) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	o := &s.srv.opts
	limit := int64(o.MaxPayload)
	if r.ContentLength > limit {
		return nil, errBodyTooLarge
	}
	body := bodyReader{r.Body, s, http.NewResponseController(w)}
	body.extend()
	size := int64(bytes.MinRead)
	if r.ContentLength >= 0 {
		size = min(r.ContentLength, smallPayload) + 1 // to see the end without growing
	}
	buf, err := readAll(io.LimitReader(body, limit+1), int(size))
	if err == nil {
		// Otherwise the deadline stays: the HTTP server reads on, to reuse
		// the connection.
		_ = body.rc.SetReadDeadline(time.Time{})
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge), int64(len(buf)) > limit:
		return nil, errBodyTooLarge
	case err != nil:
		return nil, err
	}
	return buf, nil
}

// readAll is io.ReadAll with a first guess at the size.
func readAll(r io.Reader, size int) ([]byte, error) {
	buf := make([]byte, 0, size)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		case len(buf) == cap(buf):
			buf = slices.Grow(buf, len(buf))
		}
	}
}

// A bodyReader reads a POST within the time that a pong may take, or, with
// LenientHeartbeat, as long as something comes.
type bodyReader struct {
	io.Reader
	s  *Session
	rc *http.ResponseController
}

// extend sets the deadline. Not every writer has one: a test recorder, say.
func (b bodyReader) extend() {
	o := &b.s.srv.opts
	_ = b.rc.SetReadDeadline(time.Now().Add(o.PingInterval + o.PingTimeout))
}

func (b bodyReader) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if n > 0 && b.s.srv.opts.LenientHeartbeat {
		b.s.heard.Store(true)
		b.extend()
	}
	return n, err
}

// tooLarge answers 413. The session lives on, unless the body has no
// length and goes on and on.
func (s *Session) tooLarge(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Length", "0")
	h.Set("Connection", "close")
	rc := http.NewResponseController(w)
	_ = rc.EnableFullDuplex() // or the body can't be read behind the answer
	w.WriteHeader(http.StatusRequestEntityTooLarge)
	_ = flush(rc)
	if r.Header.Get("Expect") != "" {
		return // nothing has been sent, and nothing will be
	}
	_ = rc.SetReadDeadline(time.Now().Add(drainTimeout))
	_, err := io.CopyN(io.Discard, r.Body, drainLimit)
	var outer *http.MaxBytesError
	if r.ContentLength < 0 && !errors.Is(err, io.EOF) && !errors.As(err, &outer) {
		s.fail(ReasonTransportError, errBodyTooLarge, emptyClose)
	}
}
