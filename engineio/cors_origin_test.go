package engineio_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio"
)

// handshake returns the status of a polling handshake with these headers, over TLS
// if host begins with https://.
func handshake(t *testing.T, opts *engineio.Options, host string, header ...string) (status int, h http.Header) {
	t.Helper()
	return handshakeWith(t, opts, "EIO=4&transport=polling", host, header...)
}

func handshakeWith(t *testing.T, opts *engineio.Options, query, host string, header ...string) (int, http.Header) {
	t.Helper()
	srv, err := engineio.New(opts, func(*engineio.Session) engineio.Handler { return quietHandler{} })
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nobody comes back to poll
		_ = srv.Shutdown(ctx)
	}()
	host, secure := strings.CutPrefix(host, "https://")
	r := httptest.NewRequest("GET", "/engine.io/?"+query, nil)
	r.Host = host
	if secure {
		r.TLS = &tls.ConnectionState{}
	}
	for _, line := range header {
		k, v, _ := strings.Cut(line, ": ")
		if k == "Client-Certificate" {
			r.TLS.PeerCertificates = []*x509.Certificate{{}}
			continue
		}
		r.Header.Add(k, v)
	}
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, r)
	return w.Code, w.Header()
}

type quietHandler struct{}

func (quietHandler) Message([]byte, bool)  {}
func (quietHandler) Close(engineio.Reason) {}

// guarded holds polling to the policy of WebSocket.
func guarded(origins ...string) *engineio.Options {
	return &engineio.Options{CORS: &engineio.CORS{Origins: origins}}
}

// All forms of the server's own origin are its own, and nothing else is.
func TestOwnOrigin(t *testing.T) {
	for _, tt := range []struct {
		host, origin string
		own          bool
	}{
		{"example.com", "http://example.com", true},
		{"example.com", "https://example.com", true}, // TLS ends before us
		{"https://example.com", "https://example.com", true},
		{"example.com", "ws://example.com", true}, // Starscream and others send the URL's own scheme
		{"https://example.com", "wss://example.com", true},
		{"example.com:443", "https://example.com", true},
		{"https://example.com:443", "https://example.com", true},
		{"example.com", "https://example.com:443", true},
		{"example.com", "wss://example.com:443", true},
		{"example.com:80", "http://example.com", true},
		{"example.com", "http://example.com:80", true},
		{"example.com", "ws://example.com:80", true},
		{"Example.COM:8443", "HTTPS://example.com:8443", true},
		{"example.com.", "https://example.com", true},
		{"example.com", "https://example.com.", true},
		{"example.com:0443", "https://example.com", true},
		{"example.com:", "https://example.com", true},
		{"xn--bcher-kva.example", "https://XN--bcher-kva.example", true},
		{"example.com", "https://example.com/", true}, // React Native, before 0.62
		{"my_host:3000", "http://my_host:3000", true},
		{"127.0.0.1:3000", "http://127.0.0.1:3000", true},
		{"[::1]:3000", "http://[::1]:3000", true},
		{"[0:0:0:0:0:0:0:1]:80", "http://[::1]", true},
		{"[2001:DB8::A]", "https://[2001:db8:0::a]:443", true},
		{"[fe80::1%25eth0]:3000", "http://[fe80::1]:3000", true},
		{"[fe80::1]:3000", "http://[fe80::1%25eth0]:3000", true},

		{"example.com:443", "http://example.com", false},
		{"example.com:80", "https://example.com", false},
		{"example.com", "http://example.com:443", false},
		{"example.com", "https://example.com:80", false},
		{"example.com", "https://example.com:8443", false},
		{"example.com:8443", "https://example.com", false},
		{"example.com", "https://www.example.com", false},
		{"www.example.com", "https://example.com", false},
		{"example.com", "https://example.com.evil.example", false},
		{"example.com", "https://evil.example/example.com", false},
		{"example.com", "https://evil.example#@example.com", false},
		{"example.com", "https://example.com@evil.example", false},
		{"example.com", "https://user@example.com", false},
		{"example.com", "https://example.com//", false},
		{"kelvin.example", "https://\u212aelvin.example", false}, // in lower case, the sign is a k
		{"example.com", "https://example.com/x", false},
		{"example.com", "https:///", false},
		{"", "https:///", false},
		{"example.com", "https://example.com?", false},
		{"example.com", "https://example.com\\", false},
		{"example.com", "https://example.com..", false},
		{"example.com", "https://example.com https://evil.example", false},
		{"example.com", "https://example.com:99999", false},
		{"example.com", "https://example.com:0", false},
		{"example.com", "https://example.com:+443", false},
		{"example.com", "https://", false},
		{"example.com", "://example.com", false},
		{"example.com", "example.com", false},
		{"example.com", "capacitor://example.com", false},
		{"example.com", "chrome-extension://example.com", false},
		{"example.com", "null", false},
		{"null", "null", false},
		{"", "https://example.com", false},
		{"", "http://", false},
		{"[::1]", "http://[::2]", false},
		{"[::1]", "http://::1", false},
		{"[::1", "http://[::1", false},
		{"[::1]x", "http://[::1]x", false},
		{"[127.0.0.1]", "http://127.0.0.1", false},
	} {
		status, h := handshake(t, guarded(), tt.host, "Origin: "+tt.origin)
		if (status == 200) != tt.own || h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("host %q, origin %q: %d, own %t; headers %v", tt.host, tt.origin, status, tt.own, h)
		}
	}
}

