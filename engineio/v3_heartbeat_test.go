package engineio_test

import (
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
)

func TestHeartbeatV3(t *testing.T) {
	bubble3(t, "websocket/the client pings, the server answers", nil, func(t *testing.T, h *host) {
		c, p := h.openWS3("")
		for _, after := range []time.Duration{0, 25 * time.Second, 45*time.Second - tick} {
			time.Sleep(after)
			c.text("2")
			c.wants("3")
			c.text("2probe")
			c.wants("3probe")
		}
		start := time.Now()
		c.closed(1005) // no ping of the server before
		after(t, start, 45*time.Second)
		p.ends("ping timeout")
	})
	bubble3(t, "websocket/silent from the beginning", nil, func(t *testing.T, h *host) {
		start := time.Now()
		c, p := h.openWS3("")
		c.closed(1005)
		after(t, start, 45*time.Second)
		p.ends("ping timeout")
	})
	bubble3(t, "websocket/other traffic does not replace the ping", nil, func(t *testing.T, h *host) {
		start := time.Now()
		c, p := h.openWS3("")
		chat(c, p, start.Add(44*time.Second), time.Second)
		c.closed(1005)
		after(t, start, 45*time.Second)
		p.ends("ping timeout")
	})
	bubble3(t, "websocket/LenientHeartbeat counts any bytes", &engineio.Options{LenientHeartbeat: true}, func(t *testing.T, h *host) {
		c, p := h.openWS3("")
		chat(c, p, time.Now().Add(10*time.Minute), 15*time.Second)
		start := time.Now()
		c.closed(1005)
		if d := time.Since(start); d < 20*time.Second || d > 45*time.Second+tick {
			t.Errorf("silence is noticed after %v", d)
		}
		p.ends("ping timeout")
	})
	bubble3(t, "websocket/a client's pong is an error", nil, func(t *testing.T, h *host) {
		c, p := h.openWS3("")
		c.text("3")
		c.closed(1005)
		p.ends("transport error")
	})
	bubble3(t, "polling/the client pings, the server answers", nil, func(t *testing.T, h *host) {
		c := h.open3("")
		for range 5 {
			time.Sleep(44 * time.Second)
			got := c.pend()
			c.post("1:2").want(t, 200, "ok")
			(<-got).want(t, 200, "1:3")
		}
		start := time.Now()
		c.get().want(t, 200, "1:1")
		after(t, start, 45*time.Second)
		c.ends("ping timeout")
	})
	bubble3(t, "upgrade/the watch goes on", nil, func(t *testing.T, h *host) {
		p := h.open3("")
		time.Sleep(10 * time.Second)
		c := h.upgrade3(p, "")
		start := time.Now()
		c.closed(1005)
		after(t, start, 35*time.Second)
		p.ends("ping timeout")
	})
	bubble3(t, "a flood of pings whose answers are not read", &engineio.Options{QueuePackets: 10}, func(t *testing.T, h *host) {
		p := h.open3("")
		p.post(strings.Repeat("1:2", 99)+"6:2probe").want(t, 200, "ok")
		p.get().want(t, 200, strings.Repeat("1:3", 16))
		p.get().want(t, 200, "6:3probe") // the last one, and no more
	})
}

func TestPauseV3(t *testing.T) {
	// A client gives its server up PingTimeout after its ping, unless something comes.
	bubble3(t, "websocket/the client hears something often enough", nil, func(t *testing.T, h *host) {
		c, p := h.openWS3("")
		for _, early := range []time.Duration{0, 26 * time.Second, 36 * time.Second} {
			time.Sleep(early)
			p.Pause()
			time.Sleep(max(0, 25*time.Second-early)) // the ping that is not read
			pinged := time.Now()
			go c.conn.Write(masked(opText, "2")) // until it is read, after Resume
			for range 20 {
				c.wants("6")
				if d := time.Since(pinged); d >= 20*time.Second {
					t.Fatalf("nothing for %v", d)
				}
				pinged = time.Now()
			}
			p.Resume()
			c.wants("3")
		}
		start := time.Now()
		c.closed(1005)
		after(t, start, 45*time.Second)
		p.ends("ping timeout")
	})
	bubble3(t, "websocket/after Resume the ping has its time", nil, func(t *testing.T, h *host) {
		c, p := h.openWS3("")
		p.Pause()
		time.Sleep(30 * time.Second)
		c.wants("6")
		p.Resume()
		start := time.Now()
		c.closed(1005)
		after(t, start, 20*time.Second)
		p.ends("ping timeout")
	})
	bubble3(t, "websocket/a full queue is no reason to give up", &engineio.Options{KeepSlow: true, QueuePackets: 1}, func(t *testing.T, h *host) {
		c, p := h.openWS3("")
		p.Pause()
		time.Sleep(24 * time.Second)
		p.send("a")
		if err := p.Send(engineio.NewMessage(nil)); err != engineio.ErrQueueFull {
			t.Fatalf("Send: %v", err)
		}
		time.Sleep(2 * time.Second)
		c.wants("4a", "6")
	})
	bubble3(t, "polling/a client that polls is there", nil, func(t *testing.T, h *host) {
		c := h.open3("")
		c.Pause()
		for range 30 {
			c.get().want(t, 200, "1:6")
		}
		start := time.Now()
		c.ends("ping timeout") // it has gone
		if d := time.Since(start); d < 20*time.Second || d > 60*time.Second {
			t.Errorf("given up after %v", d)
		}
	})
}
