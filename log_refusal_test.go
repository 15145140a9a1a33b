package sio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
)

// production returns a logger that writes what is logged in production.
func production(b *logBuffer) *zerolog.Logger {
	l := b.logger().Level(zerolog.InfoLevel)
	return &l
}

// Whatever a server refuses, a line at the level of production says whom, why, and what
// would have to be changed.
func TestRefusalsAreLogged(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	post := func(body string) func(*testing.T, *host) {
		return func(t *testing.T, h *host) {
			c := dial(t, h.url, testclient.Options{})
			res, err := http.Post(h.url+"?EIO=4&transport=polling&sid="+c.SID, "text/plain", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
		}
	}
	get := func(query string) func(*testing.T, *host) {
		return func(t *testing.T, h *host) {
			res, err := http.Get(strings.TrimSuffix(h.url, "/socket.io/") + query)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
		}
	}
	send := func(packets ...string) func(*testing.T, *host) {
		return func(t *testing.T, h *host) { h.dial().send(packets...) }
	}
	for _, tt := range []struct {
		name    string
		opts    sio.Options
		act     func(*testing.T, *host)
		message string
		fields  map[string]string // and what they contain
	}{
		{"path", sio.Options{}, get("/ws/?EIO=4&transport=polling&token=SECRET"), "request for another path", map[string]string{"path": "/ws/", "needs": "/socket.io/"}},
		{"version", sio.Options{}, get("/socket.io/?EIO=3&transport=polling"), "request refused", map[string]string{"eio": "3", "needs": "Options.AllowEIO3"}},
		{"transport", sio.Options{Transports: []string{"websocket"}}, get("/socket.io/?EIO=4&transport=polling"), "request refused", map[string]string{"transport": "polling", "needs": "Options.Transports"}},
		{"session", sio.Options{}, get("/socket.io/?EIO=4&transport=polling&sid=SECRET"), "request refused", map[string]string{"why": "Session ID unknown", "needs": "sticky sessions"}},
		{"no upgrade", sio.Options{}, get("/socket.io/?EIO=4&transport=websocket"), "request refused", map[string]string{"needs": "Upgrade and Connection"}},
		{"no upgrade of a session", sio.Options{}, func(t *testing.T, h *host) {
			get("/socket.io/?EIO=4&transport=websocket&sid="+dial(t, h.url, testclient.Options{}).SID)(t, h)
		}, "request refused", map[string]string{"needs": "Upgrade and Connection"}},
		{"method", sio.Options{}, func(t *testing.T, h *host) {
			res, err := http.Post(h.url+"?EIO=4&transport=polling", "", nil)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
		}, "request refused", map[string]string{"why": "Bad handshake method", "needs": "query"}},
		{"namespace", sio.Options{}, send("0/nowhere,"), "namespace refused", map[string]string{"nsp": "/nowhere", "sid": "", "needs": "pattern"}},
		{"namespaces", sio.Options{MaxClientNamespaces: 1}, send("0/of/1,", "0/of/2,"), "namespace refused", map[string]string{"nsp": "/of/2", "needs": "MaxClientNamespaces"}},
		{"large POST", sio.Options{MaxPayload: 100}, post("4" + strings.Repeat("x", 200)), "session closed", map[string]string{"reason": "transport error", "needs": "MaxPayload", "sid": ""}},
		{"large frame", sio.Options{MaxPayload: 100}, send(`2["` + strings.Repeat("x", 200) + `"]`), "session closed", map[string]string{"reason": "transport error", "needs": "MaxPayload", "sid": ""}},
		{"no packet", sio.Options{}, post("x"), "session closed", map[string]string{"reason": "parse error", "cause": "", "sid": ""}},
		{"packet out of place", sio.Options{}, send(`2/chat,["x"]`), "session closed", map[string]string{"reason": "forced close", "cause": "namespace not joined", "sid": ""}},
		{"no namespace", sio.Options{ConnectTimeout: 10 * time.Millisecond}, func(_ *testing.T, h *host) {
			c := h.dial()
			_, _ = c.Next() // the end
		}, "no namespace joined in time", map[string]string{"sid": "", "needs": "CONNECT"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log logBuffer
			tt.opts.Logger = production(&log)
			h := newHost(t, &tt.opts)
			h.Of("/of/{n}")
			tt.act(t, h)
			for end := time.Now().Add(patience); len(log.lines(t, tt.message)) == 0; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("no line %q:\n%s", tt.message, &log)
				}
			}
			line := log.only(t, tt.message)
			if addr, _ := line["addr"].(string); line["level"] != "warn" || !strings.HasPrefix(addr, "127.0.0.1:") {
				t.Errorf("line %v", line)
			}
			for key, want := range tt.fields {
				if got, ok := line[key].(string); !ok || !strings.Contains(got, want) {
					t.Errorf("%s is %v, want %q in it", key, line[key], want)
				}
			}
			if strings.Contains(log.String(), "SECRET") {
				t.Errorf("a secret is in\n%s", &log)
			}
		})
	}
}