// What has come without TLS may be anybody's.
func TestPageWithoutTLSHasNoCredentials(t *testing.T) {
	for header, want := range map[string]int{"X: y": 200, "Cookie: a=b": 403, "Authorization: Basic eDp5": 403} {
		if status, _ := handshake(t, guarded(), "https://example.com", "Origin: http://example.com", header); status != want {
			t.Errorf("with %q: %d, want %d", header, status, want)
		}
	}
	if status, _ := handshake(t, guarded("http://example.com"), "https://example.com", "Origin: http://example.com", "Cookie: a=b"); status != 200 {
		t.Errorf("listed: %d", status)
	}
}

// The list of public hosts takes the place of the Host header.
func TestHosts(t *testing.T) {
	opts := guarded()
	opts.Hosts = []string{"Example.com", "example.com:8443", "*.example.org", "[::1]:3000"}
	for origin, own := range map[string]bool{
		"https://example.com":        true,
		"http://example.com":         true,
		"https://example.com:443":    true,
		"https://example.com:8443":   true,
		"https://a.b.example.org":    true,
		"http://[0::1]:3000":         true,
		"https://example.com:8080":   false,
		"https://www.example.com":    false,
		"https://example.org":        false,
		"https://evilexample.org":    false,
		"http://backend:3000":        false, // the Host
		"capacitor://example.com":    false,
		"https://example.org.evil.x": false,
	} {
		if status, _ := handshake(t, opts, "backend:3000", "Origin: "+origin); (status == 200) != own {
			t.Errorf("%s: %d, own %t", origin, status, own)
		}
	}
	if status, _ := handshake(t, opts, "backend:3000"); status != 200 {
		t.Errorf("a program without an Origin: %d", status)
	}
	for _, host := range []string{"", "https://example.com", "example.com/", "*", "a.*.com", "*.", "exa mple.com", "example.com:x", "::1", "bücher.example", "*.[::1]", ".example.com"} {
		if _, err := engineio.New(&engineio.Options{Hosts: []string{host}}, nil); err == nil || !strings.Contains(err.Error(), "Hosts: ") {
			t.Errorf("Hosts %q: %v", host, err)
		}
	}
}

