package engineio_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/siokit/sio/engineio"
)

// A client3 speaks revision 3 over polling.
type client3 struct {
	*peer
	more string // of the query
}

const octets = "Content-Type: application/octet-stream"

// open3 makes a session of revision 3 over polling.
func (h *host) open3(more string) client3 {
	h.t.Helper()
	r := h.do("GET", "EIO=3&transport=polling"+more, "")
	p := h.peer()
	open := fmt.Sprintf(`0{"sid":"%s","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`, p.ID())
	r.want(h.t, 200, fmt.Sprintf("%d:%s", len(open), open))
	if v := p.Protocol(); v != 3 {
		h.t.Fatalf("protocol %d", v)
	}
	return client3{p, more}
}

func (c client3) get() reply {
	return c.h.do("GET", "EIO=3&transport=polling&sid="+c.ID()+c.more, "")
}

func (c client3) pend() <-chan reply {
	got := make(chan reply, 1)
	go func() { got <- c.get() }()
	return got
}

func (c client3) post(body string, header ...string) reply {
	return c.h.do("POST", "EIO=3&transport=polling&sid="+c.ID()+c.more, body, header...)
}

// works checks both ways.
func (c client3) works() {
	c.h.t.Helper()
	c.post("7:4alive?").want(c.h.t, 200, "ok")
	c.want("alive?")
	c.peer.send("é🎉")
	c.get().want(c.h.t, 200, "4:4é🎉")
}

// ws3 opens a WebSocket with EIO=3.
func (h *host) ws3(more string) *wsClient {
	h.t.Helper()
	c, res := h.raw(h.wsRequest("EIO=3&transport=websocket" + more))
	if res.StatusCode != 101 {
		h.t.Fatalf("WebSocket handshake: %s", res.Status)
	}
	return c
}

func (h *host) openWS3(more string) (*wsClient, *peer) {
	h.t.Helper()
	c := h.ws3(more)
	if f := c.read(); f.b0 != opText || !strings.HasPrefix(f.payload, `0{"sid":"`) {
		h.t.Fatalf("first frame %#x %q, want the open packet", f.b0, f.payload)
	}
	return c, h.peer()
}

func (p *peer) sendBinary(data ...byte) {
	p.h.t.Helper()
	if err := p.Send(engineio.NewBinaryMessage(data)); err != nil {
		p.h.t.Fatal(err)
	}
}

func (p *peer) wantBinary(data string) {
	p.h.t.Helper()
	if m := p.next(); !m.binary || m.data != data {
		p.h.t.Fatalf("message %q (binary %t), want binary %q", m.data, m.binary, data)
	}
}

var allow3 = &engineio.Options{AllowEIO3: true}

// bubble3 runs f in a bubble, with a server that allows revision 3.
func bubble3(t *testing.T, name string, opts *engineio.Options, f func(t *testing.T, h *host)) {
	t.Run(name, func(t *testing.T) {
		o := engineio.Options{AllowEIO3: true}
		if opts != nil {
			o = *opts
			o.AllowEIO3 = true
		}
		synctest.Test(t, func(t *testing.T) { f(t, newPipeHost(t, &o)) })
	})
}

