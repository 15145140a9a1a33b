package embedded

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/siokit/sio/cluster/nats/internal/engine"
	"github.com/siokit/sio/cluster/nats/internal/natstest"
)

func TestMain(m *testing.M) {
	if runNode() || runJournal() {
		return
	}
	goleak.VerifyTestMain(m)
}

// all is the channel that nodes subscribe to.
const all = "sio.all"

// A node is a server of a cluster, and what it has heard on the channel all.
type node struct {
	*natstest.Recorder
	engine *engine.Engine
	server *server.Server
}

func startNode(t testing.TB, o *Options) *node {
	t.Helper()
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	e, s, err := newEngine(o, cmp.Or(o.Prefix, "sio"))
	if err != nil {
		t.Fatal(err)
	}
	n := &node{Recorder: natstest.NewRecorder(), engine: e, server: s}
	if err := e.Start(t.Context(), n); err != nil {
		e.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	e.Subscribe(all)
	return n
}

func (n *node) addr() string { return n.server.ClusterAddr().String() }

func (n *node) publish(data string) { n.engine.Publish(all, []byte(data), false) }

// mesh waits until each hears each of the others.
func mesh[P party](t testing.TB, parties ...P) {
	t.Helper()
	for i, from := range parties {
		for j, to := range parties {
			if i != j {
				reach(t, from, to, fmt.Sprint("probe ", i, " ", j))
			}
		}
	}
}

// A party sends to all, and hears what others send.
type party interface {
	publish(data string)
	heard(data string) bool
}

func (n *node) heard(data string) (ok bool) {
	n.Locked(func() { ok = slices.Contains(n.Got, all+" "+data) })
	return ok
}

// probes counts what reach has sent, so that no two are the same.
var probes atomic.Int64

// reach sends a message again and again until it is heard, and returns how long it took.
func reach(t testing.TB, from, to party, data string) time.Duration {
	t.Helper()
	begin := time.Now()
	for {
		probe := fmt.Sprint(data, " ", probes.Add(1))
		from.publish(probe)
		for range 20 {
			if to.heard(probe) {
				return time.Since(begin)
			}
			time.Sleep(time.Millisecond)
		}
		if time.Since(begin) > time.Minute {
			t.Fatalf("%s is not heard", data)
		}
	}
}

// withoutProbes returns what a node has heard but for what reach has sent.
func (n *node) withoutProbes() (got []string) {
	n.Locked(func() {
		for _, m := range n.Got {
			if m := strings.TrimPrefix(m, all+" "); !strings.HasPrefix(m, "probe") {
				got = append(got, m)
			}
		}
	})
	return got
}
