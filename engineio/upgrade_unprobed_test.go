package engineio_test

import (
	"testing"
	"testing/synctest"

	"github.com/siokit/sio/engineio"
)

// TestUpgradeWithoutProbe has what clients in .NET and on microcontrollers send: the
// upgrade packet, as the first thing on the new WebSocket.
func TestUpgradeWithoutProbe(t *testing.T) {
	run := func(name string, f func(t *testing.T, h *host, p *peer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newPipeHost(t, nil)
				f(t, h, h.open())
			})
		})
	}
	run("takes over", func(t *testing.T, h *host, p *peer) {
		c := h.candidate(p)
		c.text("5")
		h.upgraded(c, p)
		p.send("a")
		c.wants("4a")
		h.get(p.ID()).want(t, 400, code3)
		if h.Len() != 1 {
			t.Errorf("%d sessions", h.Len())
		}
	})
	run("in one segment with what follows", func(t *testing.T, h *host, p *peer) {
		p.send("down")
		if err := p.Send(engineio.NewBinaryMessage([]byte{1, 2})); err != nil {
			t.Fatal(err)
		}
		c := h.candidate(p)
		c.write(masked(opText, "5"), masked(opText, "4a"), masked(opBinary, "b"), masked(opText, "4c"))
		c.wants("4down")
		c.want(opBinary, "\x01\x02")
		p.want("a")
		if m := p.next(); m != (message{"b", true}) {
			t.Errorf("message %+v", m)
		}
		p.want("c")
		p.silent()
	})
	run("releases the pending GET, and what comes then goes the new way, once", func(t *testing.T, h *host, p *peer) {
		get := h.pend(p.ID())
		synctest.Wait()
		c := h.candidate(p)
		c.text("5")
		(<-get).want(t, 200, "6")
		p.send("a", "b")
		c.wants("4a", "4b")
		h.upgraded(c, p)
	})
	run("what a GET has got comes no second time", func(t *testing.T, h *host, p *peer) {
		c := h.candidate(p)
		p.send("a")
		h.get(p.ID()).want(t, 200, "4a")
		p.send("b")
		c.text("5")
		c.wants("4b")
		h.upgraded(c, p)
	})
	run("a POST in flight loses nothing", func(t *testing.T, h *host, p *peer) {
		h.upgradeWhilePosting(p, func(*wsClient) {})
	})
	run("while the session is being closed", func(t *testing.T, h *host, p *peer) {
		p.send("last")
		p.Session.Close()
		p.ends("forced close")
		c := h.candidate(p)
		c.text("5")
		c.wants("4last")
		c.closed(1012)
	})
	run("only the first WebSocket can", func(t *testing.T, h *host, p *peer) {
		c := h.candidate(p)
		late := h.candidate(p)
		late.text("5")
		late.closed(1005)
		h.pollingWorks(p)
		c.text("5")
		h.upgraded(c, p)
	})
	run("not once another has taken over", func(t *testing.T, h *host, p *peer) {
		c := h.upgrade(p)
		late := h.candidate(p)
		late.text("5")
		late.closed(1005)
		h.upgraded(c, p)
		c.text("5") // of no meaning any more
		h.upgraded(c, p)
	})
	run("not a session that began on WebSocket", func(t *testing.T, h *host, _ *peer) {
		c, p := h.openWS()
		late := h.candidate(p)
		late.text("5")
		late.closed(1005)
		h.upgraded(c, p)
	})
	run("b64 of the new WebSocket", func(t *testing.T, h *host, p *peer) {
		c := h.ws("&b64=1&sid=" + p.ID())
		c.text("5")
		h.upgraded(c, p)
		if err := p.Send(engineio.NewBinaryMessage([]byte{1})); err != nil {
			t.Fatal(err)
		}
		c.wants("bAQ==")
	})
	bubble3(t, "revision 3", allow3, func(t *testing.T, h *host) {
		p := h.open3("")
		get := p.pend()
		synctest.Wait()
		c := h.ws3("&sid=" + p.ID())
		c.text("5")
		(<-get).want(t, 200, "1:6")
		h.upgraded(c, p.peer)
		p.send("a")
		c.wants("4a")
	})
}
