package websocket

import (
	"slices"
	"strings"
)

// AcceptDeflate returns the answer to the first offer of per-message deflate that
// can be accepted, or "" if there is none. Lists are the Sec-WebSocket-Extensions
// headers (RFC 6455, section 9.1); if they are malformed, nothing of them is accepted.
func AcceptDeflate(lists []string) (answer string) {
	p := headerParser{strings.Join(lists, ",")}
	for {
		for p.skip(',') { // elements may be empty
		}
		if p.rest == "" {
			return answer
		}
		name := p.token()
		if name == "" {
			return ""
		}
		o := deflateOffer{declined: name != "permessage-deflate"}
		for p.skip(';') {
			param := p.token()
			value, ok := p.value()
			if param == "" || !ok {
				return ""
			}
			o.add(param, value)
		}
		if p.rest != "" && p.rest[0] != ',' {
			return ""
		}
		if answer == "" && !o.declined {
			answer = o.answer()
		}
	}
}

// FirstProtocol returns the first of the client's subprotocols, which is the one to
// accept, or "" if it names none. Lists are the Sec-WebSocket-Protocol headers. Ok is
// false if they are malformed, or name one twice (RFC 6455, section 4.1).
func FirstProtocol(lists []string) (first string, ok bool) {
	if len(lists) == 0 {
		return "", true
	}
	var seen []string
	for p := (headerParser{strings.Join(lists, ",")}); ; {
		p.rest = strings.TrimLeft(p.rest, " \t")
		name := p.token()
		if name == "" || slices.Contains(seen, name) || len(seen) == maxProtocols {
			return "", false
		}
		seen = append(seen, name)
		if p.rest = strings.TrimLeft(p.rest, " \t"); p.rest == "" {
			return seen[0], true
		}
		if !p.skip(',') {
			return "", false
		}
	}
}

// maxProtocols is how many subprotocols a client may name. One is usual.
const maxProtocols = 64

// A headerParser takes a header apart.
type headerParser struct{ rest string }

// skip skips c, if that comes next, and white space.
func (p *headerParser) skip(c byte) bool {
	p.rest = strings.TrimLeft(p.rest, " \t")
	found := p.rest != "" && p.rest[0] == c
	if found {
		p.rest = strings.TrimLeft(p.rest[1:], " \t")
	}
	return found
}

// token returns the token that comes next, or nothing.
func (p *headerParser) token() string {
	n := 0
	for n < len(p.rest) && isTokenByte(p.rest[n]) {
		n++
	}
	token := p.rest[:n]
	p.rest = p.rest[n:]
	return token
}

// value returns the value of a parameter, nothing if it has none, or false if it
// is malformed. It may be quoted, but must be a token all the same.
func (p *headerParser) value() (value string, ok bool) {
	if !p.skip('=') {
		return "", true
	}
	quoted, ok := strings.CutPrefix(p.rest, `"`)
	if !ok {
		value = p.token()
		return value, value != ""
	}
	var b []byte
	for p.rest = quoted; p.rest != "" && p.rest[0] != '"'; p.rest = p.rest[1:] {
		p.rest = strings.TrimPrefix(p.rest, `\`)
		if p.rest == "" || !isTokenByte(p.rest[0]) {
			return "", false
		}
		b = append(b, p.rest[0])
	}
	return string(b), len(b) > 0 && p.skip('"')
}

func isTokenByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return c != 0 && strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// A deflateOffer is one offer of permessage-deflate (RFC 7692, section 7.1).
type deflateOffer struct {
	declined bool
	seen     [4]bool // its parameters, in the order below
}

const serverWindow = 1

func (o *deflateOffer) add(param, value string) {
	var i int
	var ok bool
	switch param {
	case "server_no_context_takeover":
		i, ok = 0, value == ""
	case "server_max_window_bits":
		i, ok = serverWindow, value == "15" // compress/flate has no smaller window
	case "client_no_context_takeover":
		i, ok = 2, value == ""
	case "client_max_window_bits": // a hint: we need not ask for less
		i = 3
		switch value {
		case "", "8", "9", "10", "11", "12", "13", "14", "15":
			ok = true
		}
	}
	if !ok || o.seen[i] {
		o.declined = true
	}
	o.seen[i] = true
}

func (o *deflateOffer) answer() string {
	answer := "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	if o.seen[serverWindow] {
		answer += "; server_max_window_bits=15"
	}
	return answer
}
