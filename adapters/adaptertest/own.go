package adaptertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
)

// sessions are how many are open at a time in ownContext: far more than a
// framework has contexts to reuse.
const sessions = 1000

// withValue puts the user into the request's context, as a net/http middleware
// in front of the framework would.
func withValue(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), ContextKey{}, User(r))))
	})
}

// ownContext interleaves many sessions, whose handlers read back what belongs to
// their own session: CONNECT comes in a later request, then three events.
func ownContext(t *testing.T, f Framework) {
	for _, mode := range []string{"polling", "websocket", "upgrade"} {
		t.Run(mode, func(t *testing.T) {
			srv := sio.New(nil)
			facts := func(c *sio.Context) []Facts {
				r := FactsOf(c.Request())
				r.Value, _ = c.Context().Value(ContextKey{}).(string)
				return []Facts{f.Facts(c), r}
			}
			srv.OnConnect(func(c *sio.Context) error { return c.Emit("facts", facts(c)) })
			srv.On("facts", func(c *sio.Context) error { return c.Ack(facts(c)) })
			h := start(t, f, Config{Server: srv, Guard: Always}, withValue)
			interleave(t, h, mode)
		})
	}
}

func interleave(t *testing.T, h *host, mode string) {
	shared := &http.Transport{MaxIdleConnsPerHost: 32}
	t.Cleanup(shared.CloseIdleConnections)
	clients := make([]*testclient.Client, sessions)
	step := func(what string, f func(i int, c *testclient.Client) error) {
		t.Helper()
		if err := each(sessions, func(i int) error { return f(i, clients[i]) }); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	h.closeLater(func() {
		_ = each(sessions, func(i int) error {
			if clients[i] != nil {
				clients[i].Close()
			}
			return nil
		})
	})
	step("handshake", func(i int, _ *testclient.Client) (err error) {
		name := fmt.Sprint("user", i)
		clients[i], err = testclient.Dial(fmt.Sprintf("%s/t/tenant%d/socket.io/?q=query%d", h.web.URL, i, i), testclient.Options{
			WebSocket: mode == "websocket",
			Header:    http.Header{userHeader: {name}, "Cookie": {"session=cookie" + name}},
			Shared:    shared,
			Patience:  patience,
		})
		return err
	})
	check := func(i int, c *testclient.Client, data string) error {
		var got []Facts
		if err := json.Unmarshal([]byte(data), &[]any{&got}); err != nil || len(got) != 2 {
			return fmt.Errorf("%q: %v", data, err)
		}
		name := fmt.Sprint("user", i)
		want := Facts{name, fmt.Sprint("tenant", i), fmt.Sprint("query", i), "cookie" + name, name, name, c.LocalAddr}
		if got[0] != want {
			return fmt.Errorf("the framework's context has %+v, want %+v", got[0], want)
		}
		want.User, want.Tenant = "", ""
		if got[1] != want {
			return fmt.Errorf("the request has %+v, want %+v", got[1], want)
		}
		return nil
	}
	ask := func(i int, c *testclient.Client) error {
		ack, err := call(c, "facts")
		if err != nil {
			return err
		}
		return check(i, c, ack)
	}
	step("CONNECT", func(i int, c *testclient.Client) error {
		if _, err := c.Connect("/", nil); err != nil {
			return err
		}
		text, err := c.Next()
		if err != nil {
			return err
		}
		var event string
		var got json.RawMessage
		if err := json.Unmarshal([]byte(testclient.Parse(text).Data), &[]any{&event, &got}); err != nil {
			return fmt.Errorf("%q: %w", text, err)
		}
		return check(i, c, "["+string(got)+"]")
	})
	step("first event", ask)
	if mode == "upgrade" {
		step("upgrade", func(_ int, c *testclient.Client) error { return c.Upgrade() })
	}
	step("second event", ask)
	step("third event", ask)
}

// authMiddlewares reads back, for two users at a time, what the framework's
// usual middlewares have found out.
func authMiddlewares(t *testing.T, f Framework) {
	for _, a := range f.Auth {
		t.Run(a.Name, func(t *testing.T) {
			srv := sio.New(nil)
			srv.OnConnect(func(c *sio.Context) error { return c.Emit("user", a.User(c)) })
			srv.On("user", func(c *sio.Context) error { return c.Ack(a.User(c)) })
			h := serve(t, srv, a.New(srv), "/socket.io/", noSetting)
			users := []string{"ada", "grace"}
			for _, webSocket := range []bool{false, true} {
				clients := make(map[string]*client)
				for _, user := range users {
					clients[user] = h.dial(testclient.Options{WebSocket: webSocket, Header: a.Credentials(t, h.web.URL, user)})
				}
				for _, user := range users {
					clients[user].connect(nil)
					clients[user].want(fmt.Sprintf(`2["user",%q]`, user))
				}
				for range 3 {
					for _, user := range users {
						var got string
						clients[user].call(&got, "user")
						equal(t, "user", got, user)
					}
				}
			}
			got := h.poll(http.MethodGet, "", nil, "")
			if got.status == http.StatusOK { // a session middleware lets everyone in
				c := h.dial(testclient.Options{})
				c.connect(nil)
				c.want(`2["user",""]`)
			}
		})
	}
}

// captureOnce counts how often a capture function runs: not for polls, nor for
// the upgrade.
func captureOnce(t *testing.T, f Framework) {
	for _, mode := range []string{"polling", "websocket", "upgrade"} {
		t.Run(mode, func(t *testing.T) {
			srv := sio.New(nil)
			captured := func(c *sio.Context) error {
				v, ok := sio.Captured[Captured](c)
				return c.Ack(fmt.Sprintf("%s %t", v.User, ok))
			}
			srv.On("captured", captured)
			calls := make(chan string, 100)
			h := start(t, f, Config{Server: srv, Form: HandlerWith, Guard: Always, Capture: func(user string) (Captured, error) {
				calls <- user
				return Captured{user}, nil
			}})
			c := h.dial(testclient.Options{WebSocket: mode == "websocket", Header: as("ada")})
			c.connect(nil)
			var got string
			c.call(&got, "captured")
			if mode == "upgrade" {
				if err := c.Upgrade(); err != nil {
					t.Fatal(err)
				}
			}
			c.call(&got, "captured")
			equal(t, "captured", got, "ada true")
			equal(t, "calls", len(calls), 1)
			equal(t, "user", <-calls, "ada")
		})
	}
}

// captureFails refuses by a capture function: 403 or the framework's own way, and
// no session.
func captureFails(t *testing.T, f Framework) {
	for _, test := range []struct {
		err     error
		status  int
		message string
	}{
		{errSecret, http.StatusForbidden, "Forbidden"},
		{&sio.Error{Message: "pay first", Err: errSecret}, http.StatusForbidden, "pay first"},
		{&sio.Error{Message: "who are you?", Err: statusError(http.StatusUnauthorized)}, http.StatusUnauthorized, "who are you?"},
		{statusError(http.StatusServiceUnavailable), http.StatusServiceUnavailable, "Service Unavailable"},
	} {
		h := start(t, f, Config{Form: HandlerWith, Guard: Always, Capture: func(string) (Captured, error) {
			return Captured{}, test.err
		}})
		for _, webSocket := range []bool{false, true} {
			e := h.refused(testclient.Options{WebSocket: webSocket, Header: as("mallory")})
			equal(t, "status", e.Code, test.status)
			equal(t, "body", strings.TrimSpace(e.Body), fmt.Sprintf(`{"code":4,"message":%q}`, test.message))
			kind, _, _ := strings.Cut(e.Header.Get("Content-Type"), ";")
			equal(t, "type", kind, "application/json")
			if contains(e.Body, errSecret.Error()) {
				t.Errorf("the error's text has reached the client: %q", e.Body)
			}
		}
		equal(t, "connections", h.Connections(), 0)
	}
}

// A statusError has a status, as those of frameworks have.
type statusError int

func (e statusError) Error() string   { return errSecret.Error() }
func (e statusError) StatusCode() int { return int(e) }

// forget has the framework's context dropped, and what is captured kept.
func forget(t *testing.T, f Framework) {
	if f.Has != nil {
		for _, keep := range []bool{true, false} {
			srv := sio.New(&sio.Options{ForgetRequest: !keep})
			srv.On("has", func(c *sio.Context) error { return c.Ack(f.Has(c)) })
			c := start(t, f, Config{Server: srv}).dial(testclient.Options{})
			c.connect(nil)
			var has bool
			c.call(&has, "has")
			equal(t, "has a context", has, keep)
		}
		withoutContext(t, f)
	}
	srv := sio.New(&sio.Options{ForgetRequest: true})
	srv.On("captured", func(c *sio.Context) error {
		v, ok := sio.Captured[Captured](c)
		return c.Ack(fmt.Sprintf("%s %t %t %t", v.User, ok, c.Request() == nil, c.Context().Value(ContextKey{}) == nil))
	})
	h := start(t, f, Config{Server: srv, Form: HandlerWith, Guard: Always, Capture: func(user string) (Captured, error) {
		return Captured{user}, nil
	}}, withValue)
	c := h.dial(testclient.Options{Header: as("ada")})
	c.connect(nil)
	var got string
	c.call(&got, "captured")
	equal(t, "captured", got, "ada true true true")
}

// withoutContext has handlers ask for a context that is not there.
func withoutContext(t *testing.T, f Framework) {
	for name, reason := range map[string]string{"forgotten": "ForgetRequest", "mounted by itself": "by another way"} {
		failed := make(chan error, 1)
		srv := sio.New(&sio.Options{ForgetRequest: name == "forgotten"})
		srv.On("facts", func(c *sio.Context) error { return c.Ack(f.Facts(c)) })
		srv.OnError(func(_ *sio.Context, err error) { failed <- err })
		mounted := f
		if name != "forgotten" {
			mounted.New = func(Config) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = srv.ServeWith(w, r, nil) })
			}
		}
		c := start(t, mounted, Config{Server: srv}).dial(testclient.Options{})
		c.connect(nil)
		var answer struct{ Error struct{ Message string } }
		c.call(&answer, "facts")
		equal(t, name+": answer", answer.Error.Message, "internal error")
		if err := <-failed; !contains(err.Error(), reason) {
			t.Errorf("%s: the log says %q, and not %q", name, err, reason)
		}
	}
}

