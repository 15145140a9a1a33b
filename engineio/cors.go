package engineio

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/internal/logline"
	"github.com/siokit/sio/internal/negotiate"
	"github.com/siokit/sio/internal/unread"
)

// CORS opens a server to pages of other origins. The server checks the origin of
// requests of both transports by itself, since browsers enforce CORS for polling but not
// for WebSocket.
type CORS struct {
	// Origins lists the origins that are allowed, such as
	// "https://app.example.com". "https://*.example.com" allows every origin below
	// example.com, at any depth, but not "https://example.com" itself; whoever can
	// get such a name is let in. Case and a default port don't matter. Programs
	// have origins with other schemes, such as "capacitor://localhost".
	//
	// "*" allows every origin, and "null" every page that hides its own, but
	// neither allows a request that carries credentials (a cookie, an Authorization
	// header or a TLS client certificate): any page could then act in the name of
	// its visitor.
	Origins []string
	// OriginFunc, if set, allows further origins. It is called with the value
	// of the Origin header, from many goroutines.
	OriginFunc func(origin string) bool
	// Credentials allows polling requests with cookies. It can't be combined with
	// the origins "*" and "null".
	Credentials bool
	// AllowedHeaders lists the headers that a page may send, as preflight requests
	// are told. Default: those that they ask for.
	AllowedHeaders []string
	// ExposedHeaders lists the headers of answers that a page may read.
	ExposedHeaders []string
	// MaxAge is how long a browser may keep the answer to a preflight request.
	// Default: what the browser chooses.
	MaxAge time.Duration
}

// corsRules are a CORS that has been checked.
type corsRules struct {
	CORS
	rules []originRule // of Origins
	star  bool         // "*" is one
	null  bool         // "null" is one
}

// opaque is the origin of pages that hide theirs: of a file, or in a sandboxed
// frame, which any page can make.
const opaque = "null"

// compile checks a CORS and takes the origins apart.
func (c CORS) compile() (*corsRules, error) {
	c.Origins = slices.Clone(c.Origins)
	out := &corsRules{CORS: c}
	var errs []error
	for _, o := range c.Origins {
		switch o {
		case "*":
			out.star = true
		case opaque:
			out.null = true
		default:
			rule, err := parseOriginRule(o)
			if err != nil {
				errs = append(errs, fmt.Errorf("CORS.Origins: %w", err))
			}
			out.rules = append(out.rules, rule)
			continue
		}
		if c.Credentials {
			errs = append(errs, fmt.Errorf("CORS.Origins %q does not go with CORS.Credentials", o))
		}
	}
	if c.MaxAge < 0 {
		errs = append(errs, errors.New("CORS.MaxAge is negative"))
	}
	return out, errors.Join(errs...)
}

// listed tells whether an origin is allowed by name, or like any other.
func (c *corsRules) listed(value string, o origin, isOrigin bool) (byName, byStar bool) {
	if c == nil {
		return false, false
	}
	for i := range c.rules {
		byName = byName || isOrigin && c.rules[i].admits(o)
	}
	byName = byName || c.OriginFunc != nil && c.OriginFunc(value)
	return byName, c.star || c.null && value == opaque
}

// What a refused origin needs, for the log, where ORIGIN and HOST are its own.
const (
	needsListing     = `CORS.Origins: "ORIGIN"`
	needsListingHost = needsListing + `; if it is the server's own, a proxy that passes on Host, or Hosts: "HOST"`
	needsName        = needsListing + `: by "*" or "null", over TLS a page without, and as "file://" it may carry no cookie, Authorization or client certificate`
	needsNothing     = "; or nothing, if a proxy adds the headers of CORS"
	needsOtherClient = "nothing: a page of another site asked for it as for an image, and no client of Socket.IO does"
)

// judge is the origin policy. It returns "" if r may go on, or else what it needs.
//
// Without CORS in the options it is "same origin" for WebSocket, and left to the
// browser for polling, unless a handshake alone has the application act. An origin
// that a CORS middleware before us has allowed by name is allowed here too.
func (s *Server) judge(h http.Header, r *http.Request, acts bool) (needs string) {
	value := r.Header.Get("Origin")
	if foreign(r) && (value == "" || r.Header.Get("Sec-Fetch-Mode") == "no-cors") { // an image, say, whose answer no page can read
		return needsOtherClient
	}
	if value == "" {
		return ""
	}
	o, isOrigin := parseOrigin(value)
	own := isOrigin && s.own(o, r)
	if own && (r.TLS == nil || o.scheme != "http") {
		return ""
	}
	byName, byStar := s.opts.cors.listed(value, o, isOrigin)
	earlier := h.Get("Access-Control-Allow-Origin")
	switch {
	case byName, earlier == value && value != "*" && value != opaque:
		return ""
	case own, byStar, earlier == "*", earlier == value, isOrigin && o == anyFile:
		if !credentials(r) {
			return ""
		}
		return needsName
	case s.opts.cors == nil && !acts:
		return ""
	}
	return listing(o)
}

func listing(o origin) (needs string) {
	if o.web() {
		return needsListingHost
	}
	return needsListing
}

