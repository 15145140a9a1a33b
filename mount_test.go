package sio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/siotest"
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

func TestWrap(t *testing.T) {
	srv := sio.New(nil)
	url := serve(t, sio.Wrap(srv, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "next")
	})), srv)
	dial(t, url+"/socket.io/", testclient.Options{}).connect("/", nil)
	res, err := http.Get(url + "/socket.iox/")
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); string(b) != "next" || err != nil {
		t.Errorf("another path: %q %v", b, err)
	}
}

func TestIsHandshake(t *testing.T) {
	h := newHost(t, nil)
	c := dial(t, h.url, testclient.Options{})
	for query, want := range map[string]bool{
		"EIO=4&transport=polling":                        true,
		"EIO=4&transport=polling&sid=unknown":            true,
		"EIO=4&transport=polling&sid=" + c.SID:           false,
		"EIO=4&transport=websocket&sid=" + c.SID:         false,
		"EIO=4&transport=polling&sid=" + c.SID + "&sid=": true,
	} {
		if got := h.IsHandshake(httptest.NewRequest(http.MethodGet, "/socket.io/?"+query, nil)); got != want {
			t.Errorf("IsHandshake of %q: %t", query, got)
		}
	}
}

type ctxKey struct{}

// What Request returns is detached from the one that was served.
func TestRequest(t *testing.T) {
	for _, webSocket := range []bool{false, true} {
		srv := sio.New(nil)
		served := make(chan *http.Request, 1) // with the handshake
		mux := http.NewServeMux()
		mux.HandleFunc("/t/{tenant}/socket.io/", func(w http.ResponseWriter, r *http.Request) {
			r = r.WithContext(context.WithValue(r.Context(), ctxKey{}, "value"))
			if r.URL.Query().Get("sid") == "" {
				served <- r
			}
			_ = srv.ServeWith(w, r, nil)
		})
		contexts := make(chan *sio.Context, 1)
		srv.OnConnect(func(c *sio.Context) error { contexts <- c; return nil })
		url := serve(t, mux, srv)
		c := dial(t, url+"/t/acme/socket.io/?q=1", testclient.Options{
			WebSocket: webSocket,
			Header:    http.Header{"X-Test": {"header"}, "Cookie": {"a=b"}},
		})
		c.connect("/", nil)
		kept := <-contexts
		r, original := kept.Request(), <-served
		if r == original || r.URL == original.URL {
			t.Error("the request is not a copy")
		}
		cookie, err := r.Cookie("a")
		if err != nil || cookie.Value != "b" {
			t.Errorf("cookie %v %v", cookie, err)
		}
		for what, pair := range map[string][2]string{
			"method": {r.Method, "GET"}, "header": {r.Header.Get("X-Test"), "header"}, "query": {r.URL.Query().Get("q"), "1"},
			"path": {r.URL.Path, "/t/acme/socket.io/"}, "path value": {r.PathValue("tenant"), "acme"},
			"remote address": {r.RemoteAddr, c.LocalAddr}, "RemoteAddr": {kept.RemoteAddr(), c.LocalAddr},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s %q, want %q", what, pair[0], pair[1])
			}
		}
		original.Header.Set("X-Test", "changed")
		if got := r.Header.Get("X-Test"); got != "header" {
			t.Errorf("header %q", got)
		}
		if b, err := io.ReadAll(r.Body); len(b) > 0 || err != nil {
			t.Errorf("body %q %v", b, err)
		}
		ctx, socketCtx := r.Context(), kept.Context()
		for what, ctx := range map[string]context.Context{"Request": ctx, "Context": socketCtx} {
			if ctx.Err() != nil || ctx.Value(ctxKey{}) != "value" {
				t.Errorf("the context of %s: %v, value %v", what, ctx.Err(), ctx.Value(ctxKey{}))
			}
		}
		// Leaving the namespace ends the one context, and leaving altogether the other.
		c.send("1")
		ended(t, socketCtx, sio.Reason("client namespace disconnect"))
		if ctx.Err() != nil {
			t.Errorf("the context of the request has ended with the namespace: %v", context.Cause(ctx))
		}
		c.Close()
		ended(t, ctx, sio.Reason("transport close"))
	}
}

func TestForgetRequest(t *testing.T) {
	srv := sio.New(&sio.Options{ForgetRequest: true})
	srv.On("x", func(c *sio.Context) error {
		return c.Ack(c.Request() == nil, c.Captured(), c.RemoteAddr() != "", c.Context().Err() == nil)
	})
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	detached := make(chan *http.Request, 1)
	mux.HandleFunc("/captured/", func(w http.ResponseWriter, r *http.Request) {
		_ = srv.ServeWith(w, r, func(d *http.Request) (any, error) {
			detached <- d
			return "captured", nil
		})
	})
	siotest.Cleanup(t, srv)
	for path, captured := range map[string]any{
		"/socket.io/": nil,
		"/captured/":  "captured",
	} {
		siotest.Connect(t, mux, &siotest.Options{Path: path, Polling: true}).Call("x").Is(true, captured, true, true)
	}
	if r := <-detached; r != nil {
		t.Error("the capture function was handed a copy of the request to keep")
	}
}

// The capture function runs once for each session, whatever its transport.
func TestCapture(t *testing.T) {
	srv := sio.New(quiet(nil))
	var captures []string // on one connection, requests come one by one
	errMallory := errors.New("who is mallory?")
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := srv.ServeWith(w, r, func(d *http.Request) (any, error) {
			user := d.Header.Get("X-User")
			captures = append(captures, user)
			if user == "mallory" {
				return nil, errMallory
			}
			return user, nil
		})
		switch {
		case errors.Is(err, errMallory):
			http.Error(w, "no", http.StatusTeapot)
		case err != nil:
			t.Errorf("ServeWith: %v", err)
		}
	}), srv)
	srv.OnConnect(func(c *sio.Context) error { return c.Emit("who", c.Captured()) })
	srv.On("who", func(c *sio.Context) error {
		if _, ok := sio.Captured[int](c); ok {
			t.Error("a string is captured as an int")
		}
		user, ok := sio.Captured[string](c)
		return c.Ack(user, ok)
	})

	c := dial(t, url, testclient.Options{Header: http.Header{"X-User": {"ada"}}})
	c.connect("/", nil)
	c.want(`2["who","ada"]`)
	c.send(`21["who"]`)
	c.want(`31["ada",true]`)
	if err := c.Upgrade(); err != nil {
		t.Fatal(err)
	}
	c.send(`21["who"]`)
	c.want(`31["ada",true]`)
	if !slices.Equal(captures, []string{"ada"}) {
		t.Errorf("captured %q", captures)
	}
	for _, webSocket := range []bool{false, true} {
		_, err := testclient.Dial(url, testclient.Options{WebSocket: webSocket, Header: http.Header{"X-User": {"mallory"}}})
		var status *testclient.StatusError
		if !errors.As(err, &status) || status.Code != http.StatusTeapot {
			t.Errorf("a capture that fails: %v, want the caller's answer", err)
		}
	}
	if n := srv.Connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}
