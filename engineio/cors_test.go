package engineio_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/siokit/sio/engineio"
)

const (
	good = "https://good.example"
	evil = "https://evil.example"
)

func varies(r reply, name string) bool {
	for _, v := range r.header.Values("Vary") {
		if slices.ContainsFunc(strings.Split(v, ","), func(f string) bool {
			return strings.EqualFold(strings.TrimSpace(f), name)
		}) {
			return true
		}
	}
	return false
}

func TestCORS(t *testing.T) {
	listed := &engineio.Options{CORS: &engineio.CORS{Origins: []string{good}, Credentials: true}}

	t.Run("preflight", func(t *testing.T) {
		h := newHost(t, listed)
		for _, query := range []string{polling, polling + "&sid=" + h.open().ID()} {
			r := h.do("OPTIONS", query, "", "Origin: "+good,
				"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type,x-token")
			r.want(t, 204, "")
			for k, want := range map[string]string{
				"Access-Control-Allow-Origin":      good,
				"Access-Control-Allow-Credentials": "true",
				"Access-Control-Allow-Headers":     "content-type,x-token",
			} {
				if got := r.header.Get(k); got != want {
					t.Errorf("%s: %q, want %q", k, got, want)
				}
			}
			methods := r.header.Get("Access-Control-Allow-Methods")
			if !strings.Contains(methods, "GET") || !strings.Contains(methods, "POST") {
				t.Errorf("methods %q", methods)
			}
			if !varies(r, "Origin") || !varies(r, "Access-Control-Request-Headers") {
				t.Errorf("Vary: %q", r.header.Values("Vary"))
			}
			// net/http leaves the length out of a 204, as RFC 9110 demands.
			if cl := r.header.Get("Content-Length"); cl != "" && cl != "0" {
				t.Errorf("Content-Length: %q", cl)
			}
		}
		if h.Len() != 1 {
			t.Errorf("%d sessions, want 1", h.Len())
		}
	})
	t.Run("every answer carries the headers", func(t *testing.T) {
		h := newHost(t, listed)
		p := h.open()
		sid := p.ID()
		p.send("x")
		for _, test := range []struct {
			method, query string
			status        int
		}{
			{"GET", polling, 200},
			{"GET", polling + "&sid=" + sid, 200},
			{"POST", polling + "&sid=" + sid, 200},
			{"GET", "", 400},
			{"GET", "transport=polling&EIO=3", 400},
			{"GET", polling + "&sid=unknown", 400},
			{"POST", polling, 400},
			{"PUT", polling + "&sid=" + sid, 405},
		} {
			body := ""
			if test.method != "GET" {
				body = "3"
			}
			r := h.do(test.method, test.query, body, "Origin: "+good)
			if r.status != test.status {
				t.Errorf("%s %s: %d %q, want %d", test.method, test.query, r.status, r.body, test.status)
			}
			if r.header.Get("Access-Control-Allow-Origin") != good ||
				r.header.Get("Access-Control-Allow-Credentials") != "true" || !varies(r, "Origin") {
				t.Errorf("%s %s: headers %v", test.method, test.query, r.header)
			}
		}
	})
	t.Run("star", func(t *testing.T) {
		h := newHost(t, &engineio.Options{CORS: &engineio.CORS{Origins: []string{"*"}}})
		r := h.do("GET", polling, "", "Origin: "+evil)
		if r.status != 200 || r.header.Get("Access-Control-Allow-Origin") != "*" ||
			r.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%d %v", r.status, r.header)
		}
		h.ws("", "Origin: "+evil)
	})
	t.Run("off", func(t *testing.T) {
		h := newHost(t, nil)
		for _, r := range []reply{
			h.do("GET", polling, "", "Origin: "+evil), // the browser hides the answer from the page
			h.do("OPTIONS", polling, "", "Origin: "+evil, "Access-Control-Request-Method: POST"),
		} {
			for k := range r.header {
				if strings.HasPrefix(k, "Access-Control-") {
					t.Errorf("%d with %s: %q", r.status, k, r.header[k])
				}
			}
		}
	})
}

// TestOrigin has the origin policy, which guards both transports.
func TestOrigin(t *testing.T) {
	listed := &engineio.Options{CORS: &engineio.CORS{Origins: []string{good}}}
	byFunc := &engineio.Options{CORS: &engineio.CORS{OriginFunc: func(o string) bool { return o == good }}}
	for name, opts := range map[string]*engineio.Options{"listed": listed, "func": byFunc} {
		h := newHost(t, opts)
		for _, test := range []struct {
			origin string
			ok     bool
		}{
			{good, true},
			{"", true}, // not a browser
			{"http://" + h.addr, true},
			{evil, false},
			{"null", false},
			{"http://good.example", false},
			{good + ".evil.example", false},
			{good + "/x", false},
			{"HTTPS://GOOD.EXAMPLE/", name == "listed"}, // OriginFunc has its own way
		} {
			t.Run(name+"/"+test.origin, func(t *testing.T) {
				var header []string
				if test.origin != "" {
					header = []string{"Origin: " + test.origin}
				}
				before := h.Len()
				r := h.do("GET", polling, "", header...)
				_, res := h.in(t).raw(h.wsRequest("EIO=4&transport=websocket", header...))
				if !test.ok {
					r.want(t, 403, code4)
					if res.StatusCode != 403 || h.Len() > before {
						t.Errorf("WebSocket: %s; %d sessions, were %d", res.Status, h.Len(), before)
					}
					if got := r.header.Get("Access-Control-Allow-Origin"); got != "" {
						t.Errorf("refused with Access-Control-Allow-Origin: %q", got)
					}
					return
				}
				if r.status != 200 || res.StatusCode != 101 {
					t.Fatalf("polling %d %q, WebSocket %s", r.status, r.body, res.Status)
				}
				h.peer() // counted by now, both of them
				h.peer()
			})
		}
	}
	t.Run("requests with a sid are guarded too", func(t *testing.T) {
		h := newHost(t, listed)
		p := h.open()
		h.do("POST", polling+"&sid="+p.ID(), "4x", "Origin: "+evil).want(t, 403, code4)
		h.do("GET", polling+"&sid="+p.ID(), "", "Origin: "+evil).want(t, 403, code4)
		_, res := h.raw(h.wsRequest("EIO=4&transport=websocket&sid="+p.ID(), "Origin: "+evil))
		if res.StatusCode != 403 {
			t.Errorf("upgrade: %s", res.Status)
		}
		p.silent()
		p.alive()
	})
	t.Run("a refused preflight allows nothing", func(t *testing.T) {
		h := newHost(t, listed)
		r := h.do("OPTIONS", polling, "", "Origin: "+evil, "Access-Control-Request-Method: POST")
		if r.header.Get("Access-Control-Allow-Origin") != "" || r.header.Get("Access-Control-Allow-Methods") != "" {
			t.Errorf("%d %v", r.status, r.header)
		}
	})
}