// responseHeader reads the request id, which middlewares keep in the header of
// the response.
func responseHeader(t *testing.T, f Framework) {
	if f.Head == nil {
		return // handlers do not see a response
	}
	srv := sio.New(nil)
	srv.On("id", func(c *sio.Context) error { return c.Ack(f.Head(c).Get("X-Request-Id")) })
	h := start(t, f, Config{Server: srv})
	for _, webSocket := range []bool{false, true} {
		c := h.dial(testclient.Options{WebSocket: webSocket})
		c.connect(nil)
		var id string
		c.call(&id, "id")
		if want := c.Header.Get("X-Request-Id"); id != want || id == "" {
			t.Errorf("request id %q, want %q", id, want)
		}
	}
}

// detachedWrites writes to detached contexts while other requests are answered
// by the framework's own ones.
func detachedWrites(t *testing.T, f Framework) {
	if f.Write == nil {
		return // there is nothing to write to
	}
	srv := sio.New(nil)
	srv.On("write", func(c *sio.Context) error {
		f.Write(c)
		return c.Ack("written")
	})
	srv.OnError(func(_ *sio.Context, err error) { t.Error(err) })
	h := start(t, f, Config{Server: srv, Guard: Always})
	look := func() error {
		a, err := h.request(http.MethodGet, OtherPath, as("ada"), "")
		if err == nil && (a.status != http.StatusOK || a.body != Other || contains(fmt.Sprint(a.header), Leak)) {
			err = fmt.Errorf("status %d, header %v, body %q", a.status, a.header, a.body)
		}
		return err
	}
	for _, webSocket := range []bool{false, true} {
		c := h.dial(testclient.Options{WebSocket: webSocket, Header: as("mallory")})
		c.connect(nil)
		looked := make(chan error, 1)
		go func() { // ends by itself; its channel has room
			looked <- each(200, func(int) error { return look() })
		}()
		for range 50 {
			var got string
			c.call(&got, "write")
			equal(t, "ack", got, "written")
		}
		if err := receive(t, looked, "other requests"); err != nil {
			t.Error(err)
		}
	}
}

