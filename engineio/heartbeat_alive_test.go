package engineio_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
)

const short = 3 * time.Second

// asks asks whether p is there, and returns where the one answer comes.
func asks(t *testing.T, p *peer) <-chan bool {
	answer := make(chan bool, 1)
	p.Session.Alive(short, func(alive bool) {
		select {
		case answer <- alive:
		default:
			t.Error("answered twice")
		}
	})
	return answer
}

// hears checks an answer, and when it comes.
func hears(t *testing.T, answer <-chan bool, want bool, since time.Time, d time.Duration) {
	t.Helper()
	if got := timetest.Receive(t, answer, time.Hour, "an answer"); got != want {
		t.Fatalf("alive %t", got)
	}
	after(t, since, d)
}

// unheard checks that there is no answer yet.
func unheard(t *testing.T, answer <-chan bool) {
	t.Helper()
	synctest.Wait()
	if len(answer) > 0 {
		t.Fatalf("alive %t already", <-answer)
	}
}

func TestAlive(t *testing.T) {
	run := func(name string, opts *engineio.Options, f func(t *testing.T, h *host)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, newPipeHost(t, opts)) })
		})
	}
	run("websocket/who answers the ping", nil, func(t *testing.T, h *host) {
		start := time.Now()
		c, p := h.openWS()
		a, b := asks(t, p), asks(t, p)
		c.wants("2") // one for both
		time.Sleep(time.Second)
		c.text("3")
		hears(t, a, true, start, time.Second)
		hears(t, b, true, start, time.Second)
		c.wants("2") // of the heartbeat, which has not noticed
		after(t, start, 25*time.Second)
	})
	run("websocket/who is silent", nil, func(t *testing.T, h *host) {
		start := time.Now()
		c, p := h.openWS()
		a := asks(t, p)
		c.wants("2")
		c.text("4x") // it may have been under way for long
		p.want("x")
		hears(t, a, false, start, short)
		p.alive() // nobody is thrown out for that
		if !p.Unanswered() {
			t.Error("nothing is unanswered")
		}
		c.text("3")
		synctest.Wait()
		if p.Unanswered() {
			t.Error("something is unanswered still")
		}
		start = time.Now()
		a = asks(t, p)
		c.wants("2")
		c.text("3")
		hears(t, a, true, start, 0)
	})
	run("websocket/the answer to an earlier ping is none", nil, func(t *testing.T, h *host) {
		c, p := h.openWS()
		c.wants("2")
		start := time.Now()
		a := asks(t, p)
		c.wants("2")
		c.text("3")
		unheard(t, a)
		hears(t, a, false, start, short)
		c.text("3") // late
		c.wants("2")
		c.text("3")
		start = time.Now()
		a = asks(t, p)
		c.wants("2")
		c.text("3")
		hears(t, a, true, start, 0)
	})
	run("websocket/a client that does not answer each ping", nil, func(t *testing.T, h *host) {
		c, p := h.openWS()
		for range 5 {
			a := asks(t, p)
			c.wants("2")
			hears(t, a, false, time.Now(), short)
		}
		c.wants("2") // of the heartbeat
		c.text("3")
		synctest.Wait()
		start := time.Now()
		a := asks(t, p)
		c.wants("2")
		c.text("3")
		hears(t, a, true, start, 0)
	})
	run("websocket/one that is paused has its pong unread", nil, func(t *testing.T, h *host) {
		start := time.Now()
		c, p := h.openWS()
		p.Pause()
		a := asks(t, p)
		c.wants("2")
		hears(t, a, true, start, short)
		start = time.Now()
		a = asks(t, p)
		c.wants("2")
		time.Sleep(2 * time.Second)
		p.Resume()
		p.Pause()
		p.Resume()
		hears(t, a, false, start, 2*time.Second+short)
	})
	run("websocket/the end of the session ends the wait", nil, func(t *testing.T, h *host) {
		for _, end := range []func(c *wsClient, p *peer){
			func(c *wsClient, _ *peer) { c.conn.Close() },
			func(_ *wsClient, p *peer) { p.Session.Close() },
			func(_ *wsClient, p *peer) { p.Abort(engineio.ReasonTransportError) },
		} {
			start := time.Now()
			c, p := h.openWS()
			a := asks(t, p)
			c.wants("2")
			unheard(t, a)
			end(c, p)
			hears(t, a, false, start, 0)
			hears(t, asks(t, p), false, start, 0)
		}
	})
	run("polling/between two polls", nil, func(t *testing.T, h *host) {
		start := time.Now()
		p := h.open()
		a := asks(t, p)
		time.Sleep(2 * time.Second)
		h.get(p.ID()).want(t, 200, "2")
		h.post(p.ID(), "3").want(t, 200, "ok")
		hears(t, a, true, start, 2*time.Second)
	})
	run("polling/with a GET pending", nil, func(t *testing.T, h *host) {
		start := time.Now()
		p := h.open()
		get := h.pend(p.ID())
		synctest.Wait()
		a := asks(t, p)
		(<-get).want(t, 200, "2")
		unheard(t, a)
		hears(t, a, false, start, short)
	})
	run("an upgrade on the way", nil, func(t *testing.T, h *host) {
		start := time.Now()
		p := h.open()
		a := asks(t, p)
		c := h.upgrade(p)
		c.wants("2")
		c.text("3")
		hears(t, a, true, start, 0)
	})
	bubble3(t, "nobody can ask clients of revision 3", nil, func(t *testing.T, h *host) {
		start := time.Now()
		c, p := h.openWS3("")
		hears(t, asks(t, p), true, start, 0)
		c.conn.Close()
		p.ends("transport close")
		hears(t, asks(t, p), false, start, 0)
	})
}
