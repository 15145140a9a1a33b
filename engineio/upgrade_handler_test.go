package engineio_test

import (
	"testing"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
)

// A mover is a handler that notes what it is told, in order.
type mover struct {
	sess *engineio.Session
	told chan string
}

func (m mover) Message(data []byte, _ bool) { m.told <- "message " + string(data) }

func (m mover) Close(reason engineio.Reason) { m.told <- "close " + string(reason) }

func (m mover) Upgraded() { m.told <- "upgraded " + m.sess.Transport() }

func newMover(t *testing.T) (*host, chan mover) {
	t.Helper()
	opened := make(chan mover, 16)
	srv, err := engineio.New(nil, func(s *engineio.Session) engineio.Handler {
		m := mover{s, make(chan string, 16)}
		opened <- m
		return m
	})
	if err != nil {
		t.Fatal(err)
	}
	return serveHost(t, srv), opened
}

func (m mover) want(t *testing.T, told ...string) {
	t.Helper()
	for _, want := range told {
		if got := timetest.Receive(t, m.told, patience, want); got != want {
			t.Fatalf("told %q, want %q", got, want)
		}
	}
}

func TestUpgraded(t *testing.T) {
	h, opened := newMover(t)
	h.do("GET", polling, "")
	m := <-opened
	h.post(m.sess.ID(), "4a\x1e4b").want(t, 200, "ok")
	c := h.ws("&sid=" + m.sess.ID())
	c.text("2probe")
	c.wants("3probe")
	h.post(m.sess.ID(), "4c").want(t, 200, "ok") // polling goes on
	c.write(masked(opText, "5"), masked(opText, "4d"))
	m.want(t, "message a", "message b", "message c", "upgraded websocket", "message d")
	c.text("1")
	m.want(t, "close transport close")
}

// Neither a WebSocket from the beginning nor a probe that fails is an upgrade.
func TestNotUpgraded(t *testing.T) {
	h, opened := newMover(t)
	c := h.ws("")
	c.read() // the open packet
	m := <-opened
	c.text("4a")
	c.text("5")
	c.text("4b")
	m.want(t, "message a", "message b")

	h.do("GET", polling, "")
	m = <-opened
	probe := h.ws("&sid=" + m.sess.ID())
	probe.text("6")
	probe.closed(1005)
	h.post(m.sess.ID(), "4a")
	m.want(t, "message a")
}
