package engineio_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
)

// ours is the test whose subtests are others, with polls that are read by us: see newServer.
const ours = "TestReadByUs/"

// TestReadByUs has everything about polling hold where polls are read by us.
func TestReadByUs(t *testing.T) {
	for name, f := range map[string]func(*testing.T){
		"PollingBody": TestPollingBody, "PollingOversize": TestPollingOversize, "PollingAbort": TestPollingAbort, "PollingResponse": TestPollingResponse,
		"Pending": TestPending, "Shutdown": TestShutdown, "ShutdownOfTheAbsent": TestShutdownOfTheAbsent, "PauseAborted": TestPauseAborted,
		"ChunkedPost": TestChunkedPost, "MaxHeaderBytes": TestMaxHeaderBytes, "Compression": TestCompression, "CompressionThreshold": TestCompressionThreshold,
		"NotCompressed": TestNotCompressed, "CompressionLeftToMiddleware": TestCompressionLeftToMiddleware, "CompressionConcurrent": TestCompressionConcurrent,
		"CORS": TestCORS, "Origin": TestOrigin, "OwnOrigin": TestOwnOrigin, "CrossSiteGet": TestCrossSiteGet, "CredentialsNeedAName": TestCredentialsNeedAName,
		"Upgrade": TestUpgrade, "UpgradeRace": TestUpgradeRace, "UpgradeWithoutProbe": TestUpgradeWithoutProbe, "ThousandUpgrades": TestThousandUpgrades,
		"Upgraded": TestUpgraded, "Traffic": TestTraffic, "ObserverOfUpgrades": TestObserverOfUpgrades, "ObserverOfLimits": TestObserverOfLimits,
		"CauseOverPolling": TestCauseOverPolling, "Heartbeat": TestHeartbeat, "Pause": TestPause, "Alive": TestAlive, "PollDeadline": TestPollDeadline,
		"WrappedWriter": TestWrappedWriter, "UnreadAnswer": TestUnreadAnswer, "OversizeKnown": TestOversizeKnown, "OddRequests": TestOddRequests,
		"GoneWhilePaused": TestGoneWhilePaused, "SendConcurrently": TestSendConcurrently, "Backpressure": TestBackpressure, "Batch": TestBatch,
		"DrainEnds": TestDrainEnds, "DrainGoesOn": TestDrainGoesOn, "SlowAnswerAtTheEnd": TestSlowAnswerAtTheEnd, "Handshake": TestHandshake, "Refusal": TestRefusal,
		"AfterMessages": TestAfterMessages,
	} {
		t.Run(name, f)
	}
}

// A webHost is a host whose polls are read by us, and what net/http has to do with it.
type webHost struct {
	*host
	web              *httptest.Server
	fresh, took, cut atomic.Int32 // connections that came to net/http, that were hijacked, and closed
}

func newWebHost(t *testing.T, opts engineio.Options, set ...func(*http.Server)) *webHost {
	t.Helper()
	opts.HijackPolling = true
	wh := &webHost{host: newServer(t, &opts, nil)}
	mux := http.NewServeMux()
	mux.Handle("/engine.io/", wh.Server)
	mux.HandleFunc("/other", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "other %s %s", r.Method, b)
	})
	wh.web = httptest.NewUnstartedServer(mux)
	wh.web.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			wh.fresh.Add(1)
		case http.StateHijacked:
			wh.took.Add(1)
		case http.StateClosed:
			wh.cut.Add(1)
		}
	}
	for _, f := range set {
		f(wh.web.Config)
	}
	wh.web.Start()
	wh.addr = wh.web.Listener.Addr().String()
	wh.dial = func() (net.Conn, error) { return net.Dial("tcp", wh.addr) }
	wh.limit = patience
	wh.start(wh.web.Close)
	return wh
}

// A line is a connection on which a test writes requests as it likes.
type line struct {
	h *host
	net.Conn
	in *bufio.Reader
}

func (h *host) line() *line {
	h.t.Helper()
	conn, err := h.dial()
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(h.limit))
	return &line{h, conn, bufio.NewReader(conn)}
}

func (l *line) write(s string) {
	l.h.t.Helper()
	if _, err := io.WriteString(l, s); err != nil {
		l.h.t.Fatal(err)
	}
}

// answer reads an answer.
func (l *line) answer() reply {
	res, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return reply{err: err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(b), err}
}

func (l *line) ask(request string) reply {
	l.h.t.Helper()
	l.write(request)
	return l.answer()
}

