package engineio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/siokit/sio/engineio/parser"
)

const (
	// bodyTimeout is how long a POST may take, as in the reference server. One that
	// keeps coming may take longer: over a slow link that is as it has to be.
	bodyTimeout = 30 * time.Second
	// bodyRate is how many bytes a second that takes: a megabyte over 64 kbit/s is
	// let through, a byte now and then is not.
	bodyRate = 8 << 10
	// drainLimit and drainTimeout bound what is read and thrown away of a body
	// that is too large, so that its sender can read the 413 instead of seeing
	// the connection reset.
	drainLimit   = 16 << 20
	drainTimeout = 5 * time.Second
	// seenTimeout is how long the client may take to make something of that answer.
	seenTimeout = time.Second
)

// servePost hands over the packets of a payload. Taking is nil, or how the connection can be
// taken over with the answer.
func (s *Session) servePost(w http.ResponseWriter, r *http.Request, taking *taking) {
	s.mu.Lock()
	if !s.pollableLocked(w, r, s.posting) {
		return
	}
	s.posting = true
	s.absent = false
	s.mu.Unlock()
	answered := false
	defer func() {
		if !answered {
			s.posted()
		}
	}()

	binary := r.Header.Get("Content-Type") == "application/octet-stream"
	if binary && !s.out.v3 {
		s.fail(ReasonTransportError, errBinaryBody, emptyClose)
		s.srv.refuse(w, r, false, errBadRequest)
		return
	}
	liftWriteTimeout(w, r) // a body may take longer to come, and to be handled
	body, err := s.readBody(w, r)
	defer func() { s.Hold(-counted(cap(body))) }()
	switch {
	case errors.Is(err, errBodyTooLarge):
		s.tooLarge(w, r)
		return
	case s.overloaded():
		closeBehind(w, r)
		s.srv.refuse(w, r, false, errBusy)
		return
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.fail(ReasonTransportError, err, emptyClose)
		closeBehind(w, r) // or the HTTP server would wait for the rest before it answers
		s.srv.refuse(w, r, false, errBodyTimeout)
		return
	case err != nil:
		s.fail(ReasonTransportError, err, emptyClose)
		s.srv.refuse(w, r, false, errBadRequest)
		return
	case !s.isOpen():
		s.srv.refuse(w, r, false, errSessionOver)
		return
	}
	s.countPollingIn(0, len(body))
	post := posting{s: s, gone: r.Context().Done()}
	if s.out.v3 {
		for p, err := range parser.PacketsV3(body, binary) {
			if !post.receive(p, err) {
				break
			}
		}
	} else {
		for p, err := range parser.Packets(body) { // twice, since one loop for both would allocate
			if !post.receive(p, err) {
				break
			}
		}
	}
	post.end()
	if c := taking.take(w, s); c != nil {
		answered = true
		s.posted() // the next one may come before we return
		c.write(c.first, okAnswer, okBody, nil, nil)
		return
	}
	h := w.Header()
	h["Content-Type"] = headerHTML
	h["Content-Length"] = headerTwo
	h["Cache-Control"] = headerNoStore
	_, _ = io.WriteString(w, "ok")
}

// posted is the end of a POST. It comes before its answer.
func (s *Session) posted() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posting = false
}

// A posting is the handling of a payload, packet by packet, in turns. What precedes a
// malformed packet counts.
type posting struct {
	s       *Session
	gone    <-chan struct{} // closed when the client has aborted the request
	packets uint32          // of this turn
}

// receive handles a packet, unless it could not be decoded. It waits before while the
// session is paused, and reports false if there is to be no more.
func (post *posting) receive(p parser.Packet, err error) bool {
	s := post.s
	if err == nil && (post.packets == turnPackets || s.paused.Load() > 0) {
		post.end()
		runtime.Gosched()
		if !s.waitResumed(post.gone) { // the client has aborted the request
			s.fail(ReasonTransportError, context.Canceled, emptyClose)
			return false
		}
	}
	return post.handle(p, err)
}

// handle is receive for who must not wait.
func (post *posting) handle(p parser.Packet, err error) bool {
	if err != nil {
		post.s.malformed(err)
		return false
	}
	post.packets++
	post.s.receive(p, false)
	return true
}

// end ends a turn.
func (post *posting) end() {
	post.settle()
	post.s.srv.received()
}

