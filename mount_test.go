package sio_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/siokit/sio"
)

// A statusError is what a framework would return.
type statusError int

func (e statusError) Error() string   { return "for the log" }
func (e statusError) StatusCode() int { return int(e) }

// What a capture function fails with decides on the answer, and no session is
// made.
func TestHandlerWithRefuses(t *testing.T) {
	srv := sio.New(nil)
	const forbidden = `{"code":4,"message":"Forbidden"}`
	var refused error
	h := sio.HandlerWith(srv, func(*http.Request) (string, error) { return "", refused })
	for _, c := range []struct {
		err    error
		status int
		body   string
	}{
		{errors.New("the database at 10.0.0.7 is down"), 403, forbidden},
		{statusError(503), 503, `{"code":4,"message":"Service Unavailable"}`},
		{fmt.Errorf("wrapped: %w", statusError(401)), 401, `{"code":4,"message":"Unauthorized"}`},
		{&sio.Error{Message: "pay first"}, 403, `{"code":4,"message":"pay first"}`},
		{&sio.Error{Message: "pay first", Err: statusError(402)}, 402, `{"code":4,"message":"pay first"}`},
		{(*sio.Error)(nil), 403, forbidden},
		{statusError(0), 403, forbidden},
		{statusError(101), 403, forbidden},
	} {
		refused = c.err
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/?EIO=4&transport=polling", nil))
		if w.Code != c.status || w.Body.String() != c.body {
			t.Errorf("%v: status %d, body %q, want %d, %q", c.err, w.Code, w.Body, c.status, c.body)
		}
		if got := w.Header().Get("Content-Type"); got != "application/json" {
			t.Errorf("%v: Content-Type: %q", c.err, got)
		}
	}
	if n := srv.Connections(); n != 0 {
		t.Errorf("%d connections", n)
	}
}
