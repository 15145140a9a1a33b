package engineio_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
)

func TestOptions(t *testing.T) {
	tests := []struct {
		name string // must be in the error
		opts engineio.Options
	}{
		{"PingInterval", engineio.Options{PingInterval: -time.Second}},
		{"PingInterval", engineio.Options{PingInterval: time.Microsecond}},
		{"PingTimeout", engineio.Options{PingTimeout: -1}},
		{"UpgradeTimeout", engineio.Options{UpgradeTimeout: -1}},
		{"WriteTimeout", engineio.Options{WriteTimeout: -1}},
		{"MaxPayload", engineio.Options{MaxPayload: -1}},
		{"QueueBytes", engineio.Options{QueueBytes: -1}},
		{"QueuePackets", engineio.Options{QueuePackets: -1}},
		{"TotalBytes", engineio.Options{TotalBytes: -1}},
		{"PollPackets", engineio.Options{PollPackets: -1}},
		{"Transports", engineio.Options{Transports: []string{}}},
		{"Transports", engineio.Options{Transports: []string{"carrier pigeon"}}},
		{"Transports", engineio.Options{Transports: []string{"polling", "polling "}}},
		{"Cookie", engineio.Options{Cookie: &http.Cookie{Name: "a b"}}},
		{"Compression.Threshold", engineio.Options{Compression: &engineio.Deflate{Threshold: -1}}},
		{"Compression.Level", engineio.Options{Compression: &engineio.Deflate{Level: -1}}},
		{"Compression.Level", engineio.Options{Compression: &engineio.Deflate{Level: 10}}},
		{"CORS", engineio.Options{CORS: &engineio.CORS{Origins: []string{"*"}, Credentials: true}}},
		{"CORS", engineio.Options{CORS: &engineio.CORS{Origins: []string{"example.com/"}}}},
	}
	for _, test := range tests {
		_, err := engineio.New(&test.opts, func(*engineio.Session) engineio.Handler { return nil })
		if err == nil || !strings.Contains(err.Error(), test.name) {
			t.Errorf("New(%+v): %v, want an error that names %s", test.opts, err, test.name)
		}
	}
}

// TestOpen has a session used while it is being opened.
func TestOpen(t *testing.T) {
	t.Run("what is sent arrives behind the handshake", func(t *testing.T) {
		h := newHost(t, nil, func(p *peer) {
			if err := p.Send(engineio.NewMessage([]byte("a")), engineio.NewMessage([]byte("b"))); err != nil {
				t.Error(err)
			}
		})
		h.get(h.open().ID()).want(t, 200, "4a\x1e4b")
		c, _ := h.openWS()
		c.wants("4a", "4b")
	})
	t.Run("Close", func(t *testing.T) {
		h := newHost(t, nil, func(p *peer) {
			if err := p.Send(engineio.NewMessage([]byte("bye"))); err != nil {
				t.Error(err)
			}
			p.Session.Close()
		})
		p := h.open()
		p.ends("forced close")
		h.get(p.ID()).want(t, 200, "4bye")
		h.get(p.ID()).want(t, 200, farewell)
		c, p := h.openWS()
		p.ends("forced close")
		c.wants("4bye")
		c.closed(1012)
	})
	t.Run("Pause", func(t *testing.T) {
		h := newHost(t, nil, func(p *peer) { p.Pause() })
		c := h.ws("")
		c.text("4a")
		c.read() // the open packet: nothing has been read by the session yet
		p := h.peer()
		p.silent()
		p.Resume()
		p.want("a")
	})
}

// TestServe has the capture function of Serve.
func TestServe(t *testing.T) {
	h := newHost(t, nil)
	captured, refused := 0, error(nil)
	var failed error
	capture := func() (any, error) {
		captured++
		return captured, refused
	}
	ask := func(method, query, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		failed = h.Serve(w, httptest.NewRequest(method, "/any/path?"+query, strings.NewReader(body)), capture)
		return w
	}
	if w := ask("GET", polling, ""); w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	p := h.peer()
	if p.Value() != 1 || p.RemoteAddr() != "192.0.2.1:1234" { // httptest's
		t.Errorf("value %v of %s", p.Value(), p.RemoteAddr())
	}
	for _, query := range []string{"", polling + "&sid=unknown", "EIO=3&transport=polling"} {
		if w := ask("GET", query, ""); w.Code != 400 {
			t.Errorf("%q: %d %s", query, w.Code, w.Body)
		}
	}
	if w := ask("POST", polling+"&sid="+p.ID(), "4x"); w.Code != 200 {
		t.Errorf("POST: %d %s", w.Code, w.Body)
	}
	if captured != 1 || p.Value() != 1 {
		t.Errorf("captured %d times, value %v", captured, p.Value())
	}
	refused = errors.New("who are you?")
	if w := ask("GET", polling, ""); w.Body.Len() != 0 || failed != refused {
		t.Errorf("refused: %v, answered %d %s", failed, w.Code, w.Body)
	}
	if captured != 2 || h.Len() != 1 {
		t.Errorf("captured %d times, %d sessions", captured, h.Len())
	}
}

// TestPollDeadline has a GET that a timeout middleware would cut.
func TestPollDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newPipeHost(t, nil)
		p := h.open()
		for limit, want := range map[time.Duration]time.Duration{
			5 * time.Second: 4 * time.Second, 2 * time.Second: time.Second, time.Second: time.Second / 2,
		} {
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/?"+polling+"&sid="+p.ID(), nil))
			if d := time.Since(start); w.Code != 200 || w.Body.String() != "6" || d != want {
				t.Errorf("%d %q after %v of %v, want a noop after %v", w.Code, w.Body, d, limit, want)
			}
			cancel()
		}
		h.pollingWorks(p)
	})
}

// TestWrappedWriter has a ResponseWriter that can be hijacked only through its
// Unwrap, as those of frameworks and middlewares.
func TestWrappedWriter(t *testing.T) {
	h := newHost(t, nil)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Earlier", "kept")
		h.ServeHTTP(wrapped{w, w}, r)
	}))
	defer web.Close()
	h.addr = web.Listener.Addr().String()
	c, res := h.raw(h.wsRequest("EIO=4&transport=websocket"))
	if res.StatusCode != 101 || res.Header.Get("X-Earlier") != "kept" {
		t.Fatal(res.Status, res.Header)
	}
	if f := c.read(); !strings.HasPrefix(f.payload, "0{") {
		t.Errorf("first frame %q", f.payload)
	}
	if r := h.do("GET", polling, ""); !strings.Contains(r.body, `"upgrades":["websocket"]`) {
		t.Errorf("handshake %q", r.body)
	}
}

type wrapped struct {
	http.ResponseWriter
	inner http.ResponseWriter
}

func (w wrapped) Unwrap() http.ResponseWriter { return w.inner }