// settle is end without starting what has been handed over.
func (post *posting) settle() {
	s := post.s
	s.settled()
	s.uncork()
	if wait := s.pay(post.packets); wait > 0 {
		s.rest(wait)
	}
	s.countPollingIn(int(post.packets), 0)
	post.packets = 0
}

// readBody reads the body of a POST, and not a byte more than one above the
// limit into memory.
func (s *Session) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limit := int64(s.srv.opts.MaxPayload)
	if r.ContentLength > limit {
		return nil, errBodyTooLarge
	}
	body := bodyReader{ReadCloser: r.Body, s: s, rc: http.NewResponseController(w), lenient: s.srv.opts.LenientHeartbeat}
	body.begin()
	size := int64(bytes.MinRead)
	if r.ContentLength >= 0 {
		size = min(r.ContentLength, smallPayload) + 1 // to see the end without growing
	}
	buf, err := body.readAll(io.LimitReader(&body, limit+1), int(size))
	if counted(cap(buf)) > 0 {
		s.uncut()
	}
	if err == nil {
		// Otherwise the deadline stays: the HTTP server reads on, to reuse
		// the connection.
		_ = body.rc.SetReadDeadline(time.Time{})
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge), int64(len(buf)) > limit:
		return buf[:0], errBodyTooLarge
	case err != nil:
		return buf[:0], err
	}
	return buf, nil
}

// readAll is io.ReadAll of r with a first guess at the size. What it returns counts
// as held by the session.
func (b *bodyReader) readAll(r io.Reader, size int) ([]byte, error) {
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
			before := counted(cap(buf))
			buf = slices.Grow(buf, len(buf))
			if after := counted(cap(buf)); after > 0 {
				b.s.hold(after-before, b.cut)
				if b.s.overloaded() { // perhaps before it could be cut
					return buf, errOverload
				}
			}
		}
	}
}

// A bodyReader reads a POST within bodyTimeout, and bodyRate of it in each second
// more; with LenientHeartbeat, as long as something comes. That is a sign of life, too:
// the client's pong has to wait for its turn behind it.
type bodyReader struct {
	io.ReadCloser
	s       *Session // nil if another server has it
	rc      *http.ResponseController
	lenient bool
	due     time.Time
	ahead   time.Duration // that due is to be moved by
}

func (b *bodyReader) begin() {
	b.due = time.Now().Add(bodyTimeout)
	b.extend()
}

// extend sets the deadline. Not every writer has one: a test recorder, say.
func (b *bodyReader) extend() { _ = b.rc.SetReadDeadline(b.due) }

// cut has the reading fail.
func (b *bodyReader) cut() { _ = b.rc.SetReadDeadline(time.Unix(1, 0)) }

func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n == 0 {
		return n, err
	}
	b.ahead += time.Duration(n) * time.Second / bodyRate
	switch {
	case b.lenient:
		b.due = time.Now().Add(bodyTimeout)
	case b.ahead >= time.Second: // not for each small piece
		b.due = b.due.Add(b.ahead)
		b.ahead = 0
	default:
		return n, err
	}
	if b.s != nil {
		b.s.alive(lifeBytes)
	}
	b.extend()
	return n, err
}

// tooLarge answers 413, and ends the session as the reference server does: official
// clients take the answer for the end of the connection, and come back. They know why
// only if no GET hears of the end before they have seen it: not the one that is pending,
// nor one that was sent beside this POST and comes behind it.
func (s *Session) tooLarge(w http.ResponseWriter, r *http.Request) {
	s.srv.watch.refused(r, RefusedBody)
	s.srv.watch.limited(s, LimitPayload)
	s.mu.Lock()
	s.oversized = true
	s.mu.Unlock()
	w.Header().Set("Content-Length", "0")
	closeBehind(w, r)
	rc := http.NewResponseController(w)
	_ = rc.EnableFullDuplex() // or the body can't be read behind the answer
	w.WriteHeader(http.StatusRequestEntityTooLarge)
	_ = flush(rc)
	if r.Header.Get("Expect") == "" { // or else nothing has been sent, and nothing will be
		_ = rc.SetReadDeadline(time.Now().Add(drainTimeout))
		_, _ = io.CopyN(io.Discard, r.Body, drainLimit)
	}
	time.Sleep(seenTimeout)
	s.fail(ReasonTransportError, errBodyTooLarge, emptyClose)
}
