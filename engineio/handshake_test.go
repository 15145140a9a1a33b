package engineio_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/alloctest"
)

// openJSON is the open packet with its keys in the order of the protocol.
func openJSON(upgrades string, interval, timeout, maxPayload int) *regexp.Regexp {
	return regexp.MustCompile(`^0\{"sid":"([A-Za-z0-9_-]{20})","upgrades":` + regexp.QuoteMeta(upgrades) +
		`,"pingInterval":` + strconv.Itoa(interval) + `,"pingTimeout":` + strconv.Itoa(timeout) +
		`,"maxPayload":` + strconv.Itoa(maxPayload) + `\}$`)
}

func TestHandshake(t *testing.T) {
	tests := []struct {
		name  string
		opts  *engineio.Options
		query string
		want  *regexp.Regexp
	}{
		{"defaults", nil, polling, openJSON(`["websocket"]`, 25000, 20000, 1000000)},
		{"zero options", &engineio.Options{}, polling, openJSON(`["websocket"]`, 25000, 20000, 1000000)},
		{"own numbers", &engineio.Options{PingInterval: 300 * time.Millisecond, PingTimeout: 7 * time.Second, MaxPayload: 99},
			polling, openJSON(`["websocket"]`, 300, 7000, 99)},
		{"upgrades disabled", &engineio.Options{DisableUpgrades: true}, polling, openJSON(`[]`, 25000, 20000, 1000000)},
		{"polling only", &engineio.Options{Transports: []string{"polling"}}, polling, openJSON(`[]`, 25000, 20000, 1000000)},
		{"unknown parameters are ignored", nil, "t=Pq1xYz&" + polling + "&token=%00&x", openJSON(`["websocket"]`, 25000, 20000, 1000000)},
		{"an empty sid is a new handshake", nil, polling + "&sid=", openJSON(`["websocket"]`, 25000, 20000, 1000000)},
		{"the last of several counts", nil, "EIO=3&transport=websocket&sid=x&" + polling + "&sid=", openJSON(`["websocket"]`, 25000, 20000, 1000000)},
		{"b64", nil, polling + "&b64=1", openJSON(`["websocket"]`, 25000, 20000, 1000000)},
	}
	for _, test := range tests {
		t.Run("polling/"+test.name, func(t *testing.T) {
			h := newHost(t, test.opts)
			r := h.do("GET", test.query, "")
			if r.err != nil || r.status != 200 {
				t.Fatal(r.status, r.body, r.err)
			}
			for k, want := range map[string]string{
				"Content-Type":   "text/plain; charset=UTF-8",
				"Cache-Control":  "no-store",
				"Content-Length": strconv.Itoa(len(r.body)),
				"Set-Cookie":     "",
			} {
				if got := r.header.Get(k); got != want {
					t.Errorf("%s: %q, want %q", k, got, want)
				}
			}
			m := test.want.FindStringSubmatch(r.body)
			if m == nil {
				t.Fatalf("body %q, want %v", r.body, test.want)
			}
			p := h.peer()
			if p.ID() != m[1] || p.Transport() != "polling" || h.Len() != 1 {
				t.Errorf("session %q on %q, %d open", p.ID(), p.Transport(), h.Len())
			}
		})
	}

	t.Run("websocket", func(t *testing.T) {
		h := newHost(t, nil)
		c := h.ws("")
		f := c.read()
		if m := openJSON(`[]`, 25000, 20000, 1000000).FindStringSubmatch(f.payload); f.b0 != opText || m == nil {
			t.Fatalf("first frame %#x %q", f.b0, f.payload)
		} else if p := h.peer(); p.ID() != m[1] || p.Transport() != "websocket" || h.Len() != 1 {
			t.Errorf("session %q on %q, %d open", p.ID(), p.Transport(), h.Len())
		}
	})
	t.Run("the sid is unguessable", func(t *testing.T) {
		h := newHost(t, nil)
		seen := make(map[string]bool)
		for range 200 {
			id := h.open().ID()
			if seen[id] {
				t.Fatalf("sid %q twice", id)
			}
			// A counter or a clock would show as a common beginning or end.
			if seen["begin "+id[:8]] || seen["end "+id[12:]] {
				t.Fatalf("sid %q has a part in common with another", id)
			}
			seen[id], seen["begin "+id[:8]], seen["end "+id[12:]] = true, true, true
		}
	})
	t.Run("cookie on the polling handshake only", func(t *testing.T) {
		h := newHost(t, &engineio.Options{Cookie: &http.Cookie{
			Name: "io", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		}})
		r := h.do("GET", polling, "")
		p := h.peer()
		if got, want := r.header.Values("Set-Cookie"), "io="+p.ID()+"; Path=/; HttpOnly; SameSite=Lax"; len(got) != 1 || got[0] != want {
			t.Errorf("Set-Cookie: %q, want %q", got, want)
		}
		if r := h.post(p.ID(), "4x"); len(r.header.Values("Set-Cookie")) != 0 {
			t.Errorf("POST sets a cookie: %v", r.header)
		}
		p.send("x")
		if r := h.get(p.ID()); len(r.header.Values("Set-Cookie")) != 0 {
			t.Errorf("GET sets a cookie: %v", r.header)
		}
		_, res := h.raw(h.wsRequest("EIO=4&transport=websocket"))
		if len(res.Header.Values("Set-Cookie")) != 0 {
			t.Errorf("101 sets a cookie: %v", res.Header)
		}
	})
}