// request is a request for a session, with further lines of its head.
func (h *host) request(method, sid, body string, lines ...string) string {
	head := fmt.Sprintf("%s /engine.io/?EIO=4&transport=polling&t=abc&sid=%s HTTP/1.1\r\nHost: %s\r\n", method, sid, h.addr)
	if sid == "" {
		head = strings.Replace(head, "&sid=", "", 1)
	}
	for _, l := range lines {
		head += l + "\r\n"
	}
	if method == http.MethodPost {
		head += fmt.Sprintf("Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n", len(body))
	}
	return head + "\r\n" + body
}

// openOn makes a session over a line.
func (l *line) open(lines ...string) *peer {
	l.h.t.Helper()
	if r := l.ask(l.h.request("GET", "", "", lines...)); r.status != 200 {
		l.h.t.Fatalf("handshake: %d %q %v", r.status, r.body, r.err)
	}
	return l.h.peer()
}

// TestHijackPolling has a client poll over two connections, which net/http sees once each.
func TestHijackPolling(t *testing.T) {
	wh := newWebHost(t, engineio.Options{})
	get, post := wh.line(), wh.line()
	p := get.open()
	before := runtime.NumGoroutine()
	for i := range 50 {
		get.write(wh.request("GET", p.ID(), ""))
		p.polled()
		post.ask(wh.request("POST", p.ID(), "4hello")).want(t, 200, "ok")
		p.want("hello")
		for end := time.Now().Add(patience); polled && i > 10 && runtime.NumGoroutine() > before+1; time.Sleep(time.Millisecond) {
			if time.Now().After(end) { // one that writes an answer is about to end, and one that waits with the GET is not
				t.Fatalf("%d goroutines while a GET waits, %d before", runtime.NumGoroutine(), before)
			}
		}
		p.send("there")
		get.answer().want(t, 200, "4there")
	}
	if polled && (wh.took.Load() != 2 || wh.fresh.Load() != 2) {
		t.Errorf("of 2 connections %d came to net/http, and %d were taken over", wh.fresh.Load(), wh.took.Load())
	}
}

// TestHijackedLikeNetHTTP has the same requests answered by both.
func TestHijackedLikeNetHTTP(t *testing.T) {
	cors := &engineio.CORS{Origins: []string{"https://a.example", "https://b.example"}, Credentials: true, ExposedHeaders: []string{"X"}}
	long := strings.Repeat("long ", 500)
	run := func(opts engineio.Options) (all []string) {
		h := newHost(t, &opts)
		l := h.line()
		for _, lines := range [][]string{
			nil,
			{"Origin: https://a.example", "Cookie: a=b"},
			{"Origin: https://b.example", "Accept-Encoding: gzip", "Sec-Fetch-Mode: cors", "Sec-Fetch-Site: cross-site"},
			{"Accept-Encoding: gzip;q=0"},
			{"User-Agent: x", "Accept: */*", "Connection: keep-alive"},
		} {
			p := l.open(lines...)
			note := func(what string, r reply) {
				if r.err != nil {
					t.Fatalf("%s: %v", what, r.err)
				}
				if when, err := http.ParseTime(r.header.Get("Date")); err != nil || time.Since(when).Abs() > time.Minute {
					t.Errorf("%s: Date is %q", what, r.header.Get("Date"))
				}
				r.header.Del("Date")
				var head []string
				for _, k := range slices.Sorted(maps.Keys(r.header)) {
					head = append(head, k+": "+strings.Join(r.header[k], " | "))
				}
				all = append(all, fmt.Sprintf("%s %v: %d %q %q", what, lines, r.status, head, r.body))
			}
			for range 2 {
				p.send("a", "b")
				note("GET", l.ask(h.request("GET", p.ID(), "", lines...)))
				note("POST", l.ask(h.request("POST", p.ID(), "4x", lines...)))
				p.want("x")
				p.send(long)
				note("long", l.ask(h.request("GET", p.ID(), "", lines...)))
			}
			p.Session.Close()
			note("close", l.ask(h.request("GET", p.ID(), "", lines...)))
			note("over", l.ask(h.request("GET", p.ID(), "", lines...)))
		}
		return all
	}
	want := run(engineio.Options{CORS: cors})
	got := run(engineio.Options{CORS: cors, HijackPolling: true})
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("answer %d is\n%.600s\nby net/http\n%.600s", i, got[i], want[i])
		}
	}
}

