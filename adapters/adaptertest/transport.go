package adaptertest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"go.uber.org/goleak"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/internal/timetest"
)

// handshake returns the opening handshake of a WebSocket for a session, or of
// one that is to be opened, with a frame behind it for each packet.
func (h *host) handshake(sid string, header http.Header, packets ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s?EIO=4&transport=websocket&sid=%s HTTP/1.1\r\nHost: %s\r\n", h.path, sid, h.web.Listener.Addr())
	b.WriteString("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n")
	_ = header.Write(&b)
	b.WriteString("\r\n")
	for _, p := range packets {
		b.Write(ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(p)))))
	}
	return b.Bytes()
}

// upgrade opens a WebSocket by hand, and returns the answer and the frames.
func (h *host) upgrade(sid string, header http.Header, packets ...string) (http.Header, func() string) {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.web.Listener.Addr().String())
	if err != nil {
		h.t.Fatal(err)
	}
	h.closeLater(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(h.handshake(sid, header, packets...)); err != nil {
		h.t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	equal(h.t, "status", res.StatusCode, http.StatusSwitchingProtocols)
	return res.Header, func() string {
		h.t.Helper()
		b, err := wsutil.ReadServerText(struct {
			io.Reader
			io.Writer
		}{r, conn})
		if err != nil {
			h.t.Fatal(err)
		}
		return string(b)
	}
}

// earlyFrame sends a frame together with the handshake. The 101 carries what a
// middleware before has set.
func earlyFrame(t *testing.T, f Framework) {
	h := start(t, f, Config{})
	header, next := h.upgrade("", nil, "40")
	if header.Get("X-Request-Id") == "" {
		t.Errorf("no request id in %v", header)
	}
	if p := next(); !strings.HasPrefix(p, "0{") {
		t.Errorf("packet %q, want the handshake", p)
	}
	if p := next(); !strings.HasPrefix(p, "40{") {
		t.Errorf("packet %q, want the answer to CONNECT", p)
	}
}

// accessLog checks what the framework's access log has.
func accessLog(t *testing.T, f Framework) {
	for _, form := range []Form{Register, HandlerWith, Middleware} {
		type line struct {
			path   string
			status int
		}
		lines := make(chan line, 100)
		cfg := Config{Form: form, Log: func(path string, status int) { lines <- line{path, status} }}
		cfg.Capture = func(user string) (Captured, error) { return Captured{user}, nil }
		h := start(t, f, cfg)
		want := func(what string, status int) {
			t.Helper()
			got := receive(t, lines, "the line of "+what)
			equal(t, what, got, line{h.path, status})
		}
		h.dial(testclient.Options{WebSocket: true})
		want("WebSocket", http.StatusSwitchingProtocols)
		sid := h.open(h.poll(http.MethodGet, "", nil, "")).SID
		want("handshake", http.StatusOK)
		h.poll(http.MethodPost, sid, nil, "40")
		want("POST", http.StatusOK)
		h.poll(http.MethodGet, sid, nil, "")
		want("GET", http.StatusOK)
		h.upgrade(sid, nil)
		want("upgrade", http.StatusSwitchingProtocols)
		h.poll(http.MethodGet, "unknown", nil, "")
		want("unknown id", http.StatusBadRequest)
		foreign := http.Header{"Origin": {"https://evil.example"}}
		equal(t, "foreign WebSocket", h.refused(testclient.Options{WebSocket: true, Header: foreign}).Code, http.StatusForbidden)
		want("foreign WebSocket", http.StatusForbidden)
		h.stop()
		want("POST that closes the session", http.StatusOK)
		equal(t, "further lines", len(lines), 0)
	}
}

// noHijacking serves where a connection cannot be taken over.
func noHijacking(t *testing.T, f Framework) {
	check := func(t *testing.T, h *host, upgrades int) {
		a := h.poll(http.MethodGet, "", nil, "")
		if p := h.open(a); len(p.Upgrades) != upgrades {
			t.Errorf("upgrades %q", p.Upgrades)
		}
		equal(t, "status of a WebSocket", h.do(http.MethodGet, h.path+"?EIO=4&transport=websocket", nil, "").status, http.StatusBadRequest)
	}
	t.Run("HTTP/2", func(t *testing.T) {
		srv := sio.New(nil)
		h := serve(t, srv, f.New(Config{Server: srv}), Register.path(), http2)
		check(t, h, 1) // a WebSocket goes over HTTP/1.1 beside
	})
	t.Run("TimeoutHandler", func(t *testing.T) {
		h := start(t, f, Config{}, func(next http.Handler) http.Handler { return http.TimeoutHandler(next, patience, "") })
		check(t, h, 0)
		equal(t, "status of an upgrade", h.refused(testclient.Options{WebSocket: true}).Code, http.StatusBadRequest)
	})
}

// A throttled application serves n requests at a time, and refuses more.
func throttle(n int) outer {
	slots := make(chan struct{}, n)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
				next.ServeHTTP(w, r)
			default:
				http.Error(w, "too many requests", http.StatusServiceUnavailable)
			}
		})
	}
}

