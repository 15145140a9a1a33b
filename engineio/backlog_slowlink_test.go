package engineio_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
)

// A slowConn is the client's end of a link that carries so many bytes in a second,
// each way.
type slowConn struct {
	net.Conn
	rate int
}

func (c slowConn) pass(f func(p []byte) (int, error), p []byte) (int, error) {
	n, err := f(p[:min(len(p), max(1, c.rate/100))])
	time.Sleep(time.Duration(n) * time.Second / time.Duration(c.rate))
	return n, err
}

func (c slowConn) Read(p []byte) (int, error) { return c.pass(c.Conn.Read, p) }

func (c slowConn) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = c.pass(c.Conn.Write, p[n:])
		n += m
	}
	return n, err
}

const megabit = 125_000 // bytes a second

// slowHost is newPipeHost behind a slow link.
func slowHost(t *testing.T, opts *engineio.Options, rate int) *host {
	h := newPipeHost(t, opts)
	dial := h.dial
	h.dial = func() (net.Conn, error) {
		conn, err := dial()
		return slowConn{conn, rate}, err
	}
	return h
}

// pinged reads what comes, answers pings, and fails if they come too rarely for
// an official client, which counts nothing else. It returns at the message.
func (c *wsClient) pinged(t *testing.T, last *time.Time) string {
	t.Helper()
	for {
		f, err := c.tryRead()
		if err != nil {
			t.Fatal(err)
		}
		if d := time.Since(*last); d > 45*time.Second {
			t.Fatalf("no ping for %v", d)
		}
		if f.payload != "2" {
			return f.payload
		}
		*last = time.Now()
		c.text("3")
	}
}

// TestSlowLink has clients that take, or send, all that their link carries. Time
// is that of a bubble.
func TestSlowLink(t *testing.T) {
	large := strings.Repeat("x", 2<<20) // 17 s
	msg := engineio.NewMessage([]byte(large))
	run := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
	}
	run("websocket/one message longer than WriteTimeout", func(t *testing.T) {
		h := slowHost(t, nil, megabit)
		c, p := h.openWS()
		p.Send(msg)
		c.wants("4" + large)
		p.send("a")
		c.wants("4a")
	})
	run("websocket/revision 3", func(t *testing.T) {
		h := slowHost(t, allow3, megabit)
		c, p := h.openWS3("")
		p.Send(msg)
		c.wants("4" + large)
	})
	run("websocket/compressed", func(t *testing.T) {
		h := slowHost(t, &engineio.Options{Compression: &engineio.Deflate{}}, 5000)
		c := h.ws("", "Sec-WebSocket-Extensions: permessage-deflate")
		c.read()
		p := h.peer()
		var text strings.Builder
		for text.Len() < 100_000 {
			text.WriteString(rand.Text())
		}
		p.send(text.String())
		if f := c.read(); len(f.payload) < 50_000 {
			t.Errorf("%d bytes", len(f.payload))
		}
	})
	run("websocket/TLS", func(t *testing.T) {
		h := slowTLSHost(t, nil, megabit)
		c, p := h.openWS()
		p.Send(msg)
		c.wants("4" + large)
	})
	run("polling", func(t *testing.T) {
		h := slowHost(t, &engineio.Options{HTTPCompressionThreshold: -1}, megabit)
		p := h.open()
		p.Send(engineio.NewMessage([]byte(strings.Repeat("x", 7<<20)))) // 59 s
		r := h.get(p.ID())
		if len(r.body) == 1 { // a ping goes first
			r = h.get(p.ID())
		}
		if len(r.body) != 1+7<<20 {
			t.Fatalf("%d bytes, %v", len(r.body), r.err)
		}
		p.alive()
	})
	for name, open := range map[string]func(*testing.T, *engineio.Options, int) *host{"pipe": slowHost, "TLS": slowTLSHost} {
		run("who reads a byte a second is cut/"+name, func(t *testing.T) {
			h := newPipeHost(t, nil)
			if name == "TLS" {
				h = open(t, nil, 1<<20)
			}
			c, p := h.openWS()
			start := time.Now()
			p.Send(msg)
			joined := make(chan struct{})
			go func() { // until the end
				defer close(joined)
				io.Copy(io.Discard, slowConn{c.conn, 1})
			}()
			p.ends("transport error")
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("after %v", d)
			}
			c.conn.Close()
			<-joined
		})
	}

	// Nobody gives up for the lack of a ping or pong.
	run("websocket/pings go between messages", func(t *testing.T) {
		h := slowHost(t, &engineio.Options{QueueBytes: 32 << 20}, megabit)
		c, p := h.openWS()
		last := time.Now()
		const n = 8
		for range n { // 134 s
			p.Send(msg)
		}
		for range n {
			if got := c.pinged(t, &last); len(got) != 1+len(large) {
				t.Fatalf("%.20q of %d bytes", got, len(got))
			}
		}
		p.isAlive(t)
	})
	run("websocket/a ping goes before a message", func(t *testing.T) {
		h := slowHost(t, nil, megabit)
		c, p := h.openWS()
		last := time.Now()
		time.Sleep(20 * time.Second)
		p.send(strings.Repeat("x", 4<<20)) // 34 s, and the ping was due in 5
		c.pinged(t, &last)
		p.send("a")
		c.pinged(t, &last)
		p.isAlive(t)
	})
	run("websocket/the pong is behind a message", func(t *testing.T) {
		h := slowHost(t, &engineio.Options{MaxPayload: 16 << 20}, megabit)
		c, p := h.openWS()
		big := strings.Repeat("x", 8<<20) // 67 s
		joined := make(chan int)
		go func() { // until the end
			pings := 0
			for f, err := c.tryRead(); err == nil && f.b0 != opClose; f, err = c.tryRead() {
				pings++
			}
			joined <- pings
		}()
		c.write(masked(opText, "4"+big))
		if m := p.next(); m.data != big {
			t.Errorf("message of %d bytes", len(m.data))
		}
		p.isAlive(t)
		p.Session.Abort("forced close")
		if n := <-joined; n < 3 {
			t.Errorf("%d pings in 67 s", n)
		}
	})
	run("websocket/a message of which nothing comes is no life", func(t *testing.T) {
		h := newPipeHost(t, nil)
		c, p := h.openWS()
		start := time.Now()
		whole := masked(opText, "4"+strings.Repeat("x", 500_000))
		c.write(whole[:100_000])
		joined := make(chan struct{})
		go func() { // until the end
			defer close(joined)
			for i := 100_000; i < len(whole); i++ {
				time.Sleep(time.Second)
				c.conn.SetWriteDeadline(time.Now().Add(time.Minute))
				if _, err := c.conn.Write(whole[i : i+1]); err != nil {
					return
				}
			}
		}()
		c.wants("2")
		c.closed(1005)
		p.ends("ping timeout")
		if d := time.Since(start); d > 66*time.Second {
			t.Errorf("after %v", d)
		}
		c.conn.Close()
		<-joined
	})
	run("a session that is closed delivers what is queued", func(t *testing.T) {
		h := slowHost(t, &engineio.Options{QueueBytes: 32 << 20}, megabit)
		c, p := h.openWS()
		for range 4 { // 67 s
			p.Send(msg)
		}
		p.Session.Close()
		p.ends("forced close")
		for range 4 {
			c.wants("4" + large)
		}
		c.closed(1012)
	})
}

