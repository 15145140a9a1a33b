package embedded

import (
	"os"
	"strings"
	"testing"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/nats"
	"github.com/siokit/sio/cluster/nats/internal/engine"
	"github.com/siokit/sio/cluster/nats/internal/natstest"
	"github.com/siokit/sio/cluster/wire"
)

func openJournal(t testing.TB, o *Options) (*engine.Journal, *natstest.JournalRecorder) {
	t.Helper()
	e, _, err := newEngine(o, "sio")
	if err != nil {
		t.Fatal(err)
	}
	j, err := engine.NewJournal(e, engine.Streams(*o.JetStream))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	r := natstest.NewJournalRecorder()
	if err := j.Start(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return j, r
}

// A server without peers keeps what it has for itself, and leaves no files.
func TestJournalAlone(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	j, r := openJournal(t, &Options{Options: nats.Options{JetStream: &nats.JetStream{}}})
	const n = 1000
	for i := range n {
		j.Append(wire.Entry{UID: "s", Number: uint64(i) + 1})
	}
	r.WaitEntries(t, n)
	natstest.SameEntries(t, r)
	rec := cluster.Record{PID: "pid", Data: []byte(strings.Repeat("a", wire.LeaseLen)), New: true}
	if saved, err := j.Save(t.Context(), []cluster.Record{rec}); err != nil || !saved[0] {
		t.Errorf("saved %v: %v", saved, err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	if files, err := os.ReadDir(os.TempDir()); err != nil || len(files) > 0 {
		t.Errorf("there are %v (%v)", files, err)
	}
}

// JetStream has to know how many servers there are, and which one this is.
func TestJournalOptions(t *testing.T) {
	js := nats.Options{JetStream: &nats.JetStream{}}
	for want, o := range map[string]*Options{
		"3 at least":           {Options: js, Listen: "127.0.0.1:7001", Peers: []string{"127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7002"}},
		"name it in Advertise": {Options: js, Listen: "127.0.0.1:7001", Peers: []string{"127.0.0.1:7002", "127.0.0.1:7003", "127.0.0.1:7004"}},
		"MaxAge":               {Options: nats.Options{JetStream: &nats.JetStream{MaxAge: 1}}},
		"MaxBytes":             {Options: nats.Options{JetStream: &nats.JetStream{MaxBytes: -1}}},
		"Replicas":             {Options: nats.Options{JetStream: &nats.JetStream{Replicas: 6}}},
	} {
		if c, err := Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error about %s", err, want)
			if err == nil {
				c.Close()
			}
		}
	}
	for want, o := range map[string]*Options{
		"sio-2_6222":     {Listen: ":6222", Advertise: "sio-2:6222", Peers: []string{"sio-1", "sio-2", "sio-3"}},
		"127.0.0.1_7002": {Listen: "127.0.0.1:7002", Peers: []string{"127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003"}},
	} {
		o.Options, o.Secret = js, "s"
		if so, err := o.server(); err != nil || so.ServerName != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
