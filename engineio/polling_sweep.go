package engineio

import (
	"net/http"
	"time"
)

const (
	// partialTime is how long part of a request may lie with us, once it is looked for. Then
	// net/http waits for the rest, with the timeouts that it has.
	partialTime = time.Second
	// minSweep is how much time lies between two looks at all connections.
	minSweep = time.Second
)

// idleLimit is how long net/http keeps a connection between two requests; 0: as long as its
// client does.
func idleLimit(web *http.Server) time.Duration {
	if web.IdleTimeout != 0 {
		return max(web.IdleTimeout, 0)
	}
	return max(web.ReadTimeout, 0)
}

// sweepSoon has it looked for parts of requests.
func (t *taken) sweepSoon(s *Server) {
	if t.looking.Swap(true) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepInLocked(s, partialTime)
}

// sweepInLocked has the next sweep come in d at the latest.
func (t *taken) sweepInLocked(s *Server, d time.Duration) {
	due := time.Since(s.born) + max(d, minSweep)
	switch {
	case t.shut, t.timer != nil && t.due <= due && t.due > time.Since(s.born):
		return
	case t.timer == nil:
		t.timer = time.AfterFunc(max(d, minSweep), func() { t.sweep(s) })
	default:
		t.timer.Reset(max(d, minSweep))
	}
	t.due = due
}

// sweep gives back connections on which part of a request has come, and not the rest, and
// closes those that have been idle for too long.
func (t *taken) sweep(s *Server) {
	var out []*webConn
	t.looking.Store(false)
	now := time.Since(s.born)
	next := time.Duration(0)
	partial := false
	t.mu.Lock()
	for c := range t.conns {
		c.mu.Lock()
		idle := now - c.since
		limit := idleLimit(c.web)
		switch {
		case c.state != webIdle:
		case len(c.in) > 0 && idle >= partialTime:
			c.state = webLeaving
			out = append(out, c)
		case len(c.in) > 0:
			partial = true
		case limit > 0 && idle >= limit:
			c.state, c.broken = webLeaving, true
			out = append(out, c)
		}
		c.mu.Unlock()
		if limit > 0 && (next == 0 || limit/2 < next) {
			next = limit / 2
		}
	}
	if partial {
		t.looking.Store(true)
		next = partialTime
	}
	if next > 0 {
		t.due = 0
		t.sweepInLocked(s, next)
	}
	t.mu.Unlock()
	for _, c := range out {
		c.unpark()
	}
}
