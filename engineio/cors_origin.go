package engineio

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/siokit/sio/internal/logline"
)

// An origin says where a page comes from. All forms of one are the same value.
type origin struct {
	scheme string // lower case; that of the page, where it is written as its WebSocket's
	host   string // lower case, without brackets, zone, or a dot at the end
	port   string // "" if it goes without saying
}

// parseOrigin reads the value of an Origin header. "null" is none. A slash at the end,
// which no browser sends, is of older clients of React Native.
func parseOrigin(s string) (o origin, ok bool) {
	scheme, rest, ok := cutScheme(s)
	o.scheme, rest = scheme, strings.TrimSuffix(rest, "/")
	if !ok || rest == "" { // a file, say
		return o, ok && !o.web()
	}
	o.host, o.port, ok = splitHost(rest)
	o.port = o.canonical(o.port)
	return o, ok
}

// cutScheme cuts the scheme off, and turns a WebSocket's into that of its page.
func cutScheme(s string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(s, "://")
	ok = ok && scheme != "" && !strings.ContainsFunc(scheme, notInScheme)
	switch scheme = strings.ToLower(scheme); scheme {
	case "ws":
		scheme = "http"
	case "wss":
		scheme = "https"
	}
	return scheme, rest, ok
}

func notInScheme(r rune) bool { return notInHost(r) && r != '+' }

// web tells whether o is of pages that come over HTTP.
func (o origin) web() bool { return o.scheme == "http" || o.scheme == "https" }

// canonical returns port, less the one that goes without saying.
func (o origin) canonical(port string) string {
	if o.scheme == "http" && port == "80" || o.scheme == "https" && port == "443" {
		return ""
	}
	return port
}

// splitHost reads what a Host header holds.
func splitHost(s string) (host, port string, ok bool) {
	if addr, rest, bracketed := strings.Cut(strings.TrimPrefix(s, "["), "]"); bracketed && s[0] == '[' {
		addr, _, _ = strings.Cut(addr, "%") // the zone is the sender's own
		ip, err := netip.ParseAddr(addr)
		if err != nil || !ip.Is6() || rest != "" && rest[0] != ':' {
			return "", "", false
		}
		host, port = ip.String(), strings.TrimPrefix(rest, ":")
	} else {
		host, port, _ = strings.Cut(s, ":")
		host = strings.TrimSuffix(host, ".")
		if host == "" || host[0] == '.' || host[len(host)-1] == '.' || strings.Contains(host, "..") || strings.ContainsFunc(host, notInHost) {
			return "", "", false
		}
		host = strings.ToLower(host)
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return "", "", false
		}
		port = strings.TrimLeft(port, "0")
	}
	return host, port, true
}

// notInHost tells of characters that a name does not have where a browser writes it.
func notInHost(r rune) bool {
	lower := r | 0x20
	return (lower < 'a' || lower > 'z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
}

// A hostRule admits a host, or all of the names below it.
type hostRule struct {
	host  string // as in an origin
	port  string
	below bool // "*." stood in front of it
}

var (
	errNoHost  = errors.New("its host or port is none")
	errStar    = errors.New(`a "*" stands for the labels in front of a name, as in "*.example.com", and for nothing else`)
	errUnicode = errors.New(`write the host as browsers send it, in ASCII: "xn--…"`)
)

func parseHostRule(s string) (r hostRule, err error) {
	s, r.below = strings.CutPrefix(s, "*.")
	if strings.Contains(s, "*") {
		return r, errStar
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r > '~' }) {
		return r, errUnicode
	}
	host, port, ok := splitHost(s)
	if !ok || r.below && strings.Contains(host, ":") {
		return r, errNoHost
	}
	r.host, r.port = host, port
	return r, nil
}

// admits takes the rule's port for the one of the origin's scheme if there is none:
// what ends TLS in front of us leaves it out.
func (r hostRule) admits(o origin) bool {
	if o.port != o.canonical(r.port) {
		return false
	}
	if !r.below {
		return o.host == r.host
	}
	label, ok := strings.CutSuffix(o.host, r.host)
	return ok && len(label) > 1 && label[len(label)-1] == '.'
}

// An originRule is an element of CORS.Origins, but "*" and "null".
type originRule struct {
	scheme string
	hostRule
}

func parseOriginRule(s string) (r originRule, err error) {
	scheme, rest, ok := cutScheme(s)
	r.scheme = scheme
	path, user := strings.IndexAny(rest, "/?#"), strings.LastIndexByte(rest, '@')
	switch {
	case !ok:
		err = errors.New("it begins with no scheme")
	case strings.ContainsAny(rest, ", "):
		err = errors.New("an element is one origin")
	case path >= 0:
		err = fmt.Errorf("write %q, without a path", s[:len(s)-len(rest)+path])
	case user >= 0:
		err = fmt.Errorf("write %q, without a user", scheme+"://"+rest[user+1:])
	case rest != "":
		r.hostRule, err = parseHostRule(rest)
	case origin{scheme: scheme}.web():
		err = errNoHost
	}
	if err != nil {
		err = fmt.Errorf(`%q is not an origin such as "https://example.com": %w`, s, err)
	}
	return r, err
}

func (r originRule) admits(o origin) bool { return r.scheme == o.scheme && r.hostRule.admits(o) }

// printable returns what a log may have of an origin or host, which a peer chose: no
// more than a browser would send, and not the user or query of a URL.
func printable(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		scheme, rest = "", s
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	if ok {
		rest = scheme + "://" + rest
	}
	return logline.Text(rest, 128)
}
