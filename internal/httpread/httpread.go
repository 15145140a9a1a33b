// Package httpread reads the heads of those requests of HTTP/1.1 about which no two programs
// could be of two minds. It knows GET and POST, lines that end with CR LF, one Host and one
// length in digits. What is anything else, be it allowed or not, is for another reader to
// judge, which gets it as it has come.
package httpread

import "bytes"

// A Verdict is what has been found out about bytes.
type Verdict uint8

const (
	// Partial may become a head that can be read.
	Partial Verdict = iota
	// Whole is one.
	Whole
	// Other is none, or one of the many that are left to others.
	Other
)

// MaxHead is how long a head may be, in bytes: a browser's with a few cookies has one or two
// thousand.
const MaxHead = 4 << 10

// overhead is what a field or a parameter counts beside its bytes: see [Head.Cost].
const overhead = 32

// A Head is the head of a request. Its slices are part of what has been read.
type Head struct {
	Post   bool // or else it is a GET
	Path   []byte
	Query  []byte // without the question mark
	Length int    // of the body, which a GET has none of
	Size   int    // of the head
	// Cost is the size of the target and the fields without Host, as in RFC 9113, section
	// 6.5.2: with 32 bytes more for each field, and for each further parameter.
	Cost int

	Host           []byte
	Origin         []byte
	ContentType    []byte
	AcceptEncoding []byte
	FetchSite      []byte
	FetchMode      []byte
	Cookie         bool // there is one, and it is not empty
	Authorization  bool // likewise

	seen seen
}

// Fields that must not appear twice.
type seen uint16

const (
	seenHost seen = 1 << iota
	seenOrigin
	seenType
	seenEncoding
	seenSite
	seenMode
	seenCookie
	seenAuthorization
	seenLength
	seenConnection
)

// Read reads the head that p begins with into h. It allocates nothing.
func Read(p []byte, h *Head) Verdict {
	*h = Head{}
	if !begins(p) {
		return Other
	}
	for at := 0; ; {
		line, next, v := cutLine(p, at)
		switch {
		case v == Partial && len(p) <= MaxHead:
			return Partial
		case v != Whole || next > MaxHead:
			return Other
		case at == 0:
			if !h.request(line) {
				return Other
			}
		case len(line) == 0:
			h.Size = next
			return h.check()
		case !h.field(line):
			return Other
		}
		at = next
	}
}

// cutLine returns the line of p at an offset, and where the next one begins.
func cutLine(p []byte, at int) (line []byte, next int, v Verdict) {
	i := bytes.IndexByte(p[at:], '\n')
	switch {
	case i < 0:
		return nil, at, Partial
	case i == 0 || p[at+i-1] != '\r':
		return nil, at, Other
	}
	return p[at : at+i-1], at + i + 1, Whole
}

// begins tells whether p may be the beginning of a request line.
func begins(p []byte) bool {
	return starts(p, "GET /") || starts(p, "POST /")
}

func starts(p []byte, s string) bool {
	n := min(len(p), len(s))
	return string(p[:n]) == s[:n]
}

// request reads the request line.
func (h *Head) request(line []byte) bool {
	const version = " HTTP/1.1"
	switch {
	case bytes.HasPrefix(line, []byte("GET /")):
		line = line[len("GET "):]
	case bytes.HasPrefix(line, []byte("POST /")):
		h.Post = true
		line = line[len("POST "):]
	default:
		return false
	}
	if !bytes.HasSuffix(line, []byte(version)) {
		return false
	}
	target := line[:len(line)-len(version)]
	var found bool
	h.Path, h.Query, found = bytes.Cut(target, []byte("?"))
	h.Cost = len(target)
	for i, c := range h.Path {
		if !plain(c) || c == '%' && !(i+2 < len(h.Path) && hex(h.Path[i+1]) && hex(h.Path[i+2])) {
			return false
		}
	}
	for _, c := range h.Query {
		if !plain(c) {
			return false
		}
		if c == '&' {
			h.Cost += overhead
		}
	}
	return found
}

// plain tells whether a byte may stand in a target. What it would be for a fragment or a
// bracket is not for us to say.
func plain(c byte) bool { return c > ' ' && c < 0x7f && c != '#' }

func hex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

// field reads a field, and reports whether it is one that leaves no doubt.
func (h *Head) field(line []byte) bool {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 {
		return false
	}
	name, value := line[:colon], line[colon+1:]
	for _, c := range name {
		if !token[c] {
			return false
		}
	}
	for len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	for len(value) > 0 && value[len(value)-1] == ' ' {
		value = value[:len(value)-1]
	}
	for _, c := range value {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	h.Cost += len(name) + len(value) + overhead
	return h.known(name, value)
}

// known takes note of fields that matter.
func (h *Head) known(name, value []byte) bool {
	switch len(name) {
	case 2:
		return !is(name, "te")
	case 4:
		if is(name, "host") {
			h.Host = value
			h.Cost -= len(name) + len(value) + overhead
			return h.first(seenHost) && validHost(value)
		}
	case 6:
		switch {
		case is(name, "origin"):
			h.Origin = value
			return h.first(seenOrigin)
		case is(name, "cookie"):
			h.Cookie = len(value) > 0
			return h.first(seenCookie)
		case is(name, "expect"):
			return false
		}
	case 7:
		return !is(name, "upgrade") && !is(name, "trailer")
	case 10:
		if is(name, "connection") {
			return h.first(seenConnection) && is(value, "keep-alive")
		}
	case 12:
		if is(name, "content-type") {
			h.ContentType = value
			return h.first(seenType)
		}
	case 13:
		if is(name, "authorization") {
			h.Authorization = len(value) > 0
			return h.first(seenAuthorization)
		}
	case 14:
		switch {
		case is(name, "content-length"):
			return h.first(seenLength) && h.length(value)
		case is(name, "sec-fetch-site"):
			h.FetchSite = value
			return h.first(seenSite)
		case is(name, "sec-fetch-mode"):
			h.FetchMode = value
			return h.first(seenMode)
		}
	case 15:
		if is(name, "accept-encoding") {
			h.AcceptEncoding = value
			return h.first(seenEncoding)
		}
	case 17:
		return !is(name, "transfer-encoding")
	}
	return true
}

func (h *Head) first(s seen) bool {
	again := h.seen&s != 0
	h.seen |= s
	return !again
}

// length reads a length that others could not take for another one.
func (h *Head) length(value []byte) bool {
	if len(value) == 0 || len(value) > 9 || value[0] == '0' && len(value) > 1 {
		return false
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return false
		}
		h.Length = 10*h.Length + int(c-'0')
	}
	return true
}

// check is the end of the head.
func (h *Head) check() Verdict {
	switch {
	case h.seen&seenHost == 0, h.Post && h.seen&seenLength == 0, !h.Post && h.Length > 0:
		return Other
	}
	return Whole
}

// is tells whether b is s, which is in lower case, but for its case.
func is(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != s[i] {
			return false
		}
	}
	return true
}

// validHost takes names, addresses and ports.
func validHost(v []byte) bool {
	for _, c := range v {
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']') {
			return false
		}
	}
	return len(v) > 0
}

var token = func() (t [256]bool) {
	for c := range t {
		t[c] = '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] = true
	}
	return t
}()
