package socketio_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/recovery"
)

// A slowStore takes its time with events until it is over.
type slowStore struct {
	recovery.MemoryStore
	looked atomic.Int32
	began  chan struct{} // closed by the first look
	over   atomic.Bool
}

func (s *slowStore) Event(seq uint64) (recovery.Event, error) {
	if s.looked.Add(1) == 1 {
		close(s.began)
	}
	if !s.over.Load() {
		time.Sleep(time.Millisecond)
	}
	return s.MemoryStore.Event(seq)
}

// Who emits does not wait until a client that is back has looked through the log.
func TestRecoveryLetsOthersEmit(t *testing.T) {
	const events = 5000
	store := &slowStore{began: make(chan struct{})}
	h := newHost(t, recovering(socketio.Recovery{MaxBytes: 64 << 20, Store: func(string) recovery.Store { return store }}))
	n := h.of("/", nil)
	guests := []*guest{h.guest("/"), h.guest("/"), h.guest("/")}
	n.wants("connect", "connect", "connect")
	for _, g := range guests {
		g.cut(n)
	}
	for range events {
		done(t, n.All().To(guests[0].sid).Except(guests[0].sid).Emit("for nobody"))
	}
	done(t, n.All().Emit("missed"))
	results := make(chan bool)
	for _, g := range guests {
		go func() { // until it is back
			ok, err := g.tryCome(h)
			if err != nil {
				t.Error(err)
			}
			results <- ok
		}()
	}
	timetest.Receive(t, store.began, h.limit, "the first look")
	done(t, n.All().Emit("missed too"))
	if looked := store.looked.Load(); looked >= events { // it has slept for seconds, then
		t.Errorf("who emits has waited for %d events", looked)
	}
	store.over.Store(true)
	for range guests {
		if !<-results {
			t.Error("not recovered")
		}
	}
	for _, g := range guests {
		g.hears("missed", "missed too")
	}
	if looked := store.looked.Load(); looked < 3*events {
		t.Errorf("%d events were looked at", looked)
	}
}
