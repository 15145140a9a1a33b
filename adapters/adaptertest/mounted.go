package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/internal/timetest"
)

var errSecret = errors.New("secret")

func contains(s, sub string) bool { return strings.Contains(s, sub) }

func noSetting(*httptest.Server) {}

// forms serves a client in every form of mounting, and leaves other paths alone.
func forms(t *testing.T, f Framework) {
	for _, form := range []Form{Register, Handler, HandlerWith, Middleware} {
		t.Run(form.String(), func(t *testing.T) {
			srv := sio.New(nil)
			srv.On("user", func(c *sio.Context) error {
				if form == HandlerWith {
					v, _ := sio.Captured[Captured](c)
					return c.Ack(v.User)
				}
				return c.Ack(f.Facts(c).User)
			})
			h := start(t, f, Config{Server: srv, Form: form, Guard: Always, Capture: func(user string) (Captured, error) {
				return Captured{user}, nil
			}})
			for _, webSocket := range []bool{false, true} {
				c := h.dial(testclient.Options{WebSocket: webSocket, Header: as("ada")})
				c.connect(nil)
				var user string
				c.call(&user, "user")
				if !webSocket {
					if err := c.Upgrade(); err != nil {
						t.Fatal(err)
					}
					c.call(&user, "user")
				}
				equal(t, "user", user, "ada")
			}
			equal(t, OtherPath, h.do(http.MethodGet, OtherPath, as("ada"), "").body, Other)
			equal(t, "a path of nobody", h.do(http.MethodGet, "/nowhere", as("ada"), "").status, http.StatusNotFound)
			if form != Register && form != Middleware {
				return
			}
			bare := strings.TrimSuffix(h.path, "/")
			for path, status := range map[string]int{bare: http.StatusOK, bare + "/": http.StatusOK, bare + "/x": http.StatusOK, bare + "x": http.StatusNotFound, bare + "x/": http.StatusNotFound} {
				equal(t, path, h.do(http.MethodGet, path+"?EIO=4&transport=polling", as("ada"), "").status, status)
			}
		})
	}
}

// contextEnds checks that the handler's context outlives the handshake request,
// and not the connection.
func contextEnds(t *testing.T, f Framework) {
	for _, webSocket := range []bool{false, true} {
		srv := sio.New(nil)
		contexts := make(chan *sio.Context, 1)
		srv.On("context", func(c *sio.Context) error {
			contexts <- c
			return c.Ack(c.Context().Err() == nil && c.Request().Context().Err() == nil)
		})
		h := start(t, f, Config{Server: srv, Guard: Always})
		timetest.Prompt(t, time.Second, "the end of the contexts", func() time.Duration {
			c := h.dial(testclient.Options{WebSocket: webSocket, Header: as("ada")})
			c.connect(nil)
			var live bool
			c.call(&live, "context")
			if !live {
				t.Fatal("the context has ended with the handshake request")
			}
			kept := <-contexts
			begin := time.Now()
			c.Close()
			for what, ctx := range map[string]context.Context{"Context": kept.Context(), "Request": kept.Request().Context()} {
				receive(t, ctx.Done(), "the end of "+what)
				equal(t, "cause of "+what, context.Cause(ctx), error(sio.Reason("transport close")))
			}
			return time.Since(begin)
		})
	}
}

// unauthorized has a guard refuse: its answer passes through as it is.
func unauthorized(t *testing.T, f Framework) {
	for _, form := range []Form{Register, HandlerWith, Middleware} {
		h := start(t, f, Config{Form: form, Guard: Always, Capture: func(string) (Captured, error) {
			t.Error("the capture function is called")
			return Captured{}, nil
		}})
		got := h.poll(http.MethodGet, "", nil, "")
		equal(t, "status", got.status, http.StatusUnauthorized)
		equal(t, "header", got.header.Get("WWW-Authenticate"), challenge)
		equal(t, "body", got.body, refusal)
		e := h.refused(testclient.Options{WebSocket: true})
		equal(t, "status of an upgrade", e.Code, http.StatusUnauthorized)
		equal(t, "header", e.Header.Get("WWW-Authenticate"), challenge)
		equal(t, "connections", h.Connections(), 0)
	}
}

// handshakeOnly runs a guard for handshakes only, and never for less than that.
func handshakeOnly(t *testing.T, f Framework) {
	for _, form := range []Form{Register, Middleware} {
		h := start(t, f, Config{Form: form, Guard: Handshakes})
		equal(t, "no token", h.poll(http.MethodGet, "", nil, "").status, http.StatusUnauthorized)
		c := h.dial(testclient.Options{Header: as("ada")})
		if got := h.poll(http.MethodPost, c.SID, nil, "40"); got.status != http.StatusOK || got.body != "ok" {
			t.Errorf("POST with the id alone: %+v", got)
		}
		if got := h.poll(http.MethodGet, c.SID, nil, ""); got.status != http.StatusOK || !strings.HasPrefix(got.body, "40{") {
			t.Errorf("GET with the id alone: %+v", got)
		}
		h.upgrade(c.SID, nil)
		unknown := strings.Repeat("A", len(c.SID))
		equal(t, "unknown id", h.poll(http.MethodGet, unknown, nil, "").status, http.StatusUnauthorized)
		equal(t, "elsewhere with an id", h.do(http.MethodGet, OtherPath+"?sid="+c.SID, nil, "").status, http.StatusUnauthorized)
		equal(t, "elsewhere with a token", h.do(http.MethodGet, OtherPath, as("ada"), "").status, http.StatusOK)
		if form == Register {
			other := strings.Replace(h.path, "acme", "other", 1) + "?EIO=4&transport=polling&sid=" + c.SID
			equal(t, "another tenant's path", h.do(http.MethodGet, other, nil, "").status, http.StatusUnauthorized)
		}
	}
}