// TestHijackedForOthers has a connection carry requests for other handlers, and other
// sessions, between polls.
func TestHijackedForOthers(t *testing.T) {
	wh := newWebHost(t, engineio.Options{})
	l := wh.line()
	a, b := l.open(), l.open()
	for i := range 30 {
		for _, p := range []*peer{a, b} {
			l.ask(wh.request("POST", p.ID(), "4x")).want(t, 200, "ok")
			p.want("x")
			p.send("y")
			l.ask(wh.request("GET", p.ID(), "")).want(t, 200, "4y")
		}
		switch i % 3 {
		case 0:
			l.ask("GET /other HTTP/1.1\r\nHost: a\r\n\r\n").want(t, 200, "other GET ")
		case 1:
			l.ask("POST /other HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").want(t, 200, "other POST abc")
		case 2:
			l.ask(wh.request("POST", a.ID(), "4"+strings.Repeat("z", 50_000))).want(t, 200, "ok")
			a.next()
		}
	}
	if polled && (wh.took.Load() < 3 || wh.took.Load() > 10) {
		t.Errorf("a connection that went back 30 times was taken over %d times", wh.took.Load())
	}
}

// TestHijackedByTwo has two servers, each mounted at two paths with headers of their own, share
// a connection. What one of them lets pass is not let pass by the other.
func TestHijackedByTwo(t *testing.T) {
	const good, evil = "Origin: https://good.example", "Origin: https://evil.example"
	mux := http.NewServeMux()
	var hosts []*host
	for _, opts := range []engineio.Options{
		{HijackPolling: true, CORS: &engineio.CORS{Origins: []string{"https://good.example", "https://evil.example"}}},
		{HijackPolling: true, CORS: &engineio.CORS{Origins: []string{"https://good.example"}}},
	} {
		hosts = append(hosts, newServer(t, &opts, nil))
	}
	mux.HandleFunc("/engine.io/", func(w http.ResponseWriter, r *http.Request) { // at one path, as for a canary
		h := hosts[0]
		if r.Header.Get("Version") != "" {
			h = hosts[1]
		}
		h.ServeHTTP(w, r)
	})
	mux.HandleFunc("/strict/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cross-Origin-Resource-Policy", "same-site")
		hosts[0].ServeHTTP(w, r)
	})
	web := httptest.NewServer(mux)
	for _, h := range hosts {
		h.addr = web.Listener.Addr().String()
		h.dial = func() (net.Conn, error) { return net.Dial("tcp", h.addr) }
		h.limit = patience
		h.start(func() {})
	}
	t.Cleanup(web.Close)
	const header = "Cross-Origin-Resource-Policy"
	l := hosts[0].line()
	at := func(path, request string) reply { return l.ask(strings.Replace(request, "/engine.io/", path, 1)) }
	p := l.open(evil)
	if r := at("/strict/", hosts[0].request("GET", "", "", evil)); r.status != 200 || r.header.Get(header) == "" {
		t.Fatalf("%d %v", r.status, r.header)
	}
	q := hosts[0].peer()
	for range 2 {
		p.send("x")
		if r := l.ask(hosts[0].request("GET", p.ID(), "", evil)); r.status != 200 || r.header.Get(header) != "" {
			t.Errorf("at one path: %d %v, with headers of the other", r.status, r.header)
		}
		q.send("x")
		if r := at("/strict/", hosts[0].request("GET", q.ID(), "", evil)); r.status != 200 || r.header.Get(header) == "" {
			t.Errorf("at the other: %d %v, without its header", r.status, r.header)
		}
	}
	if r := l.ask(hosts[1].request("GET", "", "", good, "Version: 2")); r.status != 200 {
		t.Fatalf("%d %v", r.status, r.err)
	}
	other := hosts[1].peer()
	other.send("secret")
	if r := l.ask(hosts[1].request("GET", other.ID(), "", evil, "Version: 2")); r.status != http.StatusForbidden {
		t.Errorf("an origin of another server: %d %q %v", r.status, r.body, r.err)
	}
}

