package engineio_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
)

// candidate opens a WebSocket with the sid of p.
func (h *host) candidate(p *peer) *wsClient {
	h.t.Helper()
	return h.ws("&sid=" + p.ID())
}

// probe opens a WebSocket with the sid of p and has it probed.
func (h *host) probe(p *peer) *wsClient {
	h.t.Helper()
	c := h.candidate(p)
	c.text("2probe")
	c.wants("3probe")
	return c
}

// upgrade moves p to a WebSocket; no request may be pending.
func (h *host) upgrade(p *peer) *wsClient {
	h.t.Helper()
	c := h.probe(p)
	c.text("5")
	h.upgraded(c, p)
	return c
}

// upgraded checks that the session listens on c.
func (h *host) upgraded(c *wsClient, p *peer) {
	h.t.Helper()
	c.text("4upgraded?")
	p.want("upgraded?")
	if tr := p.Transport(); tr != "websocket" {
		h.t.Fatalf("transport %q after the upgrade", tr)
	}
}

// pollingWorks checks both ways of the polling transport.
func (h *host) pollingWorks(p *peer) {
	h.t.Helper()
	p.alive()
	if tr := p.Transport(); tr != "polling" {
		h.t.Fatalf("transport %q, want polling", tr)
	}
	p.send("still here")
	h.get(p.ID()).want(h.t, 200, "4still here")
}

// upgradeWhilePosting has a POST under way when the upgrade comes, of which nothing
// may be lost.
func (h *host) upgradeWhilePosting(p *peer, probe func(c *wsClient)) {
	h.t.Helper()
	c := h.candidate(p)
	body := "4first\x1e4second"
	conn := h.begin(p.ID(), len(body), body[:3])
	synctest.Wait()
	probe(c)
	c.text("5")
	synctest.Wait()
	go io.WriteString(conn, body[3:])
	b := make([]byte, len("HTTP/1.1 200"))
	if _, err := io.ReadFull(conn, b); err != nil || string(b) != "HTTP/1.1 200" {
		h.t.Errorf("response %q %v", b, err)
	}
	p.want("first", "second")
	conn.Close()
	h.upgraded(c, p)
	p.silent()
}

