package socketio_test

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio/internal/pipe"
	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
)

// patience bounds every wait on a real socket. A test that passes never
// waits that long.
const patience = 30 * time.Second

// A host is a server under test and the ways to reach it.
type host struct {
	*socketio.Server
	t      *testing.T
	client *http.Client
	addr   string
	dial   func() (net.Conn, error)
	eio    string               // of all requests, if not "4"
	ended  chan socketio.Reason // of sessions
	nsps   []*nsp
	audit  *audit

	capture func() (any, error) // for Serve; set before the first request
	remote  string              // the address of clients that connect, if it is to be another one

	// limit bounds a wait: patience on sockets, much fake time in a bubble,
	// where it passes at once when nothing else can happen.
	limit time.Duration
}

// newHost serves on a loopback socket. Without options for it there is no
// heartbeat and no rate: most clients of the tests do not answer, many are fast,
// and time is real.
func newHost(t testing.TB, opts *socketio.Options) *host {
	t.Helper()
	var o socketio.Options
	if opts != nil {
		o = *opts
	}
	if o.Engine.PingInterval == 0 {
		o.Engine.PingInterval = time.Hour
	}
	if o.Engine.MaxPacketRate == 0 {
		o.Engine.MaxPacketRate = -1
	}
	h := newServer(t, &o)
	web := httptest.NewServer(h)
	h.addr = web.Listener.Addr().String()
	h.dial = func() (net.Conn, error) { return net.Dial("tcp", h.addr) }
	h.limit = patience
	h.start(t, web.Close)
	return h
}

// newPipeHost serves on pipes in memory, for tests in a synctest bubble.
func newPipeHost(t *testing.T, opts *socketio.Options) *host {
	t.Helper()
	h := newServer(t, opts)
	l := pipe.Listen()
	h.addr = "pipe.test"
	h.dial = l.Dial
	h.limit = 1000 * time.Hour
	h.start(t, l.Serve(&http.Server{Handler: h}))
	return h
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.remote != "" {
		r.RemoteAddr = h.remote
	}
	if h.capture == nil {
		h.Server.ServeHTTP(w, r)
		return
	}
	h.Serve(w, r, h.capture)
}

func newServer(t testing.TB, opts *socketio.Options) *host {
	t.Helper()
	h := &host{ended: make(chan socketio.Reason, 4096), audit: newAudit(t)}
	h.t, _ = t.(*testing.T)
	var o socketio.Options
	if opts != nil {
		o = *opts
	}
	if h.t != nil && (o.Observers == nil || len(o.Observers) > 0) { // benchmarks have none
		o.Observers = append(slices.Clip(o.Observers), h.audit.observer())
	}
	o.SessionClosed = func(_ *socketioSession, r socketio.Reason) { h.ended <- r }
	var err error
	if h.Server, err = socketio.New(&o); err != nil {
		t.Fatal(err)
	}
	return h
}

// start makes the client and has everything torn down at the end of the test.
// By then every handler has returned and nothing is left.
func (h *host) start(t testing.TB, stop func()) {
	tr := &http.Transport{
		DialContext:         func(context.Context, string, string) (net.Conn, error) { return h.dial() },
		DisableCompression:  true,
		MaxIdleConnsPerHost: 64,
	}
	h.client = &http.Client{Transport: tr, Timeout: h.limit}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // what is queued is not worth waiting for
		h.Shutdown(ctx)
		ctx, cancel = context.WithTimeout(context.Background(), h.limit)
		defer cancel()
		if err := h.Shutdown(ctx); err != nil { // but the handlers are
			t.Errorf("Shutdown: %v", err)
		}
		if n := h.Connections(); n != 0 {
			t.Errorf("%d connections after Shutdown", n)
		}
		for _, n := range h.nsps {
			n.check()
		}
		tr.CloseIdleConnections()
		stop()
		h.audit.check(h.Stats, h.limit)
	})
}

// A reply is an HTTP response, read to its end.
type reply struct {
	status int
	body   string
	err    error // no response came
}

func (h *host) do(method, query, body string) reply {
	req, err := http.NewRequest(method, "http://"+h.addr+"/socket.io/?EIO="+cmp.Or(h.eio, "4")+"&transport=polling"+query, strings.NewReader(body))
	if err != nil {
		return reply{err: err}
	}
	res, err := h.client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, string(b), err}
}

// A poller is a client over polling, by the id of its session.
type poller struct {
	h   *host
	sid string
}

// poll opens a session over polling.
func (h *host) poll() poller {
	h.t.Helper()
	r := h.do("GET", "", "")
	if r.err != nil || r.status != 200 || !strings.HasPrefix(r.body, `0{"sid":"`) {
		h.t.Fatalf("handshake: %d %q %v", r.status, r.body, r.err)
	}
	return poller{h, r.body[len(`0{"sid":"`):][:20]}
}

func (p poller) get() reply { return p.h.do("GET", "&sid="+p.sid, "") }

// post sends packets as one payload.
func (p poller) post(packets ...string) reply {
	return p.h.do("POST", "&sid="+p.sid, strings.Join(packets, "\x1e"))
}

func (p poller) send(packets ...string) {
	p.h.t.Helper()
	p.post(packets...).want(p.h.t, 200, "ok")
}

// join connects to a namespace and returns the socket's id.
func (p poller) join(nsp string) string {
	p.h.t.Helper()
	p.send("40" + nsp)
	r := p.get()
	return connected(p.h.t, nsp, r.body)
}

// alive checks that the socket in nsp answers, as client.alive does.
func (p poller) alive(nsp string) {
	p.h.t.Helper()
	p.send("42" + prefix(nsp) + `99["alive"]`)
	p.get().want(p.h.t, 200, "43"+prefix(nsp)+`99[]`)
}

// want checks the status and the body of r.
func (r reply) want(t *testing.T, status int, body string) {
	t.Helper()
	if r.err != nil {
		t.Fatalf("no response: %v, want %d %q", r.err, status, body)
	}
	if r.status != status || r.body != body {
		t.Fatalf("response %d %.200q, want %d %.200q", r.status, r.body, status, body)
	}
}

// sessionEnds waits for the end of a session.
func (h *host) sessionEnds(reason socketio.Reason) {
	h.t.Helper()
	if r := timetest.Receive(h.t, h.ended, h.limit, "a session's end"); r != reason {
		h.t.Fatalf("session ended with %q, want %q", r, reason)
	}
}

// bound returns a context that ends when a wait has become too long.
func (h *host) bound() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), h.limit)
}

// after checks how much fake time has passed since start.
func after(t *testing.T, start time.Time, want time.Duration) {
	t.Helper()
	if d := time.Since(start); d < want || d > want+10*time.Millisecond {
		t.Fatalf("after %v, want %v", d, want)
	}
}
