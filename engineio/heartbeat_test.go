package engineio_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
)

// tick is how late a timer may be.
const tick = 10 * time.Millisecond

// after checks how much fake time has passed since start.
func after(t *testing.T, start time.Time, want time.Duration) {
	t.Helper()
	if d := time.Since(start); d < want || d > want+tick {
		t.Fatalf("after %v, want %v", d, want)
	}
}

func TestHeartbeat(t *testing.T) {
	run := func(name string, opts *engineio.Options, f func(t *testing.T, h *host)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, newPipeHost(t, opts)) })
		})
	}

	run("websocket/ping after the interval, then after each pong", nil, func(t *testing.T, h *host) {
		start := time.Now()
		c, p := h.openWS()
		c.wants("2")
		after(t, start, 25*time.Second)
		for _, thinks := range []time.Duration{0, 3 * time.Second, 20*time.Second - 2*tick} {
			time.Sleep(thinks)
			start = time.Now()
			c.text("3")
			c.wants("2")
			after(t, start, 25*time.Second)
		}
		start = time.Now()
		c.closed(1005)
		after(t, start, 20*time.Second)
		p.ends("ping timeout")
		if h.Len() != 0 {
			t.Error("the session is still there")
		}
	})
	run("websocket/own interval and timeout", &engineio.Options{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond},
		func(t *testing.T, h *host) {
			start := time.Now()
			c, p := h.openWS()
			c.wants("2")
			after(t, start, 300*time.Millisecond)
			c.closed(1005)
			after(t, start, 500*time.Millisecond)
			p.ends("ping timeout")
		})
	run("websocket/unsolicited pongs postpone no ping", nil, func(t *testing.T, h *host) {
		start := time.Now()
		c, _ := h.openWS()
		for range 4 {
			time.Sleep(5 * time.Second)
			c.text("3")
		}
		c.wants("2")
		after(t, start, 25*time.Second)
		c.text("3")
		time.Sleep(10 * time.Second)
		c.text("3")
		c.wants("2")
		after(t, start, 50*time.Second)
	})
	run("websocket/other traffic replaces the pong once", nil, func(t *testing.T, h *host) {
		start := time.Now()
		c, p := h.openWS()
		chat(c, p, start.Add(24*time.Second), time.Second)
		c.wants("2")
		time.Sleep(10 * time.Second)
		chat(c, p, start.Add(54*time.Second), time.Second) // from 36 s on
		c.write(masked(opPing, ""))                        // nor does a ping frame
		c.want(opPong, "")
		c.closed(1005)
		after(t, start, 56*time.Second)
		p.ends("ping timeout")
	})
	run("websocket/a packet that is no message counts, once for each ping", nil, func(t *testing.T, h *host) {
		start := time.Now()
		c, p := h.openWS()
		c.text("6") // before the ping: no matter
		for range 3 {
			c.wants("2")
			time.Sleep(19 * time.Second)
			c.text("6")
			time.Sleep(19 * time.Second)
			c.text("3")
		}
		c.wants("2")
		c.closed(1005)
		after(t, start, (3*(25+38)+45)*time.Second)
		p.ends("ping timeout")
	})
	run("websocket/LenientHeartbeat counts any bytes", &engineio.Options{LenientHeartbeat: true}, func(t *testing.T, h *host) {
		c, p := h.openWS()
		joined := make(chan error, 1)
		go func() { // reads the pings, never answers, until the server closes
			for {
				f, err := c.tryRead()
				if err != nil || f.b0 == opClose {
					joined <- err
					return
				}
			}
		}()
		for range 30 {
			time.Sleep(10 * time.Second)
			c.text("4x")
			p.want("x")
		}
		// A frame that takes its time is life too.
		big := masked(opText, "4abcdefghijklmnopqrstuvwxyz")
		for i := range big {
			time.Sleep(10 * time.Second)
			c.write(big[i : i+1])
		}
		p.want("abcdefghijklmnopqrstuvwxyz")
		start := time.Now()
		p.ends("ping timeout")
		if d := time.Since(start); d < 20*time.Second || d > 45*time.Second+tick {
			t.Errorf("silence is noticed after %v", d)
		}
		c.conn.Close()
		<-joined
	})

	run("polling/ping after the interval, then after each pong", nil, func(t *testing.T, h *host) {
		start := time.Now()
		p := h.open()
		for range 3 {
			h.get(p.ID()).want(t, 200, "2")
			after(t, start, 25*time.Second)
			time.Sleep(5 * time.Second)
			start = time.Now()
			h.post(p.ID(), "3").want(t, 200, "ok")
		}
		h.get(p.ID()).want(t, 200, "2")
		start = time.Now()
		h.get(p.ID()).want(t, 200, "1") // pending when the timeout strikes
		after(t, start, 20*time.Second)
		p.ends("ping timeout")
		h.gone(p.ID())
	})
	run("polling/a client that never polls", nil, func(t *testing.T, h *host) {
		start := time.Now()
		p := h.open()
		p.ends("ping timeout")
		after(t, start, 45*time.Second)
		h.gone(p.ID())
		if h.Len() != 0 {
			t.Error("the session is still there")
		}
	})
	run("polling/unsolicited pongs postpone no ping", nil, func(t *testing.T, h *host) {
		start := time.Now()
		p := h.open()
		for range 4 {
			time.Sleep(5 * time.Second)
			h.post(p.ID(), "3").want(t, 200, "ok")
		}
		h.get(p.ID()).want(t, 200, "2")
		after(t, start, 25*time.Second)
	})
	run("polling/other traffic replaces the pong once", nil, func(t *testing.T, h *host) {
		start := time.Now()
		p := h.open()
		time.Sleep(time.Second / 2)
		for range 44 { // once at 25.5 s
			time.Sleep(time.Second)
			h.post(p.ID(), "4x").want(t, 200, "ok")
			p.want("x")
			p.send("y")
			h.get(p.ID())
		}
		p.ends("ping timeout")
		after(t, start, 45500*time.Millisecond)
	})
	run("polling/LenientHeartbeat counts any bytes", &engineio.Options{LenientHeartbeat: true}, func(t *testing.T, h *host) {
		p := h.open()
		for range 30 {
			time.Sleep(15 * time.Second)
			h.post(p.ID(), "4x").want(t, 200, "ok")
			p.want("x")
		}
		// So is a body that is still on its way, here 100 KB at 1 KB/s.
		conn := h.begin(p.ID(), 100_001, "4")
		for range 100 {
			time.Sleep(time.Second)
			if _, err := conn.Write(make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		if m := p.next(); len(m.data) != 100_000 {
			t.Errorf("message of %d bytes", len(m.data))
		}
		conn.Close()
		start := time.Now()
		p.ends("ping timeout")
		if d := time.Since(start); d < 20*time.Second || d > 45*time.Second+tick {
			t.Errorf("silence is noticed after %v", d)
		}
	})
	run("an upgrade keeps the rhythm", nil, func(t *testing.T, h *host) {
		start := time.Now()
		p := h.open()
		h.get(p.ID()).want(t, 200, "2")
		after(t, start, 25*time.Second)
		c := h.upgrade(p)
		time.Sleep(4 * time.Second)
		c.text("3") // the ping came by polling, the pong goes by WebSocket
		start = time.Now()
		c.wants("2")
		after(t, start, 25*time.Second)
		c.closed(1005)
		after(t, start, 45*time.Second)
		p.ends("ping timeout")
	})
	run("a ping that nobody polled goes over the WebSocket", nil, func(t *testing.T, h *host) {
		p := h.open()
		time.Sleep(26 * time.Second)
		c := h.upgrade(p)
		c.wants("2")
		c.text("3")
		start := time.Now()
		c.wants("2")
		after(t, start, 25*time.Second)
	})
	run("a thousand sessions, each with its own time", nil, func(t *testing.T, h *host) {
		const n = 1000
		ended := make(chan time.Duration, n)
		for i := range n {
			time.Sleep(7 * time.Millisecond)
			start := time.Now()
			p := h.open()
			go func() { // until the ping timeout
				if r := <-p.closed; r != "ping timeout" {
					t.Errorf("session %d ended with %q", i, r)
				}
				ended <- time.Since(start)
			}()
		}
		for range n {
			if d := <-ended; d < 45*time.Second || d > 45*time.Second+tick {
				t.Fatalf("ping timeout after %v", d)
			}
		}
	})
}

// chat sends a message and has one sent each pause, until the deadline.
func chat(c *wsClient, p *peer, deadline time.Time, pause time.Duration) {
	c.h.t.Helper()
	for time.Until(deadline) >= pause {
		time.Sleep(pause)
		c.text("4x")
		p.want("x")
		p.send("y")
		c.wants("4y")
	}
}

func TestPause(t *testing.T) {
	t.Run("websocket is not read, and not taken for dead", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, nil)
			c, p := h.openWS()
			p.Pause()
			synctest.Wait()
			joined := make(chan struct{})
			go func() { // until all is read, after Resume
				defer close(joined)
				for range 100 {
					c.conn.Write(masked(opText, "4x"))
				}
			}()
			pings := make(chan struct{}, 1000)
			go func() { // until the connection is closed
				for {
					f, err := c.tryRead()
					if err != nil {
						close(pings)
						return
					}
					if f.payload == "2" {
						pings <- struct{}{}
					}
				}
			}()
			time.Sleep(10 * time.Minute)
			p.alive()
			got := len(p.messages)
			select {
			case <-joined:
				t.Error("all was read while paused")
			default:
			}
			p.Resume()
			<-joined
			for range 100 {
				p.want("x")
			}
			if got != 0 {
				t.Errorf("%d messages while paused", got)
			}
			// From here on the usual rules hold.
			start := time.Now()
			p.ends("ping timeout")
			if d := time.Since(start); d < 20*time.Second-tick || d > 45*time.Second+tick {
				t.Errorf("ping timeout %v after Resume", d)
			}
			if len(pings) == 0 {
				t.Error("no ping at all")
			}
			c.conn.Close()
			for range pings {
			}
		})
	})
	t.Run("websocket heartbeat goes on after Resume", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, nil)
			c, p := h.openWS()
			pongs := make(chan []byte, 1000) // what a kernel would hold
			go func() {                      // notes the pings until the connection is closed
				defer close(pongs)
				for {
					f, err := c.tryRead()
					if err != nil {
						return
					}
					if f.payload == "2" {
						pongs <- masked(opText, "3")
					}
				}
			}()
			go func() { // answers them, as far as the server reads
				for pong := range pongs {
					c.conn.Write(pong)
				}
			}()
			for range 5 {
				p.Pause()
				p.Pause()
				time.Sleep(3 * time.Minute)
				p.Resume()
				p.Resume()
				time.Sleep(3 * time.Minute)
			}
			p.alive()
			p.Pause()
			p.Session.Close() // and a paused session can be closed
			p.ends("forced close")
			c.conn.Close()
		})
	})
	t.Run("polling", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, nil)
			p := h.open()
			p.Pause()
			post := make(chan reply, 1)
			go func() { post <- h.post(p.ID(), "4a\x1e4b") }()
			get := h.pend(p.ID())
			time.Sleep(10 * time.Minute)
			select {
			case r := <-p.closed:
				t.Fatalf("session ended with %q", r)
			default:
			}
			p.silent()
			p.send("down") // the other direction is not paused
			if r := <-get; r.status != 200 || r.body != "2" && r.body != "4down" && r.body != "2\x1e4down" {
				t.Fatalf("GET: %d %q %v", r.status, r.body, r.err)
			}
			p.Resume()
			(<-post).want(t, 200, "ok")
			p.want("a", "b")
			h.post(p.ID(), "3\x1e4c").want(t, 200, "ok")
			p.want("c")
		})
	})
	t.Run("a paused session is shut down", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, nil)
			c, p := h.openWS()
			p.Pause()
			go h.Shutdown(t.Context())
			c.closed(1012)
			p.ends("server shutting down")
		})
	})
}