// handlerReturns checks that an open WebSocket takes no slot of those who count
// the requests that are being served.
func handlerReturns(t *testing.T, f Framework) {
	returned := make(chan struct{}, 100)
	h := start(t, f, Config{}, throttle(2), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			returned <- struct{}{}
		})
	})
	for range 2 {
		h.dial(testclient.Options{WebSocket: true}).connect(nil)
	}
	for range 2 {
		receive(t, returned, "the return of a handler")
	}
	equal(t, "third request", h.do(http.MethodGet, OtherPath, nil, "").body, Other)
}

// abortedPoll has a client go away in the middle of a poll.
func abortedPoll(t *testing.T, f Framework) {
	srv := sio.New(nil)
	left := make(chan sio.Reason, 1)
	srv.OnDisconnect(func(c *sio.Context) error { left <- c.Reason(); return nil })
	polling := make(chan struct{}, 100)
	h := start(t, f, Config{Server: srv}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			polling <- struct{}{}
			next.ServeHTTP(w, r)
		})
	})
	timetest.Prompt(t, 500*time.Millisecond, "noticing", func() time.Duration {
		c := h.dial(testclient.Options{})
		c.connect(nil)
		for range 3 {
			<-polling
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.web.URL+h.path+"?EIO=4&transport=polling&sid="+c.SID, nil)
		if err != nil {
			t.Fatal(err)
		}
		aborted := make(chan error, 1)
		go func() { // ends with the request
			res, err := h.http.Do(req)
			if err == nil {
				res.Body.Close()
			}
			aborted <- err
		}()
		receive(t, polling, "the poll")
		begin := time.Now()
		cancel()
		equal(t, "reason", receive(t, left, "the end"), sio.Reason("transport error"))
		noticed := time.Since(begin)
		equal(t, "poll aborted", errors.Is(receive(t, aborted, "the client"), context.Canceled), true)
		return noticed
	})
}

// timeouts polls under what bounds a request to a moment: the poll is answered
// before, and nobody notices.
func timeouts(t *testing.T, f Framework) {
	const limit = 2 * time.Second
	deadline := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), limit)
			defer cancel()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
	for name, c := range map[string]struct {
		wrap outer
		set  func(*httptest.Server)
	}{
		"context":        {deadline, noSetting},
		"TimeoutHandler": {func(next http.Handler) http.Handler { return http.TimeoutHandler(next, limit, "too late") }, noSetting},
		"WriteTimeout":   {bare, func(s *httptest.Server) { s.Config.WriteTimeout = limit }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := sio.New(nil)
			srv.On("echo", func(c *sio.Context) error { return c.Ack("echo") })
			h := serve(t, srv, f.New(Config{Server: srv}), Register.path(), c.set, c.wrap)
			for range 5 {
				session := h.dial(testclient.Options{})
				session.connect(nil)
				if !pollsIdly(t, h, session.SID, limit) {
					continue // with another session
				}
				var echo string
				session.call(&echo, "echo")
				equal(t, "ack", echo, "echo")
				return
			}
			t.Errorf("no poll was answered within %v", limit)
		})
	}
}

// pollsIdly polls twice, and reports false if a poll took more than limit: a
// machine may be so busy.
func pollsIdly(t *testing.T, h *host, sid string, limit time.Duration) bool {
	for range 2 {
		begin := time.Now()
		got, err := h.request(http.MethodGet, h.path+"?EIO=4&transport=polling&sid="+sid, nil, "")
		took := time.Since(begin)
		switch {
		case took >= limit:
			return false
		case err != nil || got.status != http.StatusOK || got.body != "6":
			t.Fatalf("poll: %+v %v", got, err)
		case took < limit/2:
			t.Errorf("the poll was answered after %v", took)
		}
	}
	return true
}

// bare hides what a writer can do besides writing, and what is below it.
func bare(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
	})
}

