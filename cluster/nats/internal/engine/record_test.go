package engine

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/internal/journaltest"
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

// TestJournal runs what all journals do.
func TestJournal(t *testing.T) {
	s := startJetStream(t, "")
	journaltest.Run(t, func(t *testing.T, r cluster.JournalReceiver) cluster.Journal {
		nc, err := Connect(s.URL(), t.Name())
		if err != nil {
			t.Fatal(err)
		}
		j, err := NewJournal(New(nc, "sio", 0, nc.Close), Streams{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Close() })
		if err := j.Start(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return j
	})
}

func TestRecordOfLongID(t *testing.T) {
	j, _ := startJournal(t, startJetStream(t, "").URL(), Streams{})
	if _, err := j.Save(t.Context(), []cluster.Record{{PID: strings.Repeat("x", maxPID+1), Data: leased("a", "1"), New: true}}); err == nil {
		t.Error("a long id is taken")
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
	j := newJournal(t, s.URL(), Streams{})
	if err := j.Start(t.Context(), natstest.NewRecorder()); err != nil {
		t.Fatal(err)
	}
	if j.Append(wire.Entry{}) {
		t.Error("appended")
	}
}