// A client that has asked for a namespace and is in none is told of where one debugs: it is
// refused, or has left, as clients are and do.
func TestInNoNamespace(t *testing.T) {
	for name, act := range map[string]func(c *client){
		"refused": func(c *client) { c.refused("/closed", nil) },
		"unknown": func(c *client) { c.refused("/unknown", nil) },
		"left": func(c *client) {
			c.connect("/", nil)
			c.send("1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log logBuffer
			opts := &sio.Options{Logger: log.logger(), ConnectTimeout: time.Second}
			inBubble(t, opts, func(t *testing.T, srv *sio.Server, dial func(testclient.Options) *client) {
				srv.Of("/closed").OnConnect(func(*sio.Context) error { return &sio.Error{Message: "no"} })
				c := dial(testclient.Options{WebSocket: true})
				act(c)
				_, _ = c.Next() // the end
				if line := log.only(t, "in no namespace for too long"); line["level"] != "debug" {
					t.Errorf("line %v", line)
				}
				if lines := log.lines(t, "no namespace joined in time"); len(lines) > 0 {
					t.Errorf("lines %v", lines)
				}
			})
		})
	}
}

// One client can't have as many lines as it likes about how it is not let in.
func TestRefusalsOfHandlersAreBounded(t *testing.T) {
	var log logBuffer
	h := newHost(t, &sio.Options{Logger: production(&log)})
	h.OnConnect(func(*sio.Context) error { return &sio.Error{Message: "no"} })
	c := h.dial()
	for range 50 {
		c.refused("/", nil)
	}
	if n := len(log.lines(t, "handler refused")); n == 0 || n > 20 {
		t.Errorf("%d lines of 50", n)
	}
}

