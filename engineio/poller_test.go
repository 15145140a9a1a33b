package engineio_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
)

// polled tells whether connections are read by the poller here. The build tag
// portable turns it off.
var polled = runtime.GOOS == "linux" && !portable

// TestIdleWebSockets counts what idle connections cost in goroutines, and has
// them do everything that a goroutine of their own would have to.
func TestIdleWebSockets(t *testing.T) {
	const n = 200
	h := newHost(t, nil)
	before := runtime.NumGoroutine()
	var cs []*wsClient
	var ps []*peer
	for range n {
		c, p := h.openWS()
		cs, ps = append(cs, c), append(ps, p)
	}
	want := before + n
	if polled {
		want = before + (runtime.GOMAXPROCS(0)+3)/4
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
			c.closed(1005)
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
