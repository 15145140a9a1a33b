package socketio_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/recovery"
)

// Who emits does not wait until a client that is back has looked through the log.
func TestRecoveryLetsOthersEmit(t *testing.T) {
	const events = 5000
	var looked atomic.Int32
	var over atomic.Bool
	began := make(chan struct{}) // closed by the first look
	store := hooked(new(recovery.MemoryStore))
	store.reads = func(uint64) { // it takes its time until it is over
		if looked.Add(1) == 1 {
			close(began)
		}
		if !over.Load() {
			time.Sleep(time.Millisecond)
		}
	}
	h := newHost(t, recovering(socketio.Recovery{MaxBytes: 64 << 20, Store: store.make}))
	n := h.of("/", nil)
	guests := []*guest{h.guest("/"), h.guest("/"), h.guest("/")}
	n.wants("connect", "connect", "connect")
	for _, g := range guests {
		g.cut(n)
	}
	for range events { // for two rooms, or they would be passed over
		done(t, n.All().To(guests[0].sid, "nobody").Except(guests[0].sid).Emit("for nobody"))
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
	timetest.Receive(t, began, h.limit, "the first look")
	done(t, n.All().Emit("missed too"))
	if looked := looked.Load(); looked >= events { // it has slept for seconds, then
		t.Errorf("who emits has waited for %d events", looked)
	}
	over.Store(true)
	for range guests {
		if !<-results {
			t.Error("not recovered")
		}
	}
	for _, g := range guests {
		g.hears("missed", "missed too")
	}
	if looked := looked.Load(); looked < 3*events {
		t.Errorf("%d events were looked at", looked)
	}
}
