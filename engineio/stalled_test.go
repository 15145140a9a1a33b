package engineio_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
)

// TestStalledProbe has a probing WebSocket that asks for answers and does not
// read them. Nobody else may wait for it.
func TestStalledProbe(t *testing.T) {
	h := newPipeHost(t, nil)
	p := h.open()
	c := h.candidate(p)
	c.text("2probe") // over a pipe, the answer waits for who reads it
	start := time.Now()
	p.send("a")
	p.Session.Abort("transport error")
	p.ends("transport error")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	h.Shutdown(ctx)
	if d := time.Since(start); d > 8*time.Second { // the write's own deadline is 10 s
		t.Errorf("waited %v for a connection that is not read", d)
	}
}

// TestGoneWhilePaused has peers leave while nothing is read from them.
func TestGoneWhilePaused(t *testing.T) {
	t.Run("websocket", func(t *testing.T) {
		h := newHost(t, &engineio.Options{PingInterval: 50 * time.Millisecond, PingTimeout: 50 * time.Millisecond}, func(p *peer) { p.Pause() })
		c, p := h.openWS()
		c.text("4a") // unread
		c.conn.Close()
		p.ends("transport error") // a ping could not be written
	})
	t.Run("polling", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, nil)
			start := time.Now()
			p := h.open()
			p.Pause()
			p.ends("ping timeout")
			after(t, start, 65*time.Second)
		})
	})
	t.Run("polling, with a GET pending", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, nil)
			p := h.open()
			p.Pause()
			for range 100 {
				h.get(p.ID()).want(t, 200, "2")
			}
			p.Resume()
			h.post(p.ID(), "3").want(t, 200, "ok")
			p.alive()
		})
	})
}

// TestUnreadAnswer has clients that ask for much and take nothing.
func TestUnreadAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newPipeHost(t, nil)
		p := h.open()
		p.send(string(make([]byte, 100_000)))
		conn, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		fmt.Fprintf(conn, "GET /engine.io/?%s&sid=%s HTTP/1.1\r\nHost: %s\r\n\r\n", polling, p.ID(), h.addr)
		p.ends("transport error")
		after(t, start, 10*time.Second)
		conn.Close()
	})
}

// TestOversizeKnown sends the head of a body that is far too large, and no more.
func TestOversizeKnown(t *testing.T) {
	for name, lines := range map[string][]string{
		"20 MB":  {"Content-Length: 20000000"},
		"Expect": {"Content-Length: 2000000", "Expect: 100-continue"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newPipeHost(t, nil)
				p := h.open()
				c, res := h.raw(h.head(p.ID(), lines...))
				if b, err := io.ReadAll(res.Body); res.StatusCode != 413 || len(b) != 0 || err != nil {
					t.Errorf("%s %q %v", res.Status, b, err)
				}
				c.conn.Close()
				synctest.Wait()
				p.ends("transport error")
				p.silent()
			})
		})
	}
}

func TestOddRequests(t *testing.T) {
	h := newHost(t, nil)
	if r := h.do("GET", polling+"&x=%zz&a;b=1", ""); r.status != 200 {
		t.Errorf("malformed query beside ours: %d %s", r.status, r.body)
	}
	r := h.do("GET", polling, "", "Origin: http://a\tb")
	r.want(t, 400, `{"code":3,"message":"Bad request"}`)
}

// TestNothingBehindTheClose has a probe come together with what ends the WebSocket.
func TestNothingBehindTheClose(t *testing.T) {
	h := newHost(t, nil)
	p := h.open()
	c := h.ws("&sid=" + p.ID())
	c.write(masked(opPing, "x"), masked(opText, "2probe"), masked(opText, "nonsense"))
	c.want(opClose, "")
	c.write(masked(opClose, ""))
	if f, err := c.tryRead(); err != io.EOF {
		t.Errorf("frame %#x %q, %v behind the close frame", f.b0, f.payload, err)
	}
	p.alive()
}