// TestRefusal has the error codes of requests over HTTP.
func TestRefusal(t *testing.T) {
	both := newHost(t, nil)
	wsOnly := newHost(t, &engineio.Options{Transports: []string{"websocket"}})
	sid := both.open().ID()
	tests := []struct {
		name, method, query string
		status              int
		body                string
	}{
		{"no query", "GET", "", 400, code0},
		{"no transport", "GET", "EIO=4", 400, code0},
		{"unknown transport", "GET", "EIO=4&transport=constructor", 400, code0},
		{"unknown transport with a sid", "GET", "EIO=4&transport=__proto__&sid=" + sid, 400, code0},
		{"EIO absent", "GET", "transport=polling", 400, code5},
		{"EIO 3", "GET", "EIO=3&transport=polling", 400, code5},
		{"EIO 5", "GET", "EIO=5&transport=polling", 400, code5},
		{"EIO 04", "GET", "EIO=04&transport=polling", 400, code5},
		{"EIO empty", "GET", "EIO=&transport=polling", 400, code5},
		{"EIO twice", "GET", polling + "&EIO=3", 400, code5},
		{"transport twice", "GET", polling + "&transport=x", 400, code0},
		{"unknown sid", "GET", polling + "&sid=abcdefghijklmnopqrst", 400, code1},
		{"unknown sid in a POST", "POST", polling + "&sid=abcdefghijklmnopqrst", 400, code1},
		{"sid __proto__", "GET", polling + "&sid=__proto__", 400, code1},
		{"sid of 10 KB", "GET", polling + "&sid=" + strings.Repeat("a", 10<<10), 400, code1},
		{"sid with a null byte", "GET", polling + "&sid=%00", 400, code1},
		{"POST without a sid", "POST", polling, 400, code2},
		{"PUT without a sid", "PUT", polling, 400, code2},
		{"HEAD without a sid", "HEAD", polling, 400, ""}, // a HEAD has no body
		{"transport websocket in a plain GET", "GET", "EIO=4&transport=websocket", 400, code3},
		{"transport websocket in a plain GET with a sid", "GET", "EIO=4&transport=websocket&sid=" + sid, 400, code3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := both.do(test.method, test.query, "")
			r.want(t, test.status, test.body)
			if got := r.header.Get("Content-Type"); got != "application/json" {
				t.Errorf("Content-Type: %q", got)
			}
		})
	}
	if n := both.Len(); n != 1 {
		t.Errorf("%d sessions after refusals, want the first only", n)
	}
	t.Run("polling when only websocket is served", func(t *testing.T) {
		wsOnly.do("GET", polling, "").want(t, 400, code0)
		wsOnly.in(t).openWS()
	})
	t.Run("a method that is none of GET, POST, OPTIONS", func(t *testing.T) {
		for _, m := range []string{"PUT", "DELETE", "PATCH", "HEAD", "PROPFIND"} {
			r := both.do(m, polling+"&sid="+sid, "")
			if r.err != nil || r.status != 405 {
				t.Errorf("%s: %d %v, want 405", m, r.status, r.err)
			}
			allow := r.header.Get("Allow")
			if !strings.Contains(allow, "GET") || !strings.Contains(allow, "POST") {
				t.Errorf("%s: Allow: %q", m, allow)
			}
		}
		both.post(sid, "4x").want(t, 200, "ok") // the session does not suffer
	})
	t.Run("control character in Origin", func(t *testing.T) {
		_, res := both.in(t).raw("GET /engine.io/?" + polling + " HTTP/1.1\r\nHost: x\r\nOrigin: http://a\x01b\r\n\r\n")
		if res.StatusCode != 400 {
			t.Errorf("status %s", res.Status)
		}
	})
}

