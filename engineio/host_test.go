package engineio_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/pipe"
	"github.com/siokit/sio/internal/timetest"
)

// patience bounds every wait on a real socket. A test that passes never
// waits that long.
const patience = 10 * time.Second

// A host is a server under test and the ways to reach it.
type host struct {
	*engineio.Server
	t      *testing.T
	client *http.Client
	addr   string // the Host of all requests
	dial   func() (net.Conn, error)
	opened chan *peer
	audit  *audit

	wrap func(func(net.Conn) net.Conn) // the server's ends of connections; of newPipeHost

	// limit bounds a wait: patience on sockets, an hour of fake time in a
	// bubble, where it passes at once when nothing else can happen.
	limit time.Duration
}

// A peer is the server's end of a session: what its Handler was told.
type peer struct {
	*engineio.Session
	h        *host      // of the test that asked for the peer
	t        *testing.T // of the test that made the server
	messages chan message
	heard    func() // called with each message, by who hands it over; or nil
	closed   chan engineio.Reason
	closes   atomic.Int32
	inside   atomic.Int32 // Message calls running
}

type message struct {
	data   string
	binary bool
}

func (p *peer) Message(data []byte, binary bool) {
	if p.inside.Add(1) != 1 {
		p.t.Errorf("Message called while Message runs")
	}
	p.messages <- message{string(data), binary}
	if p.heard != nil {
		p.heard()
	}
	p.inside.Add(-1)
}

func (p *peer) Close(reason engineio.Reason) {
	if p.closes.Add(1) > 1 {
		p.t.Errorf("Close called twice, now for %q", reason)
	}
	p.closed <- reason
}

// newHost serves on a loopback socket. What onOpen has is called while a
// session is being opened.
func newHost(t *testing.T, opts *engineio.Options, onOpen ...func(*peer)) *host {
	t.Helper()
	h := newServer(t, opts, onOpen)
	h.listen()
	return h
}

// serveHost is newHost for a server that a test has made by itself.
func serveHost(t *testing.T, srv *engineio.Server) *host {
	h := &host{t: t, Server: srv}
	h.listen()
	return h
}

func (h *host) listen() {
	web := httptest.NewServer(h.Server)
	h.addr = web.Listener.Addr().String()
	h.dial = func() (net.Conn, error) { return net.Dial("tcp", h.addr) }
	h.limit = patience
	h.start(web.Close)
}

// newPipeHost serves on pipes in memory, for tests in a synctest bubble.
func newPipeHost(t *testing.T, opts *engineio.Options, set ...func(*http.Server)) *host {
	t.Helper()
	h := newServer(t, opts, nil)
	l := pipe.Listen()
	h.wrap = func(f func(net.Conn) net.Conn) { l.Wrap = f }
	var joined sync.WaitGroup
	web := &http.Server{Handler: h.Server, ConnState: func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			joined.Add(1)
		case http.StateClosed, http.StateHijacked:
			joined.Done()
		}
	}}
	for _, f := range set {
		f(web)
	}
	stop := l.Serve(web)
	h.addr = "pipe.test"
	h.dial = l.Dial
	h.limit = time.Hour
	h.start(func() {
		stop()
		joined.Wait() // net/http lingers for a moment behind a body that it has not read
	})
	return h
}

func newServer(t *testing.T, opts *engineio.Options, onOpen []func(*peer)) *host {
	t.Helper()
	h := &host{t: t, opened: make(chan *peer, 1024), audit: newAudit(t)}
	var o engineio.Options
	if opts != nil {
		o = *opts
	}
	o.HijackPolling = o.HijackPolling || strings.HasPrefix(t.Name(), ours)
	o.Observers = append(slices.Clip(o.Observers), h.audit.observer())
	opts = &o
	var err error
	h.Server, err = engineio.New(opts, func(s *engineio.Session) engineio.Handler {
		p := &peer{
			Session:  s,
			t:        t,
			messages: make(chan message, 1024),
			closed:   make(chan engineio.Reason, 4),
		}
		for _, f := range onOpen {
			f(p)
		}
		h.opened <- p
		return p
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// start makes the client and has everything torn down at the end of the
// test. By then no session may be left.
func (h *host) start(stop func()) {
	tr := &http.Transport{
		DialContext:         func(context.Context, string, string) (net.Conn, error) { return h.dial() },
		DisableCompression:  true,
		MaxIdleConnsPerHost: 64,
	}
	h.client = &http.Client{Transport: tr, Timeout: h.limit}
	h.t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // nothing is worth waiting for
		h.Shutdown(ctx)
		if n := h.Len(); n != 0 {
			h.t.Errorf("%d sessions after Shutdown", n)
		}
		tr.CloseIdleConnections()
		stop()
		if h.audit != nil {
			h.audit.check(h.Stats, h.limit)
		}
	})
}

// in returns h for use in the subtest t.
func (h *host) in(t *testing.T) *host {
	sub := *h
	sub.t = t
	return &sub
}

// A reply is an HTTP response, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
	err    error // no response came
}

