package engineio_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
)

// A leaving is a server to be drained, whose clients poll only when they are there first.
type leaving struct {
	*engineio.Server
	t *testing.T

	mu       sync.Mutex // protects the following
	begun    time.Time  // by drain
	sessions []*engineio.Session
	left     []time.Duration // when they were sent away, since begun
}

// A guest is one of its clients.
type guest struct {
	l    *leaving
	busy atomic.Bool
}

func (*guest) Message([]byte, bool) {}
func (g *guest) Busy() bool         { return g.busy.Load() }

func (g *guest) Close(r engineio.Reason) {
	g.l.mu.Lock()
	defer g.l.mu.Unlock()
	if r == engineio.ReasonShutdown {
		g.l.left = append(g.l.left, time.Since(g.l.begun))
	}
}

// newLeaving has n clients. It is called in a bubble.
func newLeaving(t *testing.T, n int) (*leaving, []*guest) {
	t.Helper()
	l := &leaving{t: t}
	var guests []*guest
	var err error
	l.Server, err = engineio.New(&engineio.Options{PingInterval: 24 * time.Hour}, func(s *engineio.Session) engineio.Handler {
		guests = append(guests, &guest{l: l})
		l.sessions = append(l.sessions, s)
		return guests[len(guests)-1]
	})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if code := l.handshake(); code != 200 {
			t.Fatalf("handshake: %d", code)
		}
	}
	return l, guests
}

func (l *leaving) handshake() (code int) {
	res := httptest.NewRecorder()
	l.ServeHTTP(res, httptest.NewRequest("GET", "/?"+polling, nil))
	return res.Code
}

// drain begins to drain.
func (l *leaving) drain(ctx context.Context, opts *engineio.DrainOptions) <-chan error {
	l.begun = time.Now()
	done := make(chan error, 1)
	go func() { done <- l.Drain(ctx, opts) }()
	synctest.Wait()
	return done
}

// leave checks when clients are sent away.
func (l *leaving) leave(want ...time.Duration) {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.EqualFunc(l.left, want, func(a, b time.Duration) bool { return a >= b && a <= b+tick }) {
		l.t.Errorf("clients leave after %v, want %v", l.left, want)
	}
}

// ends checks what Drain returns, and when: with grace, which is the time that clients
// which do not poll get at the end.
func (l *leaving) ends(done <-chan error, err error, at, grace time.Duration) {
	l.t.Helper()
	if got := <-done; got != err {
		l.t.Errorf("Drain: %v, want %v", got, err)
	}
	if d := time.Since(l.begun); d < at || d > at+grace+tick {
		l.t.Errorf("Drain took %v, want %v", d, at)
	}
	if n := l.Len(); n != 0 {
		l.t.Errorf("%d sessions are left", n)
	}
	if err := l.Ready(); err != engineio.ErrShutdown {
		l.t.Errorf("ready: %v", err)
	}
}

// grace is how long a client that does not poll may stay after it has been sent away.
const grace = 2 * time.Second

