package adaptertest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/logtest"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/internal/timetest"
)

// patience bounds every wait. A check that passes never waits that long.
const patience = 20 * time.Second

// A host serves an application on a loopback socket. What the HTTP server has
// to complain about fails the test.
type host struct {
	*sio.Server
	t    *testing.T
	web  *httptest.Server
	http *http.Client
	path string // of the Socket.IO server
	log  logtest.Buffer
	once sync.Once

	mu      sync.Mutex // protects the following
	closers []func()   // of the clients
}

// An outer middleware stands in front of the whole application.
type outer func(http.Handler) http.Handler

// start serves an application of f that is set up as cfg says.
func start(t *testing.T, f Framework, cfg Config, wrap ...outer) *host {
	t.Helper()
	if cfg.Server == nil {
		quiet := zerolog.Nop() // what fails on purpose is not to be seen
		cfg.Server = sio.New(&sio.Options{Logger: &quiet})
	}
	return serve(t, cfg.Server, f.New(cfg), cfg.Form.path(), func(*httptest.Server) {}, wrap...)
}

func serve(t *testing.T, srv *sio.Server, app http.Handler, path string, set func(*httptest.Server), wrap ...outer) *host {
	t.Helper()
	for _, w := range wrap {
		app = w(app)
	}
	h := &host{Server: srv, t: t, path: path}
	h.web = httptest.NewUnstartedServer(app)
	h.web.Config.ErrorLog = log.New(&h.log, "", 0)
	set(h.web)
	if h.web.EnableHTTP2 {
		h.web.StartTLS()
	} else {
		h.web.Start()
	}
	h.http = &http.Client{Transport: h.web.Client().Transport.(*http.Transport).Clone(), Timeout: patience}
	t.Cleanup(h.stop)
	return h
}

// closeLater has a client closed when the host is stopped: the server would
// wait for it.
func (h *host) closeLater(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closers = append(h.closers, f)
}

// stop ends the host. It may be called again.
func (h *host) stop() {
	h.once.Do(func() {
		h.mu.Lock()
		closers := h.closers
		h.mu.Unlock()
		for _, f := range closers {
			f()
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.Shutdown(ctx); err != nil {
			h.t.Errorf("Shutdown: %v", err)
		}
		h.http.CloseIdleConnections()
		h.web.Close()
		if s := h.log.String(); s != "" {
			h.t.Errorf("the HTTP server complains: %s", s)
		}
	})
}

// A user is a client's credentials.
func as(user string) http.Header { return http.Header{userHeader: {user}} }

// dial opens a session.
func (h *host) dial(o testclient.Options) *client {
	h.t.Helper()
	o.Patience = patience
	c, err := testclient.Dial(h.web.URL+h.path, o)
	if err != nil {
		h.t.Fatal(err)
	}
	h.closeLater(c.Close)
	return &client{c, h.t}
}

// refused tries to open a session, in vain.
func (h *host) refused(o testclient.Options) *testclient.StatusError {
	h.t.Helper()
	o.Patience = patience
	c, err := testclient.Dial(h.web.URL+h.path, o)
	var refused *testclient.StatusError
	if !errors.As(err, &refused) {
		if err == nil {
			c.Close()
		}
		h.t.Fatalf("dial: %v, want a status", err)
	}
	return refused
}

// An answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

// do makes a request. The path has a query.
func (h *host) do(method, path string, header http.Header, body string) answer {
	h.t.Helper()
	a, err := h.request(method, path, header, body)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// request is do for other goroutines than the test's.
func (h *host) request(method, path string, header http.Header, body string) (a answer, err error) {
	req, err := http.NewRequest(method, h.web.URL+path, strings.NewReader(body))
	if err != nil {
		return a, err
	}
	if header != nil {
		req.Header = header.Clone()
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	res, err := h.http.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if p, ok := strings.CutPrefix(string(b), `0{"sid":"`); ok { // a session is open
		sid, _, _ := strings.Cut(p, `"`)
		h.closeLater(func() { h.do(http.MethodPost, path+"&sid="+sid, header, "1") })
	}
	return answer{res.StatusCode, res.Header, string(b)}, err
}

// poll makes a polling request of a session, or a handshake if sid is "".
func (h *host) poll(method, sid string, header http.Header, body string) answer {
	h.t.Helper()
	query := "?EIO=4&transport=polling"
	if sid != "" {
		query += "&sid=" + sid
	}
	return h.do(method, h.path+query, header, body)
}

// An open packet is the answer to a handshake.
type openPacket struct {
	SID      string
	Upgrades []string
}

func (h *host) open(a answer) (p openPacket) {
	h.t.Helper()
	data, ok := strings.CutPrefix(a.body, "0")
	if err := json.Unmarshal([]byte(data), &p); a.status != http.StatusOK || !ok || err != nil {
		h.t.Fatalf("handshake: status %d, %q", a.status, a.body)
	}
	return p
}

// A client fails its test when something goes wrong.
type client struct {
	*testclient.Client
	t *testing.T
}

func (c *client) connect(auth any) {
	c.t.Helper()
	if _, err := c.Connect("/", auth); err != nil {
		c.t.Fatalf("CONNECT: %v", err)
	}
}

// call sends an event and decodes the first argument of its ack.
func (c *client) call(ptr any, event string, args ...any) {
	c.t.Helper()
	ack, err := call(c.Client, event, args...)
	if err == nil {
		err = json.Unmarshal([]byte(ack), &[]any{ptr})
	}
	if err != nil {
		c.t.Fatalf("%s: %q %v", event, ack, err)
	}
}

// call sends an event that asks for an ack, and returns the ack, a JSON array.
// Nothing else may arrive in between.
func call(c *testclient.Client, event string, args ...any) (string, error) {
	if err := c.Ask("/", event, args...); err != nil {
		return "", err
	}
	text, err := c.Next()
	if err != nil {
		return "", err
	}
	if p := testclient.Parse(text); p.Type == '3' && p.Namespace == "/" {
		return p.Data, nil
	}
	return "", fmt.Errorf("%q instead of an ack", text)
}

// want checks the next packet.
func (c *client) want(packet string) {
	c.t.Helper()
	if got, err := c.Next(); err != nil || got != packet {
		c.t.Fatalf("packet %q %v, want %q", got, err, packet)
	}
}

// receive waits for a value.
func receive[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	return timetest.Receive(t, c, patience, what)
}

// equal compares what comparable things are.
func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// each runs f for 0 to n-1, several at a time.
func each(n int, f func(i int) error) error {
	var wg sync.WaitGroup
	next := make(chan int)
	errs := make([]error, n)
	for range 16 {
		wg.Go(func() {
			for i := range next {
				if err := f(i); err != nil {
					errs[i] = fmt.Errorf("session %d: %w", i, err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return errors.Join(errs...)
}

// http2 makes the host one with TLS and HTTP/2.
func http2(s *httptest.Server) {
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
}
