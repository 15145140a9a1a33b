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
