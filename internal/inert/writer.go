// Package inert has the response writer of contexts that outlive their request.
package inert

import (
	"bufio"
	"errors"
	"net"
	"net/http"
)

// ErrDetached is returned by what would write.
var ErrDetached = errors.New("sio: the request has been answered: nothing can be written to it")

// A Writer writes nowhere. It has the methods of the frameworks' own writers,
// none of which panics, so that a framework finds in it whatever it looks for.
type Writer struct {
	Head http.Header // what had been set on the response; not changed any more
}

// Header returns a copy of Head: one for each call, since many goroutines may
// call, and what is set there is thrown away.
func (w Writer) Header() http.Header {
	if w.Head == nil {
		return make(http.Header)
	}
	return w.Head.Clone()
}

// Write fails with ErrDetached.
func (Writer) Write([]byte) (int, error) { return 0, ErrDetached }

// WriteString fails with ErrDetached.
func (Writer) WriteString(string) (int, error) { return 0, ErrDetached }

// WriteHeader does nothing.
func (Writer) WriteHeader(int) {}

// WriteHeaderNow does nothing.
func (Writer) WriteHeaderNow() {}

// Flush does nothing.
func (Writer) Flush() {}

// Hijack fails with ErrDetached.
func (Writer) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, ErrDetached }

// CloseNotify returns a channel on which nothing is ever sent: the request's
// context tells when the client has gone.
func (Writer) CloseNotify() <-chan bool { return nil }

// Pusher returns nil.
func (Writer) Pusher() http.Pusher { return nil }

// Status returns 200, as for a response that has not been written.
func (Writer) Status() int { return http.StatusOK }

// Size returns -1, as for a response that has not been written.
func (Writer) Size() int { return -1 }

// Written returns false.
func (Writer) Written() bool { return false }