func TestHandshakeV3(t *testing.T) {
	h := newHost(t, allow3)
	old, recent := h.open3(""), h.open()
	if v := recent.Protocol(); v != 4 {
		t.Errorf("protocol %d of a client of revision 4", v)
	}
	old.works()
	h.pollingWorks(recent)
	for _, test := range []struct{ name, query, body string }{
		{"JSONP with no EIO", "transport=polling&j=0", code0},
		{"JSONP", "EIO=3&transport=polling&j=0", code0},
		{"JSONP without a number", "EIO=3&transport=polling&j", code0},
		{"revision 4 for a session of 3", polling + "&sid=" + old.ID(), code3},
		{"revision 3 for a session of 4", "EIO=3&transport=polling&sid=" + recent.ID(), code3},
	} {
		t.Run(test.name, func(t *testing.T) { h.in(t).do("GET", test.query, "").want(t, 400, test.body) })
	}
	for _, query := range []string{"EIO=4&transport=websocket&sid=" + old.ID(), "EIO=3&transport=websocket&sid=" + recent.ID()} {
		if _, res := h.raw(h.wsRequest(query)); res.StatusCode != 400 {
			t.Errorf("%s: %s, want 400", query, res.Status)
		}
	}
	old.works()
	h.pollingWorks(recent)

	// Whatever is not 4, as in the reference server: clients of before said nothing.
	for _, query := range []string{"", "EIO=2&", "EIO=&", "EIO=03&", "EIO=5&", "EIO=4&EIO=3&"} {
		t.Run("revision 3 by "+query, func(t *testing.T) {
			h := h.in(t)
			r := h.do("GET", query+"transport=polling", "")
			p := h.peer()
			if r.status != 200 || !strings.Contains(r.body, `:0{"sid":"`+p.ID()) || p.Protocol() != 3 {
				t.Errorf("%d %q, protocol %d", r.status, r.body, p.Protocol())
			}
			c, res := h.raw(h.wsRequest(query + "transport=websocket"))
			if res.StatusCode != 101 {
				t.Fatal(res.Status)
			}
			h.peer()
			c.read() // the open packet
			c.text("2")
			c.wants("3")
			c, res = h.raw(h.wsRequest(query + "transport=websocket&sid=" + p.ID()))
			if res.StatusCode != 101 {
				t.Fatal(res.Status)
			}
			c.text("2probe")
			c.wants("3probe")
		})
	}
}