// bodyLimit has a middleware limit the body of a request.
func bodyLimit(t *testing.T, f Framework) {
	srv := sio.New(nil)
	srv.On("echo", func(c *sio.Context) error { return c.Ack("echo") })
	h := start(t, f, Config{Server: srv}, func(next http.Handler) http.Handler { return http.MaxBytesHandler(next, 100) })
	c := h.dial(testclient.Options{})
	c.connect(nil)
	var echo string
	c.call(&echo, "echo")
	equal(t, "ack", echo, "echo")
	got := h.poll(http.MethodPost, c.SID, nil, `42["x","`+strings.Repeat("x", 200)+`"]`)
	equal(t, "status", got.status, http.StatusRequestEntityTooLarge)
	got = h.poll(http.MethodGet, c.SID, nil, "")
	if got.status != http.StatusBadRequest && got.body != "1" { // it has just ended, or does so now
		t.Errorf("the session goes on: status %d, %q", got.status, got.body)
	}
}

// An unwrapper is a writer as http.ResponseController needs it, and no more.
type unwrapper struct{ http.ResponseWriter }

func (u unwrapper) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// unwrapOnly has a writer in front of the framework that can't be hijacked
// itself.
func unwrapOnly(t *testing.T, f Framework) {
	h := start(t, f, Config{}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(unwrapper{w}, r) })
	})
	h.dial(testclient.Options{WebSocket: true}).connect(nil)
	c := h.dial(testclient.Options{})
	if !slices.Contains(c.Upgrades, "websocket") {
		t.Errorf("upgrades %q", c.Upgrades)
	}
	if err := c.Upgrade(); err != nil {
		t.Fatal(err)
	}
	c.connect(nil)
}

// shutdown shuts a server down under clients of all kinds.
func shutdown(t *testing.T, f Framework) {
	before := goleak.IgnoreCurrent()
	srv := sio.New(nil)
	srv.OnConnect(func(c *sio.Context) error {
		if c.Transport() == sio.TransportPolling {
			return c.Join("polling")
		}
		return nil
	})
	running, release := make(chan *sio.Context, 1), make(chan struct{})
	srv.On("hold", func(c *sio.Context) error {
		running <- c
		<-release
		return nil
	})
	h := start(t, f, Config{Server: srv})
	busy := h.dial(testclient.Options{WebSocket: true})
	busy.connect(nil)
	if err := busy.Emit("/", "hold"); err != nil {
		t.Fatal(err)
	}
	ctx := receive(t, running, "the handler").Context()
	ended := make(chan error, 1)
	go func() { // until the session ends
		_, err := busy.Next()
		ended <- err
	}()
	waiting := h.dial(testclient.Options{})
	waiting.connect(nil)
	answered := make(chan error, 1)
	go func() { // until the session ends
		_, err := waiting.Next()
		answered <- err
	}()
	queued := h.dial(testclient.Options{})
	queued.connect(nil)
	if err := srv.To("polling").Emit("last"); err != nil {
		t.Fatal(err)
	}
	if err := receive(t, answered, "the last event"); err != nil {
		t.Fatalf("waiting for the last event: %v", err)
	}
	go func() { // likewise
		_, err := waiting.Next()
		answered <- err
	}()

	done := make(chan error, 1)
	deadline, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go func() { done <- srv.Shutdown(deadline) }() // waits for the handler, released below
	receive(t, ctx.Done(), "the end of the handler's context")
	queued.want(`2["last"]`) // soon: a polling client is not waited for
	if p, err := queued.Next(); err != io.EOF {
		t.Errorf("packet %q %v, want the end", p, err)
	}
	equal(t, "handshake", h.poll(http.MethodGet, "", nil, "").status, http.StatusServiceUnavailable)
	equal(t, "WebSocket", h.refused(testclient.Options{WebSocket: true}).Code, http.StatusServiceUnavailable)
	equal(t, "pending poll", receive(t, answered, "the end of the pending poll"), io.EOF)
	equal(t, "WebSocket", receive(t, ended, "the end of the WebSocket"), io.EOF)
	select {
	case err := <-done:
		t.Errorf("Shutdown returned %v while a handler ran", err)
	default:
	}
	close(release)
	if err := receive(t, done, "Shutdown"); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	equal(t, "connections", srv.Connections(), 0)
	for _, c := range []*client{busy, waiting, queued} {
		c.Close()
	}
	h.stop() // shuts it down again
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}
