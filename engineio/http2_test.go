package engineio_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
)

// secureHost is a host over TLS, polled over HTTP/2, with WebSockets over HTTP/1.1. It
// counts the connections.
func secureHost(t *testing.T, opts *engineio.Options, set func(*httptest.Server)) (h *host, conns *atomic.Int32) {
	t.Helper()
	h = newServer(t, opts, nil)
	web := httptest.NewUnstartedServer(h.Server)
	web.EnableHTTP2 = true
	conns = new(atomic.Int32)
	web.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	set(web)
	web.StartTLS()
	h.addr = web.Listener.Addr().String()
	h.limit = patience
	config := web.Client().Transport.(*http.Transport).TLSClientConfig
	h.dial = func() (net.Conn, error) {
		c := config.Clone()
		c.NextProtos = []string{"http/1.1"}
		return tls.Dial("tcp", h.addr, c)
	}
	h.start(web.Close)
	h.client = web.Client()
	return h, conns
}

// secure is do over TLS. All of it has to be HTTP/2.
func (h *host) secure(method, query, body string) reply {
	h.t.Helper()
	req, err := http.NewRequest(method, "https://"+h.addr+"/engine.io/?"+query, strings.NewReader(body))
	if err != nil {
		return reply{err: err}
	}
	res, err := h.client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer res.Body.Close()
	if res.ProtoMajor != 2 {
		h.t.Errorf("%s over %s", method, res.Proto)
	}
	b, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(b), err}
}

// TestUpgradeFromHTTP2 has what a browser does with a server that has both: it polls
// over HTTP/2, and opens the WebSocket over HTTP/1.1.
func TestUpgradeFromHTTP2(t *testing.T) {
	h, _ := secureHost(t, nil, func(*httptest.Server) {})
	r := h.secure("GET", polling, "")
	var open struct{ Upgrades []string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(r.body, "0")), &open); err != nil || len(open.Upgrades) != 1 || open.Upgrades[0] != "websocket" {
		t.Fatalf("%q %v", r.body, err)
	}
	p := h.peer()
	got := make(chan reply, 1)
	go func() { got <- h.secure("GET", polling+"&sid="+p.ID(), "") }()
	c := h.candidate(p)
	c.text("2probe")
	c.wants("3probe")
	(<-got).want(t, 200, "6")
	p.send("a")
	c.text("5")
	c.wants("4a")
	h.upgraded(c, p)
}

// Where no WebSocket can be had none is offered, and the log says why, once.
func TestNoUpgradeFromHTTP2(t *testing.T) {
	for name, set := range map[string]func(*httptest.Server){
		"HTTP/2 alone": func(web *httptest.Server) {
			web.Config.Protocols = new(http.Protocols)
			web.Config.Protocols.SetHTTP2(true)
		},
		"TimeoutHandler": func(web *httptest.Server) {
			web.Config.Handler = http.TimeoutHandler(web.Config.Handler, patience, "")
		},
		"no http.Server that is known": func(web *httptest.Server) {
			next := web.Config.Handler
			web.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r.WithContext(t.Context()))
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			var said atomic.Int32
			log := zerolog.New(nil).Hook(zerolog.HookFunc(func(_ *zerolog.Event, level zerolog.Level, message string) {
				if level == zerolog.WarnLevel && message == "clients stay with polling" {
					said.Add(1)
				}
			}))
			h, _ := secureHost(t, &engineio.Options{Logger: &log}, set)
			for range 3 {
				if r := h.secure("GET", polling, ""); !strings.Contains(r.body, `"upgrades":[]`) {
					t.Errorf("%d %q %v", r.status, r.body, r.err)
				}
			}
			if n := said.Load(); n != 1 {
				t.Errorf("%d lines", n)
			}
		})
	}
}

// No answer may end the connection, over which a browser has all its tabs.
func TestErrorsOverHTTP2(t *testing.T) {
	h, conns := secureHost(t, &engineio.Options{MaxPayload: 100}, func(*httptest.Server) {})
	var ps []*peer
	var sids []string
	for range 4 {
		h.secure("GET", polling, "")
		p := h.peer()
		ps, sids = append(ps, p), append(sids, "&sid="+p.ID())
	}
	got := make(chan reply, 1)
	go func() { got <- h.secure("GET", polling+sids[0], "") }()
	ps[0].polled()
	long := strings.Repeat("x", 200)
	for _, test := range []struct {
		method, query, body string
		status              int
	}{
		{"POST", polling, "4a", 400},
		{"POST", polling + sids[1], "4" + long, 413},
		{"POST", polling + sids[1], "4a", 400},
		{"GET", polling + sids[2], long, 400},
		{"PUT", polling + sids[3], "x", 405},
		{"GET", polling + "&" + strings.Repeat("&", 1000), "", 431},
		{"GET", "EIO=5&transport=polling", "", 400},
		{"GET", "EIO=4&transport=websocket", "", 400},
	} {
		if r := h.secure(test.method, test.query, test.body); r.err != nil || r.status != test.status {
			t.Errorf("%s %.60s: %d %v, want %d", test.method, test.query, r.status, r.err, test.status)
		}
	}
	h.secure("POST", polling+sids[0], "1").want(t, 200, "ok")
	timetest.Receive(t, got, patience, "the GET").want(t, 200, "6")
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}