// TestHijackedInDoubt sends requests that two programs could see differently: the answer is
// that of net/http, and what follows is nobody's session.
func TestHijackedInDoubt(t *testing.T) {
	smuggled := "GET /other HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, lines := range [][]string{
		{"Content-Length: 5"},
		{"Content-Length: 5", "Content-Length: 5"},
		{"Content-Length: +0"},
		{"Transfer-Encoding: chunked"},
		{"Transfer-Encoding: chunked", "Content-Length: 3"},
		{"Transfer-Encoding: xchunked"},
		{"Host: b"},
		{"A : b"},
		{"A\x00: b"},
		{"A: b\x00"},
		{" A: b"},
		{"Expect: 100-continue"},
		{"Connection: close"},
		{"Connection: keep-alive, foo"},
		{"A: b\n"},
		{"A: " + strings.Repeat("b", 20<<10)},
	} {
		ask := func(h *host) (all []string) {
			l := h.line()
			p := l.open()
			l.ask(h.request("POST", p.ID(), "4x")).want(t, 200, "ok")
			p.want("x")
			p.send("y")
			l.write(h.request("GET", p.ID(), "", lines...) + smuggled)
			_ = l.Conn.(*net.TCPConn).CloseWrite()
			for {
				r := l.answer()
				if r.err != nil {
					return all
				}
				all = append(all, fmt.Sprintf("%d %q", r.status, r.body))
			}
		}
		plain := newHost(t, nil)
		want, got := ask(plain), ask(newHost(t, &engineio.Options{HijackPolling: true}))
		if !slices.Equal(got, want) {
			t.Errorf("%.100q is answered\n%s\nby net/http\n%s", lines, got, want)
		}
	}
}

// TestHijackedPieces sends requests in pieces.
func TestHijackedPieces(t *testing.T) {
	wh := newWebHost(t, engineio.Options{})
	l := wh.line()
	p := l.open()
	var stalls int64 // of the machine: the server gives back what lies with it for a second
	for _, n := range []int{1, 20, 100, 200} {
		for range 5 {
			r := wh.request("POST", p.ID(), "4hello")
			n := min(n, len(r)-4)
			for i, piece := range []string{r[:n], r[n : len(r)-3], r[len(r)-3:]} {
				began := time.Now()
				if i > 0 {
					time.Sleep(time.Millisecond)
				}
				if l.write(piece); time.Since(began) > time.Second/2 {
					stalls++
				}
			}
			l.answer().want(t, 200, "ok")
			p.want("hello")
		}
	}
	if took := int64(wh.took.Load()); polled && (took < 1 || took > 1+stalls) {
		t.Errorf("taken over %d times, with %d stalls", took, stalls)
	}
	// Together, too: they are answered one after the other.
	for range 3 {
		all := ""
		for i := range 20 {
			p.send(fmt.Sprint(i))
			all += wh.request("POST", p.ID(), fmt.Sprint("4", i))
		}
		l.write(all + wh.request("GET", p.ID(), ""))
		for i := range 20 {
			l.answer().want(t, 200, "ok")
			p.want(fmt.Sprint(i))
		}
		if r := l.answer(); r.status != 200 || !strings.HasPrefix(r.body, "40\x1e41\x1e") {
			t.Fatalf("%d %q %v", r.status, r.body, r.err)
		}
		l.ask(wh.request("GET", p.ID(), "")).want(t, 200, "416\x1e417\x1e418\x1e419")
	}
}

// TestHijackedRestNeverComes has net/http judge who sends half a request.
func TestHijackedRestNeverComes(t *testing.T) {
	wh := newWebHost(t, engineio.Options{}, func(web *http.Server) { web.ReadHeaderTimeout = time.Second })
	l := wh.line()
	p := l.open()
	l.write(wh.request("GET", p.ID(), "")[:40])
	if r := l.answer(); r.err != nil || r.status != http.StatusBadRequest { // what it says to half a head
		t.Errorf("answered %d %q %v", r.status, r.body, r.err)
	}
	p.alive()
}

// TestHijackedByteByByte has net/http judge who sends a request so slowly that it never ends.
func TestHijackedByteByByte(t *testing.T) {
	wh := newWebHost(t, engineio.Options{}, func(web *http.Server) { web.ReadHeaderTimeout = time.Second })
	l := wh.line()
	p := l.open()
	go func() {
		for _, b := range []byte(wh.request("GET", p.ID(), "")[:100]) {
			if _, err := l.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	begun := time.Now()
	if r := l.answer(); r.status == http.StatusOK || time.Since(begun) > 8*time.Second {
		t.Errorf("answered %d %q %v after %v", r.status, r.body, r.err, time.Since(begun))
	}
	p.alive()
}

// TestHijackedRestOfTheGone has part of a request go to net/http that nobody would see the
// rest of.
func TestHijackedRestOfTheGone(t *testing.T) {
	wh := newWebHost(t, engineio.Options{})
	client, server := net.Pipe()
	defer client.Close()
	_ = server.SetWriteDeadline(time.Unix(1, 0)) // as the end of a session leaves it in the wrong moment
	wh.GoOn(wh.web.Config, server, "GET /")
	_ = client.SetDeadline(time.Now().Add(wh.limit))
	if _, err := io.WriteString(client, "other HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	l := &line{wh.host, client, bufio.NewReader(client)}
	l.answer().want(t, 200, "other GET ")
}
