// Package unread bounds the time for the bodies of requests that are answered without
// having been read to their end.
package unread

import (
	"net/http"
	"time"
)

// Timeout is how long the rest of a body that nobody wants may take. What an honest
// client has on its way comes by then.
const Timeout = 5 * time.Second

// Bound sets a deadline for the rest of r's body. It has to be called before r is
// answered: net/http then reads up to 256 KB that the handler has left, so that the next
// request can follow, and waits for them for its ReadTimeout, which by default has no
// end. For the next request, net/http takes the deadline back.
func Bound(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		// Not every writer has deadlines: a test recorder, say.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(Timeout))
	}
}
