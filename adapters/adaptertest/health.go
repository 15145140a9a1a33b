package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
)

// health asks as a load balancer and an orchestrator do, through the framework, while the
// application changes its mind, and while the server ends.
func health(t *testing.T, f Framework) {
	var why error
	srv := sio.New(&sio.Options{Ready: func() error { return why }})
	h := start(t, f, Config{Server: srv})
	want := func(path string, status int, body string) {
		t.Helper()
		for range 2 { // on one connection
			a := h.do(http.MethodGet, path, nil, "")
			equal(t, path, a.status, status)
			equal(t, path, a.body, body+"\n")
			equal(t, "Cache-Control", a.header.Get("Cache-Control"), "no-store")
			equal(t, "Content-Type", a.header.Get("Content-Type"), "text/plain; charset=utf-8")
		}
	}
	want(ReadyPath, http.StatusOK, "ready")
	want(LivePath, http.StatusOK, "alive")
	why = errors.New("warming up:\n\x1b[2Jx")
	want(ReadyPath, http.StatusServiceUnavailable, `warming up:\n\x1b[2Jx`)
	want(LivePath, http.StatusOK, "alive")
	why = nil
	want(ReadyPath, http.StatusOK, "ready")

	c := h.dial(testclient.Options{WebSocket: true})
	c.connect(nil)
	drained := make(chan error, 1)
	go func() { drained <- srv.Drain(context.Background(), &sio.DrainOptions{Notice: time.Hour}) }() // until Shutdown
	for end := time.Now().Add(patience); srv.Ready() == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("Drain does not begin")
		}
	}
	want(ReadyPath, http.StatusServiceUnavailable, "draining")
	want(LivePath, http.StatusOK, "alive")
	c.Close()
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := receive(t, drained, "Drain"); err != nil {
		t.Error(err)
	}
	want(ReadyPath, http.StatusServiceUnavailable, "shut down")
	want(LivePath, http.StatusOK, "alive")
}
