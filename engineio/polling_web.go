package engineio

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/siokit/sio/engineio/parser"
	"github.com/siokit/sio/internal/httpread"
)

// maxRequest is how large a request may be that we read, in bytes. The body of a larger one
// is left to net/http, which can wait.
const maxRequest = 8 << 10

// A webConn is a connection whose requests we read ourselves, one at a time. Of which sessions
// they are is up to each: a proxy sends those of several clients over one.
type webConn struct {
	srv    *Server
	web    *http.Server // whose it was, and will be again
	conn   net.Conn
	raw    syscall.RawConn // nil if it can't be used without blocking, for one answer
	rules  []webRules
	parked parking     // protected by the poller's mu
	piped  atomic.Bool // more has come while a request is served: read nothing meanwhile

	counted bool  // in Server.wg
	tries   uint8 // how often it may still be taken over
	shard   uint8 // says which poller reads it

	mu       sync.Mutex // protects the following
	state    webState
	broken   bool          // it is to be closed
	retiring bool          // it is to be given back when it is idle
	loose    bool          // it is not with the poller any more
	cut      bool          // writes that block fail
	served   int           // answers
	since    time.Duration // when the state began, or the first part of a request came; since srv.born
	in       []byte        // of a request that is not complete, or that waits
	sess     *Session      // whose GET waits
	poll     *poll         // that GET
	gone     chan struct{} // closed when the client has gone whose POST waits
	first    *webRules     // of the first answer
}

type webState uint8

const (
	webIdle    webState = iota // between two requests
	webServing                 // one is served
	webLeaving                 // a goroutine has it, or will
)

// polled handles what the poller has read. It implements [parkable].
func (c *webConn) polled(p []byte, err error) (next func()) {
	c.mu.Lock()
	switch {
	case c.state == webLeaving:
		c.in = append(c.in, p...)
		c.mu.Unlock()
		return nil
	case c.state == webServing && err != nil && len(c.in) > 0: // first what came before; then net/http sees the end
		c.loose = true
		c.mu.Unlock()
		return func() {}
	case c.state == webServing && err != nil:
		c.broken, c.loose = true, true
		return c.hungUpLocked()
	case c.state == webServing:
		if len(p) > 0 { // it waits for its turn, or is what an answer that has just been sent makes the client ask
			c.in = append(c.in, p...)
			c.piped.Store(true)
		}
		c.mu.Unlock()
		return nil
	case err != nil:
		c.state, c.loose = webLeaving, true
		c.broken = len(c.in) == 0 // or else net/http says what is to be said to a part
		c.mu.Unlock()
		return c.leave
	case len(p) == 0:
		c.mu.Unlock()
		return nil
	}
	if len(c.in) > 0 {
		c.in = append(c.in, p...)
		p = c.in
	}
	if !c.advanceLocked(p) {
		return c.leave
	}
	return nil
}

// hungUpLocked is called when the client has gone while a request of it is served. It returns
// what is left to do, without the lock, which it releases.
func (c *webConn) hungUpLocked() func() {
	s, p, gone := c.sess, c.poll, c.gone
	c.gone = nil
	c.mu.Unlock()
	return func() {
		if gone != nil {
			close(gone)
		}
		if s == nil {
			return // who answers finds the connection broken
		}
		s.mu.Lock()
		if s.poll != p {
			s.mu.Unlock()
			return
		}
		s.poll = nil
		if p.timer != nil {
			p.timer.Stop()
		}
		s.mu.Unlock()
		s.fail(ReasonTransportError, context.Canceled, nil)
		c.done()
	}
}

