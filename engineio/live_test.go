//go:build linux && !portable

package engineio_test

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/logtest"
	"github.com/siokit/sio/internal/timetest"
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

// TestLiveOfWriting has who writes wait for a session that nobody gives free.
func TestLiveOfWriting(t *testing.T) {
	var log logtest.Buffer
	logger := zerolog.New(&log).Level(zerolog.ErrorLevel)
	h := newHost(t, &engineio.Options{Logger: &logger})
	c, p := h.parked()
	var b engineio.Batch
	if err := b.Send(p.Session, false, engineio.NewMessage([]byte("late"))); err != nil {
		t.Fatal(err)
	}
	now := time.Duration(0)
	look := func(until func(error) bool) (err error) {
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); runtime.Gosched() {
			now += time.Second
			if err = h.LiveAt(now); until(err) {
				return err
			}
		}
		t.Error("looked in vain")
		return err
	}
	free := p.HoldLock()
	b.Flush()
	err := look(func(err error) bool { // half a minute goes by in no time, perhaps while something is still read
		return err != nil && strings.Contains(err.Error(), "writing")
	})
	free()
	if !errors.Is(err, engineio.ErrStuck) {
		t.Errorf("nobody writes: %v", err)
	}
	if got := log.String(); !strings.Contains(got, "(*drain).write") {
		t.Errorf("no stack of who writes: %.5000s", got)
	}
	c.want(opText, "4late")
	_ = look(func(err error) bool { return err == nil })
}

// TestLiveHasTheStack has many other goroutines, and a log that blocks.
func TestLiveHasTheStack(t *testing.T) {
	writes, goOn := make(chan string, 1), make(chan struct{})
	logger := zerolog.New(writerFunc(func(p []byte) (int, error) {
		writes <- string(p)
		<-goOn
		return len(p), nil
	})).Level(zerolog.ErrorLevel)
	var others sync.WaitGroup
	stop := make(chan struct{})
	defer func() {
		close(stop)
		others.Wait()
	}()
	for i := range 500 {
		others.Go(func() { deeply(i, stop) })
	}
	h, hold := newHeldHost(t, &engineio.Options{Logger: &logger})
	defer hold()()
	for after := range 30 {
		if err := h.LiveAt(time.Duration(after) * time.Second); err != nil {
			t.Fatal(err)
		}
	}
	var probes sync.WaitGroup
	defer func() {
		close(goOn)
		probes.Wait()
	}()
	probes.Go(func() {
		if err := h.LiveAt(30 * time.Second); !errors.Is(err, engineio.ErrStuck) {
			t.Errorf("blocked for half a minute: %v", err)
		}
	})
	line := timetest.Receive(t, writes, patience, "the log")
	if !strings.Contains(line, "newHeldHost") || !strings.Contains(line, "deeply") || len(line) > 100<<10 {
		t.Errorf("not the stack of who blocks: %.5000s", line)
	}
	second := make(chan error, 1)
	probes.Go(func() { second <- h.LiveAt(31 * time.Second) })
	if err := timetest.Receive(t, second, patience, "the next look, while the log blocks"); !errors.Is(err, engineio.ErrStuck) {
		t.Errorf("the next look: %v", err)
	}
}

// deeply waits at the end of some calls.
func deeply(calls int, stop chan struct{}) {
	if calls > 0 {
		deeply(calls-1, stop)
		return
	}
	<-stop
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

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
