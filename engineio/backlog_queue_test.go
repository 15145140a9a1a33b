package engineio_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
)

// TestSlowClient has clients that do not take what is sent to them.
func TestSlowClient(t *testing.T) {
	msg := engineio.NewMessage([]byte(strings.Repeat("x", 999)))

	t.Run("polling/closed at the bound in packets", func(t *testing.T) {
		h := newHost(t, &engineio.Options{QueuePackets: 10})
		p := h.open()
		for i := range 10 {
			if err := p.Send(msg); err != nil {
				t.Fatalf("Send %d: %v", i, err)
			}
		}
		if err := p.Send(msg); !errors.Is(err, engineio.ErrQueueFull) {
			t.Errorf("Send over the bound: %v", err)
		}
		p.ends("slow consumer")
		if err := p.Send(msg); !errors.Is(err, engineio.ErrClosed) {
			t.Errorf("Send afterwards: %v", err)
		}
		if p.TrySend(msg) {
			t.Error("TrySend afterwards: true")
		}
		h.gone(p.ID())
		if h.Len() != 0 {
			t.Errorf("%d sessions", h.Len())
		}
	})
	t.Run("polling/closed at the bound in bytes", func(t *testing.T) {
		h := newHost(t, &engineio.Options{QueueBytes: 10_500})
		p := h.open()
		var err error
		sent := 0
		for ; err == nil && sent < 100; sent++ {
			err = p.Send(msg)
		}
		if !errors.Is(err, engineio.ErrQueueFull) || sent != 11 {
			t.Errorf("Send %d: %v, want the bound reached at 11", sent, err)
		}
		p.ends("slow consumer")
		h.gone(p.ID())
	})
	t.Run("polling/KeepSlow drops what is too much", func(t *testing.T) {
		h := newHost(t, &engineio.Options{QueuePackets: 2, KeepSlow: true})
		p := h.open()
		p.send("a", "b")
		for range 3 {
			if err := p.Send(msg); !errors.Is(err, engineio.ErrQueueFull) {
				t.Errorf("Send over the bound: %v", err)
			}
		}
		h.get(p.ID()).want(t, 200, "4a\x1e4b")
		if err := p.Send(msg, msg, msg); err != nil {
			t.Errorf("Send to an empty queue: %v", err) // whatever its size
		}
		p.alive()
	})
	t.Run("polling/SendIf asks when it can send", func(t *testing.T) {
		h := newHost(t, &engineio.Options{QueuePackets: 2, KeepSlow: true})
		p := h.open()
		called, ready := 0, false
		try := func(want error, wantSent bool, wantCalled int) {
			t.Helper()
			sent, err := p.SendIf(func() bool { called++; return ready }, msg, msg)
			if sent != wantSent || !errors.Is(err, want) || called != wantCalled {
				t.Errorf("SendIf: %t, %v, %d calls, want %t, %v, %d", sent, err, called, wantSent, want, wantCalled)
			}
		}
		try(nil, false, 1)
		ready = true
		try(nil, true, 2)
		try(engineio.ErrQueueFull, false, 2)
		p.Abort(engineio.ReasonForcedClose)
		try(engineio.ErrClosed, false, 2)
		p.ends("forced close")
	})
	t.Run("polling/what is taken frees the queue", func(t *testing.T) {
		h := newHost(t, &engineio.Options{QueuePackets: 10})
		p := h.open()
		for range 5 {
			for range 10 {
				p.send("x")
			}
			h.get(p.ID()).want(t, 200, "4x"+strings.Repeat("\x1e4x", 9))
		}
	})
	t.Run("websocket/closed at the bound, others unaffected", func(t *testing.T) {
		h := newHost(t, &engineio.Options{QueueBytes: 1 << 20})
		c, slow := h.openWS() // reads no more
		reader, quick := h.openWS()
		const most = 256 << 20 // far more than the kernel buffers for a socket
		sent, worst := 0, time.Duration(0)
		var err error
		for err == nil && sent < most {
			err = slow.Send(msg)
			sent += 1000
			if sent%100_000 == 0 {
				start := time.Now()
				quick.send("tick")
				reader.wants("4tick")
				worst = max(worst, time.Since(start))
			}
		}
		if !errors.Is(err, engineio.ErrQueueFull) {
			t.Fatalf("Send after %d bytes: %v", sent, err)
		}
		slow.ends("slow consumer")
		if worst > 8*time.Second { // a write to the slow one that blocked would take 10 s
			t.Errorf("another session waited %v", worst)
		}
		quick.send("end")
		reader.wants("4end")
		reader.text("4end")
		quick.want("end")
		c.conn.Close()
	})
	t.Run("websocket/closed at the bound in packets", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, &engineio.Options{QueuePackets: 10})
			_, p := h.openWS()
			var err error
			sent := 0
			for ; err == nil && sent < 100; sent++ {
				err = p.Send(msg)
				synctest.Wait()
			}
			// The one that is being written may count or not.
			if n := engineio.Grace * 10; !errors.Is(err, engineio.ErrQueueFull) || sent < n+1 || sent > n+2 {
				t.Errorf("Send %d: %v, want the bound reached at %d or one more", sent, err, n+1)
			}
			p.ends("slow consumer")
		})
	})
	t.Run("websocket/WriteTimeout", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, &engineio.Options{WriteTimeout: 3 * time.Second})
			_, p := h.openWS()
			start := time.Now()
			p.send("a") // nobody reads it
			p.ends("transport error")
			after(t, start, 3*time.Second)
		})
	})
	t.Run("websocket/a volatile message is dropped while the socket is busy", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, nil)
			c, p := h.openWS()
			volatile := func(s string) bool { return p.TrySend(engineio.NewMessage([]byte(s))) }
			large := strings.Repeat("a", 32<<10) // a pipe takes nothing: less than that may be on its way
			if !volatile("small") || !volatile(large) {
				t.Error("TrySend on an idle socket: false")
			}
			synctest.Wait()
			if volatile("b") {
				t.Error("TrySend on a busy socket: true")
			}
			p.send("c")
			c.wants("4small", "4"+large, "4c")
			synctest.Wait()
			if !volatile("d") {
				t.Error("TrySend on a socket that is idle again: false")
			}
			c.wants("4d")
		})
	})
	t.Run("websocket/pings that are never read do not pile up", func(t *testing.T) {
		// Each asks for a pong; the client takes none of them.
		h := newHost(t, &engineio.Options{QueueBytes: 1 << 16})
		c, p := h.openWS()
		joined := make(chan error, 1)
		go func() { // until the server closes, or is stuck, which would be fine too
			flood := []byte(strings.Repeat(string(masked(opPing, strings.Repeat("p", 125))), 1000))
			c.conn.SetWriteDeadline(time.Now().Add(3 * time.Second))
			for range 1000 {
				if _, err := c.conn.Write(flood); err != nil {
					joined <- err
					return
				}
			}
			joined <- nil
		}()
		err := <-joined
		select {
		case r := <-p.closed:
			if r != "slow consumer" && r != "transport error" && r != "transport close" {
				t.Errorf("session ended with %q", r)
			}
		case <-time.After(patience):
			if err == nil {
				t.Error("131 MB of pings are answered, and the answers kept")
			}
		}
		c.conn.Close()
	})
}