// advanceLocked reads a request at the beginning of p, if it is complete, and serves it. P is
// c.in, or that is empty. It reports false if the connection is to leave. It releases c.mu.
func (c *webConn) advanceLocked(p []byte) bool {
	var h httpread.Head
	verdict := httpread.Read(p, &h)
	size := h.Size + h.Length
	switch {
	case verdict == httpread.Other, verdict == httpread.Whole && (size > maxRequest || h.Length > c.srv.opts.MaxPayload || h.Cost > c.srv.opts.MaxHeaderBytes):
		return c.leaveWithLocked(p)
	case (verdict == httpread.Partial || len(p) < size) && (c.loose || c.retiring): // nobody would see the rest
		return c.leaveWithLocked(p)
	case verdict == httpread.Partial || len(p) < size:
		if len(c.in) == 0 { // the rest may come byte by byte
			c.in = slices.Clone(p)
			c.since = time.Since(c.srv.born)
		}
		c.state = webIdle
		c.mu.Unlock()
		c.srv.taken.sweepSoon(c.srv)
		c.resumeReading()
		return true
	}
	c.state = webServing
	c.in = nil
	if size < len(p) {
		c.in = slices.Clone(p[size:])
		c.piped.Store(true)
	}
	c.mu.Unlock()
	if c.serve(&h, p[h.Size:size]) {
		return true
	}
	c.mu.Lock()
	c.in = append(slices.Clone(p[:size]), c.in...)
	p, c.in = c.in, nil
	return c.leaveWithLocked(p)
}

func (c *webConn) leaveWithLocked(p []byte) bool {
	c.state = webLeaving
	c.in = slices.Clone(p)
	c.mu.Unlock()
	return false
}

// serve serves a request, or reports false, and has done nothing.
func (c *webConn) serve(h *httpread.Head, body []byte) bool {
	id, ok := pollQuery(h.Query)
	if !ok {
		return false
	}
	s := c.srv.sessions.get(string(id))
	if s == nil || s.path != hashOf(h.Path) {
		return false
	}
	key := kindOfHead(h)
	i := slices.IndexFunc(c.rules, func(r webRules) bool { return r.key == key })
	if i < 0 {
		return false
	}
	if h.Post {
		return c.servePost(s, h, body, &c.rules[i])
	}
	s.mu.Lock()
	if s.poll != nil || !s.readableLocked() {
		s.mu.Unlock()
		return false
	}
	p := &poll{many: len(h.FetchMode) > 0}
	s.poll = p
	s.absent, s.polled = false, true
	s.waitOnLocked(c, p, &c.rules[i])
	return true
}

// readableLocked tells whether there is nothing to be said about a request of the session
// that we could not say.
func (s *Session) readableLocked() bool {
	return s.state != stateClosed && s.ws == nil && s.relayed == 0 && !s.out.v3
}

// waitOnLocked has the GET p answered over c, now or when there is something. It releases
// s.mu.
func (s *Session) waitOnLocked(c *webConn, p *poll, rules *webRules) {
	p.wake, p.web, p.rules = nil, c, rules
	c.mu.Lock()
	c.sess, c.poll = s, p
	gone := c.broken
	c.mu.Unlock()
	if gone && s.poll == p { // and nobody has been told
		s.poll = nil
		s.mu.Unlock()
		s.fail(ReasonTransportError, context.Canceled, nil)
		c.done()
		return
	}
	s.answerWebLocked(p)
}

// answerWebLocked answers the GET p over its connection, if there is something. It releases
// s.mu.
func (s *Session) answerWebLocked(p *poll) {
	payload, ok := s.payloadLocked(p)
	if !ok {
		if p.timer == nil && s.probe != nil && s.probe.answered {
			p.timer = s.releaseAfter(p, noopInterval)
		}
		s.mu.Unlock()
		return
	}
	a, closed := s.settleLocked(p, payload, true)
	if a != nil {
		a.setDeadline = p.web.writeBy
	}
	s.mu.Unlock()
	if closed {
		s.end(s.ending.reason, emptyClose)
	}
	p.web.answerPoll(s, p, payload, a)
}

// servePost handles a payload, or leaves that to a goroutine if it may take longer.
func (c *webConn) servePost(s *Session, h *httpread.Head, body []byte, rules *webRules) bool {
	if string(h.ContentType) == "application/octet-stream" || s.overloaded() {
		return false
	}
	s.mu.Lock()
	if s.posting || s.state != stateOpen || !s.readableLocked() {
		s.mu.Unlock()
		return false
	}
	s.posting = true
	s.absent = false
	s.mu.Unlock()
	s.countPollingIn(0, len(body))
	post := posting{s: s}
	if s.paused.Load() > 0 || bytes.Count(body, separator) >= turnPackets {
		c.postSlowly(post, body, 0, rules)
		return true
	}
	done := 0
	for p, err := range parser.Packets(body) {
		if err == nil && s.paused.Load() > 0 {
			post.settle()
			c.postSlowly(post, body, done, rules)
			return true
		}
		done++
		if !post.handle(p, err) {
			break
		}
	}
	post.settle() // the poller starts what has come of several
	s.posted()
	c.write(rules, okAnswer, okBody, nil, nil)
	return true
}

