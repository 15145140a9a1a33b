package engineio

import (
	"net/http"
	"net/url"
	"strings"
)

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