// An element of CORS.Origins matches in all its forms, or is refused with a hint.
func TestListedOrigins(t *testing.T) {
	for _, tt := range []struct{ listed, origin string }{
		{"https://App.Example.com", "https://app.example.com"},
		{"https://app.example.com:443", "https://app.example.com"},
		{"http://app.example.com:80", "http://app.example.com"},
		{"wss://app.example.com", "https://app.example.com"},
		{"https://app.example.com.", "https://app.example.com"},
		{"https://app.example.com", "https://app.example.com:443"},
		{"http://[0:0::1]:5173", "http://[::1]:5173"},
		{"https://*.example.com", "https://app.example.com"},
		{"https://*.example.com", "https://a.b.example.com"},
		{"https://*.EXAMPLE.com:8443", "https://app.example.com:8443"},
		{"http://*.localhost:3000", "http://a.localhost:3000"},
		{"file://", "file://"},
		{"capacitor://localhost", "capacitor://localhost"},
		{"app://", "app://"},
		{"chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"},
	} {
		status, h := handshake(t, guarded(tt.listed), "server", "Origin: "+tt.origin, "Cookie: a=b", "Authorization: Bearer x")
		if status != 200 || h.Get("Access-Control-Allow-Origin") != tt.origin {
			t.Errorf("%q, origin %q: %d %v", tt.listed, tt.origin, status, h)
		}
	}
	for _, tt := range []struct{ listed, origin string }{
		{"https://*.example.com", "https://example.com"},
		{"https://*.example.com", "https://.example.com"},
		{"https://*.example.com", "https://evilexample.com"},
		{"https://*.example.com", "https://a.example.com.evil.example"},
		{"https://*.example.com", "https://evil.example/.example.com"},
		{"https://*.example.com", "https://evil.example:1.example.com"},
		{"https://*.example.com", "http://a.example.com"},
		{"https://*.example.com", "https://a.example.com:8443"},
		{"https://*.example.com:8443", "https://a.example.com"},
		{"https://app.example.com", "http://app.example.com"},
		{"https://app.example.com", "https://app.example.com:444"},
		{"capacitor://localhost", "http://localhost"},
		{"capacitor://localhost", "capacitor://localhost:1"},
		{"https://app.example.com", "file://evil"},
	} {
		status, h := handshake(t, guarded(tt.listed), "server", "Origin: "+tt.origin)
		if status != 403 || h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%q, origin %q: %d %v", tt.listed, tt.origin, status, h)
		}
	}
	for listed, hint := range map[string]string{
		"":                             "no scheme",
		"example.com":                  "no scheme",
		"//example.com":                "no scheme",
		"*://example.com":              "no scheme",
		"https://":                     "host or port",
		"https://example.com/":         `write "https://example.com"`,
		"https://example.com/app":      `write "https://example.com"`,
		"https://example.com?a":        `write "https://example.com"`,
		"file:///":                     `write "file://"`,
		"https://user:pw@example.com":  `write "https://example.com"`,
		"https://*":                    `a "*" stands for`,
		"https://a.*.com":              `a "*" stands for`,
		"https://*example.com":         `a "*" stands for`,
		"https://*.*.example.com":      `a "*" stands for`,
		"https://example.com:*":        `a "*" stands for`,
		"https://bücher.example":       `"xn--…"`,
		"https://example.com:99999":    "host or port",
		" https://example.com":         "no scheme",
		"https://example.com ":         "one origin",
		"https://a.com, https://b.com": "one origin",
		"NULL":                         "no scheme",
	} {
		_, err := engineio.New(guarded(listed), nil)
		if err == nil || !strings.Contains(err.Error(), "CORS.Origins: ") || !strings.Contains(err.Error(), hint) {
			t.Errorf("Origins %q: %v, want %s", listed, err, hint)
		}
	}
	_, err := engineio.New(&engineio.Options{CORS: &engineio.CORS{Origins: []string{"null"}, Credentials: true}}, nil)
	if err == nil {
		t.Error(`"null", which any page can have, with Credentials`)
	}
}

// Who is not let in by name has no credentials of a visitor.
func TestCredentialsNeedAName(t *testing.T) {
	for _, tt := range []struct {
		opts   *engineio.Options
		origin string
		allow  string // Access-Control-Allow-Origin
	}{
		{guarded("*"), "https://any.example", "*"},
		{guarded("*"), "null", "*"},
		{guarded("null"), "null", "null"},
		{guarded(), "file://", ""}, // of programs that are no browser
		{guarded("https://other.example"), "file://", ""},
		{guarded(), "file:///", ""},
	} {
		for header, want := range map[string]int{
			"X-Token: t":             200,
			"Cookie: a=b":            403,
			"Authorization: Bearer":  403,
			"Client-Certificate: me": 403,
		} {
			status, h := handshake(t, tt.opts, "https://server", "Origin: "+tt.origin, header)
			if status != want || h.Get("Access-Control-Allow-Origin") != tt.allow {
				t.Errorf("%v, origin %s, %s: %d %v, want %d", tt.opts.CORS.Origins, tt.origin, header, status, h, want)
			}
		}
	}
	t.Run("WebSocket", func(t *testing.T) {
		h := newHost(t, guarded("*"))
		for header, want := range map[string]int{"X-Token: t": 101, "Cookie: a=b": 403, "Authorization: Basic eDp5": 403} {
			if _, res := h.raw(h.wsRequest("EIO=4&transport=websocket", "Origin: "+evil, header)); res.StatusCode != want {
				t.Errorf("%s: %s, want %d", header, res.Status, want)
			}
		}
		h.peer()
	})
	t.Run("of a middleware before us", func(t *testing.T) {
		srv, err := engineio.New(nil, func(*engineio.Session) engineio.Handler { return quietHandler{} })
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			origin, allowed string
			status          int
		}{{evil, evil, 200}, {evil, "*", 403}, {"null", "null", 403}} {
			w := httptest.NewRecorder()
			w.Header().Set("Access-Control-Allow-Origin", tt.allowed)
			r := httptest.NewRequest("GET", "/engine.io/?EIO=4&transport=polling", nil)
			r.Header.Set("Origin", tt.origin)
			r.Header.Set("Authorization", "Basic eDp5")
			srv.ServeHTTP(w, r)
			if w.Code != tt.status {
				t.Errorf("%+v: %d", tt, w.Code)
			}
		}
	})
}