// crossSite has a page of another site open a WebSocket with the user's cookie.
func crossSite(t *testing.T, f Framework) {
	h := start(t, f, Config{})
	header := http.Header{"Origin": {"https://evil.example"}, "Cookie": {"session=ada"}}
	equal(t, "status", h.refused(testclient.Options{WebSocket: true, Header: header}).Code, http.StatusForbidden)
	equal(t, "connections", h.Connections(), 0)
	header.Set("Origin", h.web.URL)
	h.dial(testclient.Options{WebSocket: true, Header: header})
}

// corsTwice has the framework's CORS beside the core's, or alone.
func corsTwice(t *testing.T, f Framework) {
	const origin = "https://app.example"
	header := http.Header{"Origin": {origin}, "Cookie": {"session=ada"}}
	for _, core := range []*sio.CORS{nil, {Origins: []string{origin}, Credentials: true}, {Origins: []string{"*"}}} {
		for _, form := range []Form{Register, Middleware} {
			h := start(t, f, Config{Server: sio.New(&sio.Options{CORS: core}), Form: form, Origin: origin})
			preflight := header.Clone()
			preflight.Set("Access-Control-Request-Method", "POST")
			for what, got := range map[string]answer{
				"handshake": h.poll(http.MethodGet, "", header, ""),
				"preflight": h.poll(http.MethodOptions, "", preflight, ""),
			} {
				if allowed := got.header.Values("Access-Control-Allow-Origin"); !slices.Equal(allowed, []string{origin}) {
					t.Errorf("%s: status %d, allowed origins %q", what, got.status, allowed)
				}
				if c := got.header.Values("Access-Control-Allow-Credentials"); !slices.Equal(c, []string{"true"}) {
					t.Errorf("%s: credentials %q", what, c)
				}
			}
			h.dial(testclient.Options{WebSocket: true, Header: header})
			header := header.Clone()
			header.Set("Origin", "https://evil.example")
			equal(t, "another origin", h.refused(testclient.Options{WebSocket: true, Header: header}).Code, http.StatusForbidden)
		}
	}
}

// preflight has a page of another origin, behind a guard that wants a header.
func preflight(t *testing.T, f Framework) {
	const origin = "https://app.example"
	cors := &sio.CORS{Origins: []string{origin}, Credentials: true}
	for _, form := range []Form{Register, Handler, Middleware} {
		h := start(t, f, Config{Server: sio.New(&sio.Options{CORS: cors}), Form: form, Guard: Handshakes})
		ask := http.Header{"Origin": {origin}, "Access-Control-Request-Method": {"GET"}, "Access-Control-Request-Headers": {userHeader}}
		got := h.poll(http.MethodOptions, "", ask, "")
		equal(t, "status", got.status, http.StatusNoContent)
		equal(t, "origin", got.header.Get("Access-Control-Allow-Origin"), origin)
		equal(t, "credentials", got.header.Get("Access-Control-Allow-Credentials"), "true")
		equal(t, "header", got.header.Get("Access-Control-Allow-Headers"), userHeader)

		got = h.poll(http.MethodGet, "", http.Header{"Origin": {origin}}, "")
		equal(t, "status without a token", got.status, http.StatusUnauthorized)
		equal(t, "challenge", got.header.Get("WWW-Authenticate"), challenge)
		equal(t, "origin that may read it", got.header.Get("Access-Control-Allow-Origin"), origin)

		header := as("ada")
		header.Set("Origin", origin)
		c := h.dial(testclient.Options{Header: header})
		ask.Set("Access-Control-Request-Method", "POST")
		equal(t, "status, of a session", h.poll(http.MethodOptions, c.SID, ask, "").status, http.StatusNoContent)

		ask.Set("Origin", "https://evil.example")
		got = h.poll(http.MethodOptions, "", ask, "")
		equal(t, "status, of another origin", got.status, http.StatusUnauthorized)
		equal(t, "another origin", got.header.Get("Access-Control-Allow-Origin"), "")
		ask.Set("Origin", origin)
		for _, query := range []string{"", "?EIO=4&transport=polling", "?transport=polling&path=/socket.io/"} {
			got = h.do(http.MethodOptions, OtherPath+query, ask, "")
			equal(t, "status elsewhere, "+query, got.status, http.StatusUnauthorized)
			equal(t, "elsewhere, "+query, got.header.Get("Access-Control-Allow-Origin"), "")
			header := as("ada")
			header.Set("Origin", origin)
			got = h.do(http.MethodGet, OtherPath+query, header, "")
			equal(t, "a page elsewhere, "+query, got.body, Other)
			equal(t, "a page elsewhere, "+query, got.header.Get("Access-Control-Allow-Origin"), "")
		}
	}
}
