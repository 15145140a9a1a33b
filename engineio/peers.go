package engineio

import (
	"bufio"
	"context"
	"errors"
	"hash/maphash"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/siokit/sio/internal/negotiate"
	"github.com/siokit/sio/internal/sid"
)

// Peers are the other servers of a cluster. With them, a client may make each request to
// any of the servers: one that does not have the session relays it to the one that does.
// The methods may be called from any goroutine.
type Peers interface {
	// NewID makes the id of a session of this server. It is 20 characters of base64url,
	// can't be guessed, and tells the other servers whose it is.
	NewID() string
	// Knows reports whether another server, one that is there, has made the id.
	Knows(id string) bool
	// Relay has the server that has made the id answer r, and copies status, header and
	// body of the answer to w. It reports false, with nothing written, if there is no such
	// server, or it goes away before it answers. R has all that the other server needs,
	// and its RequestURI has to get there as it stands. When the context of r ends, that
	// of the request there has to end, too.
	//
	// If the answer breaks off, Relay calls the method Abort of w, if there is one.
	//
	// For an answer of 101, Relay puts the header into that of w and takes the connection
	// over by the method Hijack of w, which writes the answer. It returns then; bytes are
	// copied in both directions until one side ends.
	Relay(w http.ResponseWriter, r *http.Request, id string) bool
	// Attach tells what answers the requests that other servers relay. It is called once.
	Attach(h http.Handler)
}

// deadlineHeader tells the server that has a session within how many milliseconds a GET
// has to be answered.
const deadlineHeader = "Sio-Deadline"

// A server that relays a request has checked its head and its origin, and has set the CORS
// headers: it knows what middlewares have said. All else is for the server that has the
// session, which needs these fields of the request.
var (
	relayedFields   = []string{"Content-Type", "Sec-Fetch-Mode"}
	relayedUpgrades = []string{"Connection", "Upgrade", "Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Protocol", "Sec-Websocket-Extensions"}
)

// relay has the server that has the session answer r. If that can't be, it says why.
func (s *Server) relay(w http.ResponseWriter, r *http.Request, q query, upgrade bool) *refusal {
	id := q.get("sid")
	if s.opts.Peers == nil || len(id) != sid.Len {
		return errUnknownSID
	}
	out := relayed(r, r.Method)
	pass := func(names ...string) {
		for _, name := range names {
			if v := r.Header[name]; len(v) > 0 {
				out.Header[name] = v
			}
		}
	}
	pass(relayedFields...)
	if !negotiate.Compressed(w.Header()) {
		pass("Accept-Encoding")
	}
	answer := &relayWriter{ResponseWriter: w, srv: s, req: r, id: id, rc: http.NewResponseController(w)}
	defer answer.end()
	switch {
	case upgrade:
		if !canHijack(w) {
			return errBadRequest
		}
		if s.closing.Load() { // it would have to leave soon
			return errShuttingDown
		}
		pass(relayedUpgrades...)
	case r.Method == http.MethodPost:
		liftWriteTimeout(w, r)
		return s.relayPost(answer, out, id)
	default:
		d := pollDeadline(w, r)
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		g := &guest{srv: s, id: id, cut: cancel}
		if s.guests.enter(g) {
			defer s.guests.leave(g)
		} else if last := time.Now().Add(lastPollTime); d.IsZero() || last.Before(d) {
			d = last
		}
		out = out.WithContext(ctx)
		if !d.IsZero() {
			out.Header.Set(deadlineHeader, strconv.FormatInt(max(time.Until(d).Milliseconds(), 0), 10))
		}
	}
	if !s.opts.Peers.Relay(answer, out, id) {
		return s.notRelayed()
	}
	return nil
}

// notRelayed returns why the session is not known. Once this server has shut down, and the
// cluster may be closed, a load balancer may try another one.
func (s *Server) notRelayed() *refusal {
	if isClosed(s.over) {
		return errShuttingDown
	}
	return errUnknownSID
}