// A cookie over TLS never goes out without.
func TestCookieIsSecureOverTLS(t *testing.T) {
	for _, tt := range []struct {
		host, proto string
		template    http.Cookie
		secure      bool
	}{
		{"server", "", http.Cookie{}, false},
		{"server", "http", http.Cookie{}, false},
		{"https://server", "", http.Cookie{}, true},
		{"https://server", "http", http.Cookie{}, true},
		{"server", "https", http.Cookie{}, true},
		{"server", "HTTPS, http", http.Cookie{}, true},
		{"server", "http, https", http.Cookie{}, false},
		{"server", "", http.Cookie{Secure: true}, true},
	} {
		var header []string
		if tt.proto != "" {
			header = []string{"X-Forwarded-Proto: " + tt.proto}
		}
		_, h := handshake(t, &engineio.Options{Cookie: &tt.template}, tt.host, header...)
		c := (&http.Response{Header: h}).Cookies()
		if len(c) != 1 || c[0].Secure != tt.secure || !c[0].HttpOnly {
			t.Errorf("%+v: %v", tt, c)
		}
	}
}

// A page of another site can have a browser send a GET without an Origin, cookies
// included. No client sends that.
func TestCrossSiteGet(t *testing.T) {
	v3 := &engineio.Options{AllowEIO3: true}
	for _, query := range []string{"EIO=4&transport=polling", "EIO=3&transport=polling"} {
		for site, want := range map[string]int{"": 200, "none": 200, "same-origin": 200, "same-site": 403, "cross-site": 403} {
			header := []string{"Cookie: a=b"}
			if site != "" {
				header = append(header, "Sec-Fetch-Site: "+site)
			}
			if status, _ := handshakeWith(t, v3, query, "server", header...); status != want {
				t.Errorf("%s, %q: %d, want %d", query, site, status, want)
			}
		}
	}
	// A page in a sandbox sends one, and means it no better. Clients want to read the answer.
	for mode, want := range map[string]int{"no-cors": 403, "cors": 200} {
		if status, _ := handshake(t, v3, "server", "Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: "+mode); status != want {
			t.Errorf("a sandbox, mode %s: %d, want %d", mode, status, want)
		}
	}
	// With an Origin, the answer is left to the browser, but revision 3 has the
	// connect handler run before there is one.
	for query, want := range map[string]int{"EIO=4&transport=polling": 200, "EIO=3&transport=polling": 403} {
		if status, _ := handshakeWith(t, v3, query, "server", "Origin: "+evil, "Sec-Fetch-Site: cross-site"); status != want {
			t.Errorf("%s: %d, want %d", query, status, want)
		}
	}
	if status, _ := handshakeWith(t, v3, "EIO=3&transport=polling", "server", "Origin: http://server", "Sec-Fetch-Site: same-origin"); status != 200 {
		t.Errorf("revision 3, the same origin: %d", status)
	}
}