func TestUpgrade(t *testing.T) {
	run := func(name string, f func(t *testing.T, h *host, p *peer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newPipeHost(t, nil)
				f(t, h, h.open())
			})
		})
	}

	run("probe, noop, switch, flush", func(t *testing.T, h *host, p *peer) {
		get := h.pend(p.ID())
		synctest.Wait()
		start := time.Now()
		c := h.candidate(p)
		synctest.Wait()
		select {
		case r := <-get:
			t.Fatalf("GET answered %q before the probe", r.body)
		default:
		}
		c.text("2probe")
		c.wants("3probe")
		(<-get).want(t, 200, "6")
		after(t, start, 0) // at once
		p.send("a", "b")   // the client has stopped polling
		if err := p.Send(engineio.NewBinaryMessage([]byte{1, 2})); err != nil {
			t.Fatal(err)
		}
		c.text("5")
		c.wants("4a", "4b")
		c.want(opBinary, "\x01\x02")
		p.send("c")
		c.wants("4c")
		h.upgraded(c, p)
		if h.Len() != 1 {
			t.Errorf("%d sessions", h.Len())
		}
	})
	run("the noop is repeated for every GET", func(t *testing.T, h *host, p *peer) {
		c := h.probe(p)
		for range 3 {
			start := time.Now()
			h.get(p.ID()).want(t, 200, "6")
			if d := time.Since(start); d > 100*time.Millisecond {
				t.Errorf("the noop came after %v", d)
			}
		}
		c.text("5")
		h.upgraded(c, p)
	})
	run("polling works both ways while probing", func(t *testing.T, h *host, p *peer) {
		c := h.candidate(p)
		h.pollingWorks(p)
		c.text("2probe")
		c.wants("3probe")
		h.pollingWorks(p)
		c.text("5")
		h.upgraded(c, p)
	})
	run("a repeated probe is answered each time", func(t *testing.T, h *host, p *peer) {
		c := h.probe(p)
		for range 3 {
			c.text("2probe")
			c.wants("3probe")
		}
		c.text("5")
		h.upgraded(c, p)
	})
	run("messages right behind the 5", func(t *testing.T, h *host, p *peer) {
		c := h.probe(p)
		c.write(masked(opText, "5"), masked(opText, "4a"), masked(opBinary, "b"), masked(opPing, "x"))
		c.want(opPong, "x")
		p.want("a")
		if m := p.next(); m != (message{"b", true}) {
			t.Errorf("message %+v", m)
		}
	})
	run("everything in one segment", func(t *testing.T, h *host, p *peer) {
		p.send("down")
		c := h.candidate(p)
		c.write(masked(opText, "2probe"), masked(opText, "5"), masked(opText, "4a"))
		c.wants("3probe", "4down")
		p.want("a")
	})
	run("b64 of the new WebSocket", func(t *testing.T, h *host, p *peer) {
		c := h.ws("&b64=1&sid=" + p.ID())
		c.text("2probe")
		c.wants("3probe")
		c.text("5")
		h.upgraded(c, p)
		if err := p.Send(engineio.NewBinaryMessage([]byte{1})); err != nil {
			t.Fatal(err)
		}
		c.wants("bAQ==")
	})

	for name, bad := range map[string][]byte{
		"2":                       masked(opText, "2"),
		"2probex":                 masked(opText, "2probex"),
		"3probe":                  masked(opText, "3probe"),
		"1":                       masked(opText, "1"),
		"6":                       masked(opText, "6"),
		"a message":               masked(opText, "4a"),
		"an empty text":           masked(opText, ""),
		"no packet at all":        masked(opText, "x"),
		"binary":                  masked(opBinary, "2probe"),
		"base64":                  masked(opText, "bAQID"),
		"a close frame":           masked(opClose, ""),
		"a message behind a bad":  frames(masked(opText, "2"), masked(opText, "4a")),
		"an upgrade behind a bad": frames(masked(opText, "x"), masked(opText, "2probe"), masked(opText, "5")),
	} {
		run("only the WebSocket is closed for/"+name, func(t *testing.T, h *host, p *peer) {
			c := h.candidate(p)
			c.write(bad)
			c.closed(1005)
			h.pollingWorks(p)
			p.silent()
			h.upgrade(p) // a later try is allowed
		})
		if name == "an upgrade behind a bad" {
			continue
		}
		run("only the WebSocket is closed after a probe for/"+name, func(t *testing.T, h *host, p *peer) {
			c := h.probe(p)
			c.write(bad)
			c.closed(1005)
			h.pollingWorks(p)
			p.silent()
			h.upgrade(p)
		})
	}
	for name, test := range map[string]struct {
		send []byte
		code int
	}{
		"unmasked":   {unmasked(opText, "2probe"), 1002},
		"RSV1":       {masked(opText|0x40, "2probe"), 1002},
		"too big":    {maskedLen(opText, shortest(1_000_001), ""), 1009},
		"not UTF-8":  {masked(opText, "\xff"), 1007},
		"bad close":  {masked(opClose, "x"), 1002},
		"good close": {masked(opClose, closePayload(1001, "")), 1001},
	} {
		run("only the WebSocket is closed for frames/"+name, func(t *testing.T, h *host, p *peer) {
			c := h.candidate(p)
			c.write(test.send)
			c.closed(test.code)
			h.pollingWorks(p)
			h.upgrade(p)
		})
	}
	run("only the WebSocket is lost when the connection breaks", func(t *testing.T, h *host, p *peer) {
		h.candidate(p).conn.Close()
		synctest.Wait()
		h.pollingWorks(p)
		h.probe(p).conn.Close()
		synctest.Wait()
		h.pollingWorks(p)
		h.upgrade(p)
	})
	run("ping frames are answered while probing", func(t *testing.T, h *host, p *peer) {
		c := h.candidate(p)
		c.write(masked(opPing, "a"))
		c.want(opPong, "a")
		c.text("2probe")
		c.wants("3probe")
		c.write(masked(opPong, ""), masked(opPing, "b"))
		c.want(opPong, "b")
		c.text("5")
		h.upgraded(c, p)
	})

	// The upgradeTimeout is 10 s from the handshake on.
	for name, f := range map[string]func(c *wsClient){
		"no probe":     func(*wsClient) {},
		"probe, no 5":  func(c *wsClient) { c.text("2probe"); c.wants("3probe") },
		"half a frame": func(c *wsClient) { c.write([]byte{0x81}) },
		"many probes": func(c *wsClient) {
			for range 9 {
				c.text("2probe")
				c.wants("3probe")
				time.Sleep(time.Second)
			}
		},
	} {
		run("times out/"+name, func(t *testing.T, h *host, p *peer) {
			start := time.Now()
			c := h.candidate(p)
			f(c)
			c.want(opClose, "")
			after(t, start, 10*time.Second)
			c.conn.Close()
			h.pollingWorks(p)
			h.upgrade(p)
			time.Sleep(11 * time.Second) // the timer of the first try is gone
			p.alive()
		})
	}
	t.Run("own UpgradeTimeout", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, &engineio.Options{UpgradeTimeout: 700 * time.Millisecond})
			p := h.open()
			start := time.Now()
			h.probe(p).closed(1005)
			after(t, start, 700*time.Millisecond)
			h.pollingWorks(p)
		})
	})

	run("second upgrade while one is running", func(t *testing.T, h *host, p *peer) {
		c := h.probe(p)
		h.wsRefused("&sid=" + p.ID())
		h.pollingWorks(p)
		c.text("5")
		h.upgraded(c, p)
	})
	run("second upgrade while the first has not yet probed", func(t *testing.T, h *host, p *peer) {
		c := h.candidate(p)
		h.wsRefused("&sid=" + p.ID())
		c.text("2probe")
		c.wants("3probe")
		c.text("5")
		h.upgraded(c, p)
	})
	run("second upgrade after one is done", func(t *testing.T, h *host, p *peer) {
		c := h.upgrade(p)
		h.wsRefused("&sid=" + p.ID())
		h.upgraded(c, p)
		p.send("a")
		c.wants("4a")
	})
	run("a session that began on WebSocket cannot be taken over", func(t *testing.T, h *host, _ *peer) {
		c, p := h.openWS()
		h.wsRefused("&sid=" + p.ID())
		h.upgraded(c, p)
		p.send("secret")
		c.wants("4secret")
	})
	run("HTTP after the upgrade", func(t *testing.T, h *host, p *peer) {
		c := h.upgrade(p)
		h.get(p.ID()).want(t, 400, code3)
		h.post(p.ID(), "4a").want(t, 400, code3)
		h.post(p.ID(), "1").want(t, 400, code3)
		p.silent()
		h.upgraded(c, p)
	})
	t.Run("upgrades disabled", func(t *testing.T) {
		// Only what is offered changes, as in the reference server: an
		// upgrade that a client tries all the same may be refused, and must
		// not harm the session.
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, &engineio.Options{DisableUpgrades: true})
			p := h.open()
			c, res := h.raw(h.wsRequest("EIO=4&transport=websocket&sid=" + p.ID()))
			io.Copy(io.Discard, io.LimitReader(res.Body, 100))
			c.conn.Close()
			synctest.Wait()
			h.pollingWorks(p)
		})
	})
}