// relayed returns a request for another server, without what r has in its header and body.
func relayed(r *http.Request, method string) *http.Request {
	out := http.Request{
		Method: method, URL: r.URL, RequestURI: r.RequestURI, Host: r.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: make(http.Header), Body: http.NoBody,
	}
	return out.WithContext(r.Context())
}

// relayPost has the body of a POST relayed as it comes, which may take no longer than that
// of any other.
func (s *Server) relayPost(w *relayWriter, out *http.Request, id string) *refusal {
	body := &relayedBody{bodyReader: bodyReader{ReadCloser: w.req.Body, rc: w.rc, lenient: s.opts.LenientHeartbeat}}
	body.begin()
	out.Body, out.ContentLength = body, w.req.ContentLength
	done := s.opts.Peers.Relay(w, out, id)
	if body.err == nil { // else the deadline stays, as in readBody
		_ = w.rc.SetReadDeadline(time.Time{})
	}
	switch {
	case done:
		return nil
	case errors.Is(body.err, os.ErrDeadlineExceeded):
		closeBehind(w, w.req)
		return errBodyTimeout
	case body.err != nil:
		return errBadRequest
	}
	return s.notRelayed()
}

// A relayedBody remembers why it could not be read. Err is that of its reader until Relay
// has returned.
type relayedBody struct {
	bodyReader
	err error
}