// isAlive checks that the session has not ended.
func (p *peer) isAlive(t *testing.T) {
	t.Helper()
	select {
	case r := <-p.closed:
		t.Fatalf("session ended with %q", r)
	default:
	}
}

// slowTLSHost is slowHost with TLS over the link.
func slowTLSHost(t *testing.T, opts *engineio.Options, rate int) *host {
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	config := &tls.Config{Certificates: web.TLS.Certificates}
	web.Close()
	h := newPipeHost(t, opts)
	h.wrap(func(c net.Conn) net.Conn { return tls.Server(c, config) })
	dial := h.dial
	h.dial = func() (net.Conn, error) {
		conn, err := dial()
		if err != nil {
			return nil, err
		}
		return tls.Client(slowConn{conn, rate}, &tls.Config{InsecureSkipVerify: true}), nil
	}
	return h
}

// TestSlowTCP is over a real socket, with the buffers of a kernel.
func TestSlowTCP(t *testing.T) {
	h := newHost(t, &engineio.Options{WriteTimeout: 3 * time.Second})
	h.limit = time.Minute // its 800 sleeps are longer on a busy machine
	c, p := h.openWS()
	big := bytes.Repeat([]byte("x"), 16<<20)
	p.Send(engineio.NewMessage(big))
	c.br.Reset(slowConn{c.conn, 2 << 20}) // 8 s
	if f := c.read(); len(f.payload) != 1+len(big) {
		t.Errorf("%d bytes", len(f.payload))
	}
	p.send("a")
	c.wants("4a")
}

