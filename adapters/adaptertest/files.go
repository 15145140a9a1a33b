package adaptertest

import (
	"net/http"
	"testing"
	"testing/fstest"

	"github.com/siokit/sio"
)

// clientFiles serves the official client in every form of mounting, behind the
// same guard as a handshake.
func clientFiles(t *testing.T, f Framework) {
	const name, text = "socket.io.min.js", "the client"
	for _, form := range []Form{Register, Handler, HandlerWith, Middleware} {
		t.Run(form.String(), func(t *testing.T) {
			srv := sio.New(&sio.Options{ClientFiles: fstest.MapFS{name: {Data: []byte(text)}}})
			h := start(t, f, Config{Server: srv, Form: form, Guard: Always, Capture: func(user string) (Captured, error) {
				t.Error("capture is called for a file")
				return Captured{user}, nil
			}})
			a := h.do(http.MethodGet, h.path+name, as("ada"), "")
			equal(t, "status", a.status, http.StatusOK)
			equal(t, "body", a.body, text)
			equal(t, "Content-Type", a.header.Get("Content-Type"), "application/javascript; charset=utf-8")
			header := as("ada")
			header.Set("If-None-Match", a.header.Get("ETag"))
			equal(t, "status with the ETag", h.do(http.MethodGet, h.path+name, header, "").status, http.StatusNotModified)
			equal(t, "status of HEAD", h.do(http.MethodHead, h.path+name, as("ada"), "").status, http.StatusOK)
			equal(t, "status of a file that is not there", h.do(http.MethodGet, h.path+"socket.io.js", as("ada"), "").status, http.StatusNotFound)
			equal(t, "status for nobody", h.do(http.MethodGet, h.path+name, nil, "").status, http.StatusUnauthorized)
		})
	}
}
