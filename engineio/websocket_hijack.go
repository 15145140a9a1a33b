package engineio

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"time"
)

// unwrapper is what wrappers of a ResponseWriter offer to
// http.ResponseController.
type unwrapper interface{ Unwrap() http.ResponseWriter }

// canHijack tells whether a connection can be taken over. The writer at the
// bottom decides: the wrappers of the frameworks implement http.Hijacker
// whatever is below them.
func canHijack(w http.ResponseWriter) bool {
	_, ok := bottom(w).(http.Hijacker)
	return ok
}

// hasDeadlines tells likewise whether there is nothing in front of the HTTP server's
// own writer that hides what it can do, also where that can't be hijacked.
func hasDeadlines(w http.ResponseWriter) bool {
	_, ok := bottom(w).(interface{ SetReadDeadline(time.Time) error })
	return ok
}

func bottom(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(unwrapper)
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}

// hijack takes the connection over through the first writer of the chain that
// is able to.
func hijack(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
	var err error = http.ErrNotSupported
	for {
		if h, ok := w.(http.Hijacker); ok {
			conn, rw, hijackErr := tryHijack(h)
			if hijackErr == nil {
				return conn, rw, nil
			}
			err = hijackErr
		}
		u, ok := w.(unwrapper)
		if !ok {
			return nil, nil, err
		}
		w = u.Unwrap()
	}
}

// tryHijack turns a panic into an error: some wrappers assert that the writer
// below them is a Hijacker.
func tryHijack(h http.Hijacker) (conn net.Conn, rw *bufio.ReadWriter, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("hijack: %v", v)
		}
	}()
	return h.Hijack()
}