func TestPollingV3(t *testing.T) {
	h := newHost(t, allow3)
	t.Run("binary, both ways", func(t *testing.T) {
		c := h.in(t).open3("")
		c.post("\x00\x03\xff4é\x01\x03\xff\x04\x00\xff", octets).want(t, 200, "ok")
		c.want("é")
		c.wantBinary("\x00\xff")
		c.post("6:b4AQID3:4🎉").want(t, 200, "ok")
		c.wantBinary("\x01\x02\x03")
		c.want("🎉")
		c.send("é🎉")
		c.sendBinary(0, 255)
		r := c.get()
		r.want(t, 200, "\x00\x07\xff4é🎉\x01\x03\xff\x04\x00\xff")
		if ct := r.header.Get("Content-Type"); ct != "application/octet-stream" {
			t.Errorf("Content-Type %q", ct)
		}
		c.send("text")
		r = c.get()
		r.want(t, 200, "5:4text")
		if ct := r.header.Get("Content-Type"); ct != "text/plain; charset=UTF-8" {
			t.Errorf("Content-Type %q", ct)
		}
	})
	t.Run("b64=1", func(t *testing.T) {
		c := h.in(t).open3("&b64=1")
		c.sendBinary(1, 2, 3)
		c.send("x")
		r := c.get()
		r.want(t, 200, "6:b4AQID2:4x")
		if ct := r.header.Get("Content-Type"); ct != "text/plain; charset=UTF-8" {
			t.Errorf("Content-Type %q", ct)
		}
	})
	t.Run("close", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newPipeHost(t, allow3).open3("")
			got := c.pend()
			synctest.Wait()
			c.post("1:12:4x").want(t, 200, "ok")
			(<-got).want(t, 200, "1:6")
			c.ends("transport close")
			c.silent()
			c.get().want(t, 400, code1)
		})
	})
	t.Run("close by the server", func(t *testing.T) {
		c := h.in(t).open3("")
		c.send("last")
		c.Session.Close()
		c.get().want(t, 200, "5:4last")
		c.get().want(t, 200, "1:61:1")
		c.get().want(t, 400, code1)
		c.ends("forced close")
	})
	t.Run("a second GET", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newPipeHost(t, allow3).open3("")
			first := c.pend()
			synctest.Wait()
			c.get().want(t, 400, code3)
			(<-first).want(t, 200, "1:1")
			c.ends("transport error")
		})
	})
	t.Run("what precedes a malformed packet counts", func(t *testing.T) {
		for _, binary := range []bool{false, true} {
			c := h.in(t).open3("")
			if binary {
				c.post("\x00\x02\xff4a\x00\x09\xff4b", octets).want(t, 200, "ok")
			} else {
				c.post("2:4a9:4b").want(t, 200, "ok")
			}
			c.want("a")
			c.ends("parse error")
			c.get().want(t, 400, code1)
		}
	})
	t.Run("malformed", func(t *testing.T) {
		for _, body := range []string{"", "x", "4a", "-1:4", "99999999999:4", "1:", "2:4🎉", "3:4\xff\xfe", "\x00\x01\xff2", "d=2:4a"} {
			c := h.in(t).open3("")
			c.post(body).want(t, 200, "ok")
			c.ends("parse error")
			c.silent()
		}
		for _, body := range []string{"", "1:2", "\x01\x00\xff", "\x00\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff4"} {
			c := h.in(t).open3("")
			c.post(body, octets).want(t, 200, "ok")
			c.ends("parse error")
			c.silent()
		}
	})
	t.Run("the limit", func(t *testing.T) {
		h := newHost(t, &engineio.Options{AllowEIO3: true, MaxPayload: 100})
		recent := h.open() // of revision 4: nothing has changed for it
		recent.h.do("POST", polling+"&sid="+recent.ID(), "4a", octets).want(t, 400, code3)
		r := h.do("GET", "EIO=3&transport=polling", "")
		c := client3{h.peer(), ""}
		if r.status != 200 {
			t.Fatalf("handshake: %d %q", r.status, r.body)
		}
		c.post("97:4"+strings.Repeat("x", 96)).want(t, 200, "ok")
		c.want(strings.Repeat("x", 96))
		for body, header := range map[string]string{
			"98:4" + strings.Repeat("x", 97):                 "Content-Type: text/plain",
			"\x01\x09\x07\xff\x04" + strings.Repeat("x", 96): octets,
		} {
			h.do("GET", "EIO=3&transport=polling", "")
			c := client3{h.peer(), ""}
			c.post(body, header).want(t, 413, "")
			c.ends("transport error")
		}
		c.post("\x01\x09\x06\xff\x04"+strings.Repeat("x", 95), octets).want(t, 200, "ok")
		c.wantBinary(strings.Repeat("x", 95))
		for range 10 { // and what goes out
			c.send(strings.Repeat("é", 20))
		}
		for range 5 {
			c.get().want(t, 200, strings.Repeat("21:4"+strings.Repeat("é", 20), 2))
		}
	})
	t.Run("no more packets than the Python client takes", func(t *testing.T) {
		r := h.do("GET", "EIO=3&transport=polling", "")
		c := client3{h.peer(), ""}
		if r.status != 200 {
			t.Fatal(r.status)
		}
		for range 20 {
			c.send("x")
		}
		c.get().want(t, 200, strings.Repeat("2:4x", 16))
		c.get().want(t, 200, strings.Repeat("2:4x", 4))
	})
}

