package memory_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/internal/journaltest"
	"github.com/siokit/sio/cluster/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A receiver writes down what it is told.
type receiver struct{ heard []string }

func (r *receiver) Receive(sub, channel string, data []byte) {
	r.heard = append(r.heard, fmt.Sprintf("%s %s %s", sub, channel, data))
}
func (r *receiver) Lost(n int, err error) {
	r.heard = append(r.heard, fmt.Sprint("lost ", n, " ", err))
}
func (r *receiver) Missed(n int, err error) {
	r.heard = append(r.heard, fmt.Sprint("missed ", n, " ", err))
}
func (r *receiver) Away(err error) { r.heard = append(r.heard, fmt.Sprint("away ", err)) }
func (r *receiver) Back()          { r.heard = append(r.heard, "back") }

// An eraser writes to what it receives.
type eraser struct{ cluster.Receiver }

func (eraser) Receive(_, _ string, data []byte) { clear(data) }

// hears checks what r has been told since the last call. To be called in a bubble.
func (r *receiver) hears(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if !slices.Equal(r.heard, want) {
		t.Errorf("heard %q, want %q", r.heard, want)
	}
	r.heard = nil
}

// two returns two engines of a hub, a and b, both of which have subscribed to "c".
func two(t *testing.T, h *memory.Hub) (a, b *memory.Engine, ra, rb *receiver) {
	t.Helper()
	start := func() (*memory.Engine, *receiver) {
		e, r := h.Engine(), new(receiver)
		if err := e.Start(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Close() })
		e.Subscribe("c")
		return e, r
	}
	a, ra = start()
	b, rb = start()
	return a, b, ra, rb
}

func bubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

var _ cluster.Engine = new(memory.Engine)

func TestEngine(t *testing.T) {
	bubble(t, "channels", func(t *testing.T) {
		h := memory.NewHub()
		a, b, ra, rb := two(t, h)
		a.Publish("c", []byte("1"), false)
		a.Publish("nobody", []byte("2"), false)
		b.Subscribe("d", "e", "d")
		a.Publish("d", []byte("3"), true)
		b.Unsubscribe("d", "never")
		a.Publish("d", []byte("4"), false)
		a.Publish("c", []byte("5"), false)
		ra.hears(t, "c c 1", "c c 5")
		rb.hears(t, "c c 1", "d d 3", "c c 5")
		if n, err := a.Count(t.Context(), "c"); n != 2 || err != nil {
			t.Errorf("%d %v", n, err)
		}
		if n, err := a.Count(t.Context(), "nobody"); n != 0 || err != nil {
			t.Errorf("%d %v", n, err)
		}
		if n := h.Channels(); n != 2 {
			t.Errorf("%d channels", n)
		}
	})
	bubble(t, "order", func(t *testing.T) {
		a, _, _, rb := two(t, memory.NewHub())
		var want []string
		for i := range 1000 {
			a.Publish("c", []byte(strconv.Itoa(i)), false)
			want = append(want, fmt.Sprint("c c ", i))
		}
		rb.hears(t, want...)
	})
	bubble(t, "what is received is the receiver's", func(t *testing.T) {
		h := memory.NewHub()
		a, _, _, rb := two(t, h)
		e := h.Engine()
		if err := e.Start(t.Context(), eraser{}); err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		e.Subscribe("c")
		b := []byte("1")
		for range 20 { // the order among receivers is any
			a.Publish("c", b, false)
			synctest.Wait()
		}
		want := slices.Repeat([]string{"c c 1"}, 20)
		rb.hears(t, want...)
	})
	bubble(t, "cut", func(t *testing.T) {
		a, b, ra, rb := two(t, memory.NewHub())
		b.Cut()
		b.Cut()
		a.Publish("c", []byte("1"), false)
		b.Publish("c", []byte("2"), false)
		b.Publish("c", []byte("volatile"), true)
		b.Subscribe("d")
		b.Subscribe("e")
		b.Unsubscribe("e")
		a.Publish("d", []byte("3"), false)
		ra.hears(t, "c c 1")
		rb.hears(t, "away memory: cut off", "lost 1 memory: cut off")
		if n, err := a.Count(t.Context(), "c"); n != 1 || err != nil {
			t.Errorf("%d %v", n, err)
		}
		if _, err := b.Count(t.Context(), "c"); err != memory.ErrCut {
			t.Errorf("%v", err)
		}
		b.Heal()
		b.Heal()
		a.Publish("d", []byte("4"), false)
		a.Publish("e", []byte("5"), false)
		ra.hears(t, "c c 2")
		rb.hears(t, "back", "c c 2", "d d 4")
	})
	bubble(t, "freeze", func(t *testing.T) {
		a, b, ra, rb := two(t, memory.NewHub())
		b.Freeze()
		a.Publish("c", []byte("1"), false)
		b.Publish("c", []byte("2"), true)
		ra.hears(t, "c c 1")
		rb.hears(t)
		if n, err := a.Count(t.Context(), "c"); n != 2 || err != nil {
			t.Errorf("%d %v", n, err)
		}
		b.Thaw()
		ra.hears(t, "c c 2")
		rb.hears(t, "c c 1", "c c 2")
	})
	bubble(t, "bounds", func(t *testing.T) {
		const most = 1 << 16
		a, b, _, rb := two(t, memory.NewHub())
		b.Freeze()
		for range most + 1 { // one too many for b to receive
			a.Publish("c", nil, false)
		}
		b.Thaw()
		synctest.Wait()
		if n := len(rb.heard) - 1; n != most || rb.heard[n] != "missed 1 memory: too many messages wait" {
			t.Errorf("%d messages, and %q", n, rb.heard[n])
		}
		rb.heard = nil
		b.Cut()
		for range most + 1 {
			b.Publish("nobody", nil, false)
		}
		rb.hears(t, "away memory: cut off", "lost 1 memory: too many messages wait")
	})
	bubble(t, "close while it is cut off", func(t *testing.T) {
		a, _, ra, _ := two(t, memory.NewHub())
		a.Cut()
		ra.hears(t, "away memory: cut off")
		a.Publish("c", nil, false)
		a.Publish("c", nil, false)
		a.Close()
		ra.hears(t, "lost 2 memory: cut off")
	})
	bubble(t, "close", func(t *testing.T) {
		h := memory.NewHub()
		a, b, ra, rb := two(t, h)
		b.Freeze()
		b.Publish("c", []byte("1"), false)
		b.Close()
		b.Close()
		b.Publish("c", []byte("2"), false)
		a.Publish("c", []byte("3"), false)
		ra.hears(t, "c c 1", "c c 3")
		rb.hears(t)
		a.Close()
		a.Subscribe("d")
		a.Unsubscribe("c")
		if n := h.Channels(); n != 0 {
			t.Errorf("%d channels are left", n)
		}
		if err := h.Engine().Close(); err != nil { // not started
			t.Error(err)
		}
	})
	bubble(t, "countless", func(t *testing.T) {
		a, _, _, _ := two(t, memory.NewCountlessHub())
		if n, err := a.Count(context.Background(), "c"); n != -1 || err != nil {
			t.Errorf("%d %v", n, err)
		}
	})
}

func TestJournal(t *testing.T) {
	hub := memory.NewHub()
	journaltest.Run(t, func(t *testing.T, r cluster.JournalReceiver) cluster.Journal {
		j := hub.Journal()
		if err := j.Start(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Close() })
		return j
	})
}
