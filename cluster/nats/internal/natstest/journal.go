package natstest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/siokit/sio/cluster/wire"
)

// A JournalRecorder is a [cluster.JournalReceiver] that keeps what it is told.
type JournalRecorder struct {
	*Recorder
	Entries   []string // what was appended: the UID and the number
	Positions []uint64 // of these
	Past      int      // how many of these were there before
	Data      []string // of these
	Refusals  []uint64
	Begin     uint64 // where the journal began
	Gaps      int    // others
	began     bool
}

// NewJournalRecorder returns one that has been told nothing.
func NewJournalRecorder() *JournalRecorder { return &JournalRecorder{Recorder: NewRecorder()} }

// Appended implements [cluster.JournalReceiver].
func (r *JournalRecorder) Appended(pos uint64, e wire.Entry, past bool) {
	r.note(func() {
		r.Entries = append(r.Entries, fmt.Sprint(e.UID, " ", e.Number))
		r.Data = append(r.Data, e.Data)
		r.Positions = append(r.Positions, pos)
		if past {
			r.Past++
		}
	})
}

// Refused implements [cluster.JournalReceiver].
func (r *JournalRecorder) Refused(number uint64, err error) {
	r.note(func() { r.Refusals = append(r.Refusals, number); r.Errs = append(r.Errs, err) })
}

// Gap implements [cluster.JournalReceiver].
func (r *JournalRecorder) Gap(upTo uint64) {
	r.note(func() {
		if r.began {
			r.Gaps++
		} else {
			r.Begin, r.began = upTo, true
		}
	})
}

// WaitEntries waits until so many were appended.
func (r *JournalRecorder) WaitEntries(t testing.TB, n int) {
	t.Helper()
	r.Wait(t, fmt.Sprint("entry ", n), func() bool { return len(r.Entries) >= n })
}

// SameEntries fails unless all were told the same, at the same positions, and each is there
// once, those of one server in the order of their numbers from 1 on.
func SameEntries(t testing.TB, recorders ...*JournalRecorder) {
	t.Helper()
	first := recorders[0]
	for i, r := range recorders[1:] {
		if !slices.Equal(r.Entries, first.Entries) || !slices.Equal(r.Positions, first.Positions) {
			t.Errorf("recorder %d has %d entries, %d gaps, which are not the %d of the first", i+1, len(r.Entries), r.Gaps, len(first.Entries))
		}
	}
	if !slices.IsSorted(first.Positions) || len(slices.Compact(slices.Clone(first.Positions))) != len(first.Positions) {
		t.Error("positions do not rise")
	}
	next := make(map[string]int)
	for i, e := range first.Entries {
		var uid string
		var number int
		if _, err := fmt.Sscan(e, &uid, &number); err != nil {
			t.Fatal(err)
		}
		if next[uid]++; number != next[uid] {
			t.Fatalf("entry %d is %s, want number %d", i, e, next[uid])
		}
	}
}