var separator = []byte{parser.Separator}

// postSlowly handles a payload, of which some packets have been, by a goroutine.
func (c *webConn) postSlowly(post posting, body []byte, handled int, rules *webRules) {
	body = slices.Clone(body)
	gone := make(chan struct{})
	c.mu.Lock()
	c.gone = gone
	c.mu.Unlock()
	post.gone = gone
	go func() { // ends when the session is resumed, or ends, or the client has gone; the connection is counted
		n := 0
		for p, err := range parser.Packets(body) {
			if n++; n <= handled {
				continue
			}
			if !post.receive(p, err) {
				break
			}
		}
		post.end()
		post.s.posted()
		c.write(rules, okAnswer, okBody, nil, nil)
	}()
}

// done is the end of a request.
func (c *webConn) done() {
	c.mu.Lock()
	c.sess, c.poll, c.gone, c.first = nil, nil, nil, nil
	c.served++
	switch {
	case c.broken || c.retiring || c.loose:
		c.state = webLeaving
		loose := c.loose
		c.mu.Unlock()
		if loose {
			go c.leave() // ends when the connection is closed, or given back
		} else {
			c.unpark()
		}
		return
	case len(c.in) > 0:
		c.mu.Unlock()
		go c.goOn() // ends with the request that has come, or when it waits
		return
	}
	c.state = webIdle
	c.since = time.Since(c.srv.born)
	c.mu.Unlock()
	c.resumeReading()
}

// goOn reads what has come while a request was served.
func (c *webConn) goOn() {
	c.mu.Lock()
	p := c.in
	c.in = nil
	if c.advanceLocked(p) {
		c.srv.received()
		c.resumeReading()
		return
	}
	c.mu.Lock()
	loose := c.loose
	c.mu.Unlock()
	if loose {
		c.leave()
	} else {
		c.unpark()
	}
}

// resumeReading has the poller read on if nothing waits any more.
func (c *webConn) resumeReading() {
	c.mu.Lock()
	waits := c.state == webServing && len(c.in) > 0
	loose := c.loose
	c.mu.Unlock()
	if !waits && !loose && c.piped.Swap(false) {
		c.unmute()
	}
}

// retire has the connection given back when no request is served.
func (c *webConn) retire() {
	c.mu.Lock()
	c.retiring = true
	idle := c.state == webIdle
	if idle {
		c.state = webLeaving
	}
	c.mu.Unlock()
	if idle {
		c.unpark()
	}
}

// leave is the end of what we have to do with the connection. It implements [parkable].
func (c *webConn) leave() {
	if c.counted {
		defer c.srv.wg.Done()
	}
	c.srv.taken.remove(c)
	c.mu.Lock()
	over := c.broken || c.cut
	c.mu.Unlock()
	if over {
		_ = c.conn.Close()
		return
	}
	conn, err := disown(c.conn)
	if err != nil { // too many open files, say
		_ = c.conn.Close()
		return
	}
	_ = conn.SetWriteDeadline(time.Time{}) // the end of a session may have set one
	back := &returnedConn{Conn: conn, srv: c.srv, local: conn.LocalAddr(), early: c.in, tries: c.tries, rules: c.rules}
	if c.served >= earned {
		back.tries = maxTries
	}
	c.srv.taken.giveBack(c.web, back)
}

// A webWriter is the [http.ResponseWriter] of a large answer.
type webWriter struct {
	c      *webConn
	header http.Header
	lines  []byte
	begun  bool
}

func (w *webWriter) Header() http.Header { return w.header }

func (w *webWriter) WriteHeader(int) {}

func (w *webWriter) Write(p []byte) (int, error) {
	if !w.begun {
		w.begun = true
		var head sliceWriter
		head.b = w.c.srv.appendStatus(head.b)
		_ = w.header.Write(&head)
		head.b = append(append(head.b, w.lines...), "\r\n"...)
		if _, err := w.c.conn.Write(head.b); err != nil {
			return 0, err
		}
	}
	return w.c.conn.Write(p)
}

// SetWriteDeadline is what [http.ResponseController] looks for.
func (w *webWriter) SetWriteDeadline(t time.Time) error { return w.c.writeBy(t) }
