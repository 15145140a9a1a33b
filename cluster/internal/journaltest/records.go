package journaltest

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siokit/sio/cluster"
)

// records tests what is known of clients, by two servers.
func records(t *testing.T, a, b cluster.Journal) {
	t.Run("leases", func(t *testing.T) { leases(t, a, b) })
	t.Run("replace", func(t *testing.T) { replace(t, a, b) })
	t.Run("many take one", func(t *testing.T) { takes(t, a, b) })
	t.Run("time", func(t *testing.T) { times(t, a, b) })
	t.Run("many", func(t *testing.T) { many(t, a, b) })
}

func find(t *testing.T, j cluster.Journal, pid string) []byte {
	t.Helper()
	data, err := j.Find(t.Context(), pid)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func save(t *testing.T, j cluster.Journal, r cluster.Record) bool {
	t.Helper()
	if r.TTL == 0 {
		r.TTL = time.Hour
	}
	ok, err := j.Save(t.Context(), []cluster.Record{r})
	if err != nil || len(ok) != 1 {
		t.Fatalf("saved %v, %v", ok, err)
	}
	return ok[0]
}

func leases(t *testing.T, a, b cluster.Journal) {
	const pid = "a/pid.that is > all*"
	one, two, other := Record("a", "1"), Record("a", "2"), Record("b", "1")
	for i, step := range []struct {
		rec  cluster.Record
		want bool
		left []byte
	}{
		{cluster.Record{Data: one}, false, nil},
		{cluster.Record{Data: one, Remove: true}, true, nil},
		{cluster.Record{Data: one, New: true}, true, one},
		{cluster.Record{Data: other, New: true}, false, one},
		{cluster.Record{Data: other}, false, one},
		{cluster.Record{Data: other, Remove: true}, false, one},
		{cluster.Record{Data: two}, true, two},
		{cluster.Record{Data: one, New: true}, true, one}, // nobody has heard of the one before
		{cluster.Record{Data: two}, true, two},
		{cluster.Record{Data: two, Remove: true}, true, nil},
		{cluster.Record{Data: two}, false, nil}, // too late
		{cluster.Record{Data: other, New: true}, true, other},
		{cluster.Record{Data: one, New: true}, false, other},
		{cluster.Record{Data: other, Remove: true}, true, nil},
	} {
		step.rec.PID = pid
		for _, j := range []cluster.Journal{a, b, a} { // the same again does no harm, by whomever
			if got := save(t, j, step.rec); got != step.want {
				t.Errorf("step %d: saved %v", i, got)
			}
			for _, j := range []cluster.Journal{a, b} {
				if got := find(t, j, pid); !bytes.Equal(got, step.left) || (got == nil) != (step.left == nil) {
					t.Errorf("step %d: there is %q, want %q", i, got, step.left)
				}
			}
		}
	}
}

func replace(t *testing.T, a, b cluster.Journal) {
	const pid = "replace"
	old, newer := Record("a", "old"), Record("a", "newer")
	by := cluster.Record{PID: pid, Data: Record("b", ""), TTL: time.Hour}
	take := func(of []byte, want bool) {
		t.Helper()
		if ok, err := b.Replace(t.Context(), of, by); ok != want || err != nil {
			t.Errorf("took %q: %v, %v", of, ok, err)
		}
	}
	take(old, false) // there is none
	save(t, a, cluster.Record{PID: pid, Data: old, New: true})
	save(t, a, cluster.Record{PID: pid, Data: newer})
	take(old, false)
	take(newer, true)
	take(newer, true) // it may not have heard of it
	if save(t, a, cluster.Record{PID: pid, Data: newer}) {
		t.Error("who has lost it writes it")
	}
	if by.Data = Record("b", "2"); !save(t, b, by) || !bytes.Equal(find(t, a, pid), by.Data) {
		t.Error("who has taken it can't write it")
	}
}

// takes has one of many get a record.
func takes(t *testing.T, journals ...cluster.Journal) {
	for i := range 50 {
		pid, old := fmt.Sprint("take", i), Record("a", "")
		save(t, journals[0], cluster.Record{PID: pid, Data: old, New: true})
		var took atomic.Int32
		var wg sync.WaitGroup
		for n := range 6 {
			by := cluster.Record{PID: pid, Data: Record(fmt.Sprint("n", n), ""), TTL: time.Hour}
			wg.Go(func() {
				ok, err := journals[n%len(journals)].Replace(t.Context(), old, by)
				if err != nil {
					t.Error(err)
				}
				if ok {
					took.Add(1)
				}
			})
		}
		wg.Wait()
		if n := took.Load(); n != 1 {
			t.Fatalf("%d have taken it", n)
		}
	}
}

// times has a record stay for as long as it is to, from when it was last saved, by whomever.
func times(t *testing.T, journals ...cluster.Journal) {
	rec := cluster.Record{PID: "renewed", Data: Record("a", ""), New: true, TTL: 2 * time.Second}
	other := rec
	other.PID = "not renewed"
	save(t, journals[0], rec)
	save(t, journals[0], other)
	rec.New = false
	for i, begin := 0, time.Now(); find(t, journals[0], other.PID) != nil; i++ {
		if !save(t, journals[i%len(journals)], rec) {
			t.Fatal("not renewed")
		}
		if time.Since(begin) > patience {
			t.Fatal("it stays")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if find(t, journals[0], rec.PID) == nil {
		t.Error("what was renewed is gone")
	}
	if other.New = false; save(t, journals[0], other) {
		t.Error("what has expired is saved")
	}
	if other.New = true; !save(t, journals[0], other) {
		t.Error("what has expired is not saved anew")
	}
}

func many(t *testing.T, a, b cluster.Journal) {
	const n, absent = 1000, 8
	var all []cluster.Record
	for i := range n {
		all = append(all, cluster.Record{PID: fmt.Sprint("many", i), Data: Record("a", fmt.Sprint(i)), New: i != absent, TTL: time.Hour})
	}
	ok, err := a.Save(t.Context(), all)
	if err != nil || len(ok) != n {
		t.Fatalf("saved %d, %v", len(ok), err)
	}
	for i := range all {
		if ok[i] == (i == absent) {
			t.Errorf("record %d: %v", i, ok[i])
		}
	}
	if got := find(t, b, all[n-1].PID); !bytes.Equal(got, all[n-1].Data) {
		t.Errorf("found %q", got)
	}
}
