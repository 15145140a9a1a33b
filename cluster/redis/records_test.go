package redis

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/internal/journaltest"
	"github.com/siokit/sio/cluster/redis/internal/redistest"
	"github.com/siokit/sio/cluster/wire"
)

// recordOf returns a record of a lease, which is any text.
func recordOf(lease, rest string) []byte {
	return []byte(lease + strings.Repeat(".", wire.LeaseLen-len(lease)) + rest)
}

// TestJournal runs what all journals do.
func TestJournal(t *testing.T) {
	for name, c := range map[string]rueidis.ClientOption{
		"one Redis":     at(redistest.Start(t)),
		"Redis Cluster": at(redistest.StartCluster(t, 3, false).Nodes...),
	} {
		t.Run(name, func(t *testing.T) {
			journaltest.Run(t, func(t *testing.T, r cluster.JournalReceiver) cluster.Journal {
				client, err := newClient(c)
				if err != nil {
					t.Fatal(err)
				}
				j := newJournal(client, true, &Options{})
				t.Cleanup(func() { j.Close() })
				if err := j.Start(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				return j
			})
		})
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
