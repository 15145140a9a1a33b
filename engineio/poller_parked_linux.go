//go:build !portable

package engineio

import "syscall"

// A WebSocket as the poller knows it.

// poller returns the one of this connection, always the same.
func (w *wsConn) poller() *poller {
	return w.srv.pollers[shardOf(w.sess.id)%len(w.srv.pollers)]
}

// park leaves the connection to the poller. It reports false if a goroutine has
// to read it.
func (w *wsConn) park() bool {
	if w.raw == nil || w.in.Compressed() { // see Stopped
		return false
	}
	return w.poller().park(w)
}

func (w *wsConn) unpark() { w.poller().unpark(w) }

func (w *wsConn) unmute() { w.poller().unmute(w) }

func (w *wsConn) sysConn() syscall.RawConn { return w.raw }

func (w *wsConn) parking() *parking { return &w.parked }

func (w *wsConn) leaving() bool { return w.draining.Load() }

func (w *wsConn) leave() { w.read(nil) }

func (w *wsConn) muted() bool { return w.sess.paused.Load() > 0 }

func (w *wsConn) server() *Server { return w.srv }

// fit sets how much is to be read the next time, so that it is about half a turn.
func (w *wsConn) fit(full bool) {
	switch frames := w.in.Frames; {
	case frames > turnPackets/2 && w.parked.grown > 0:
		w.parked.grown--
	case full && frames < turnPackets/4 && w.parked.grown < maxGrown:
		w.parked.grown++
	}
}

// Likewise, a connection for requests.

func (c *webConn) sysConn() syscall.RawConn { return c.raw }

func (c *webConn) parking() *parking { return &c.parked }

func (c *webConn) server() *Server { return c.srv }

func (c *webConn) stillHasty() bool { return false }

func (c *webConn) muted() bool { return c.piped.Load() }

func (c *webConn) leaving() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == webLeaving
}

func (c *webConn) poller() *poller {
	return c.srv.pollers[int(c.shard)%len(c.srv.pollers)]
}

func (c *webConn) park() bool { return c.poller().park(c) }

func (c *webConn) unpark() { c.poller().unpark(c) }

func (c *webConn) unmute() { c.poller().unmute(c) }

// fit has a request read at once if there is room for it.
func (c *webConn) fit(full bool) {
	if full && firstRead<<c.parked.grown < maxRequest {
		c.parked.grown++
	}
}
