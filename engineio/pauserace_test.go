package engineio_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
)

// A pauser pauses behind each message, and is resumed at any time.
type pauser struct {
	t     *testing.T
	s     *engineio.Session
	next  int
	last  int
	ended chan engineio.Reason
	done  chan struct{}
}

func (p *pauser) Message(data []byte, _ bool) {
	if want := fmt.Sprint(p.next); string(data) != want {
		p.t.Errorf("message %.20q, want %s", data, want)
		p.s.Close()
		return
	}
	p.s.Pause()
	go p.s.Resume()
	if p.next++; p.next == p.last {
		close(p.done)
	}
}

func (p *pauser) Close(r engineio.Reason) { p.ended <- r }

// TestPauseRace has Resume fall into the moment at which the reader stops.
func TestPauseRace(t *testing.T) {
	const last = 300_000
	p := &pauser{t: t, last: last, ended: make(chan engineio.Reason, 1), done: make(chan struct{})}
	quiet := engineio.Options{PingInterval: time.Hour} // a slow machine takes long
	srv, err := engineio.New(&quiet, func(s *engineio.Session) engineio.Handler {
		p.s = s
		return p
	})
	if err != nil {
		t.Fatal(err)
	}
	h := serveHost(t, srv)
	c := h.ws("")
	c.read() // the open packet
	for i := 0; i < last; {
		var batch [][]byte
		for range 100 {
			batch = append(batch, masked(opText, fmt.Sprint("4", i)))
			i++
		}
		c.write(batch...)
	}
	select {
	case <-p.done:
	case r := <-p.ended:
		t.Errorf("session ended with %q behind %d messages", r, p.next)
	}
}
