package cluster

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/cluster/wire"
)

// TestFresh has rooms be fresh for five seconds, however many there are.
func TestFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fresh
		last := 0
		check := func(when string, room int, want bool) {
			t.Helper()
			if got := f.has("/", fmt.Sprint(room)); got != want {
				t.Errorf("%s: room %d is fresh: %t", when, room, got)
			}
		}
		join := func(n int, pause time.Duration) {
			for range n {
				last++
				f.add("/", []string{fmt.Sprint(last)})
				check("at once", last, true)
				if len(f.rooms) > maxFresh {
					t.Fatalf("%d rooms", len(f.rooms))
				}
				time.Sleep(pause)
			}
		}
		check("at first", 1, false)
		join(1, 0)
		time.Sleep(freshFor - 1)
		check("soon", last, true)
		check("soon", last+1, false)
		time.Sleep(2)
		check("later", last, false)
		join(2*maxFresh, time.Second) // few at a time
		check("few", last, true)
		check("few", last-3, true)
		check("few", last-6, false)
		check("few", last+1, false)
		start := last
		join(10*maxFresh, 10*time.Microsecond) // many
		check("many", start+1, true)
		check("many", last+1, true)
		time.Sleep(freshFor)
		check("at last", last, false)
		if f.rooms != nil || f.some.Load() {
			t.Errorf("%d rooms are remembered", len(f.rooms))
		}
	})
}

// TestMissed has what an engine has missed counted.
func TestMissed(t *testing.T) {
	c, err := New(t.Context(), new(countingEngine), wire.Sharded("", wire.Dynamic), nil)
	if err != nil {
		t.Fatal(err)
	}
	receiver{c}.Missed(3, errors.New("no room"))
	receiver{c}.Missed(0, errors.New("nobody knows how many"))
	if n := c.Stats().Missed; n != 3 {
		t.Errorf("%d messages are missed, want 3", n)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
