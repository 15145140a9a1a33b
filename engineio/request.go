package engineio

import (
	"errors"
	"hash/maphash"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/internal/logline"
	"github.com/siokit/sio/internal/unread"
)

// verify makes all checks, before anything is answered or taken over. It
// returns the session that r belongs to, if it names one.
func (s *Server) verify(w http.ResponseWriter, r *http.Request, q query, upgrade bool) (*Session, *refusal) {
	transport := q.get("transport")
	switch {
	case !headFits(r, s.opts.MaxHeaderBytes): // a POST may take minutes, too
		return nil, errHeaderTooLarge
	case !s.serves(transport):
		return nil, errUnknownTransport
	case strings.ContainsFunc(r.Header.Get("Origin"), unicode.IsControl):
		return nil, errBadRequest
	case !s.allows(w.Header(), r, upgrade || s.opts.AllowEIO3 && q.get("EIO") != "4"): // in revision 3, the client is in "/" at once
		return nil, errForbidden
	}
	if id := q.get("sid"); id != "" {
		return s.find(q, id, upgrade)
	}
	switch {
	case r.Method != http.MethodGet:
		return nil, errBadMethod
	case transport == TransportWebSocket && !upgrade:
		return nil, errNoUpgrade
	case transport != TransportWebSocket && upgrade:
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

// find returns the session with an id, if the request fits to it.
func (s *Server) find(q query, id string, upgrade bool) (*Session, *refusal) {
	sess := s.sessions.get(id)
	switch {
	case sess == nil:
		return nil, errUnknownSID
	case !upgrade && q.get("transport") == TransportWebSocket:
		return nil, errNoUpgrade
	case upgrade != (q.get("transport") == TransportWebSocket), !upgrade && sess.Transport() != TransportPolling,
		q.get("EIO") == sess.otherRevision():
		return nil, errBadRequest
	}
	return sess, nil
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

// A refusal is an answer to a request that is not served.
type refusal struct {
	status  int
	code    int
	message string
	why     RefusedReason
	needs   string // for the log: what somebody has to change; "" if nobody has to
}

var (
	errUnknownTransport = &refusal{http.StatusBadRequest, 0, "Transport unknown", RefusedTransport, "a transport of Options.Transports"}
	errUnknownSID       = &refusal{http.StatusBadRequest, 1, "Session ID unknown", RefusedSession, "sticky sessions at the load balancer, or Options.Cluster; behind a restart nothing, since clients come back"}
	errSessionOver      = &refusal{http.StatusBadRequest, 1, "Session ID unknown", RefusedSession, ""} // it has just ended
	errBadMethod        = &refusal{http.StatusBadRequest, 2, "Bad handshake method", RefusedMethod, "the client's query, if a proxy has dropped it: only a GET opens a session, and any other request names one"}
	errBadRequest       = &refusal{http.StatusBadRequest, 3, "Bad request", RefusedRequest, ""}
	errNoUpgrade        = &refusal{http.StatusBadRequest, 3, "Bad request", RefusedRequest, "the headers Upgrade and Connection of a WebSocket, which a proxy has to pass on, over HTTP/1.1"}
	errNoHijack         = &refusal{http.StatusBadRequest, 3, "Bad request", RefusedRequest, "a connection that can be taken over: http.TimeoutHandler, or a writer without Unwrap, is in front"}
	errForbidden        = &refusal{http.StatusForbidden, 4, "Forbidden", RefusedOrigin, ""} // allows says what it needs
	errProtocolVersion  = &refusal{http.StatusBadRequest, 5, "Unsupported protocol version", RefusedRevision, "Options.AllowEIO3 for clients of version 2 and before, or a newer client"}
	errBusy             = &refusal{http.StatusServiceUnavailable, 3, "Server too busy", RefusedBusy, "less at a time, of all clients, or a larger Options.TotalBytes"}
	errBodyTimeout      = &refusal{http.StatusRequestTimeout, 3, "Request timeout", RefusedSlow, ""}
	errHeaderTooLarge   = &refusal{http.StatusRequestHeaderFieldsTooLarge, 3, "Request header fields too large", RefusedHead, "a smaller head, which cookies are most of as a rule, or a larger Options.MaxHeaderBytes"}
	errShuttingDown     = &refusal{http.StatusServiceUnavailable, 3, "Server shutting down", RefusedShutdown, ""}
)

// logRefusal says what a request that is refused needs. What is no client at all, such as
// a health check, is told of at debug only.
func (s *Server) logRefusal(r *http.Request, e *refusal) {
	q := s.query(r)
	level := zerolog.WarnLevel
	if e.needs == "" || e == errUnknownTransport && !q.has("EIO") {
		level = zerolog.DebugLevel
	}
	line := s.log.Sparse(level, r.RemoteAddr, e.message, e.needs)
	if line == nil {
		return
	}
	line.Str("addr", logline.Text(r.RemoteAddr, logline.AddrLimit)).Int("code", e.code).Str("why", e.message)
	for _, f := range [...]struct{ key, name string }{{"transport", "transport"}, {"eio", "EIO"}} {
		if v, ok := q.lookup(f.name); ok {
			line.Str(f.key, logline.Text(v, 16))
		}
	}
	if e.needs != "" {
		line.Str("needs", e.needs)
	}
	line.Msg("request refused")
}

// refuse answers with JSON, and an upgrade with the bare message.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, upgrade bool, e *refusal) {
	s.watch.refused(r, e.why)
	s.logRefusal(r, e)
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

var hashSeed = maphash.MakeSeed()

// hashPath stands for the path as the peer wrote it: on its way to us, a
// request's URL may have been rewritten.
func hashPath(r *http.Request) uint64 {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	return maphash.String(hashSeed, path)
}

// A query is the query of a URL, as it stands there. A few values are wanted, once:
// url.Values would be a sixth of what a poll allocates.
type query string

// query returns the query of r, or nothing if that is refused for its length: looking
// for a parameter takes a millisecond for some ten thousand of them.
func (s *Server) query(r *http.Request) query {
	if len(r.URL.RawQuery) > s.opts.MaxHeaderBytes {
		return ""
	}
	return query(r.URL.RawQuery)
}

// get returns the value of a parameter.
func (q query) get(name string) string {
	v, _ := q.lookup(name)
	return v
}

// has tells whether there is one.
func (q query) has(name string) bool {
	_, ok := q.lookup(name)
	return ok
}

// lookup returns the last value, as the reference server does. What is malformed does
// not count.
func (q query) lookup(name string) (string, bool) {
	for rest := string(q); rest != ""; {
		i := strings.LastIndexByte(rest, '&')
		pair := rest[i+1:]
		rest = rest[:max(i, 0)]
		k, v, _ := strings.Cut(pair, "=")
		if pair == "" || k != name && !strings.ContainsAny(k, "%+") || strings.Contains(pair, ";") {
			continue
		}
		k, errK := url.QueryUnescape(k)
		v, errV := url.QueryUnescape(v)
		if k == name && errK == nil && errV == nil {
			return v, true
		}
	}
	return "", false
}

func (s *Server) serves(transport string) bool { return slices.Contains(s.opts.Transports, transport) }
