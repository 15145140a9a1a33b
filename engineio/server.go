package engineio

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio/parser"
	"github.com/siokit/sio/internal/sid"
	"github.com/siokit/sio/internal/unread"
)

// A Handler takes what happens on one session. Its methods must not block: other
// sessions may be read by the same goroutine.
type Handler interface {
	// Message is called with each message, one at a time and in order. Data is
	// valid until it returns. See [Session.Pause].
	Message(data []byte, binary bool)
	// Close is called once, when the session has ended or has begun to. It does
	// not wait for a Message that is under way.
	Close(reason Reason)
}

// An UpgradeHandler is a [Handler] that is told when its session has moved to
// WebSocket, which happens once at most.
type UpgradeHandler interface {
	Handler
	// Upgraded is called between two calls of Message. It must not block.
	Upgraded()
}

// A Server serves Engine.IO sessions on whatever path it is mounted at.
type Server struct {
	opts Options
	open func(*Session) Handler
	log  zerolog.Logger
	born time.Time // what Session.due is counted from

	after    func() // see AfterMessages; or nil
	sessions sessionMap
	pollers  pollers
	drain    drain
	queued   memory // of what waits to be sent
	intakes  intakes
	number   uint8
	closing  atomic.Bool

	noUpgrades sync.Once    // the log says why
	longHead   sync.Once    // likewise
	refused    atomic.Int64 // when a refused origin was logged last, since born
	lobby      lobby
	wg         sync.WaitGroup // sessions, and the goroutines of their connections

	mu    sync.Mutex
	conns map[*wsConn]struct{} // WebSockets that linger after their session's end
	cut   bool                 // no lingering any more
}

// New returns a server that calls open with each new session, while its
// handshake is being answered; what open sends arrives after the handshake.
// Nil options are fine. The error names an option that makes no sense.
func New(opts *Options, open func(*Session) Handler) (*Server, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		opts:  o,
		open:  open,
		born:  time.Now(),
		log:   o.Logger.With().Str("component", "engineio").Logger(),
		conns: make(map[*wsConn]struct{}),
	}
	s.queued.limit, s.intakes.limit = int64(o.TotalBytes), int64(o.TotalBytes)
	s.number = uint8(servers.Add(1)%255) + 1
	s.pollers = newPollers(&s.wg)
	s.drain.init()
	return s, nil
}

// AfterMessages has f called when a goroutine has called [Handler.Message], once or
// for one session after the other, and is about to do something else. It is for
// handlers that gather what they start. f must not block. It has to be set before
// the first request.
func (s *Server) AfterMessages(f func()) { s.after = f }

func (s *Server) received() {
	if s.after != nil {
		s.after()
	}
}

// Len is the number of sessions.
func (s *Server) Len() int { return s.sessions.len() }

// ServeHTTP serves handshakes, polls and WebSocket upgrades, on any path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = s.Serve(w, r, nil) // only a capture function fails
}

// Serve is ServeHTTP with a function that is called once if r opens a session,
// before open and while r is still being served. What it returns is kept as
// [Session.Value]. If it fails, Serve returns its error, and r is for the
// caller to answer. If the session does not come to be for another reason, and
// what it returned has a method Abandon(), that is called.
//
// Serve returns as soon as the connection has been taken over.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, capture func() (any, error)) error {
	q := s.query(r)
	upgrade := isUpgrade(r)
	if r.Method != http.MethodPost { // its body is wanted, if it is not refused
		unread.Bound(w, r)
	}
	if len(r.TransferEncoding) > 0 {
		// A Content-Length beside it, which net/http hides, may mean that someone
		// on the way counts differently. Nothing may follow (RFC 9112, section 6.3).
		closeBehind(w, r)
	}
	if s.setCORS(w, r) {
		return nil
	}
	sess, refusal := s.verify(w, r, q, upgrade)
	if refusal == nil && r.Method == http.MethodGet && r.ContentLength != 0 {
		refusal = s.dropBody(w, r, sess, upgrade)
	}
	switch {
	case refusal != nil:
		s.refuse(w, r, upgrade, refusal)
	case upgrade:
		return s.serveWebSocket(w, r, q, sess, capture)
	case sess == nil:
		return s.openPolling(w, r, q, capture)
	case r.Method == http.MethodGet:
		sess.serveGet(w, r)
	case r.Method == http.MethodPost:
		sess.servePost(w, r)
	default:
		w.Header().Set("Allow", "GET, POST, OPTIONS")
		status := http.StatusMethodNotAllowed
		if r.Method == http.MethodOptions {
			status = http.StatusNoContent
		}
		w.WriteHeader(status)
	}
	return nil
}

