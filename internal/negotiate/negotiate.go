// Package negotiate chooses the form of an answer by the request's headers.
package negotiate

import (
	"net/http"
	"strconv"
	"strings"
)

// Gzip tells whether the answer to r may be compressed, and adds to its headers h that
// this depends on Accept-Encoding. It returns false if the answer is [Compressed].
func Gzip(h http.Header, r *http.Request) bool {
	if Compressed(h) {
		return false
	}
	Vary(h, "Accept-Encoding")
	return takesGzip(r.Header.Values("Accept-Encoding"))
}

// Compressed tells whether the headers h of an answer show that a middleware before us
// compresses: one says so by Content-Encoding, another only by Vary.
func Compressed(h http.Header) bool {
	return h.Get("Content-Encoding") != "" || hasToken(h.Values("Vary"), "Accept-Encoding")
}

// Vary adds a name to the Vary header in h, unless that has it, or "*".
func Vary(h http.Header, name string) {
	if vary := h.Values("Vary"); !hasToken(vary, "*") && !hasToken(vary, name) {
		h.Add("Vary", name)
	}
}

// hasToken looks for a token in the values of a header that holds a list.
func hasToken(values []string, token string) bool {
	for _, v := range values {
		for f := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(f), token) {
				return true
			}
		}
	}
	return false
}

// takesGzip reads Accept-Encoding (RFC 9110, section 12.5.3). What names gzip
// goes before "*".
func takesGzip(values []string) bool {
	star := false
	for _, v := range values {
		for f := range strings.SplitSeq(v, ",") {
			coding, params, _ := strings.Cut(f, ";")
			switch strings.ToLower(strings.TrimSpace(coding)) {
			case "gzip", "x-gzip":
				return weighty(params)
			case "*":
				star = weighty(params)
			}
		}
	}
	return star
}

// weighty tells whether the parameter of a coding, such as "q=0.5", is above 0.
// None is 1.
func weighty(params string) bool {
	name, q, _ := strings.Cut(strings.TrimSpace(params), "=")
	if name == "" {
		return true
	}
	weight, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
	return strings.EqualFold(strings.TrimSpace(name), "q") && err == nil && weight > 0
}