func TestDrainPace(t *testing.T) {
	run := func(name string, clients int, f func(t *testing.T, l *leaving, guests []*guest)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, guests := newLeaving(t, clients)
				f(t, l, guests)
			})
		})
	}
	const s = time.Second
	run("evenly over the period", 5, func(t *testing.T, l *leaving, _ []*guest) {
		done := l.drain(t.Context(), &engineio.DrainOptions{Notice: 7 * s, Period: 20 * s})
		l.ends(done, nil, 23*s, grace)
		l.leave(7*s, 11*s, 15*s, 19*s, 23*s)
	})
	run("the defaults", 3, func(t *testing.T, l *leaving, _ []*guest) {
		l.ends(l.drain(t.Context(), nil), nil, 20*s, grace)
		l.leave(10*s, 15*s, 20*s)
	})
	run("no faster than that, however short the period", 100, func(t *testing.T, l *leaving, _ []*guest) {
		done := l.drain(t.Context(), &engineio.DrainOptions{Notice: -1, Period: 1, PerSecond: 20})
		l.ends(done, nil, 99*s/20, grace)
		var want []time.Duration
		for i := range 100 {
			want = append(want, time.Duration(i)*s/20)
		}
		l.leave(want...)
	})
	run("nobody is there", 0, func(t *testing.T, l *leaving, _ []*guest) {
		l.ends(l.drain(t.Context(), &engineio.DrainOptions{Notice: 7 * s}), nil, 7*s, 0)
	})
	run("nobody is there, nor a load balancer", 0, func(t *testing.T, l *leaving, _ []*guest) {
		l.ends(l.drain(t.Context(), &engineio.DrainOptions{Notice: -1}), nil, 0, 0)
	})
	run("everybody leaves by himself", 4, func(t *testing.T, l *leaving, _ []*guest) {
		done := l.drain(t.Context(), &engineio.DrainOptions{Notice: 7 * s, Period: 40 * s})
		time.Sleep(8 * s)
		for _, sess := range l.sessions {
			sess.Abort(engineio.ReasonTransportClose)
		}
		l.ends(done, nil, 8*s, 0)
		l.leave(7 * s)
	})
	run("everybody leaves before the load balancer has noticed", 4, func(t *testing.T, l *leaving, _ []*guest) {
		done := l.drain(t.Context(), &engineio.DrainOptions{Notice: 7 * s})
		for _, sess := range l.sessions {
			sess.Abort(engineio.ReasonTransportClose)
		}
		l.ends(done, nil, 7*s, 0)
		l.leave()
	})
	run("who is busy is put off", 3, func(t *testing.T, l *leaving, guests []*guest) {
		guests[1].busy.Store(true)
		done := l.drain(t.Context(), &engineio.DrainOptions{Notice: -1, Period: 30 * s})
		time.Sleep(25 * s)
		guests[1].busy.Store(false)
		l.ends(done, nil, 25*s, grace+20*time.Millisecond)
		l.mu.Lock()
		last := l.left[len(l.left)-1]
		l.left = l.left[:len(l.left)-1]
		l.mu.Unlock()
		l.leave(0, 10*s)
		if last < 25*s || last > 25*s+30*time.Millisecond {
			t.Errorf("who was busy for 25 s leaves after %v", last)
		}
	})
	run("who is busy for too long is sent away, at the rate", 10, func(t *testing.T, l *leaving, guests []*guest) {
		for _, g := range guests {
			g.busy.Store(true)
		}
		done := l.drain(t.Context(), &engineio.DrainOptions{Notice: -1, Period: 5 * s, PerSecond: 1})
		err := <-done
		if err != nil {
			t.Error(err)
		}
		if len(l.left) != 10 || l.left[0] < 5*s || l.left[0] > 6*s {
			t.Fatalf("clients leave after %v", l.left)
		}
		for i := range l.left[1:] {
			if d := l.left[i+1] - l.left[i]; d < s-tick || d > s+tick {
				t.Errorf("clients leave after %v", l.left)
				break
			}
		}
	})
}