func (b *relayedBody) Read(p []byte) (int, error) {
	n, err := b.bodyReader.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// A relayWriter writes the answer of another server.
type relayWriter struct {
	http.ResponseWriter
	srv   *Server
	req   *http.Request
	id    string // of the session
	rc    *http.ResponseController
	large bool // there is a deadline
}

// Unwrap is for [http.ResponseController].
func (w *relayWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader has the connection closed behind the answer if the other server says so.
func (w *relayWriter) WriteHeader(status int) {
	if h := w.Header(); w.req.ProtoMajor != 1 {
		h.Del("Connection")
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write has the client take each batch in WriteTimeout, as writePayload does.
func (w *relayWriter) Write(p []byte) (int, error) {
	if w.large = w.large || len(p) > smallPayload; !w.large {
		return w.ResponseWriter.Write(p)
	}
	for n := 0; ; {
		_ = w.rc.SetWriteDeadline(time.Now().Add(w.srv.opts.WriteTimeout))
		m, err := w.ResponseWriter.Write(p[n:min(n+batchSize, len(p))])
		if n += m; err != nil || n == len(p) {
			return n, err
		}
	}
}

// Abort breaks the answer off: without a length, the part would pass for the whole.
func (w *relayWriter) Abort() { panic(http.ErrAbortHandler) }

// end takes the deadline back: it would hold for the next request, too.
func (w *relayWriter) end() {
	if w.large {
		_ = flush(w.rc)
		_ = w.rc.SetWriteDeadline(time.Time{})
	}
}

// Hijack implements [http.Hijacker]. It answers the opening handshake as the header says.
func (w *relayWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	header := w.Header().Clone()
	conn, rw, err := hijack(w.ResponseWriter)
	if err != nil {
		return nil, nil, err
	}
	conn = unwrap(conn)
	_ = conn.SetDeadline(time.Time{})
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetKeepAlive(false) // see serveWebSocket
	}
	_ = conn.SetWriteDeadline(time.Now().Add(w.srv.opts.WriteTimeout))
	_, err = conn.Write(appendSwitching(nil, only(w.req.Header["Sec-Websocket-Key"]),
		header.Get("Sec-Websocket-Protocol"), header.Get("Sec-Websocket-Extensions"), header))
	if err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	_ = conn.SetWriteDeadline(time.Time{})
	g := &guest{srv: w.srv, id: w.id, ws: true, cut: func() { _ = conn.Close() }}
	if !w.srv.guests.enter(g) {
		_ = conn.Close()
		return nil, nil, net.ErrClosed
	}
	return guestConn{conn, g}, rw, nil
}

// serveRelayed answers what another server relays. It is none of the clients' business
// to get here.
func (s *Server) serveRelayed(w http.ResponseWriter, r *http.Request) {
	q := s.query(r)
	id, upgrade := q.get("sid"), isUpgrade(r)
	if r.Method == http.MethodHead { // it asks what Knows asks
		if sess := s.sessions.get(id); sess == nil || sess.path != hashPath(r) {
			w.WriteHeader(http.StatusNotFound)
		}
		return
	}
	if r.Method == http.MethodDelete {
		s.letGo(w, r, q)
		return
	}
	sess, refusal := s.find(q, id, upgrade)
	switch {
	case refusal != nil:
		s.refuse(w, r, upgrade, refusal)
	case upgrade:
		_ = s.serveWebSocket(w, r, q, sess, nil) // there is nothing to capture
	case r.Method == http.MethodPost:
		sess.servePost(w, r, nil)
	case !sess.repeated(w, r, q, true):
		if ms, err := strconv.Atoi(r.Header.Get(deadlineHeader)); err == nil {
			ctx, cancel := context.WithTimeout(r.Context(), time.Duration(ms)*time.Millisecond)
			defer cancel()
			r = r.WithContext(ctx)
		}
		sess.serveGet(w, r, nil)
	}
}

// repeated ends a session whose client is asking again for what another server has had, which
// was lost with that server. Proxies and browsers repeat a GET whose connection has broken, and
// tell nobody; but they repeat its t, which clients make anew for each.
func (s *Session) repeated(w http.ResponseWriter, r *http.Request, q query, relayed bool) bool {
	var hash uint64
	if t := q.get("t"); t != "" {
		hash = maphash.String(hashSeed, t)
	}
	s.mu.Lock()
	again := s.relayed != 0 && s.relayed == hash
	if s.relayed = 0; relayed {
		s.relayed = hash
	}
	s.mu.Unlock()
	if again {
		s.fail(ReasonTransportError, errRepeated, nil)
		s.srv.refuse(w, r, false, errSessionOver)
	}
	return again
}

// knowsElsewhere reports whether r belongs to a session of another server that was opened
// at the same path. That server is asked, unless sessions are known to be opened there.
func (s *Server) knowsElsewhere(r *http.Request, id string) bool {
	if s.opts.Peers == nil || len(id) != sid.Len || !s.opts.Peers.Knows(id) {
		return false
	}
	path := hashPath(r)
	if s.paths.has(path) {
		return true
	}
	ask := relayed(r, http.MethodHead)
	answer := newStatusWriter()
	if !s.opts.Peers.Relay(answer, ask, id) || answer.status != http.StatusOK {
		return false
	}
	s.paths.add(path)
	return true
}

// A statusWriter keeps the status of an answer.
type statusWriter struct {
	header http.Header
	status int
}

func newStatusWriter() *statusWriter {
	return &statusWriter{header: make(http.Header), status: http.StatusNotFound}
}

func (w *statusWriter) Header() http.Header         { return w.header }
func (w *statusWriter) WriteHeader(status int)      { w.status = status }
func (w *statusWriter) Write(p []byte) (int, error) { return len(p), nil }

// maxPaths bounds the paths that are remembered. A server is routed at one, or at a few; a
// route with a parameter makes more of them, and then others are asked more often.
const maxPaths = 1024

// paths are hashes of those at which sessions have been opened, here or elsewhere.
type paths struct {
	mu sync.RWMutex
	m  map[uint64]struct{}
}

func (p *paths) has(path uint64) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	_, ok := p.m[path]
	return ok
}

func (p *paths) add(path uint64) {
	if p.has(path) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.m == nil {
		p.m = make(map[uint64]struct{})
	}
	if len(p.m) < maxPaths {
		p.m[path] = struct{}{}
	}
}