const polling = "EIO=4&transport=polling"

// farewell ends the polling of a client that is to come back: the Python client does
// over one packet more than it takes, and not over a close packet.
var farewell = "6\x1e1" + strings.Repeat("\x1e6", 15)

// do sends a request; header holds "Name: value" lines.
func (h *host) do(method, query, body string, header ...string) reply {
	var rd io.Reader
	if body != "" || method == http.MethodPost {
		rd = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, "http://"+h.addr+"/engine.io/?"+query, rd)
	if err != nil {
		return reply{err: err}
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	for _, line := range header {
		k, v, _ := strings.Cut(line, ": ")
		req.Header.Set(k, v)
	}
	res, err := h.client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(b), err}
}

func (h *host) get(sid string) reply { return h.do("GET", polling+"&sid="+sid, "") }

func (h *host) post(sid, body string) reply { return h.do("POST", polling+"&sid="+sid, body) }

// pend starts a GET; in a bubble, synctest.Wait then sees it parked.
func (h *host) pend(sid string) <-chan reply {
	c := make(chan reply, 1)
	go func() { c <- h.get(sid) }()
	return c
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

// The JSON of the error codes.
const (
	code0 = `{"code":0,"message":"Transport unknown"}`
	code1 = `{"code":1,"message":"Session ID unknown"}`
	code2 = `{"code":2,"message":"Bad handshake method"}`
	code3 = `{"code":3,"message":"Bad request"}`
	code4 = `{"code":4,"message":"Forbidden"}`
	code5 = `{"code":5,"message":"Unsupported protocol version"}`
)

// gone checks that the server does not know sid any more.
func (h *host) gone(sid string) {
	h.t.Helper()
	h.get(sid).want(h.t, 400, code1)
}

// open makes a session over polling.
func (h *host) open() *peer {
	h.t.Helper()
	r := h.do("GET", polling, "")
	if r.err != nil || r.status != 200 || !strings.HasPrefix(r.body, "0") {
		h.t.Fatalf("handshake: %d %q %v", r.status, r.body, r.err)
	}
	var open struct{ SID string }
	if err := json.Unmarshal([]byte(r.body[1:]), &open); err != nil {
		h.t.Fatal(err)
	}
	p := h.peer()
	if p.ID() != open.SID {
		h.t.Fatalf("the handler has session %q, the client %q", p.ID(), open.SID)
	}
	return p
}

// peer returns the server's end of the session opened last.
func (h *host) peer() *peer {
	h.t.Helper()
	p := timetest.Receive(h.t, h.opened, h.limit, "a session")
	p.h = h
	return p
}

// next returns the next message that the Handler was given.
func (p *peer) next() message {
	p.h.t.Helper()
	return timetest.Receive(p.h.t, p.messages, p.h.limit, "a message")
}

// want checks the messages that the Handler was given, which are text.
func (p *peer) want(texts ...string) {
	p.h.t.Helper()
	for _, s := range texts {
		if m := p.next(); m.binary || m.data != s {
			p.h.t.Fatalf("message %.200q (binary %t), want text %.200q", m.data, m.binary, s)
		}
	}
}

// silent checks that the Handler has no more messages; call it when the
// session has ended or the bubble is idle.
func (p *peer) silent() {
	p.h.t.Helper()
	select {
	case m := <-p.messages:
		p.h.t.Fatalf("message %.200q, want none", m.data)
	default:
	}
}

// ends waits for the session's end.
func (p *peer) ends(reason string) {
	p.h.t.Helper()
	if r := timetest.Receive(p.h.t, p.closed, p.h.limit, "the session's end"); string(r) != reason {
		p.h.t.Fatalf("session ended with %q, want %q", r, reason)
	}
}

// alive checks that the session has not ended and takes messages.
func (p *peer) alive() {
	p.h.t.Helper()
	select {
	case r := <-p.closed:
		p.h.t.Fatalf("session ended with %q", r)
	default:
	}
	if p.Transport() == "polling" {
		p.h.post(p.ID(), "4alive?").want(p.h.t, 200, "ok")
		p.want("alive?")
	}
}

// polled waits until a GET is pending: on a socket, it may be overtaken by the next request.
func (p *peer) polled() {
	p.h.t.Helper()
	for end := time.Now().Add(p.h.limit); !p.Polled(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			p.h.t.Fatal("waited in vain for a GET")
		}
	}
}

// send queues texts on the session.
func (p *peer) send(texts ...string) {
	p.h.t.Helper()
	for _, s := range texts {
		if err := p.Send(engineio.NewMessage([]byte(s))); err != nil {
			p.h.t.Fatalf("Send(%.100q): %v", s, err)
		}
	}
}

// isTimeout reports whether a deadline of ours caused err.
func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}
