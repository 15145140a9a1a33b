package cluster_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/siotest"
)

// TestStalledJournal has a journal append nothing for a while: clients get what their own
// server emits, and whoever goes elsewhere meanwhile gets it neither again, nor not at all.
func TestStalledJournal(t *testing.T) {
	for _, back := range []bool{false, true} {
		t.Run(fmt.Sprint("back to its own server ", back), func(t *testing.T) {
			hub := memory.NewHub()
			a, b := newMember(t, hub, time.Minute), newMember(t, hub, time.Minute)
			r := (&roamer{t: t}).come(a)
			until(t, "the record", func() bool { return len(a.cl.Members()) == 1 && saved(t, a, r.pid, "room") })
			ok(t, a.To("room").Emit("first"))
			hub.Halt()
			for i := range 3 { // the first of them waits, the others follow
				ok(t, a.To("room").Emit("early", i))
			}
			r.hears("first", "early 0", "early 1", "early 2")
			ok(t, a.To("room").Emit("early", 3))
			r.hears("early 3")
			r.c.Close()
			until(t, "it to be gone", func() bool { return a.Of("/").Len() == 0 })
			ok(t, a.To("room").Emit("missed", 4))
			ok(t, b.To("room").Emit("missed", 5)) // waits there
			to := b
			if back {
				to = a
			}
			if r.come(to); !r.recovered {
				t.Fatal("not recovered")
			}
			hub.Go()
			r.hears("missed 4", "missed 5")
			ok(t, b.To("room").Emit("last"))
			r.hears("last")
		})
	}
}

// TestLostEarly has a client lose what it was sent before its turn, with its link: it gets that
// when it comes back, on whatever server, and what it has got is not sent again.
func TestLostEarly(t *testing.T) {
	for _, back := range []bool{false, true} {
		t.Run(fmt.Sprint("back to its own server ", back), func(t *testing.T) {
			hub := memory.NewHub()
			a, b := newMember(t, hub, time.Minute), newMember(t, hub, time.Minute)
			r, other := (&roamer{t: t}).come(a), (&roamer{t: t}).come(a)
			until(t, "the records", func() bool {
				return len(a.cl.Members()) == 1 && saved(t, a, r.pid, "room") && saved(t, a, other.pid, "room")
			})
			ok(t, a.To("room").Emit("first"))
			hub.Halt()
			ok(t, a.To("room").Emit("early", 0))
			r.hears("first", "early 0")
			for i := range 3 { // it has them in its socket, and does not read them
				ok(t, a.To("room").Emit("early", i+1))
			}
			other.hears("first", "early 0", "early 1", "early 2", "early 3")
			r.c.Close()
			until(t, "it to be gone", func() bool { return a.Of("/").Len() == 1 })
			to := b
			if back {
				to = a
			}
			if r.come(to); !r.recovered {
				t.Fatal("not recovered")
			}
			ok(t, a.To("room").Emit("early", 4)) // it waits behind those
			other.hears("early 4")
			hub.Go()
			r.hears("early 1", "early 2", "early 3", "early 4")
			ok(t, b.To("room").Emit("last"))
			r.hears("last")
			other.hears("last")
			if strings.Contains(r.offset+other.offset, "~") {
				t.Errorf("offsets are provisional still: %q, %q", r.offset, other.offset)
			}
		})
	}
}

// TestLongStall has a client come back long before the journal goes on: what waits is for it, too.
func TestLongStall(t *testing.T) {
	hub := memory.NewHub()
	a := newMember(t, hub, time.Minute)
	r, other := (&roamer{t: t}).come(a), (&roamer{t: t}).come(a)
	until(t, "the records", func() bool { return saved(t, a, r.pid, "room") && saved(t, a, other.pid, "room") })
	ok(t, a.To("room").Emit("first"))
	r.hears("first")
	r.c.Close()
	until(t, "it to be gone", func() bool { return a.Of("/").Len() == 1 })
	hub.Halt()
	ok(t, a.To("room").Emit("missed"))
	if r.come(a); !r.recovered {
		t.Fatal("not recovered")
	}
	other.hears("first", "missed")
	time.Sleep(2500 * time.Millisecond) // longer than what comes back is waited for
	hub.Go()
	r.hears("missed")
	ok(t, a.To("room").Emit("last"))
	r.hears("last")
	other.hears("last")
}

// TestLostEarlyUntilLater has a client lose what it was sent before its turn, and be noticed as
// gone when that was over.
func TestLostEarlyUntilLater(t *testing.T) {
	for _, first := range []bool{false, true} { // it has got an offset
		t.Run(fmt.Sprint("behind another one ", first), func(t *testing.T) {
			hub := memory.NewHub()
			a := newMember(t, hub, time.Minute)
			r, other := (&roamer{t: t}).come(a), (&roamer{t: t}).come(a)
			until(t, "the records", func() bool { return saved(t, a, r.pid, "room") && saved(t, a, other.pid, "room") })
			if first {
				ok(t, a.To("room").Emit("first"))
				r.hears("first")
				other.hears("first")
			}
			ok(t, a.To("elsewhere").Emit("old"), a.To(other.sid).Emit("behind it"))
			other.hears("behind it")
			hub.Trim(0)
			b := newMember(t, hub, time.Minute) // it knows nothing of what was before
			until(t, "the other server", func() bool { return len(a.cl.Members()) == 1 })
			hub.Halt()
			ok(t, a.To("room").Emit("early")) // r does not read it
			other.hears("early")
			hub.Go()
			ok(t, a.To(other.sid).Emit("behind it"))
			other.hears("behind it")
			r.c.Close()
			until(t, "it to be gone", func() bool { return a.Of("/").Len() == 1 })
			if r.come(b); !r.recovered {
				t.Fatal("not recovered")
			}
			r.hears("early")
			ok(t, a.To("room").Emit("last"))
			r.hears("last")
		})
	}
}

// A slow is a journal whose Save waits for its context, once it is armed.
type slow struct {
	*memory.Journal
	armed atomic.Bool
	stuck chan struct{} // closed when Save waits
}

func (s *slow) Save(ctx context.Context, records []cluster.Record) ([]bool, error) {
	if s.armed.CompareAndSwap(true, false) {
		close(s.stuck)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.Journal.Save(ctx, records)
}

// TestCloseSavesAll has a cluster closed while records are being written: those of all
// clients are written then.
func TestCloseSavesAll(t *testing.T) {
	const clients = 1500
	hub := memory.NewHub()
	s := &slow{Journal: hub.Journal(), stuck: make(chan struct{})}
	m := newMemberBy(t, s.Journal, s, time.Minute)
	for range clients {
		siotest.Connect(t, m)
	}
	until(t, "the records", func() bool { return hub.Records() == clients })
	s.armed.Store(true)
	ok(t, m.Shutdown(context.Background()))
	timetest.Receive(t, s.stuck, 20*time.Second, "a record that is written")
	ok(t, m.cl.Close())
	m.dead = true
	for _, data := range hub.AllRecords() {
		if session, err := wire.DecodeSession(data); err != nil || !strings.Contains(string(session.Extra), `"gone":true`) {
			t.Fatalf("a record that does not say that its client has left: %s, %v", session.Extra, err)
		}
	}
}
