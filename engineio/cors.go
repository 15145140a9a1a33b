package engineio

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/siokit/sio/internal/negotiate"
)

// CORS opens a server to pages of other origins. Its origins guard both
// transports: a browser enforces CORS for polling but not for WebSocket, so
// the server refuses by itself.
type CORS struct {
	// Origins that are allowed, such as "https://app.example.com". "*" allows
	// every origin, but never a request that carries a cookie: any page could
	// then act in the name of its visitor.
	Origins []string
	// OriginFunc, if set, allows further origins. It is called with the value
	// of the Origin header, from many goroutines.
	OriginFunc func(origin string) bool
	// Credentials allows polling requests with cookies. Not together with "*".
	Credentials bool
	// AllowedHeaders answers preflight requests. Default: what is asked for.
	AllowedHeaders []string
	// ExposedHeaders can be read by the page.
	ExposedHeaders []string
	// MaxAge is how long a browser may keep a preflight answer. Default: its own.
	MaxAge time.Duration
}

func (c *CORS) validate() error {
	for _, o := range c.Origins {
		if o == "*" {
			if c.Credentials {
				return errors.New(`CORS.Origins "*" does not go with CORS.Credentials`)
			}
			continue
		}
		if u, err := url.Parse(o); o != "null" && (err != nil || u.Scheme == "" || u.Host == "" || u.Path != "") {
			return errors.New("CORS.Origins: " + strconv.Quote(o) + ` is not an origin such as "https://example.com"`)
		}
	}
	if c.MaxAge < 0 {
		return errors.New("CORS.MaxAge is negative")
	}
	return nil
}

// listed tells whether origin is allowed by name, or only by "*".
func (c *CORS) listed(origin string) (byName, byStar bool) {
	if c == nil {
		return false, false
	}
	byName = slices.Contains(c.Origins, origin) || c.OriginFunc != nil && c.OriginFunc(origin)
	return byName, slices.Contains(c.Origins, "*")
}

// originAllowed is the origin policy. Without CORS in the options it is "same
// origin" for WebSocket, and left to the browser for polling. An origin that a
// CORS middleware before us has allowed by name is allowed here too.
func (s *Server) originAllowed(h http.Header, r *http.Request, upgrade bool) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	if u, err := url.Parse(origin); err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) {
		return true
	}
	byName, byStar := s.opts.CORS.listed(origin)
	earlier := h.Get("Access-Control-Allow-Origin")
	if byName || earlier == origin && earlier != "*" {
		return true
	}
	if byStar || earlier == "*" {
		return r.Header.Get("Cookie") == ""
	}
	return s.opts.CORS == nil && !upgrade
}

// CORS adds the headers of Options.CORS to an answer that is somebody else's, for
// a request at the server's path. It reports whether it has answered r, a
// preflight.
func (s *Server) CORS(w http.ResponseWriter, r *http.Request) (done bool) { return s.setCORS(w, r) }

// setCORS adds the CORS headers, unless a middleware before us has done so.
// It reports whether it answered r, a preflight.
func (s *Server) setCORS(w http.ResponseWriter, r *http.Request) (done bool) {
	c := s.opts.CORS
	h := w.Header()
	if c == nil || h.Get("Access-Control-Allow-Origin") != "" {
		return false
	}
	origin := r.Header.Get("Origin")
	byName, byStar := c.listed(origin)
	switch {
	case byStar && !byName:
		h.Set("Access-Control-Allow-Origin", "*")
	default:
		negotiate.Vary(h, "Origin")
		if origin != "" && byName {
			h.Set("Access-Control-Allow-Origin", origin)
			if c.Credentials {
				h.Set("Access-Control-Allow-Credentials", "true")
			}
		}
	}
	if len(c.ExposedHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.ExposedHeaders, ","))
	}
	if r.Method != http.MethodOptions || !s.originAllowed(h, r, false) {
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