// dropBody reads the body of a GET, which means nothing: until that is over, the HTTP
// server does not see the client leave. An upgrade has none.
func (s *Server) dropBody(w http.ResponseWriter, r *http.Request, sess *Session, upgrade bool) *refusal {
	if upgrade {
		return errBadRequest
	}
	_, err := io.Copy(io.Discard, http.MaxBytesReader(nil, r.Body, int64(s.opts.MaxPayload)))
	if err == nil {
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		return nil
	}
	if sess != nil {
		sess.fail(ReasonTransportError, err, emptyClose)
	}
	closeBehind(w, r)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errBodyTimeout
	}
	return errBadRequest
}

// closeBehind has the connection closed behind the answer. Over HTTP/2 that would end
// whatever else a browser does with us.
func closeBehind(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
}

// Knows tells whether r belongs to a session that is open: it names one, and is
// for the path that the session was opened at. Any other request opens one, or
// is refused, or is not for s at all.
func (s *Server) Knows(r *http.Request) bool {
	sess := s.sessions.get(s.query(r).get("sid"))
	return sess != nil && sess.path == hashPath(r)
}

var pathSeed = maphash.MakeSeed()

// hashPath stands for the path as the peer wrote it: on its way to us, a
// request's URL may have been rewritten.
func hashPath(r *http.Request) uint64 {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	return maphash.String(pathSeed, path)
}

// A refusal is an answer to a request that is not served.
type refusal struct {
	status  int
	code    int
	message string
}

var (
	errUnknownTransport = &refusal{http.StatusBadRequest, 0, "Transport unknown"}
	errUnknownSID       = &refusal{http.StatusBadRequest, 1, "Session ID unknown"}
	errBadMethod        = &refusal{http.StatusBadRequest, 2, "Bad handshake method"}
	errBadRequest       = &refusal{http.StatusBadRequest, 3, "Bad request"}
	errForbidden        = &refusal{http.StatusForbidden, 4, "Forbidden"}
	errProtocolVersion  = &refusal{http.StatusBadRequest, 5, "Unsupported protocol version"}
	errBusy             = &refusal{http.StatusServiceUnavailable, 3, "Server too busy"}
	errBodyTimeout      = &refusal{http.StatusRequestTimeout, 3, "Request timeout"}
	errHeaderTooLarge   = &refusal{http.StatusRequestHeaderFieldsTooLarge, 3, "Request header fields too large"}
	errShuttingDown     = &refusal{http.StatusServiceUnavailable, 3, "Server shutting down"}
)

// verify makes all checks, before anything is answered or taken over. It
// returns the session that r belongs to, if it names one.
func (s *Server) verify(w http.ResponseWriter, r *http.Request, q query, upgrade bool) (*Session, *refusal) {
	transport := q.get("transport")
	switch {
	case !headFits(r, s.opts.MaxHeaderBytes): // a POST may take minutes, too
		s.longHead.Do(func() {
			s.log.Warn().Int("MaxHeaderBytes", s.opts.MaxHeaderBytes).Msg("request refused: its head is too large")
		})
		return nil, errHeaderTooLarge
	case !s.serves(transport):
		return nil, errUnknownTransport
	case strings.ContainsFunc(r.Header.Get("Origin"), unicode.IsControl):
		return nil, errBadRequest
	case !s.allows(w.Header(), r, upgrade || s.opts.AllowEIO3 && q.get("EIO") != "4"): // in revision 3, the client is in "/" at once
		return nil, errForbidden
	}
	if id := q.get("sid"); id != "" {
		sess := s.sessions.get(id)
		switch {
		case sess == nil:
			return nil, errUnknownSID
		case upgrade != (transport == TransportWebSocket), !upgrade && sess.Transport() != TransportPolling,
			q.get("EIO") == sess.otherRevision():
			return nil, errBadRequest
		}
		return sess, nil
	}
	switch {
	case r.Method != http.MethodGet:
		return nil, errBadMethod
	case upgrade != (transport == TransportWebSocket):
		return nil, errBadRequest
	case q.get("EIO") != "4" && !s.opts.AllowEIO3:
		return nil, errProtocolVersion
	case q.get("EIO") != "4" && q.has("j"): // JSONP, which nobody needs any more
		return nil, errUnknownTransport
	case s.closing.Load():
		return nil, errShuttingDown
	}
	return nil, nil
}

