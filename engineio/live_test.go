//go:build linux && !portable

package engineio_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/logtest"
)

// TestLive has the poller blocked, which three looks in half a minute have to see, and
// then not any more.
func TestLive(t *testing.T) {
	var log logtest.Buffer
	logger := zerolog.New(&log).Level(zerolog.ErrorLevel)
	h, hold := newHeldHost(t, &engineio.Options{Logger: &logger})
	live := func(after time.Duration) {
		t.Helper()
		if err := h.LiveAt(after); err != nil {
			t.Errorf("after %v: %v", after, err)
		}
	}
	live(0)
	free := hold()
	for after := time.Duration(0); after < 30*time.Second; after += time.Second {
		live(after)
	}
	for range 2 {
		if err := h.LiveAt(30 * time.Second); !errors.Is(err, engineio.ErrStuck) || !strings.Contains(err.Error(), "poller 0") {
			t.Errorf("blocked for half a minute: %v", err)
		}
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "newHeldHost") {
		t.Errorf("not one line with the stack of who blocks: %.5000s", got)
	}
	free()
	c, p := h.openWS()
	for range 2 { // the first is read elsewhere
		c.text("4on")
		p.want("on")
	}
	live(31 * time.Second)
	live(62 * time.Second)
}

// TestLiveAfterAPause has a process that was stopped in the middle of a turn.
func TestLiveAfterAPause(t *testing.T) {
	h, hold := newHeldHost(t, nil)
	free := hold()
	defer free()
	for after := range 3 {
		if err := h.LiveAt(time.Duration(after) * time.Hour); err != nil {
			t.Errorf("look %d: %v", after, err)
		}
	}
	if err := h.LiveAt(3 * time.Hour); !errors.Is(err, engineio.ErrStuck) {
		t.Errorf("the next look: %v", err)
	}
}

// TestLiveUnderLoad looks at a server that is never idle, as if once a minute.
func TestLiveUnderLoad(t *testing.T) {
	h := newHost(t, nil)
	c, p := h.parked()
	for i := range 1000 {
		c.text("4x")
		p.want("x")
		if err := p.Send(engineio.NewMessage([]byte("y"))); err != nil {
			t.Fatal(err)
		}
		c.want(opText, "4y")
		if err := h.LiveAt(time.Duration(i) * time.Minute); err != nil {
			t.Fatal(err)
		}
	}
}
