package engineio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
)

// begin sends the head of a POST and the beginning of its body, and leaves it
// there. The rest is for the caller to write.
func (h *host) begin(sid string, size int, body string) net.Conn {
	h.t.Helper()
	conn, err := h.dial()
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, h.head(sid, fmt.Sprintf("Content-Length: %d", size))+body); err != nil {
		h.t.Fatal(err)
	}
	return conn
}

// collect polls until a close packet comes, and compares the packets without
// the noops.
func (h *host) collect(sid, want string) {
	h.t.Helper()
	var got []string
	for len(got) == 0 || got[len(got)-1] != "1" {
		r := h.get(sid)
		if r.status != 200 || len(got) > 10 {
			h.t.Fatalf("%d %q after %q", r.status, r.body, got)
		}
		for s := range strings.SplitSeq(r.body, "\x1e") {
			if s != "6" {
				got = append(got, s)
			}
		}
	}
	if s := strings.Join(got, " "); s != want {
		h.t.Errorf("packets %s, want %s", s, want)
	}
}

// TestPending has requests that meet another of the same session. In a
// bubble, "pending" is certain and not a matter of waiting long enough.
func TestPending(t *testing.T) {
	run := func(name string, f func(t *testing.T, h *host, p *peer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newPipeHost(t, nil)
				f(t, h, h.open())
			})
		})
	}
	parked := func(t *testing.T, c <-chan reply) {
		t.Helper()
		synctest.Wait()
		select {
		case r := <-c:
			t.Fatalf("the GET is answered %d %q %v, want it parked", r.status, r.body, r.err)
		default:
		}
	}

	run("GET waits for a message", func(t *testing.T, h *host, p *peer) {
		for _, s := range []string{"a", "b"} {
			get := h.pend(p.ID())
			parked(t, get)
			p.send(s)
			(<-get).want(t, 200, "4"+s)
		}
	})
	run("what one Send sends comes in one response", func(t *testing.T, h *host, p *peer) {
		get := h.pend(p.ID())
		parked(t, get)
		if err := p.Send(engineio.NewMessage([]byte("a")), engineio.NewBinaryMessage([]byte{1})); err != nil {
			t.Fatal(err)
		}
		(<-get).want(t, 200, "4a\x1ebAQ==")
	})
	run("POST while a GET is pending", func(t *testing.T, h *host, p *peer) {
		get := h.pend(p.ID())
		parked(t, get)
		h.post(p.ID(), "4up").want(t, 200, "ok")
		p.want("up")
		parked(t, get)
		p.send("down")
		(<-get).want(t, 200, "4down")
	})
	run("second GET ends the session", func(t *testing.T, h *host, p *peer) {
		get := h.pend(p.ID())
		parked(t, get)
		if r := h.get(p.ID()); r.status != 400 {
			t.Errorf("second GET: %d %q %v", r.status, r.body, r.err)
		}
		(<-get).want(t, 200, "1")
		p.ends("transport error")
		h.gone(p.ID())
	})
	run("second POST ends the session", func(t *testing.T, h *host, p *peer) {
		get := h.pend(p.ID())
		h.begin(p.ID(), 100, "4first")
		parked(t, get)
		if r := h.post(p.ID(), "4second"); r.status != 400 {
			t.Errorf("second POST: %d %q %v", r.status, r.body, r.err)
		}
		(<-get).want(t, 200, "1")
		p.ends("transport error")
		p.silent()
		h.gone(p.ID())
	})
	run("aborted GET ends the session", func(t *testing.T, h *host, p *peer) {
		conn, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /engine.io/?%s&sid=%s HTTP/1.1\r\nHost: x\r\n\r\n", polling, p.ID())
		synctest.Wait()
		p.alive()
		conn.Close()
		p.ends("transport error")
		h.gone(p.ID())
	})
	run("aborted POST ends the session", func(t *testing.T, h *host, p *peer) {
		get := h.pend(p.ID())
		conn := h.begin(p.ID(), 100, "4first")
		parked(t, get)
		conn.Close()
		(<-get).want(t, 200, "1")
		p.ends("transport error")
		p.silent()
		h.gone(p.ID())
	})
	run("POST of 1 with a GET pending", func(t *testing.T, h *host, p *peer) {
		get := h.pend(p.ID())
		parked(t, get)
		h.post(p.ID(), "1").want(t, 200, "ok")
		(<-get).want(t, 200, "6")
		p.ends("transport close")
		h.gone(p.ID())
	})
	run("parse error with a GET pending", func(t *testing.T, h *host, p *peer) {
		get := h.pend(p.ID())
		parked(t, get)
		h.post(p.ID(), "x")
		(<-get).want(t, 200, "1")
		p.ends("parse error")
		h.gone(p.ID())
	})
	run("Close with a GET pending", func(t *testing.T, h *host, p *peer) {
		get := h.pend(p.ID())
		parked(t, get)
		p.Session.Close()
		(<-get).want(t, 200, farewell)
		p.ends("forced close")
		h.gone(p.ID())
	})
	run("Close with no GET pending", func(t *testing.T, h *host, p *peer) {
		p.Session.Close()
		synctest.Wait()
		h.get(p.ID()).want(t, 200, farewell)
		p.ends("forced close")
		h.gone(p.ID())
	})
	run("Dismiss, of a client that is not to come back", func(t *testing.T, h *host, p *peer) {
		get := h.pend(p.ID())
		parked(t, get)
		p.Dismiss()
		(<-get).want(t, 200, "1")
		p.ends("forced close")
		p = h.open()
		p.Dismiss()
		h.get(p.ID()).want(t, 200, "6\x1e1")
		p.ends("forced close")
		c, p := h.openWS()
		p.Dismiss()
		c.closed(1005)
		p.ends("forced close")
		c, p = h.openWS()
		p.CloseWith(errors.New("broken rule"))
		c.closed(1005)
		p.ends("forced close")
	})
	run("Close sends first what is queued", func(t *testing.T, h *host, p *peer) {
		p.send("a", "b")
		p.Session.Close()
		if err := p.Send(engineio.NewMessage([]byte("late"))); !errors.Is(err, engineio.ErrClosed) {
			t.Errorf("Send after Close: %v", err)
		}
		synctest.Wait()
		h.collect(p.ID(), "4a 4b 1")
		p.ends("forced close")
		h.gone(p.ID())
	})
	run("Close right behind a Send, with a GET pending", func(t *testing.T, h *host, p *peer) {
		get := h.pend(p.ID())
		parked(t, get)
		p.send("a", "b")
		p.Session.Close()
		switch r := <-get; r.body {
		case "4a\x1e4b\x1e1":
		case "4a\x1e4b":
			h.collect(p.ID(), "1")
		case "4a":
			h.collect(p.ID(), "4b 1")
		default:
			t.Errorf("GET: %d %q %v", r.status, r.body, r.err)
		}
		p.ends("forced close")
		h.gone(p.ID())
	})
	run("Close and a client that never polls again", func(t *testing.T, h *host, p *peer) {
		start := time.Now()
		p.send("a")
		p.Session.Close()
		p.ends("forced close")
		for h.Len() > 0 && time.Since(start) < 5*time.Minute {
			time.Sleep(time.Second)
		}
		if d := time.Since(start); d > time.Minute {
			t.Errorf("the session stays for %v", d)
		}
		h.gone(p.ID())
	})
	run("Close twice", func(t *testing.T, h *host, p *peer) {
		p.Session.Close()
		p.Session.Close()
		h.get(p.ID())
		p.ends("forced close")
		p.Session.Close()
	})
	run("a volatile message is dropped unless a GET is pending", func(t *testing.T, h *host, p *peer) {
		if p.TrySend(engineio.NewMessage([]byte("lost"))) {
			t.Error("TrySend with no GET pending: true")
		}
		get := h.pend(p.ID())
		parked(t, get)
		if !p.TrySend(engineio.NewMessage([]byte("a")), engineio.NewMessage([]byte("b"))) {
			t.Error("TrySend with a GET pending: false")
		}
		(<-get).want(t, 200, "4a\x1e4b")
	})
	run("a POST that trickles", func(t *testing.T, h *host, p *peer) {
		start := time.Now()
		conn := h.begin(p.ID(), 100_000, "4")
		cut := make(chan time.Duration, 1)
		go func() { // until the server ends the connection
			io.Copy(io.Discard, conn)
			cut <- time.Since(start)
		}()
		var err error
		for err == nil && time.Since(start) < time.Hour {
			time.Sleep(200 * time.Millisecond)
			_, err = conn.Write([]byte("x"))
		}
		conn.Close()
		if d := <-cut; d > time.Minute {
			t.Errorf("the server reads it for %v", d)
		}
		p.silent()
		if h.Len() != 0 {
			t.Error("the session survives")
		}
	})
}