// Whoever reads the log learns which origin was refused, and what to do.
func TestRefusedOriginIsLogged(t *testing.T) {
	for _, tt := range []struct{ header, needs string }{
		{"Origin: https://app.example", `CORS.Origins: \"https://app.example\"; if it is the server's own, a proxy that passes on Host, or Hosts: \"app.example\""`},
		{"Origin: null\r\nCookie: a=b", `CORS.Origins: \"null\": by \"*\" or \"null\"`},
		{"Sec-Fetch-Site: cross-site", "no client of Socket.IO does"},
		{"Origin: https://" + strings.Repeat("a", 10000), "CORS.Origins: "},
	} {
		var log strings.Builder
		logger := zerolog.New(&log)
		opts := guarded("null")
		opts.Logger = &logger
		srv, err := engineio.New(opts, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/engine.io/?EIO=4&transport=polling&token=SECRET", nil)
		for line := range strings.SplitSeq(tt.header, "\r\n") {
			k, v, _ := strings.Cut(line, ": ")
			r.Header.Set(k, v)
		}
		for range 100 { // whoever sends many does not fill the log
			srv.ServeHTTP(httptest.NewRecorder(), r)
		}
		warnings := strings.Count(log.String(), `"level":"warn"`)
		first, _, _ := strings.Cut(log.String(), "\n")
		origin := r.Header.Get("Origin")
		if warnings < 1 || warnings > 50 || !strings.Contains(first, `"level":"warn"`) || !strings.Contains(first, tt.needs) ||
			!strings.Contains(first, `"host":"example.com"`) || !strings.Contains(first, origin[:min(len(origin), 100)]) {
			t.Errorf("%.50q: %d warnings, the first being %s", tt.header, warnings, first)
		}
		// Programs may make an origin of their whole URL.
		r.Header.Set("Origin", "https://user:SECRET@app.example/path?token=SECRET")
		srv.ServeHTTP(httptest.NewRecorder(), r)
		if len(first) > 1000 || strings.Contains(log.String(), "SECRET") {
			t.Errorf("line of %d bytes: %.600s", len(first), first)
		}
	}
}

// Where polling is left to the browser, nobody is refused, but a page gets nowhere either:
// the log says why.
func TestKeptOutOriginIsLogged(t *testing.T) {
	const app = "https://app.example"
	for _, tt := range []struct {
		origin, site, mode, earlier string
		cors                        *engineio.CORS
		warnings                    int
	}{
		{app, "cross-site", "cors", "", nil, 1},
		{app, "same-site", "cors", "", nil, 1},
		{app, "same-origin", "cors", "", nil, 0},
		{app, "", "", "", nil, 0}, // a program
		{app, "cross-site", "cors", "*", nil, 0},
		{app, "cross-site", "cors", "", &engineio.CORS{Origins: []string{app}}, 0},
		{"null", "cross-site", "cors", "", nil, 1},
	} {
		var log strings.Builder
		logger := zerolog.New(&log)
		h := newHost(t, &engineio.Options{CORS: tt.cors, Logger: &logger})
		var w *httptest.ResponseRecorder
		for range 2 { // where a proxy adds the headers, it goes on like this: once is enough
			w = askFrom(h, tt.origin, tt.site, tt.mode, tt.earlier)
		}
		if n := strings.Count(log.String(), `"needs":"CORS.Origins: \"`+tt.origin+`\"; `); w.Code != 200 || n != tt.warnings || strings.Count(log.String(), "kept out by its browser") != n || strings.Contains(log.String(), `Hosts: \"\"`) {
			t.Errorf("%+v: %d, %d warnings: %s", tt, w.Code, n, &log)
		}
	}
}

// TestKeptOutOriginsAreBounded has more origins than are remembered.
func TestKeptOutOriginsAreBounded(t *testing.T) {
	var log strings.Builder
	logger := zerolog.New(&log)
	h := newHost(t, &engineio.Options{Logger: &logger})
	for range 2 {
		for i := range 101 {
			askFrom(h, fmt.Sprintf("https://%d.example", i), "cross-site", "cors", "")
		}
	}
	if n := strings.Count(log.String(), `"origin":"https://0.example"`); n != 2 {
		t.Errorf("%d lines of the first, want 2", n)
	}
}

// askFrom opens a session as the page of an origin does.
func askFrom(h http.Handler, origin, site, mode, earlier string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/engine.io/?EIO=4&transport=polling", nil)
	r.Header.Set("Origin", origin)
	r.Header.Set("Sec-Fetch-Site", site)
	r.Header.Set("Sec-Fetch-Mode", mode)
	w := httptest.NewRecorder()
	if earlier != "" {
		w.Header().Set("Access-Control-Allow-Origin", earlier)
	}
	h.ServeHTTP(w, r)
	return w
}
