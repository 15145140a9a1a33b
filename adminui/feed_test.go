package adminui

import (
	"fmt"
	"testing"

	"github.com/siokit/sio"
)

// Other servers name the pages.
func TestRoundsAreBounded(t *testing.T) {
	f := &feed{entries: map[*sio.Socket]*entry{nil: {told: true}}}
	for i := range 10 * maxRounds {
		f.welcome(greeting{id: fmt.Sprint(i)})
	}
	if len(f.rounds) != maxRounds {
		t.Errorf("%d rounds, want %d", len(f.rounds), maxRounds)
	}
}

func TestShares(t *testing.T) {
	for _, most := range []int{1, 7, 20, 100, 1000, 10_000} {
		for servers := 1; servers <= 1+maxPeers; servers++ {
			n := shareOf(most, servers)
			if all := n * servers; all > 2*most || all > most && n > minShare {
				t.Errorf("%d servers show %d sockets each, of %d", servers, n, most)
			}
			if servers*minShare <= 2*most && n < min(minShare, most) {
				t.Errorf("%d servers show only %d sockets each, of %d", servers, n, most)
			}
		}
		if n := shareOf(most, 1); n != most {
			t.Errorf("one server shows %d of %d", n, most)
		}
	}
}