// TestGrace has a server that is quicker than any network, and clients that take
// all as fast as they can.
func TestGrace(t *testing.T) {
	bursts := []struct{ n, size int }{{400, 64 << 10}, {20, 1 << 20}, {40_000, 100}}
	text := func(i, size int) string { return fmt.Sprintf("%06d%s", i, strings.Repeat("x", size)) }
	for _, b := range bursts {
		burst := func(p *peer, batch bool) {
			var due engineio.Batch
			for i := range b.n {
				m := engineio.NewMessage([]byte(text(i, b.size)))
				var err error
				if batch {
					err = due.Send(p.Session, false, m)
				} else {
					err = p.Send(m)
				}
				if err != nil {
					t.Fatalf("message %d of %d: %v", i, b.size, err)
				}
			}
			due.Flush()
		}
		for _, batch := range []bool{false, true} {
			t.Run(fmt.Sprintf("polling/%d of %d/batch %t", b.n, b.size, batch), func(t *testing.T) {
				h := newHost(t, &engineio.Options{HTTPCompressionThreshold: -1, PollPackets: 1 + b.n/1000})
				p := h.open()
				p.send("hello")
				h.get(p.ID()).want(t, 200, "4hello")
				burst(p, batch)
				for i := 0; i < b.n; {
					r := h.get(p.ID())
					if r.status != 200 {
						t.Fatalf("%d %.100q %v after %d", r.status, r.body, r.err, i)
					}
					for got := range strings.SplitSeq(r.body, "\x1e") {
						if got != "4"+text(i, b.size) {
							t.Fatalf("message %d: %.20q", i, got)
						}
						i++
					}
				}
				p.alive()
			})
			t.Run(fmt.Sprintf("websocket/%d of %d/batch %t", b.n, b.size, batch), func(t *testing.T) {
				h := newHost(t, nil)
				c, p := h.openWS()
				burst(p, batch)
				for i := range b.n {
					c.wants("4" + text(i, b.size))
				}
				p.send("end")
				c.wants("4end")
			})
		}
	}
	msg := engineio.NewMessage(make([]byte, 999))
	run := func(name string, opts *engineio.Options, f func(t *testing.T, h *host, p *peer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newPipeHost(t, opts)
				p := h.open()
				p.send("hello")
				h.get(p.ID()).want(t, 200, "4hello")
				f(t, h, p)
			})
		})
	}
	fill := func(p *peer) (n int, err error) {
		for ; err == nil && n < 10_000; n++ {
			err = p.Send(msg)
		}
		return n - 1, err
	}
	run("ends when nothing is taken", &engineio.Options{QueuePackets: 10}, func(t *testing.T, h *host, p *peer) {
		for range 30 {
			p.Send(msg)
		}
		time.Sleep(9 * time.Second)
		h.get(p.ID())
		p.send("a")
		time.Sleep(9 * time.Second)
		p.Send(msg)
		time.Sleep(2 * time.Second)
		if err := p.Send(msg); !errors.Is(err, engineio.ErrQueueFull) {
			t.Errorf("Send: %v", err)
		}
		p.ends("slow consumer")
	})
	run("is bounded in packets", &engineio.Options{QueuePackets: 10}, func(t *testing.T, h *host, p *peer) {
		if n, err := fill(p); n != 80 || !errors.Is(err, engineio.ErrQueueFull) {
			t.Errorf("%d, %v", n, err)
		}
		p.ends("slow consumer")
	})
	run("is bounded in bytes", &engineio.Options{QueueBytes: 10_040}, func(t *testing.T, h *host, p *peer) {
		if n, err := fill(p); n != 80 || !errors.Is(err, engineio.ErrQueueFull) {
			t.Errorf("%d, %v", n, err)
		}
		p.ends("slow consumer")
	})
	run("is none with KeepSlow", &engineio.Options{QueuePackets: 10, KeepSlow: true}, func(t *testing.T, h *host, p *peer) {
		if n, err := fill(p); n != 10 || !errors.Is(err, engineio.ErrQueueFull) {
			t.Errorf("%d, %v", n, err)
		}
	})
	run("who can wait does", &engineio.Options{QueuePackets: 10}, func(t *testing.T, h *host, p *peer) {
		const n = 100
		done := make(chan error)
		go func() { // until all is sent
			for i := range n {
				for {
					sent, err := p.SendSoon(engineio.NewMessage(fmt.Append(nil, i)))
					if err != nil {
						t.Error(err)
					}
					if sent {
						break
					}
					<-p.Room()
				}
			}
			done <- nil
		}()
		for i := 0; i < n; {
			synctest.Wait()
			got := strings.Split(h.get(p.ID()).body, "\x1e")
			if len(got) > 6 {
				t.Errorf("%d packets waited", len(got))
			}
			for _, s := range got {
				if s != fmt.Sprintf("4%d", i) {
					t.Fatalf("%q, want %d", s, i)
				}
				i++
			}
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		for range 6 {
			p.Send(msg)
		}
		room := p.Room()
		p.Session.Abort("forced close")
		<-room
		if p.Room() != nil {
			t.Error("Room of a session that has ended is to be waited for")
		}
		p.ends("forced close")
	})
}