// TestSendConcurrently has many goroutines send to one session; each one's
// messages keep their order, and those of one call stay together.
func TestSendConcurrently(t *testing.T) {
	const senders, each = 8, 200
	h := newHost(t, &engineio.Options{QueuePackets: senders * each * 2})
	c, p := h.openWS()
	done := make(chan error, senders)
	for i := range senders {
		go func() { // until all is queued
			var err error
			for n := 0; n < each && err == nil; n++ {
				b := []byte{byte('A' + i), byte(n)}
				err = p.Send(engineio.NewBinaryMessage(b), engineio.NewBinaryMessage(append(b, '2')))
			}
			done <- err
		}()
	}
	var next [senders]int
	for range senders * each {
		f := c.read()
		i := int(f.payload[0] - 'A')
		if f.b0 != opBinary || len(f.payload) != 2 || int(f.payload[1]) != next[i] {
			t.Fatalf("frame %#x %q, want number %d of sender %d", f.b0, f.payload, next[i], i)
		}
		c.want(opBinary, f.payload+"2")
		next[i]++
	}
	for range senders {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestBackpressure has a client that begins to read only when the buffers of
// the kernel have long been full, so that a frame has been written in part.
func TestBackpressure(t *testing.T) {
	const senders, each = 4, 300
	text := func(i, n int) string {
		size := n * 37 % 20_000
		if n == 0 {
			size = 8 << 20 // more than the buffers hold
		}
		return fmt.Sprintf("%d %d %s", i, n, strings.Repeat("x", size))
	}
	h := newHost(t, &engineio.Options{QueueBytes: 256 << 20})
	c, p := h.openWS()
	done := make(chan error, senders)
	for i := range senders {
		go func() { // until all is queued
			var err error
			for n := 0; n < each && err == nil; n++ {
				err = p.Send(engineio.NewMessage([]byte(text(i, n))))
			}
			done <- err
		}()
	}
	for range senders {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	var next [senders]int
	for range senders * each {
		f := c.read()
		var i, n int
		if _, err := fmt.Sscanf(f.payload[:min(20, len(f.payload))], "4%d %d", &i, &n); err != nil || i >= senders || n != next[i] {
			t.Fatalf("frame %#x %.20q: %v", f.b0, f.payload, err)
		}
		if want := "4" + text(i, n); f.payload != want {
			t.Fatalf("message %d of sender %d has %d bytes, want %d", n, i, len(f.payload), len(want))
		}
		next[i]++
	}
	p.send("end")
	c.wants("4end")
}

// TestWriteDeadline has a write that blocked and went on; the deadline that it
// had must not strike later.
func TestWriteDeadline(t *testing.T) {
	const timeout = 4 * time.Second
	h := newHost(t, &engineio.Options{WriteTimeout: timeout})
	c, p := h.openWS()
	big := strings.Repeat("x", 16<<20)
	p.send(big)
	c.wants("4" + big)
	time.Sleep(timeout + timeout/10) // nothing is to happen: there is no event to wait for
	p.send("a")
	c.wants("4a")
	p.send("b")
	c.wants("4b")
}
