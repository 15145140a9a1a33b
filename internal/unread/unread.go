// Package unread is about requests that are answered without their body.
package unread

import (
	"net/http"
	"time"
)

// Timeout is how long the rest of a body may take that nobody wants: what an honest
// client has on its way comes by then.
const Timeout = 5 * time.Second

// Bound gives the rest of r's body a deadline. It has to be called before r is
// answered: net/http reads up to 256 KB that a handler has left, so that the next
// request can follow, and waits for them as long as its ReadTimeout says, which is
// for ever by default. It takes the deadline back for that request.
func Bound(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		// Not every writer has deadlines: a test recorder, say.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(Timeout))
	}
}
