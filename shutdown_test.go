package sio_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
)

// TestDrain has a server that is not ready any more, and serves the clients that it has,
// until it shuts down.
func TestDrain(t *testing.T) {
	var log logBuffer
	h := newHost(t, &sio.Options{Logger: log.logger()})
	h.On("there?", func(c *sio.Context) error { return c.Ack() })
	ready := func(code int, text string) {
		t.Helper()
		res := httptest.NewRecorder()
		h.ServeReady(res, httptest.NewRequest(http.MethodGet, "/ready", nil))
		if res.Code != code || res.Body.String() != text+"\n" || res.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("answer %d %q with %v, want %d %q", res.Code, res.Body, res.Header(), code, text)
		}
	}
	is := func(want error) {
		t.Helper()
		if err := h.Ready(); err != want {
			t.Errorf("ready: %v, want %v", err, want)
		}
	}
	ready(http.StatusOK, "ready")
	is(nil)
	c := h.join("/")

	if err := h.Drain(t.Context(), &sio.DrainOptions{Period: -1}); err == nil || !strings.Contains(err.Error(), "DrainOptions: Period is negative") {
		t.Errorf("Drain: %v", err)
	}
	is(nil)

	done := make(chan error, 1)
	go func() { done <- h.Drain(context.Background(), &sio.DrainOptions{Notice: time.Hour}) }() // until Shutdown
	for end := time.Now().Add(patience); h.Ready() == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("Drain does not begin")
		}
	}
	ready(http.StatusServiceUnavailable, "draining")
	is(sio.ErrDraining)
	for _, webSocket := range []bool{false, true} {
		_, err := testclient.Dial(h.url, testclient.Options{WebSocket: webSocket})
		refusedWith(t, err, http.StatusServiceUnavailable)
	}
	c.send(`21["there?"]`)
	c.want("31[]")

	go func() { _ = h.Shutdown(context.Background()) }() // ends when c has left
	c.ends()
	if err := receive(t, done, "Drain"); err != nil {
		t.Errorf("Drain: %v", err)
	}
	ready(http.StatusServiceUnavailable, "shut down")
	is(sio.ErrShutdown)
	for _, message := range []string{"draining", "drained"} {
		if len(log.lines(t, message)) != 1 {
			t.Errorf("the log has no line %q, or several:\n%s", message, log.String())
		}
	}
}