func TestWebSocketV3(t *testing.T) {
	h := newHost(t, allow3)
	t.Run("binary, both ways", func(t *testing.T) {
		c, p := h.in(t).openWS3("")
		c.write(masked(opText, "4é🎉"), masked(opBinary, "\x04\x00\xff"), masked(opBinary, "\x04"), masked(opText, "b4AQID"))
		p.want("é🎉")
		p.wantBinary("\x00\xff")
		p.wantBinary("")
		p.wantBinary("\x01\x02\x03")
		p.sendBinary(1, 255)
		c.want(opBinary, "\x04\x01\xff")
		p.send("x")
		c.wants("4x")
	})
	t.Run("b64=1", func(t *testing.T) {
		c, p := h.in(t).openWS3("&b64=1")
		p.sendBinary(1, 2, 3)
		c.wants("b4AQID")
	})
	t.Run("malformed", func(t *testing.T) {
		for _, f := range [][]byte{
			masked(opBinary, ""), masked(opBinary, "\x02"), masked(opBinary, "4"), masked(opBinary, "\x00\x01\xff2"),
			masked(opText, ""), masked(opText, "7"), masked(opText, "b"), masked(opText, "bAQID"), masked(opText, "b4A"), masked(opText, "b3AQID"),
		} {
			c, p := h.in(t).openWS3("")
			c.write(f)
			c.closed(1005)
			p.ends("parse error")
			p.silent()
		}
	})
	t.Run("a slow client gets frames in its own form, whole", func(t *testing.T) {
		c, p := h.in(t).openWS3("")
		const n = 220 // more than the kernel takes, and less than the queue
		data := make([]byte, 20_000)
		for i := range n {
			data[0] = byte(i)
			p.sendBinary(data...)
			p.send(fmt.Sprint(i))
		}
		for i := range n {
			data[0] = byte(i)
			c.want(opBinary, "\x04"+string(data))
			c.wants(fmt.Sprint("4", i))
		}
	})
	t.Run("one message for both revisions", func(t *testing.T) {
		h := h.in(t)
		old, oldPeer := h.openWS3("")
		recent, recentPeer := h.openWS()
		m := engineio.NewBinaryMessage([]byte{1, 2})
		var b engineio.Batch
		for range 3 {
			for _, p := range []*peer{oldPeer, recentPeer} {
				if err := b.Send(p.Session, false, m); err != nil {
					t.Fatal(err)
				}
			}
		}
		b.Flush()
		for range 3 {
			old.want(opBinary, "\x04\x01\x02")
			recent.want(opBinary, "\x01\x02")
		}
	})
}

// upgrade3 moves a session to a WebSocket.
func (h *host) upgrade3(p client3, more string) *wsClient {
	h.t.Helper()
	c := h.ws3("&sid=" + p.ID() + more)
	c.text("2probe")
	c.wants("3probe")
	c.text("5")
	h.upgraded(c, p.peer)
	return c
}

func TestUpgradeV3(t *testing.T) {
	bubble3(t, "what is queued follows, in its form", nil, func(t *testing.T, h *host) {
		p := h.open3("")
		c := h.ws3("&sid=" + p.ID())
		got := p.pend()
		synctest.Wait()
		c.text("2probe")
		c.wants("3probe")
		(<-got).want(t, 200, "1:6")
		p.send("a")
		p.sendBinary(1)
		p.get().want(t, 200, "\x00\x02\xff4a\x01\x02\xff\x04\x01")
		p.send("b")
		p.sendBinary(2)
		c.text("5")
		c.wants("4b")
		c.want(opBinary, "\x04\x02")
		h.upgraded(c, p.peer)
		p.get().want(t, 400, code3)
		c.text("2")
		c.wants("3")
	})
	bubble3(t, "a GET that is pending at the end is released", nil, func(t *testing.T, h *host) {
		p := h.open3("")
		c := h.ws3("&sid=" + p.ID())
		c.text("2probe")
		c.wants("3probe")
		got := p.pend()
		synctest.Wait()
		c.text("5")
		(<-got).want(t, 200, "1:6")
		h.upgraded(c, p.peer)
	})
	bubble3(t, "anything else ends the WebSocket only", nil, func(t *testing.T, h *host) {
		p := h.open3("")
		for _, f := range [][]byte{masked(opText, "2"), masked(opBinary, "\x02probe"), masked(opBinary, "\x04"), masked(opText, "4x")} {
			c := h.ws3("&sid=" + p.ID())
			c.write(f)
			c.closed(1005)
			p.works()
		}
		h.upgrade3(p, "")
	})
	bubble3(t, "b64=1 of the handshake stays", nil, func(t *testing.T, h *host) {
		p := h.open3("&b64=1")
		c := h.ws3("&sid=" + p.ID())
		c.text("2probe")
		c.wants("3probe")
		p.sendBinary(1, 2, 3)
		p.get().want(t, 200, "6:b4AQID")
		c.text("5")
		h.upgraded(c, p.peer)
		p.sendBinary(1, 2, 3)
		c.wants("b4AQID")
	})
}
