package engineio

import (
	"bytes"
	"hash/maphash"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/siokit/sio/internal/sid"
)

// Answers that we write ourselves, with the headers that they have over net/http.

// Types of answers, as lines of their heads.
const (
	textAnswer = "Content-Type: text/plain; charset=UTF-8\r\n"
	okAnswer   = "Content-Type: text/html\r\n"
)

var okBody = []byte("ok")

// maxAnswer is how large an answer may be that is tried at once, by who has it. To write a
// larger one takes longer, and it may be worth compressing.
const maxAnswer = 16 << 10

// answerPoll answers the GET p of a session with a payload, and does not wait for the client.
func (c *webConn) answerPoll(s *Session, p *poll, payload []byte, a *answer) {
	if p.timer != nil {
		p.timer.Stop()
	}
	threshold := s.srv.opts.HTTPCompressionThreshold
	large := threshold >= 0 && len(payload) >= threshold
	gzip := large && p.rules.gzip && !p.plain
	if gzip || len(payload) > maxAnswer || c.raw == nil {
		go c.answerSlowly(s, p, payload, a, large, gzip) // ends when that is written; the connection is counted
		return
	}
	s.countPollingOut(max(1, int(p.taken)), len(payload))
	rules := p.rules
	if large && !p.plain {
		rules = &webRules{lines: rules.large}
	}
	c.write(rules, textAnswer, payload, s, a)
}

// answerSlowly is answerPoll for what may take longer.
func (c *webConn) answerSlowly(s *Session, p *poll, payload []byte, a *answer, large, gzip bool) {
	w := &webWriter{c: c, header: http.Header{"Content-Type": headerText}, lines: p.rules.lines}
	if large && !p.plain {
		w.lines = p.rules.large
	}
	if gzip {
		if small, ok := squeeze(payload); ok {
			payload = small
			w.header["Content-Encoding"] = []string{"gzip"}
		}
	}
	s.countPollingOut(max(1, int(p.taken)), len(payload))
	_ = c.writeBy(time.Now().Add(s.srv.opts.WriteTimeout))
	err := s.writePayload(w, payload, a)
	_ = c.writeBy(time.Time{})
	if err != nil {
		c.breakOff()
		s.tellLate(err)
		s.fail(ReasonTransportError, err, nil)
	}
	c.done()
}

// write writes an answer: what the kernel takes at once, and the rest by a goroutine. If that
// fails, and s is not nil, it is the end of that session. A is how the answer is counted, or nil.
func (c *webConn) write(rules *webRules, kind string, body []byte, s *Session, a *answer) {
	buf := batches.Get().(*[]byte)
	b := c.srv.appendStatus((*buf)[:0])
	b = append(b, kind...)
	b = append(b, "Cache-Control: no-store\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\n"...)
	b = append(b, rules.lines...)
	b = append(b, "\r\n"...)
	b = append(b, body...)
	n, err := 0, error(nil)
	if c.raw != nil {
		n, err = tryWrite(c.raw, b)
	}
	if err == nil && n < len(b) {
		rest := append([]byte(nil), b[n:]...)
		batches.Put(buf)
		go func() { // ends by the deadline; the connection is counted
			_ = c.writeBy(time.Now().Add(c.srv.opts.WriteTimeout))
			_, err := c.conn.Write(rest)
			_ = c.writeBy(time.Time{})
			c.wrote(err, s, a)
		}()
		return
	}
	batches.Put(buf)
	c.wrote(err, s, a)
}

func (c *webConn) wrote(err error, s *Session, a *answer) {
	if err != nil {
		c.breakOff()
	}
	if s != nil {
		s.answered(a)
	}
	if s != nil && err != nil {
		s.tellLate(err)
		s.fail(ReasonTransportError, err, nil)
	}
	c.done()
}

// writeBy sets the deadline of a write that blocks, unless these are cut.
func (c *webConn) writeBy(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		t = time.Unix(1, 0)
	}
	return c.conn.SetWriteDeadline(t)
}

// breakOff has the connection closed when its request is over.
func (c *webConn) breakOff() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = true
}

// A dateLine is the Date header of a second.
type dateLine struct {
	unix int64
	line string
}

var date atomic.Pointer[dateLine]

// appendStatus appends the beginning of an answer.
func (s *Server) appendStatus(b []byte) []byte {
	now := time.Now()
	d := date.Load()
	if d == nil || d.unix != now.Unix() {
		d = &dateLine{now.Unix(), "HTTP/1.1 200 OK\r\nDate: " + now.UTC().Format(http.TimeFormat) + "\r\n"}
		date.Store(d)
	}
	return append(b, d.line...)
}

// hashOf is hashPath of a path that we have read.
func hashOf(path []byte) uint64 { return maphash.Bytes(hashSeed, path) }

// pollQuery returns the id in the query of a request for polling. It reports false if there is
// something that [query] might see differently, or that is for net/http to judge.
func pollQuery(q []byte) (id []byte, ok bool) {
	var transport, revision bool
	for len(q) > 0 {
		var pair []byte
		pair, q, _ = bytes.Cut(q, []byte("&"))
		key, value, _ := bytes.Cut(pair, []byte("="))
		if bytes.ContainsAny(key, "%+;") || bytes.IndexByte(value, ';') >= 0 {
			return nil, false
		}
		switch string(key) {
		case "sid":
			if id != nil || len(value) != sid.Len || bytes.ContainsAny(value, "%+") {
				return nil, false
			}
			id = value
		case "transport":
			if transport || string(value) != TransportPolling {
				return nil, false
			}
			transport = true
		case "EIO":
			if revision || string(value) != "4" {
				return nil, false
			}
			revision = true
		case "j", "b64":
			return nil, false
		}
	}
	return id, id != nil && transport && revision
}