func TestShutdown(t *testing.T) {
	t.Run("sends what is queued, then closes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, nil)
			idle, waiting := h.open(), h.open()
			c, socket := h.openWS()
			get := h.pend(waiting.ID())
			synctest.Wait()
			idle.send("a")
			socket.send("b", "c")
			done := make(chan error, 1)
			go func() { done <- h.Shutdown(t.Context()) }()

			(<-get).want(t, 200, farewell)
			c.wants("4b", "4c")
			c.closed(1012)
			if r := h.get(idle.ID()); r.status != 200 || !strings.HasPrefix(r.body, "4a") {
				t.Errorf("GET during Shutdown: %d %q", r.status, r.body)
			} else {
				h.get(idle.ID()).want(t, 200, farewell)
			}
			if err := <-done; err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			for _, p := range []*peer{idle, waiting, socket} {
				p.ends("server shutting down")
			}
			if r := h.do("GET", polling, ""); r.status != 503 {
				t.Errorf("handshake afterwards: %d %q", r.status, r.body)
			}
			if _, res := h.raw(h.wsRequest("EIO=4&transport=websocket")); res.StatusCode != 503 {
				t.Errorf("WebSocket handshake afterwards: %s", res.Status)
			}
		})
	})
	t.Run("is done by the deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, nil)
			p := h.open() // polls no more
			_, deaf := h.openWS()
			p.send("a")
			deaf.send("b") // and is not read
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			if err := h.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Shutdown: %v", err)
			}
			if d := time.Since(start); d > 3*time.Second+100*time.Millisecond {
				t.Errorf("Shutdown took %v", d)
			}
			p.ends("server shutting down")
			deaf.ends("server shutting down")
			if h.Len() != 0 {
				t.Errorf("%d sessions", h.Len())
			}
		})
	})
	for name, end := range map[string]struct {
		frame  []byte
		reason string
	}{
		"cuts who does not read the end either": {masked(opText, "x"), "parse error"},
		"cuts who does not read the answer":     {masked(opClose, ""), "transport close"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newPipeHost(t, nil)
				c, p := h.openWS()
				p.send("a")
				synctest.Wait()
				c.write(end.frame)
				p.ends(end.reason)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				if err := h.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Shutdown: %v", err)
				}
				if d := time.Since(start); d != time.Second {
					t.Errorf("Shutdown took %v", d)
				}
			})
		})
	}
}

