package sio_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/logtest"
	"github.com/siokit/sio/internal/pipe"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/siotest"
)

// patience bounds every wait. A test that passes never waits that long.
const patience = 10 * time.Second

// A host serves a Server on a loopback socket.
type host struct {
	*sio.Server
	t   *testing.T
	url string // with the default path
}

func newHost(t *testing.T, opts *sio.Options) *host {
	t.Helper()
	srv := sio.New(quiet(opts))
	return &host{srv, t, serve(t, srv, srv) + "/socket.io/"}
}

// newServer returns a server for clients in memory. It shuts down when they are
// gone.
func newServer(t *testing.T, opts *sio.Options) *sio.Server {
	t.Helper()
	srv := sio.New(quiet(opts))
	siotest.Cleanup(t, srv)
	return srv
}

// quiet returns options with a logger: what fails on purpose is not to be seen.
func quiet(opts *sio.Options) *sio.Options {
	var o sio.Options
	if opts != nil {
		o = *opts
	}
	if o.Logger == nil {
		nop := zerolog.Nop()
		o.Logger = &nop
	}
	return &o
}

// serve has srv shut down before the HTTP server is closed.
func serve(t *testing.T, h http.Handler, srv *sio.Server) (url string) {
	t.Helper()
	web := httptest.NewServer(h)
	t.Cleanup(func() {
		shut(t, srv)
		web.Close()
	})
	return web.URL
}

func shut(t *testing.T, srv *sio.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// A client fails its test when something goes wrong.
type client struct {
	*testclient.Client
	t *testing.T
}

// dial opens a session over WebSocket.
func (h *host) dial() *client {
	h.t.Helper()
	return dial(h.t, h.url, testclient.Options{WebSocket: true})
}

// join opens a session over WebSocket, and joins the namespaces.
func (h *host) join(nsps ...string) *client {
	h.t.Helper()
	c := h.dial()
	for _, nsp := range nsps {
		c.connect(nsp, nil)
	}
	return c
}

func dial(t *testing.T, url string, opts testclient.Options) *client {
	t.Helper()
	c, err := testclient.Dial(url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &client{c, t}
}

func (c *client) connect(nsp string, auth any) (id string) {
	c.t.Helper()
	id, err := c.Connect(nsp, auth)
	if err != nil {
		c.t.Fatalf("CONNECT to %s: %v", nsp, err)
	}
	return id
}

// refused tries to join, in vain, and returns the data of the CONNECT_ERROR.
func (c *client) refused(nsp string, auth any) string {
	c.t.Helper()
	_, err := c.Connect(nsp, auth)
	var refused *testclient.Refused
	if !errors.As(err, &refused) {
		c.t.Fatalf("CONNECT to %s: %v, want a refusal", nsp, err)
	}
	return refused.Data
}

// send sends packets as they are.
func (c *client) send(packets ...string) {
	c.t.Helper()
	for _, p := range packets {
		if err := c.Send(p); err != nil {
			c.t.Fatalf("sending %q: %v", p, err)
		}
	}
}

// want checks the packets that come next.
func (c *client) want(packets ...string) {
	c.t.Helper()
	for _, p := range packets {
		if got, err := c.Next(); err != nil || got != p {
			c.t.Fatalf("packet %q %v, want %q", got, err, p)
		}
	}
}

// ends checks that nothing comes but the end of the session.
func (c *client) ends() {
	c.t.Helper()
	if got, err := c.Next(); err != io.EOF {
		c.t.Fatalf("packet %q %v, want the end", got, err)
	}
}

func receive[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	return timetest.Receive(t, c, patience, what)
}

// ended checks that ctx ends, and why.
func ended(t *testing.T, ctx context.Context, cause error) {
	t.Helper()
	receive(t, ctx.Done(), "the end of a context")
	if got := context.Cause(ctx); !errors.Is(got, cause) {
		t.Errorf("cause %v, want %v", got, cause)
	}
}

func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got, _ := recover().(string); got != want {
			t.Errorf("panic %q, want %q", got, want)
		}
	}()
	f()
}

// A logBuffer collects what a logger writes, which is JSON.
type logBuffer struct{ logtest.Buffer }

// logger returns a logger of all levels.
func (b *logBuffer) logger() *zerolog.Logger {
	l := zerolog.New(b)
	return &l
}

// lines returns the lines of that message, or all.
func (b *logBuffer) lines(t *testing.T, message string) (lines []map[string]any) {
	t.Helper()
	for line := range strings.Lines(b.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		if message == "" || fields["message"] == message {
			lines = append(lines, fields)
		}
	}
	return lines
}

// only returns the one line of that message.
func (b *logBuffer) only(t *testing.T, message string) map[string]any {
	t.Helper()
	lines := b.lines(t, message)
	if len(lines) != 1 {
		t.Fatalf("%d lines %q, want one, in\n%s", len(lines), message, b)
	}
	return lines[0]
}

// inBubble runs f with a server that clients reach in memory, in fake time.
func inBubble(t *testing.T, opts *sio.Options, f func(t *testing.T, srv *sio.Server, dial func(testclient.Options) *client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := sio.New(quiet(opts))
		l := pipe.Listen()
		stop := l.Serve(&http.Server{Handler: srv})
		t.Cleanup(func() {
			shut(t, srv)
			stop()
		})
		f(t, srv, func(o testclient.Options) *client {
			o.Dial = l.Dial
			o.Patience = time.Hour
			return dial(t, "http://pipe.test/socket.io/", o)
		})
	})
}

// ask makes a request in memory; header holds "Name: value" lines.
func ask(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func wantHeader(t *testing.T, h http.Header, name, want string) {
	t.Helper()
	if got := h.Get(name); got != want {
		t.Errorf("%s: %q, want %q", name, got, want)
	}
}
