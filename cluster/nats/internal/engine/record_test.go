package engine

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/nats/internal/natstest"
	"github.com/siokit/sio/cluster/wire"
)

// leased returns what a record with a lease of its own for each owner is.
func leased(owner, data string) []byte {
	return []byte(owner + strings.Repeat("-", wire.LeaseLen-len(owner)) + data)
}

// save saves one record.
func save(t testing.TB, j *Journal, rec cluster.Record) bool {
	t.Helper()
	saved, err := j.Save(t.Context(), []cluster.Record{rec})
	if err != nil {
		t.Fatal(err)
	}
	return saved[0]
}

func find(t testing.TB, j *Journal, pid string) string {
	t.Helper()
	data, err := j.Find(t.Context(), pid)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Only who has the lease of a record writes it.
func TestRecords(t *testing.T) {
	s := startJetStream(t, "")
	a, _ := startJournal(t, s.URL(), Streams{})
	b, _ := startJournal(t, s.URL(), Streams{})
	const pid = "a/pid.that is > all*"
	one, two, other := leased("a", "1"), leased("a", "2"), leased("b", "1")
	if got := find(t, a, pid); got != "" {
		t.Errorf("found %q", got)
	}
	for i, step := range []struct {
		j    *Journal
		rec  cluster.Record
		want bool
		left string
	}{
		{a, cluster.Record{Data: one}, false, ""},
		{a, cluster.Record{Data: one, New: true}, true, string(one)},
		{a, cluster.Record{Data: one, New: true}, true, string(one)},
		{a, cluster.Record{Data: two, New: true}, true, string(two)}, // it has not heard of the one before
		{a, cluster.Record{Data: one}, true, string(one)},
		{b, cluster.Record{Data: other, New: true}, false, string(one)},
		{b, cluster.Record{Data: other}, false, string(one)},
		{a, cluster.Record{Data: two}, true, string(two)},
		{a, cluster.Record{Data: two, Renew: true}, true, string(two)},
		{a, cluster.Record{Data: one, New: true}, true, string(one)},
		{b, cluster.Record{Data: two, New: true}, true, string(two)}, // it has the lease
		{b, cluster.Record{Data: two}, true, string(two)},
		{a, cluster.Record{Data: one}, true, string(one)}, // whose revision was another server's
		{b, cluster.Record{Data: other, Remove: true}, false, string(one)},
		{a, cluster.Record{Data: one, Remove: true}, true, ""},
		{a, cluster.Record{Data: one, Remove: true}, true, ""},
		{a, cluster.Record{Data: one, Renew: true}, false, ""},
		{b, cluster.Record{Data: other, New: true}, true, string(other)},
		{a, cluster.Record{Data: one, New: true}, false, string(other)},
	} {
		step.rec.PID, step.rec.TTL = pid, time.Hour
		if got := save(t, step.j, step.rec); got != step.want {
			t.Errorf("step %d: saved %v", i, got)
		}
		if got := find(t, step.j, pid); got != step.left {
			t.Errorf("step %d: there is %q, want %q", i, got, step.left)
		}
	}
	by := cluster.Record{PID: pid, Data: leased("c", "1"), TTL: time.Hour}
	if taken, err := a.Replace(t.Context(), one, by); taken || err != nil {
		t.Errorf("taken what is not there: %v, %v", taken, err)
	}
	for range 2 { // it may not have heard of it
		if taken, err := a.Replace(t.Context(), other, by); !taken || err != nil {
			t.Errorf("not taken: %v, %v", taken, err)
		}
	}
	if save(t, b, cluster.Record{PID: pid, Data: other, Renew: true}) {
		t.Error("what was taken is renewed")
	}
	if by.Data = leased("c", "2"); !save(t, a, by) || find(t, a, pid) != string(by.Data) {
		t.Error("who has taken it can't write it")
	}
	if _, err := a.Save(t.Context(), []cluster.Record{{PID: strings.Repeat("x", maxPID+1), Data: one, New: true}}); err == nil {
		t.Error("a long id is taken")
	}
}

// Of many that take a record, one gets it.
func TestReplace(t *testing.T) {
	s := startJetStream(t, "")
	var journals []*Journal
	for range 3 {
		j, _ := startJournal(t, s.URL(), Streams{})
		journals = append(journals, j)
	}
	for i := range 100 {
		pid, rec := fmt.Sprint("pid", i), leased("a", "1")
		if !save(t, journals[0], cluster.Record{PID: pid, Data: rec, New: true, TTL: time.Hour}) {
			t.Fatal("not saved")
		}
		var wg sync.WaitGroup
		var taken atomic.Int32
		for n, j := range journals {
			by := cluster.Record{PID: pid, Data: leased(string(rune('b'+n)), "1"), TTL: time.Hour}
			wg.Go(func() {
				switch ok, err := j.Replace(t.Context(), rec, by); {
				case err != nil:
					t.Error(err)
				case ok:
					taken.Add(1)
				}
			})
		}
		wg.Wait()
		if n := taken.Load(); n != 1 {
			t.Fatalf("%d have taken it", n)
		}
	}
}

// Many are saved at once.
func TestSaveMany(t *testing.T) {
	s := startJetStream(t, "")
	j, _ := startJournal(t, s.URL(), Streams{})
	const n = 5000
	records := make([]cluster.Record, n)
	for round := range 3 {
		for i := range records {
			records[i] = cluster.Record{PID: fmt.Sprint("pid", i), Data: leased("a", fmt.Sprint(round)), New: round == 0, TTL: time.Hour}
		}
		begin := time.Now()
		saved, err := j.Save(t.Context(), records)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d records in %v", n, time.Since(begin))
		for i, ok := range saved {
			if !ok {
				t.Fatalf("round %d: record %d is not saved", round, i)
			}
		}
	}
	if got := find(t, j, "pid4999"); got != string(leased("a", "2")) {
		t.Errorf("found %q", got)
	}
}

// A record goes when its time is over, unless it is renewed.
func TestRecordTTL(t *testing.T) {
	s := startJetStream(t, "")
	j, _ := startJournal(t, s.URL(), Streams{})
	rec := cluster.Record{PID: "pid", Data: leased("a", ""), New: true, TTL: 2 * time.Second}
	save(t, j, rec)
	other := rec
	other.PID = "other"
	save(t, j, other)
	rec.New, rec.Renew = false, true
	for begin := time.Now(); find(t, j, "other") != ""; time.Sleep(100 * time.Millisecond) {
		if !save(t, j, rec) {
			t.Fatal("not renewed")
		}
		if time.Since(begin) > time.Minute {
			t.Fatal("it stays")
		}
	}
	if find(t, j, "pid") == "" {
		t.Error("what was renewed is gone")
	}
	if save(t, j, cluster.Record{PID: "other", Data: other.Data, Renew: true, TTL: time.Second}) {
		t.Error("what has expired is renewed")
	}
}

// While NATS is away, who asks gets an error, and the same again does no harm.
func TestRecordsAway(t *testing.T) {
	s := startJetStream(t, "")
	j, r := startJournal(t, s.URL(), Streams{Files: true})
	rec := cluster.Record{PID: "pid", Data: leased("a", "1"), New: true, TTL: time.Hour}
	save(t, j, rec)
	s.Kill()
	r.WaitState(t, 1, "away")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := j.Find(ctx, "pid"); err == nil {
		t.Error("found")
	}
	if _, err := j.Save(ctx, []cluster.Record{rec}); err == nil {
		t.Error("saved")
	}
	s.Start()
	r.WaitState(t, 2, "back")
	if !save(t, j, rec) || find(t, j, "pid") != string(rec.Data) {
		t.Error("not there")
	}
}

// A Recorder that is no [cluster.JournalReceiver] gets a journal that is an engine only.
func TestJournalWithoutReceiver(t *testing.T) {
	s := natstest.StartServer(t, "")
	nc, err := Connect(s.URL(), t.Name())
	if err != nil {
		t.Fatal(err)
	}
	j, err := NewJournal(New(nc, "sio", 0, nc.Close), Streams{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := j.Start(t.Context(), natstest.NewRecorder()); err != nil {
		t.Fatal(err)
	}
	if j.Append(wire.Entry{}) {
		t.Error("appended")
	}
}