// headFits tells whether the head of r is within limit, counted as in RFC 9113, section
// 6.5.2. A parameter costs as much as a field: frameworks keep them in maps, too.
func headFits(r *http.Request, limit int) bool {
	const overhead = 32
	n := len(r.RequestURI) + overhead*(strings.Count(r.URL.RawQuery, "&")+len(r.Trailer))
	for name := range r.Trailer { // what is to come behind the body
		n += len(name)
	}
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + overhead
		}
		if n > limit {
			return false
		}
	}
	return n <= limit
}

// refuse answers with JSON, and an upgrade with the bare message.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, upgrade bool, e *refusal) {
	s.log.Debug().Int("code", e.code).Str("why", e.message).Msg("request refused")
	unread.Bound(w, r)
	h := w.Header()
	var body []byte
	if upgrade {
		h.Set("Content-Type", "text/html")
		closeBehind(w, r)
		body = []byte(e.message)
	} else {
		h.Set("Content-Type", "application/json")
		body = appendRefusal(nil, e)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(e.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

func appendRefusal(dst []byte, e *refusal) []byte {
	dst = append(dst, `{"code":`...)
	dst = strconv.AppendInt(dst, int64(e.code), 10)
	dst = append(dst, `,"message":`...)
	dst = strconv.AppendQuote(dst, e.message)
	return append(dst, '}')
}

// openPacket tells a client about its session. Ids and transports need no escapes.
func (s *Server) openPacket(id string, upgrades ...string) *Message {
	o := &s.opts
	var buf [192]byte
	b := append(buf[:0], `{"sid":"`...)
	b = append(b, id...)
	b = append(b, `","upgrades":[`...)
	for i, u := range upgrades {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), u...), '"')
	}
	b = append(b, `],"pingInterval":`...)
	b = strconv.AppendInt(b, o.PingInterval.Milliseconds(), 10)
	b = append(b, `,"pingTimeout":`...)
	b = strconv.AppendInt(b, o.PingTimeout.Milliseconds(), 10)
	b = append(b, `,"maxPayload":`...)
	b = strconv.AppendInt(b, int64(o.MaxPayload), 10)
	return newPacket(parser.TypeOpen, append(b, '}'))
}

// newSession captures what is wanted of the request and makes a session that
// nobody knows yet.
func (s *Server) newSession(r *http.Request, q query, capture func() (any, error)) (*Session, error) {
	sess := &Session{srv: s, id: sid.New(), remote: strings.Clone(r.RemoteAddr), path: hashPath(r)}
	sess.out.v3 = q.get("EIO") != "4" // clients of before it said nothing, or anything
	sess.out.base64 = q.get("b64") == "1" && (sess.out.v3 || q.get("transport") == TransportWebSocket)
	sess.opened, sess.secure, sess.cross = time.Since(s.born), r.TLS != nil, r.Header.Get("Origin") != ""
	var err error
	if capture != nil {
		sess.value, err = capture()
	}
	return sess, err
}

// start makes the session known. False means that the server is shutting down.
func (s *Server) start(sess *Session, transport string) bool {
	if !s.sessions.add(sess, &s.wg) {
		return false
	}
	defer s.wg.Done()
	if sess.ws != nil {
		s.wg.Add(1) // for its reader
	}
	s.log.Info().Str("sid", sess.LogID()).Str("transport", transport).Msg("session opened")
	sess.start(s.open(sess))
	sess.uncork()
	return true
}

// Shutdown refuses new sessions with 503, lets every session deliver what is
// queued, closes it with "server shutting down", and waits until all of that
// has happened. When ctx ends first, it cuts what is left and returns the
// context's error. It may be called again.
func (s *Server) Shutdown(ctx context.Context) error {
	s.closing.Store(true)
	for _, sess := range s.sessions.shut() {
		sess.shut(ReasonShutdown, nil)
	}
	done := make(chan struct{})
	go func() { // ends with the last session: at the latest soon after the cut below
		s.wg.Wait()
		s.drain.wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	for _, sess := range s.sessions.shut() {
		sess.end(ReasonShutdown, nil)
	}
	s.mu.Lock()
	s.cut = true
	for w := range s.conns {
		_ = w.conn.SetDeadline(time.Unix(1, 0))
	}
	s.mu.Unlock()
	<-done
	return context.Cause(ctx)
}

func isUpgrade(r *http.Request) bool {
	return r.ProtoMajor == 1 && r.ProtoMinor >= 1 && headerHas(r.Header, "Upgrade", "websocket") && headerHas(r.Header, "Connection", "upgrade")
}

// headerHas looks for a token in a header that holds a list.
func headerHas(h http.Header, name, token string) bool {
	for _, v := range h[name] {
		for f := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(f), token) {
				return true
			}
		}
	}
	return false
}

// Options returns the options in force, defaults filled in.
func (s *Server) Options() Options { return s.opts }