// concurrentReaders has handlers of one connection, in several namespaces, read
// the same detached context: it fills no cache behind their backs. The race
// detector sees it if it does.
func concurrentReaders(t *testing.T, f Framework) {
	srv := sio.New(nil)
	namespaces := []string{"/", "/a", "/b", "/c"}
	together := make(chan struct{})
	acks := make(chan Facts, len(namespaces))
	for _, nsp := range namespaces {
		srv.Of(nsp).On("read", func(c *sio.Context) error {
			<-together
			acks <- f.Facts(c)
			return nil
		})
	}
	h := start(t, f, Config{Server: srv, Guard: Always}, withValue)
	for _, webSocket := range []bool{false, true} {
		c := h.dial(testclient.Options{WebSocket: webSocket, Header: as("ada")})
		for _, nsp := range namespaces {
			if _, err := c.Connect(nsp, nil); err != nil {
				t.Fatal(err)
			}
			if err := c.Emit(nsp, "read"); err != nil {
				t.Fatal(err)
			}
		}
		for range namespaces {
			together <- struct{}{}
		}
		for range namespaces {
			got := receive(t, acks, "what a handler reads")
			equal(t, "facts", got, Facts{User: "ada", Tenant: "acme", Header: "ada", Value: "ada", Addr: c.LocalAddr})
		}
	}
}
