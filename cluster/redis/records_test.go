package redis

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/redis/internal/redistest"
	"github.com/siokit/sio/cluster/wire"
)

// recordOf returns a record of a lease, which is any text.
func recordOf(lease, rest string) []byte {
	return []byte(lease + strings.Repeat(".", wire.LeaseLen-len(lease)) + rest)
}

func TestRecords(t *testing.T) {
	t.Run("one Redis", func(t *testing.T) {
		testRecords(t, startJournal(t, "a", &Options{}, at(redistest.Start(t))))
	})
	t.Run("Redis Cluster", func(t *testing.T) {
		testRecords(t, startJournal(t, "a", &Options{}, at(redistest.StartCluster(t, 3, false).Nodes...)))
	})
}

func testRecords(t *testing.T, k *keeper) {
	ctx := t.Context()
	save := func(want bool, r cluster.Record) {
		t.Helper()
		if r.TTL == 0 {
			r.TTL = time.Minute
		}
		for range 2 { // the same again does no harm
			if ok, err := k.Save(ctx, []cluster.Record{r}); err != nil || len(ok) != 1 || ok[0] != want {
				t.Fatalf("%+v: %v, %v", r, ok, err)
			}
		}
	}
	find := func(want []byte) {
		t.Helper()
		if got, err := k.Find(ctx, "pid"); err != nil || !bytes.Equal(got, want) || (got == nil) != (want == nil) {
			t.Fatalf("found %q, %v, want %q", got, err, want)
		}
	}
	mine, newer, others := recordOf("mine", "1"), recordOf("mine", "2"), recordOf("other", "1")
	find(nil)
	save(false, cluster.Record{PID: "pid", Data: mine})
	save(false, cluster.Record{PID: "pid", Data: mine, Renew: true})
	save(true, cluster.Record{PID: "pid", Data: mine, New: true})
	save(false, cluster.Record{PID: "pid", Data: others, New: true})
	save(false, cluster.Record{PID: "pid", Data: others})
	save(false, cluster.Record{PID: "pid", Data: others, Renew: true})
	save(false, cluster.Record{PID: "pid", Data: others, Remove: true})
	find(mine)
	save(true, cluster.Record{PID: "pid", Data: newer})
	find(newer)
	save(true, cluster.Record{PID: "pid", Data: newer, Renew: true})
	by := cluster.Record{PID: "pid", Data: others, TTL: time.Minute}
	if ok, err := k.Replace(ctx, mine, by); ok || err != nil {
		t.Errorf("took a record that is not there any more: %v", err)
	}
	find(newer)
	for range 2 { // it may not have heard of it
		if ok, err := k.Replace(ctx, newer, by); !ok || err != nil {
			t.Errorf("has not taken a record that is there: %v", err)
		}
		find(others)
	}
	save(false, cluster.Record{PID: "pid", Data: newer, New: true})
	if ok, err := k.Replace(ctx, others, cluster.Record{PID: "pid", Data: newer, TTL: time.Minute}); !ok || err != nil {
		t.Errorf("has not taken it back: %v", err)
	}
	save(true, cluster.Record{PID: "pid", Data: newer, Remove: true})
	find(nil)
	save(false, cluster.Record{PID: "pid", Data: newer}) // a late writer

	// Of several that take it, one does.
	for i := range 20 {
		save(true, cluster.Record{PID: "pid", Data: mine, New: true})
		var took atomic.Int32
		var wg sync.WaitGroup
		for n := range 8 {
			by := cluster.Record{PID: "pid", Data: recordOf(fmt.Sprint("n", n), ""), TTL: time.Minute}
			wg.Go(func() {
				ok, err := k.Replace(ctx, mine, by)
				if err != nil {
					t.Error(err)
				}
				if ok {
					took.Add(1)
				}
			})
		}
		wg.Wait()
		if took.Load() != 1 {
			t.Fatalf("round %d: %d took it", i, took.Load())
		}
		record, err := k.Find(ctx, "pid")
		if err != nil {
			t.Fatal(err)
		}
		save(true, cluster.Record{PID: "pid", Data: record, Remove: true})
	}

	// Many at once, on whatever nodes, each for as long as it is to be.
	var many []cluster.Record
	for i := range 100 {
		many = append(many, cluster.Record{PID: fmt.Sprint("pid", i), Data: mine, New: true, TTL: time.Hour})
	}
	many[7].TTL = time.Millisecond
	many[8].New = false
	ok, err := k.Save(ctx, many)
	if err != nil || len(ok) != 100 || ok[8] || !ok[7] || slices.Index(ok[9:], false) >= 0 {
		t.Errorf("saved %v, %v", ok, err)
	}
	for {
		record, err := k.Find(ctx, "pid7")
		if err != nil {
			t.Fatal(err)
		}
		if record == nil {
			break
		}
	}
	if record, err := k.Find(ctx, "pid99"); err != nil || !bytes.Equal(record, mine) {
		t.Errorf("found %q, %v", record, err)
	}
}

// Without Redis, records can be neither found nor written, and that takes no longer than
// the context.
func TestRecordsWhileAway(t *testing.T) {
	s := redistest.Start(t)
	k := startJournal(t, "a", &Options{}, at(s))
	s.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if record, err := k.Find(ctx, "pid"); err == nil {
		t.Errorf("found %q", record)
	}
	if ok, err := k.Replace(ctx, nil, cluster.Record{PID: "pid"}); err == nil {
		t.Errorf("took: %v", ok)
	}
	if ok, err := k.Save(ctx, []cluster.Record{{PID: "pid", Data: recordOf("mine", "")}}); err == nil {
		t.Errorf("saved: %v", ok)
	}
	if took := time.Since(begin); took > patience/2 {
		t.Errorf("that took %v", took)
	}
}
