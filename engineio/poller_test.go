package engineio_test

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
)

// polled tells whether connections are read by the poller here. The build tag
// portable turns it off.
var polled = runtime.GOOS == "linux" && !portable

func TestIdleWebSockets(t *testing.T) {
	idleWebSockets(t, newHost(t, nil), 200, (runtime.GOMAXPROCS(0)+3)/4)
}

// idleWebSockets counts what n idle connections cost in goroutines, which wait for all of
// them, and has them do everything that a goroutine of their own would have to.
func idleWebSockets(t *testing.T, h *host, n, goroutines int) {
	before := runtime.NumGoroutine()
	var cs []*wsClient
	var ps []*peer
	for range n {
		c, p := h.openWS()
		cs, ps = append(cs, c), append(ps, p)
	}
	want := before + n
	if polled {
		want = before + goroutines
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		got := runtime.NumGoroutine()
		if got <= want+2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines for %d idle connections, %d before them", got, n, before)
		}
	}
	for i, c := range cs {
		p := ps[i]
		switch i % 8 {
		case 0: // messages, one of them in pieces
			frame := masked(opText, "4"+strings.Repeat("x", 100))
			c.write(masked(opText, "4a"), frame[:50])
			p.want("a")
			c.write(frame[50:], masked(opText, "4b"))
			p.want(strings.Repeat("x", 100), "b")
		case 1: // a message beyond what is read at once
			long := strings.Repeat("y", 300_000)
			c.text("4" + long)
			p.want(long)
		case 2: // a pause, with much behind it
			p.Pause()
			for range 100 {
				c.text("4" + strings.Repeat("z", 1000))
			}
			p.silent()
			p.Resume()
			for range 100 {
				p.want(strings.Repeat("z", 1000))
			}
		case 3: // the client leaves
			c.conn.Close()
			p.ends("transport close")
		case 4: // with a close frame
			c.write(masked(opClose, ""))
			c.closed(1005)
			p.ends("transport close")
		case 5: // the server leaves
			p.Session.Close()
			c.closed(1012)
			p.ends("forced close")
		case 6: // nonsense
			c.write(masked(0x83, ""))
			c.closed(1002)
			p.ends("transport error")
		case 7: // the server leaves while it is paused, and the client says nothing
			p.Pause()
			p.Abort("transport error")
			p.ends("transport error")
			c.conn.Close()
		}
	}
	for i := range cs {
		if i%8 < 3 {
			ps[i].alive()
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// TestPollerStartsAnew has no connection between two of them.
func TestPollerStartsAnew(t *testing.T) {
	h := newHost(t, &engineio.Options{})
	for range 50 {
		c, p := h.openWS()
		c.text("4a")
		p.want("a")
		c.conn.Close()
		p.ends("transport close")
	}
}

// newHeldHost returns a server whose poller hold keeps busy until free is called.
func newHeldHost(t *testing.T, opts *engineio.Options) (h *host, hold func() (free func())) {
	h = newServer(t, opts, nil)
	var holds atomic.Bool
	busy, done := make(chan struct{}), make(chan struct{})
	h.AfterMessages(func() {
		if holds.CompareAndSwap(true, false) {
			close(busy)
			<-done
		}
	})
	h.listen()
	c, _ := h.parked()
	return h, func() func() {
		holds.Store(true)
		c.text("4hold")
		timetest.Receive(t, busy, patience, "the poller")
		return func() { close(done) }
	}
}

// parked opens a WebSocket that has been read once.
func (h *host) parked() (*wsClient, *peer) {
	h.t.Helper()
	c, p := h.openWS()
	c.text("4warm")
	p.want("warm")
	return c, p
}

// TestPollerLeavesNothing has the poller busy while clients say more than is read
// at once, or something and no more, or are more than it is told of at once. It
// hears of what is there only once.
func TestPollerLeavesNothing(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, tt := range []struct {
		name, say string
		clients   int
		leave     bool
	}{
		{"bytes and an end", "a", 1, true},
		{"many bytes", long, 1, false},
		{"many bytes and an end", long, 1, true},
		{"many clients", "a", 200, false},
		{"many ends", "a", 200, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, hold := newHeldHost(t, nil)
			var cs []*wsClient
			var ps []*peer
			for range tt.clients {
				c, p := h.parked()
				cs, ps = append(cs, c), append(ps, p)
			}
			free := hold()
			for _, c := range cs {
				c.text("4" + tt.say)
				if tt.leave {
					c.conn.Close()
				}
			}
			free()
			for _, p := range ps {
				p.want(tt.say)
				if tt.leave {
					p.ends("transport close")
				}
			}
		})
	}
}

// TestAfterMessages wants to hear of every message, whoever has read it.
func TestAfterMessages(t *testing.T) {
	h := newServer(t, nil, nil)
	after := make(chan struct{}, 100)
	h.AfterMessages(func() { after <- struct{}{} })
	h.listen()
	heard := func(p *peer, data string) {
		t.Helper()
		p.want(data)
		timetest.Receive(t, after, patience, "AfterMessages")
	}

	ws, p := h.openWS()
	ws.text("4a")
	heard(p, "a")
	ws.text("4b")
	heard(p, "b")
	p.Pause()
	ws.text("4c")
	p.silent()
	p.Resume()
	heard(p, "c")

	q := h.open()
	h.post(q.ID(), "4d")
	heard(q, "d")
}
