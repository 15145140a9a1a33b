//go:build linux && !portable

package engineio_test

import (
	"strings"
	"testing"

	"github.com/siokit/sio/internal/timetest"
)

// Where each connection has a goroutine, Go's scheduler sees to their turns.

// TestTurns has the poller find, behind much of one client, a word of another.
func TestTurns(t *testing.T) {
	const n, turn = 4000, 96
	h, hold := newHeldHost(t, nil)
	greedy, much := h.parked()
	modest, little := h.parked()
	much.messages = make(chan message, n)
	free := hold()
	greedy.write([]byte(strings.Repeat(string(masked(opText, "4x")), n)))
	modest.text("4y")
	before := make(chan int, 1)
	little.heard = func() { before <- len(much.messages) }
	free()
	if got := timetest.Receive(t, before, patience, "the modest client"); got > turn {
		t.Errorf("%d messages of one client before the only one of another", got)
	}
	for range n {
		much.want("x")
	}
}

// TestHastyLast has the poller find, behind clients that have sent pings, one that has
// not.
func TestHastyLast(t *testing.T) {
	const n = 60 // all are told of at once
	h, hold := newHeldHost(t, nil)
	var cs []*wsClient
	var ps []*peer
	for range n {
		c, p := h.parked()
		for range 45 { // it takes five seconds to forget them
			c.write(masked(opPing, "x"))
			c.want(opPong, "x")
		}
		cs, ps = append(cs, c), append(ps, p)
	}
	modest, little := h.parked()
	free := hold()
	for _, c := range cs {
		c.text("4x")
	}
	modest.text("4y")
	before := make(chan int, 1)
	little.heard = func() {
		sum := 0
		for _, p := range ps {
			sum += len(p.messages)
		}
		before <- sum
	}
	free()
	if got := timetest.Receive(t, before, patience, "the modest client"); got > n/2 {
		t.Errorf("%d of %d hasty clients are read before the only other", got, n)
	}
	for _, p := range ps {
		p.want("x")
	}
}