// anyFile is sent by programs that are no browser, such as microcontrollers and old
// web views: for a page that was opened from a file, a browser sends "null", unless
// its user has turned that protection off.
var anyFile = origin{scheme: "file"}

// own tells whether o is the server's own, as far as the host says so: where TLS
// ends in front of us, the scheme is not known. A page that has come without TLS may
// have been changed on its way by anybody.
func (s *Server) own(o origin, r *http.Request) bool {
	if rules := s.opts.hosts; len(rules) > 0 {
		return o.web() && slices.ContainsFunc(rules, func(rule hostRule) bool { return rule.admits(o) })
	}
	host, port, ok := splitHost(r.Host)
	return ok && o.web() && hostRule{host: host, port: port}.admits(o)
}

// credentials tells whether r carries what a browser adds by itself, whichever page
// it is for.
func credentials(r *http.Request) bool {
	return r.Header.Get("Cookie") != "" || r.Header.Get("Authorization") != "" || r.TLS != nil && len(r.TLS.PeerCertificates) > 0
}

// allows applies the origin policy, and says in the log what an origin needs that
// is refused.
func (s *Server) allows(h http.Header, r *http.Request, acts bool) bool {
	needs := s.judge(h, r, acts)
	switch {
	case needs != "":
		s.logOrigin(r, needs, "origin refused")
	case s.opts.cors == nil && foreign(r) && r.Header.Get("Sec-Fetch-Mode") == "cors" && h.Get("Access-Control-Allow-Origin") == "":
		value := r.Header.Get("Origin")
		if s.keptOut.add(printable(value)) {
			o, _ := parseOrigin(value)
			s.logOrigin(r, listing(o)+needsNothing, "origin kept out by its browser")
		}
	}
	return needs == ""
}

// A keptOut has the origins that the log has told of. Where a proxy adds the headers of CORS
// all is well, and one line for each is enough.
type keptOut struct {
	mu      sync.Mutex
	origins map[string]bool
}

// maxKeptOut bounds the origins. Behind it the log may tell of one again.
const maxKeptOut = 100

// add returns false if the origin is there.
func (k *keptOut) add(origin string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.origins[origin]:
		return false
	case k.origins == nil || len(k.origins) == maxKeptOut:
		k.origins = make(map[string]bool)
	}
	k.origins[origin] = true
	return true
}

func (s *Server) logOrigin(r *http.Request, needs, message string) {
	line := s.log.Sparse(zerolog.WarnLevel, r.RemoteAddr, message)
	if line == nil {
		return
	}
	origin := printable(r.Header.Get("Origin"))
	_, host, _ := strings.Cut(origin, "://")
	needs = strings.NewReplacer("ORIGIN", origin, "HOST", host).Replace(needs)
	line.Str("addr", logline.Text(r.RemoteAddr, logline.AddrLimit)).Str("origin", origin).Str("host", printable(r.Host)).Str("needs", needs).Msg(message)
}

// foreign tells whether a browser says that r is of a page of another origin.
func foreign(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site"
}

// Preflight calls [Server.CORS] if r asks for a transport that s serves, and returns
// whether that has answered r. It is for what stands in front of s and may refuse r: a
// preflight carries no credentials, and a page can read a refusal only with the CORS
// headers.
func (s *Server) Preflight(w http.ResponseWriter, r *http.Request) (done bool) {
	return s.serves(s.query(r).get("transport")) && s.CORS(w, r)
}

// CORS adds the headers of Options.CORS to an answer that is not written by s, to a
// request at the server's path. It returns true if r is a preflight, which it has
// answered.
func (s *Server) CORS(w http.ResponseWriter, r *http.Request) (done bool) {
	unread.Bound(w, r)
	return s.setCORS(w, r)
}

// setCORS adds the CORS headers, unless a middleware before us has done so.
// It reports whether it answered r, a preflight.
func (s *Server) setCORS(w http.ResponseWriter, r *http.Request) (done bool) {
	c := s.opts.cors
	h := w.Header()
	if c == nil || h.Get("Access-Control-Allow-Origin") != "" {
		return false
	}
	value := r.Header.Get("Origin")
	o, isOrigin := parseOrigin(value)
	byName, byStar := c.listed(value, o, isOrigin)
	switch {
	case c.star && !byName:
		h.Set("Access-Control-Allow-Origin", "*")
	default:
		negotiate.Vary(h, "Origin")
		if value != "" && (byName || byStar) {
			h.Set("Access-Control-Allow-Origin", value)
			if c.Credentials {
				h.Set("Access-Control-Allow-Credentials", "true")
			}
		}
	}
	if len(c.ExposedHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.ExposedHeaders, ","))
	}
	if r.Method != http.MethodOptions || s.judge(h, r, false) != "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET,POST,OPTIONS")
	if len(c.AllowedHeaders) > 0 {
		h.Set("Access-Control-Allow-Headers", strings.Join(c.AllowedHeaders, ","))
	} else {
		negotiate.Vary(h, "Access-Control-Request-Headers")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
		}
	}
	if c.MaxAge > 0 {
		h.Set("Access-Control-Max-Age", strconv.Itoa(int(c.MaxAge.Seconds())))
	}
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusNoContent)
	return true
}
