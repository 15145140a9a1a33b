//go:build linux

package engineio_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
)

func descriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// TestDescriptorsReturn ends connections in every way, some of which have made
// a copy of their descriptor, and counts what stays open.
func TestDescriptorsReturn(t *testing.T) {
	h := newHost(t, &engineio.Options{QueueBytes: 64 << 20})
	round := func() {
		for i := range 8 {
			var c *wsClient
			var p *peer
			if i%2 == 0 {
				c, p = h.openWS()
			} else {
				p = h.open()
				c = h.upgrade(p)
			}
			switch i / 2 {
			case 0: // the client cuts
				c.conn.Close()
				p.ends("transport close")
			case 1: // the server closes, and waits for the client's close frame
				p.Session.Close()
				c.closed(1012)
				p.ends("forced close")
			case 2: // a write had to wait
				long := strings.Repeat("x", 8<<20)
				p.send(long)
				c.wants("4" + long)
				p.send("a")
				c.wants("4a")
				c.write(masked(opClose, ""))
				p.ends("transport close")
				c.closed(1005)
			case 3: // nothing was read for a while
				p.Pause()
				c.text("4a")
				p.silent()
				p.Resume()
				p.want("a")
				c.text("4b")
				p.want("b")
				p.Abort("transport error")
				p.ends("transport error")
			}
			c.conn.Close()
		}
		h.client.CloseIdleConnections()
	}
	round() // what stays for good is there after the first
	idle := descriptors(t)
	for range 5 {
		round()
	}
	for deadline := time.Now().Add(patience); descriptors(t) > idle; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d descriptors are open, %d were", descriptors(t), idle)
		}
	}
}