// What is no client, and who comes while the server ends, is nobody's concern.
func TestRefusalsThatAreNoNews(t *testing.T) {
	var log logBuffer
	srv := sio.New(&sio.Options{Logger: log.logger()})
	ask(srv, http.MethodGet, "/socket.io/")
	ask(srv, http.MethodGet, "/favicon.ico")
	shut(t, srv)
	if w := ask(srv, http.MethodGet, "/socket.io/?EIO=4&transport=polling"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
	for _, line := range log.lines(t, "") {
		if line["level"] != "debug" {
			t.Errorf("line %v", line)
		}
	}
}

// What peers write does not get into a log as they have written it.
func TestLogIsPrintable(t *testing.T) {
	const evil = "a\n{\"level\":\"error\"}\x1b[2J\u202etxt\u2066"
	var log logBuffer
	h := newHost(t, &sio.Options{Logger: log.logger()})
	h.OnAny(func(c *sio.Context) error { return fmt.Errorf("no %s", c.Event()) })
	c := h.join("/")
	name, err := json.Marshal(evil + strings.Repeat("x", 10_000))
	if err != nil {
		t.Fatal(err)
	}
	c.send(`21[` + string(name) + `]`)
	c.want(`31[{"error":{"message":"internal error"}}]`)
	c.send("0/a\u202etxt\u2066,")
	if _, err := c.Next(); err != nil {
		t.Error(err)
	}
	for _, set := range []func(*http.Request){
		func(r *http.Request) { r.URL.RawQuery = "EIO=" + strings.Repeat("4%1b%0a", 100) },
		func(r *http.Request) { r.URL.RawQuery += "%1b%e2%80%ae" },
		func(r *http.Request) { r.URL.Path = "/" + evil },
		func(r *http.Request) { r.Header.Set("Origin", "https://"+strings.Repeat("é\u202e", 100)) },
		func(r *http.Request) { r.URL.RawQuery, r.RemoteAddr = "EIO=4", "6.6.6.6"+evil }, // a middleware has believed a header
	} {
		r := httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=polling", nil)
		r.Header.Set("Cookie", "a=b")
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		set(r)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	lines := log.lines(t, "")
	for _, message := range []string{"handler failed", "namespace refused", "request refused", "request for another path", "origin refused"} {
		if len(log.lines(t, message)) == 0 {
			t.Errorf("no line %q", message)
		}
	}
	for _, line := range lines {
		for key, v := range line {
			text, _ := v.(string)
			if limit := map[bool]int{true: 3000, false: 500}[key == "error"]; len(text) > limit || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%s has %d bytes: %.200q", key, len(text), text)
			}
		}
	}
}

// Nobody can fill a log, nor hide what happens to others, with a logger of one's own
// either. A handler that fails does not hide another one, and names that clients make up
// count as one.
func TestLogIsBounded(t *testing.T) {
	var log logBuffer
	h := newHost(t, &sio.Options{Logger: production(&log)})
	failing(h.Server)
	h.OnAny(func(*sio.Context) error { return errors.New("unknown") })
	c := h.join("/")
	for i := range 300 {
		c.send(`2["fail"]`, fmt.Sprintf(`2["made up %d"]`, i))
	}
	for i := range 30 { // more are not handled at once
		c.send(fmt.Sprintf("0/nsp-%d,", i))
	}
	c.send(`21["panic"]`)
	for {
		p, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(p, "31") {
			break
		}
	}
	for range 300 {
		r := httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=3&transport=polling", nil)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	other := httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=3&transport=polling", nil)
	other.RemoteAddr = "203.0.113.7:1"
	h.ServeHTTP(httptest.NewRecorder(), other)
	for message, most := range map[string]int{"handler failed": 40, "namespace refused": 20, "request refused": 20, "handler panicked": 1} {
		if n := len(log.lines(t, message)); n < 1 || n > most {
			t.Errorf("%d lines %q, want some, and %d at most", n, message, most)
		}
	}
	if !slices.ContainsFunc(log.lines(t, "request refused"), func(line map[string]any) bool { return line["addr"] == "203.0.113.7:1" }) {
		t.Error("the refusal of somebody else is hidden")
	}
}

// A capture function that fails, which only the client would know else.
func TestCaptureFailureIsLogged(t *testing.T) {
	var log logBuffer
	srv := newServer(t, &sio.Options{Logger: log.logger()})
	for _, tt := range []struct {
		err   error
		level string
	}{
		{errors.New("no database"), "warn"},
		{&sio.Error{Message: "log in first"}, "info"},
	} {
		h := sio.HandlerWith(srv, func(*http.Request) (int, error) { return 0, tt.err })
		if w := ask(h, http.MethodGet, "/socket.io/?EIO=4&transport=polling"); w.Code != http.StatusForbidden {
			t.Errorf("status %d", w.Code)
		}
		if line := log.lines(t, "connection refused by capture"); line[len(line)-1]["level"] != tt.level || line[len(line)-1]["error"] != tt.err.Error() {
			t.Errorf("lines %v", line)
		}
	}
	for _, tt := range []struct {
		ctx   func() (context.Context, context.CancelFunc)
		level string
	}{
		{func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) }, "debug"},    // the client goes away
		{func() (context.Context, context.CancelFunc) { return context.WithTimeout(context.Background(), 1) }, "warn"}, // a middleware waits no longer
	} {
		ctx, cancel := tt.ctx()
		h := sio.HandlerWith(srv, func(r *http.Request) (int, error) {
			if tt.level == "debug" {
				cancel()
			}
			<-ctx.Done()
			return 0, fmt.Errorf("asking the database: %w", ctx.Err())
		})
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/socket.io/?EIO=4&transport=polling", nil))
		cancel()
		lines := log.lines(t, "connection refused by capture")
		if line := lines[len(lines)-1]; line["level"] != tt.level {
			t.Errorf("%v, want it at %s", line, tt.level)
		}
	}
	refusal := error(&sio.Error{Message: "log in first"})
	h := sio.HandlerWith(srv, func(*http.Request) (int, error) { return 0, refusal })
	for i := range 100 { // of many addresses
		r := httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=polling", nil)
		r.RemoteAddr = fmt.Sprintf("203.0.113.%d:1", i)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	refusal = errors.New("still no database")
	ask(h, http.MethodGet, "/socket.io/?EIO=4&transport=polling")
	lines := log.lines(t, "connection refused by capture")
	if line := lines[len(lines)-1]; line["level"] != "warn" || line["error"] != "still no database" {
		t.Errorf("those who are not let in hide that there is no database: %v", line)
	}
	if err := srv.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}
