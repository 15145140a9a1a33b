package engineio_test

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
)

// TestPingsTogether has a client send thousands of pings at once. Of those that
// wait, the last one is answered, and a few before it.
func TestPingsTogether(t *testing.T) {
	const n = 4700
	h := newHost(t, &engineio.Options{MaxPacketRate: -1})
	c, p := h.openWS()
	var all []byte
	for i := range n {
		all = append(all, masked(opPing, fmt.Sprint(i))...)
	}
	c.write(all)
	pongs := 0
	for last := fmt.Sprint(n - 1); ; {
		f := c.read()
		if f.b0 != opPong {
			t.Fatalf("frame %#x %q", f.b0, f.payload)
		}
		if pongs++; f.payload == last {
			break
		}
	}
	if pongs > n/2 {
		t.Errorf("%d of %d pings are answered", pongs, n)
	}
	t.Logf("%d pongs", pongs)
	p.alive()

	// As many as test suites send at once are answered one by one.
	all = nil
	for i := range 10 {
		all = append(all, masked(opPing, fmt.Sprint(i))...)
	}
	c.write(all)
	for i := range 10 {
		c.want(opPong, fmt.Sprint(i))
	}
}

// TestMaxPacketRate has clients that are too fast. They are slowed down, and keep
// their sessions.
func TestMaxPacketRate(t *testing.T) {
	const n = 1000
	slow := &engineio.Options{MaxPacketRate: 100, AllowEIO3: true} // 500 of them at once
	took := func(t *testing.T, start time.Time, least, most time.Duration) {
		t.Helper()
		if d := time.Since(start); d < least || d > most {
			t.Errorf("it took %v, want %v to %v", d, least, most)
		}
	}
	messages := func(t *testing.T, p *peer) {
		for range n {
			p.want("x")
		}
	}
	for name, f := range map[string]func(t *testing.T, h *host){
		"messages": func(t *testing.T, h *host) {
			c, p := h.openWS()
			start := time.Now()
			go c.conn.Write([]byte(strings.Repeat(string(masked(opText, "4x")), n)))
			messages(t, p)
			took(t, start, 4*time.Second, 6*time.Second)
			p.alive()
		},
		"messages by polling": func(t *testing.T, h *host) {
			p := h.open()
			start := time.Now()
			h.post(p.ID(), strings.Repeat("4x\x1e", n-1)+"4x").want(t, 200, "ok")
			messages(t, p)
			took(t, start, 4*time.Second, 6*time.Second)
			p.alive()
		},
		"a client that pauses": func(t *testing.T, h *host) {
			c, p := h.openWS()
			start := time.Now()
			for range 4 {
				c.conn.Write([]byte(strings.Repeat(string(masked(opText, "4x")), n/4)))
				time.Sleep(3 * time.Second)
			}
			messages(t, p)
			took(t, start, 12*time.Second, 12*time.Second)
		},
		"pings": func(t *testing.T, h *host) {
			c, p := h.openWS()
			start := time.Now()
			go func() {
				for i := range 150 {
					c.conn.Write(masked(opPing, fmt.Sprint(i)))
				}
			}()
			for i := 0; i < 149; {
				var err error
				if i, err = strconv.Atoi(c.read().payload); err != nil {
					t.Fatal(err)
				}
				if i < 50 {
					took(t, start, 0, 0)
				}
			}
			took(t, start, 9*time.Second, 12*time.Second)
			p.alive()
		},
		"pings of revision 3": func(t *testing.T, h *host) {
			c, p := h.openWS3("")
			start := time.Now()
			go func() {
				for range 150 {
					c.conn.Write(masked(opText, "2"))
				}
				c.conn.Write(masked(opText, "4x"))
			}()
			go func() {
				for {
					if _, err := c.tryRead(); err != nil {
						return
					}
				}
			}()
			p.want("x")
			took(t, start, 9*time.Second, 12*time.Second)
		},
		"a session that ends meanwhile": func(t *testing.T, h *host) {
			c, p := h.openWS()
			start := time.Now()
			go c.conn.Write([]byte(strings.Repeat(string(masked(opPing, "")), 1000)))
			time.Sleep(time.Second)
			go p.Session.Close()
			for c.read().b0 != opClose {
			}
			c.conn.Close()
			p.ends("forced close")
			took(t, start, time.Second, time.Second)
		},
		"a probe": func(t *testing.T, h *host) {
			p := h.open()
			c := h.candidate(p)
			go c.conn.Write([]byte(strings.Repeat(string(masked(opText, "2probe")), 200)))
			probes := 0
			for f := c.read(); f.b0 != opClose; f = c.read() {
				probes++
			}
			if probes == 0 || probes > 3 {
				t.Errorf("%d probes are answered", probes)
			}
			c.conn.Close()
			p.alive()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, newPipeHost(t, slow)) })
		})
	}
	t.Run("none", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, &engineio.Options{MaxPacketRate: -1})
			c, p := h.openWS()
			start := time.Now()
			go c.conn.Write([]byte(strings.Repeat(string(masked(opPing, "")), 5000) + string(masked(opPing, "last"))))
			for c.read().payload != "last" {
			}
			took(t, start, 0, 0)
			p.alive()
		})
	})
}

// TestTooFastWebSockets has the poller read clients that are too fast. While they are
// not read, they cost no goroutine.
func TestTooFastWebSockets(t *testing.T) {
	const n = 50
	h := newHost(t, nil)
	var cs []*wsClient
	var ps []*peer
	for range n {
		c, p := h.openWS()
		cs, ps = append(cs, c), append(ps, p)
	}
	before := runtime.NumGoroutine()
	start := time.Now()
	for _, c := range cs {
		for range 3 { // more than a turn, and than may come at once
			c.write([]byte(strings.Repeat(string(masked(opPing, "")), 55)))
		}
	}
	for _, c := range cs {
		c.text("4x")
	}
	if polled {
		for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before+n/5; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d goroutines for %d connections", runtime.NumGoroutine()-before, n)
			}
		}
		heard := 0
		for _, p := range ps {
			heard += len(p.messages)
		}
		if heard > n/2 {
			t.Errorf("the goroutines have gone only when %d of %d words are read", heard, n)
		}
	}
	for i, p := range ps {
		switch i % 5 {
		case 0: // the client leaves
			cs[i].conn.Close()
			timetest.Receive(t, p.closed, patience, "the end of a session whose client has left")
		case 1: // the server leaves
			p.Session.Close()
			for cs[i].read().b0 != opClose {
			}
			p.ends("forced close")
		default:
			p.want("x")
			if d := time.Since(start); d < 3*time.Second {
				t.Fatalf("165 pings, and a word behind them, are read within %v", d)
			}
			p.alive()
		}
	}
}

// TestPostsInTurns counts how often a handler that gathers what it starts is told,
// of the packets of one POST.
func TestPostsInTurns(t *testing.T) {
	h := newServer(t, nil, nil)
	var after atomic.Int32
	h.AfterMessages(func() { after.Add(1) })
	h.listen()
	p := h.open()
	after.Store(0)
	const n = 960
	h.post(p.ID(), strings.Repeat("4x\x1e", n-1)+"4x").want(t, 200, "ok")
	for range n {
		p.want("x")
	}
	if got := after.Load(); got < 1 || got > 10+2 {
		t.Errorf("AfterMessages for %d packets: %d times", n, got)
	}
}