// TestRandomSIDs has unknown sids cost nothing that stays.
func TestRandomSIDs(t *testing.T) {
	h := newHost(t, nil)
	const n = 20_000
	ask := func(i int) {
		w := httptest.NewRecorder()
		sid := strconv.Itoa(i) + "abcdefghijklmnopqrst"
		h.ServeHTTP(w, httptest.NewRequest("GET", "/engine.io/?"+polling+"&sid="+sid[:20], nil))
		if w.Code != 400 || w.Body.String() != code1 {
			t.Fatal(w.Code, w.Body)
		}
	}
	ask(0)
	before := alloctest.Heap()
	for i := range n {
		ask(i)
	}
	if grown := alloctest.Heap() - before; grown > n*8 { // a map entry takes far more than 8 bytes
		t.Errorf("the heap grew by %d bytes over %d sids", grown, n)
	}
	if h.Len() != 0 {
		t.Errorf("%d sessions", h.Len())
	}
}

// TestWebSocketHandshake has RFC 6455, section 4.2.
func TestWebSocketHandshake(t *testing.T) {
	const ok = "EIO=4&transport=websocket"
	both := newHost(t, nil)
	polls := newHost(t, &engineio.Options{Transports: []string{"polling"}})
	tests := []struct {
		name   string
		h      *host
		query  string
		header []string
		status int
		body   string // "*": any
	}{
		{"good", both, ok, nil, 101, ""},
		{"header values in other cases", both, ok, []string{"Upgrade: WebSocket", "Connection: upgrade"}, 101, ""},
		{"Connection lists more", both, ok, []string{"Connection: keep-alive, Upgrade"}, 101, ""},
		{"deflate offered", both, ok, []string{"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"}, 101, ""},
		{"malformed extension offer", both, ok, []string{"Sec-WebSocket-Extensions: permessage-deflate; =;;,\"x"}, 101, ""},
		{"same origin", both, ok, []string{"Origin: http://" + both.addr}, 101, ""},
		{"foreign origin", both, ok, []string{"Origin: http://evil.example"}, 403, "Forbidden"},
		{"origin that only begins alike", both, ok, []string{"Origin: http://" + both.addr + ".evil.example"}, 403, "Forbidden"},
		{"origin null", both, ok, []string{"Origin: null"}, 403, "Forbidden"},

		{"EIO absent", both, "transport=websocket", nil, 400, "Unsupported protocol version"},
		{"EIO 3", both, "EIO=3&transport=websocket", nil, 400, "Unsupported protocol version"},
		{"EIO 04", both, "EIO=04&transport=websocket", nil, 400, "Unsupported protocol version"},
		{"no transport", both, "EIO=4", nil, 400, "Transport unknown"},
		{"unknown transport", both, "EIO=4&transport=constructor", nil, 400, "Transport unknown"},
		{"only polling served", polls, ok, nil, 400, "Transport unknown"},
		{"transport polling", both, polling, nil, 400, "Bad request"},
		{"unknown sid", both, ok + "&sid=abcdefghijklmnopqrst", nil, 400, "Session ID unknown"},

		{"no key", both, ok, []string{"Sec-WebSocket-Key:"}, 400, "*"},
		{"empty key", both, ok, []string{"Sec-WebSocket-Key: "}, 400, "*"},
		{"short key", both, ok, []string{"Sec-WebSocket-Key: c2hvcnQ="}, 400, "*"},
		{"long key", both, ok, []string{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZXRoZSBzYW1wbGUgbm9uY2U="}, 400, "*"},
		{"key of 18 bytes", both, ok, []string{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZXh4"}, 400, "*"},
		{"key not base64", both, ok, []string{"Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!=="}, 400, "*"},
		{"key twice", both, ok, []string{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, 400, "*"},
		{"version twice", both, ok, []string{"Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13"}, 426, "*"},
		{"a body", both, ok, []string{"Content-Length: 2"}, 400, "*"},
		{"version 8", both, ok, []string{"Sec-WebSocket-Version: 8"}, 426, "*"},
		{"no version", both, ok, []string{"Sec-WebSocket-Version:"}, 426, "*"},
		{"no Connection", both, ok, []string{"Connection:"}, 400, "*"},
		{"Upgrade to something else", both, ok, []string{"Upgrade: h2c"}, 400, "*"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := test.h.in(t)
			before := h.Len()
			c, res := h.raw(h.wsRequest(test.query, test.header...))
			if res.StatusCode != test.status {
				t.Fatalf("status %s, want %d", res.Status, test.status)
			}
			if res.StatusCode == 101 {
				want := "HTTP/1.1 101 Switching Protocols " + wsAccept
				got := res.Proto + " " + res.Status + " " + res.Header.Get("Sec-WebSocket-Accept")
				if got != want || !strings.EqualFold(res.Header.Get("Upgrade"), "websocket") ||
					!strings.EqualFold(res.Header.Get("Connection"), "Upgrade") {
					t.Errorf("response %q %v", got, res.Header)
				}
				for _, k := range []string{"Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Content-Length", "Transfer-Encoding"} {
					if v := res.Header.Values(k); len(v) != 0 {
						t.Errorf("%s: %q", k, v)
					}
				}
				if f := c.read(); !strings.HasPrefix(f.payload, "0{") {
					t.Errorf("first frame %q", f.payload)
				}
				h.peer() // or the next would count it
				return
			}
			body, err := io.ReadAll(res.Body)
			if err != nil || test.body != "*" && string(body) != test.body {
				t.Errorf("body %q %v, want %q", body, err, test.body)
			}
			if test.status == 426 && res.Header.Get("Sec-WebSocket-Version") != "13" {
				t.Errorf("426 does not name the version: %v", res.Header)
			}
			if n := h.Len(); n > before {
				t.Errorf("%d sessions, were %d", n, before)
			}
		})
	}

	t.Run("subprotocols", func(t *testing.T) {
		const name = "Sec-WebSocket-Protocol"
		many := "p" + strings.Repeat(",x", 100)
		for _, test := range []struct{ lists, want string }{ // lines, separated by "|"
			{"a", "a"},
			{"a,b", "a"},
			{"\ta ,\tb ", "a"},
			{"a|b, c", "a"},
			{"v1.chat!~", "v1.chat!~"},
			{"", ""},
			{",", ""},
			{",a", ""},
			{"a,", ""},
			{"a,,b", ""},
			{"a|", ""},
			{"|a", ""},
			{"a b", ""},
			{"a,b c", ""},
			{"a;b", ""},
			{"a/b", ""},
			{`"a"`, ""},
			{"\u00e9", ""},
			{"a,a", ""},
			{"a,b|a", ""},
			{many, ""},
		} {
			h := both.in(t)
			var lines []string
			for list := range strings.SplitSeq(test.lists, "|") {
				lines = append(lines, name+": "+list)
			}
			c, res := h.raw(h.wsRequest(ok, lines...))
			want := 400
			if test.want != "" {
				want = 101
				h.peer()
			}
			if got := strings.Join(res.Header.Values(name), "|"); res.StatusCode != want || got != test.want {
				t.Errorf("%.40q: %s, %q taken, want %q", test.lists, res.Status, got, test.want)
			}
			c.conn.Close()
		}
	})
	t.Run("POST", func(t *testing.T) {
		req := strings.Replace(both.wsRequest(ok), "GET", "POST", 1)
		if _, res := both.in(t).raw(req); res.StatusCode != 400 {
			t.Errorf("status %s", res.Status)
		}
	})
	t.Run("HTTP 1.0", func(t *testing.T) {
		req := strings.Replace(both.wsRequest(ok), "HTTP/1.1", "HTTP/1.0", 1)
		if _, res := both.in(t).raw(req); res.StatusCode == 101 {
			t.Errorf("status %s", res.Status)
		}
	})
	t.Run("a writer that cannot be hijacked", func(t *testing.T) {
		r := httptest.NewRequest("GET", "/?"+ok, nil)
		for _, line := range wsDefaults {
			k, v, _ := strings.Cut(line, ": ")
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		before := both.Len()
		both.ServeHTTP(w, r)
		if w.Code < 400 || both.Len() > before {
			t.Errorf("status %d, %d sessions, were %d", w.Code, both.Len(), before)
		}
	})
	t.Run("bytes behind the handshake in one segment", func(t *testing.T) {
		h := newHost(t, nil)
		c, res := h.raw(h.wsRequest(ok) + string(masked(opText, "4early")) + string(masked(opPing, "p")))
		if res.StatusCode != 101 {
			t.Fatal(res.Status)
		}
		if f := c.read(); !strings.HasPrefix(f.payload, "0{") {
			t.Fatalf("first frame %q", f.payload)
		}
		c.want(opPong, "p")
		h.peer().want("early")
	})
	t.Run("half a frame behind the handshake", func(t *testing.T) {
		h := newHost(t, nil)
		f := string(masked(opText, "4early"))
		c, _ := h.raw(h.wsRequest(ok) + f[:3])
		c.read()
		c.write([]byte(f[3:]))
		h.peer().want("early")
	})
	t.Run("more behind the handshake than a buffered reader holds", func(t *testing.T) {
		h := newHost(t, nil)
		long := strings.Repeat("x", 9000)
		h.raw(h.wsRequest(ok) + string(masked(opText, "4"+long)) + string(masked(opText, "4end")))
		h.peer().want(long, "end")
	})
}