// TestUpgradeRace has requests of the polling transport that are under way
// when the 5 arrives.
func TestUpgradeRace(t *testing.T) {
	t.Run("a GET at the time of the 5", func(t *testing.T) {
		h := newHost(t, nil)
		for range 100 {
			p := h.open()
			c := h.probe(p)
			get := h.pend(p.ID())
			c.text("5")
			h.upgraded(c, p)
			r := <-get
			if !(r.status == 200 && (r.body == "6" || r.body == "1")) && !(r.status == 400 && r.body == code3) {
				t.Fatalf("GET: %d %q %v", r.status, r.body, r.err)
			}
			p.send("a")
			c.wants("4a")
		}
	})
	t.Run("a POST in flight loses nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, nil)
			p := h.open()
			h.upgradeWhilePosting(p, func(c *wsClient) {
				c.text("2probe")
				c.wants("3probe")
			})
		})
	})
	t.Run("a POST in flight that is aborted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, nil)
			p := h.open()
			conn := h.begin(p.ID(), 100, "4first")
			synctest.Wait()
			c := h.probe(p)
			c.text("5")
			synctest.Wait()
			conn.Close()
			// Its packets are lost. To go on would leave a gap.
			p.ends("transport error")
			p.silent()
			c.closed(1005)
		})
	})
	t.Run("Close while probing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, nil)
			p := h.open()
			c := h.probe(p)
			p.Session.Close()
			h.get(p.ID()).want(t, 200, farewell)
			p.ends("forced close")
			c.closed(1005)
			if h.Len() != 0 {
				t.Errorf("%d sessions", h.Len())
			}
		})
	})
	t.Run("ping timeout while probing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, &engineio.Options{PingInterval: time.Second, PingTimeout: time.Second})
			start := time.Now()
			p := h.open()
			c := h.probe(p)
			p.ends("ping timeout")
			after(t, start, 2*time.Second)
			c.closed(1005)
		})
	})
	t.Run("the client closes by POST while probing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newPipeHost(t, nil)
			p := h.open()
			c := h.probe(p)
			h.post(p.ID(), "1").want(t, 200, "ok")
			p.ends("transport close")
			c.closed(1005)
		})
	})
}