// TestShutdownOfTheAbsent has polling clients that have left without a word.
func TestShutdownOfTheAbsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newPipeHost(t, nil)
		h.open()           // nothing is queued for it
		h.open().send("a") // it never asks for that
		h.open().Session.Close()
		start := time.Now()
		if err := h.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		after(t, start, 2*time.Second)
	})
}

// TestPauseAborted has a client that takes its POST back while it is paused:
// what it holds must not be handled all at once.
func TestPauseAborted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newPipeHost(t, nil)
		p := h.open()
		p.Pause()
		body := "4a\x1e4b"
		conn := h.begin(p.ID(), len(body), body)
		synctest.Wait()
		conn.Close()
		p.ends("transport error")
		p.silent()
	})
}

// TestCloseOfTheAbsent closes sessions whose client has never come back behind its
// handshake. They live no longer than they would have without.
func TestCloseOfTheAbsent(t *testing.T) {
	for _, query := range []string{polling, "EIO=3&transport=polling"} {
		for at, want := range map[time.Duration]time.Duration{
			5 * time.Second:  35 * time.Second,
			20 * time.Second: 45 * time.Second,
			30 * time.Second: 45 * time.Second,
			44 * time.Second: 45 * time.Second,
		} {
			t.Run(fmt.Sprint(query, at), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := newPipeHost(t, allow3)
					h.do("GET", query, "")
					p := h.peer()
					time.Sleep(at)
					p.Session.Close()
					p.ends("forced close")
					time.Sleep(want - at - time.Millisecond)
					synctest.Wait()
					if h.Len() != 1 {
						t.Error("gone too early")
					}
					time.Sleep(2 * time.Millisecond)
					synctest.Wait()
					if h.Len() != 0 {
						t.Error("it stays")
					}
				})
			})
		}
	}
}
