package engineio

import (
	"net"
	"net/http"
	"time"
)

// SeenTimeout is how long a client has to see a 413 before its GET is answered.
const SeenTimeout = seenTimeout

// Memory returns what is counted as waiting to be sent, and as held of what has come.
func (s *Server) Memory() (queued, held int64) { return s.queued.used.Load(), s.intakes.used.Load() }

// LiveAt is Live some time after the server was made.
func (s *Server) LiveAt(now time.Duration) error { return s.live(now) }

// HoldLock has everybody wait who wants to do something to the session, until free is called.
func (s *Session) HoldLock() (free func()) {
	s.mu.Lock()
	return s.mu.Unlock
}

// Polled tells whether a GET of the session is pending.
func (s *Session) Polled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.poll != nil
}

// Partial returns the size of the buffer for a message that has not ended, when nobody
// reads the WebSocket any more.
func (s *Session) Partial() int { return s.ws.in.Allocated() }

// PollQuery returns the id in a query that is read without net/http, as [query.get] would, or
// false if that is not done.
func PollQuery(q string) (id string, ok bool) {
	b, ok := pollQuery([]byte(q))
	return string(b), ok
}

// QueryValue is query.lookup.
func QueryValue(q, name string) (string, bool) { return query(q).lookup(name) }

// GoOn has a connection of web go on with what came behind a request that has been answered,
// after its client has gone.
func (s *Server) GoOn(web *http.Server, conn net.Conn, in string) {
	c := &webConn{srv: s, web: web, conn: conn, state: webServing, loose: true, in: []byte(in)}
	c.goOn()
}