func TestDrainEnds(t *testing.T) {
	run := func(name string, f func(t *testing.T, l *leaving)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, _ := newLeaving(t, 4)
				f(t, l)
			})
		})
	}
	const s = time.Second
	opts := &engineio.DrainOptions{Notice: 10 * s, Period: 40 * s}
	enough := errors.New("enough")
	within := func(t *testing.T, d time.Duration) context.Context {
		ctx, cancel := context.WithTimeoutCause(t.Context(), d, enough)
		t.Cleanup(cancel)
		return ctx
	}
	run("context, before anybody is sent away", func(t *testing.T, l *leaving) {
		l.ends(l.drain(within(t, 3*s), opts), enough, 3*s, 0)
		l.leave(3*s, 3*s, 3*s, 3*s)
	})
	run("context, in between", func(t *testing.T, l *leaving) {
		l.ends(l.drain(within(t, 25*s), opts), enough, 25*s, 0)
		l.leave(10*s, 20*s, 25*s, 25*s)
	})
	for name, want := range map[string][]time.Duration{
		"before anybody is sent away": {3 * s, 3 * s, 3 * s, 3 * s},
		"in between":                  {10 * s, 20 * s, 25 * s, 25 * s},
	} {
		run("Shutdown, "+name, func(t *testing.T, l *leaving) {
			done := l.drain(t.Context(), opts)
			time.Sleep(want[3])
			if err := l.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			l.ends(done, nil, want[3], grace)
			l.leave(want...)
		})
	}
	run("called again", func(t *testing.T, l *leaving) {
		done := l.drain(t.Context(), opts)
		time.Sleep(15 * s)
		if err := l.Drain(t.Context(), &engineio.DrainOptions{Notice: -1, Period: 1}); err != nil {
			t.Error(err)
		}
		l.ends(done, nil, 40*s, grace)
		l.leave(10*s, 20*s, 30*s, 40*s)
		if err := l.Drain(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})
	run("called again, with less patience", func(t *testing.T, l *leaving) {
		done := l.drain(t.Context(), opts)
		if err := l.Drain(within(t, 15*s), nil); err != enough {
			t.Error(err)
		}
		l.ends(done, nil, 15*s, 0)
		l.leave(10*s, 15*s, 15*s, 15*s)
	})
	run("options that make no sense", func(t *testing.T, l *leaving) {
		err := l.Drain(t.Context(), &engineio.DrainOptions{Period: -s, PerSecond: -1})
		if err == nil || !strings.Contains(err.Error(), "Period is negative (-1s)") || !strings.Contains(err.Error(), "PerSecond is negative (-1)") {
			t.Errorf("error %v", err)
		}
		if err := l.Ready(); err != nil {
			t.Errorf("ready: %v", err)
		}
		if code := l.handshake(); code != 200 || l.Len() != 5 {
			t.Errorf("handshake: %d, %d sessions", code, l.Len())
		}
		l.begun = time.Now()
		l.Shutdown(t.Context())
	})
}

// TestDrainGoesOn has clients that are served while a load balancer has not noticed, and get
// what was sent before they are sent away.
func TestDrainGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newPipeHost(t, nil)
		moves, stays := h.open(), h.open()
		c, p := h.openWS()
		done := make(chan error, 1)
		go func() { done <- h.Drain(t.Context(), &engineio.DrainOptions{Period: 1}) }()
		synctest.Wait()

		if err := h.Ready(); err != engineio.ErrDraining {
			t.Errorf("ready: %v", err)
		}
		h.do("GET", polling, "").want(t, 503, `{"code":3,"message":"Server shutting down"}`)
		if _, res := h.raw(h.wsRequest("EIO=4&transport=websocket")); res.StatusCode != 503 {
			t.Errorf("a WebSocket is answered with %s", res.Status)
		}
		m := h.upgrade(moves)
		for _, w := range []*wsClient{m, c} {
			w.text("4here")
		}
		moves.want("here")
		p.want("here")
		h.pollingWorks(stays)
		for _, p := range []*peer{moves, p, stays} {
			p.send("before")
		}
		for _, w := range []*wsClient{m, c} {
			w.wants("4before")
		}
		h.get(stays.ID()).want(t, 200, "4before")
		stays.send("last")
		time.Sleep(10*time.Second + tick) // all are sent away
		for _, w := range []*wsClient{m, c} {
			w.closed(1012)
		}
		h.get(stays.ID()).want(t, 200, "4last")
		h.get(stays.ID()).want(t, 200, farewell)
		for _, p := range []*peer{moves, p, stays} {
			p.ends("server shutting down")
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
