// Package journaltest has what all journals do.
package journaltest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/wire"
)

// patience is how long anything may take on a machine that is busy.
const patience = time.Minute

// Run tests the journal of one cluster, which has nothing yet. Start starts a journal of another
// server, and has it closed when the test ends.
func Run(t *testing.T, start func(t *testing.T, r cluster.JournalReceiver) cluster.Journal) {
	t.Run("entries", func(t *testing.T) { entries(t, start) })
	t.Run("records", func(t *testing.T) { records(t, start(t, newReceiver()), start(t, newReceiver())) })
}

// A receiver keeps what it is told.
type receiver struct {
	mu      sync.Mutex // protects the following
	changed *sync.Cond
	told    []told
	past    int // how many of these were there before
	begin   uint64
	gaps    int
	expired bool
}

type told struct {
	pos   uint64
	entry wire.Entry
}

func newReceiver() *receiver {
	r := new(receiver)
	r.changed = sync.NewCond(&r.mu)
	return r
}

// Receive and the rest are those of a [cluster.JournalReceiver].
func (r *receiver) Receive(_, _ string, _ []byte) {}
func (r *receiver) Lost(int, error)               {}
func (r *receiver) Missed(int, error)             {}
func (r *receiver) Away(error)                    {}
func (r *receiver) Back()                         {}
func (r *receiver) Refused(uint64, error)         {}

func (r *receiver) Gap(upTo uint64) {
	r.note(func() {
		if r.gaps++; r.gaps == 1 && len(r.told) == 0 {
			r.begin = upTo
		}
	})
}

func (r *receiver) Appended(pos uint64, e wire.Entry, past bool) {
	r.note(func() {
		r.told = append(r.told, told{pos, e})
		if past {
			r.past++
		}
	})
}

func (r *receiver) note(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	r.changed.Broadcast()
}

// wait returns so many entries.
func (r *receiver) wait(t *testing.T, n int) []told {
	t.Helper()
	defer time.AfterFunc(patience, func() { r.note(func() { r.expired = true }) }).Stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.told) < n {
		if r.expired {
			t.Fatalf("%d entries of %d", len(r.told), n)
		}
		r.changed.Wait()
	}
	return slices.Clone(r.told)
}

func entries(t *testing.T, start func(*testing.T, cluster.JournalReceiver) cluster.Journal) {
	a, b := newReceiver(), newReceiver()
	journals := map[string]cluster.Journal{"a": start(t, a), "b": start(t, b)}
	const each = 500
	for uid, j := range journals {
		go func() { // until all is appended, which is awaited below
			for n := range uint64(each) {
				e := wire.Entry{UID: uid, Nsp: "/é", Type: "3", Data: fmt.Sprintf(`{"a":"ü%d"}`, n+1), Number: n + 1}
				if n%10 == 0 {
					e.Data = ""
				}
				if !j.Append(e) {
					t.Error("not appended")
				}
			}
		}()
	}
	got := a.wait(t, 2*each)
	if !slices.Equal(got, b.wait(t, 2*each)) || len(got) != 2*each {
		t.Fatal("two servers were told different things")
	}
	next, pos := make(map[string]uint64), a.begin
	for _, x := range got {
		e := x.entry
		next[e.UID]++
		want := wire.Entry{UID: e.UID, Nsp: "/é", Type: "3", Data: fmt.Sprintf(`{"a":"ü%d"}`, next[e.UID]), Number: next[e.UID]}
		if want.Number%10 == 1 {
			want.Data = ""
		}
		if e != want {
			t.Fatalf("%+v, want %+v", e, want)
		}
		if x.pos <= pos {
			t.Fatalf("position %d behind %d", x.pos, pos)
		}
		pos = x.pos
		for _, j := range journals {
			offset := j.Offset(pos)
			if text, err := json.Marshal(offset); err != nil || string(text) != `"`+offset+`"` || len(offset) > 32 {
				t.Fatalf("offset %q", offset)
			}
			if back, ok := j.Position(offset); !ok || back != pos {
				t.Fatalf("%q is %d, %v, want %d", offset, back, ok, pos)
			}
			if _, ok := j.Position(offset + " "); ok {
				t.Fatalf("%q with a space is one, too", offset)
			}
		}
	}
	if a.gaps != 1 || b.gaps != 1 || a.past+b.past > 0 {
		t.Errorf("%d and %d gaps, %d of the past", a.gaps, b.gaps, a.past+b.past)
	}

	late := newReceiver()
	c := start(t, late)
	if late.past != len(got) || !slices.Equal(late.told, got) || late.begin != a.begin || late.gaps != 1 {
		t.Errorf("who comes later is told of %d from %d on, with %d gaps, want %d from %d on", late.past, late.begin, late.gaps, len(got), a.begin)
	}
	c.Append(wire.Entry{UID: "c", Nsp: "/", Type: "3", Data: "{}", Number: 1})
	if err := c.Close(); err != nil { // which sends what is queued
		t.Error(err)
	}
	if c.Append(wire.Entry{UID: "c", Nsp: "/", Type: "3", Data: "{}", Number: 2}) {
		t.Error("appended after Close")
	}
	if last := a.wait(t, 2*each+1)[2*each]; last.entry.UID != "c" || last.pos <= pos {
		t.Errorf("%+v at %d", last.entry, last.pos)
	}
}

// Record returns a record with a lease of its own for each owner.
func Record(owner, data string) []byte {
	return []byte(owner + strings.Repeat("-", wire.LeaseLen-len(owner)) + data)
}
