package redis

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/redis/internal/redistest"
)

// When a replica takes over, what servers append goes on, in one order. What the replica has
// not got, some of them may have been told, and others not.
func TestJournalFailover(t *testing.T) {
	stream := "stream 0"
	for i := 1; slotOf(stream) > slots/3-1; i++ { // of the first node
		stream = "stream " + strconv.Itoa(i)
	}
	for name, prepare := range map[string]func(t *testing.T) (c rueidis.ClientOption, sharded bool, fail func()){
		"Sentinel": func(t *testing.T) (rueidis.ClientOption, bool, func()) {
			s := redistest.StartSentinel(t)
			return rueidis.ClientOption{InitAddress: []string{s.Addr}, Sentinel: rueidis.SentinelOption{MasterSet: redistest.MasterSet}}, false, s.Servers[0].Kill
		},
		"Sentinel, and the old master lives on": func(t *testing.T) (rueidis.ClientOption, bool, func()) {
			s := redistest.StartSentinel(t)
			return rueidis.ClientOption{InitAddress: []string{s.Addr}, Sentinel: rueidis.SentinelOption{MasterSet: redistest.MasterSet}}, false,
				func() { s.Do("sentinel", "failover", redistest.MasterSet) }
		},
		"Redis Cluster": func(t *testing.T) (rueidis.ClientOption, bool, func()) {
			c := redistest.StartCluster(t, 3, true)
			return at(c.Nodes[1:]...), false, c.Nodes[0].Kill
		},
		"Redis Cluster, sharded": func(t *testing.T) (rueidis.ClientOption, bool, func()) {
			c := redistest.StartCluster(t, 3, true)
			return at(c.Nodes[1:]...), true, c.Nodes[0].Kill
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, sharded, fail := prepare(t)
			all := three(t, Options{StreamName: stream, Sharded: sharded, MaxLen: 1_000_000}, func() rueidis.ClientOption { return c })
			stop := load(all...)
			all[0].waitEntries(500)
			fail()
			for _, k := range all {
				k.wait("Away", func() bool { return k.aways > 0 })
			}
			for _, k := range all {
				k.wait("Back", func() bool { return k.aways == k.backs })
			}
			all[0].waitEntries(len(all[0].got()) + 500)
			stop()
			for _, k := range all {
				for _, of := range all {
					last := of.uid + " " + strconv.FormatUint(of.next, 10)
					k.wait(last, func() bool { return slices.Contains(k.entries, last) })
				}
				ascend(t, k)
			}
		})
	}
}

// ascend fails unless what a server was told of each other one is in order, and no entry twice.
func ascend(t *testing.T, k *keeper) {
	t.Helper()
	last, missing := make(map[string]uint64), uint64(0)
	for _, e := range k.got() {
		uid, number, _ := strings.Cut(e, " ")
		n, _ := strconv.ParseUint(number, 10, 64)
		if n <= last[uid] {
			t.Fatalf("%s was told of %s %d behind %d", k.uid, uid, n, last[uid])
		}
		missing += n - last[uid] - 1
		last[uid] = n
	}
	t.Logf("%s misses %d entries of %d, with %d gaps told", k.uid, missing, len(k.got()), k.gaps)
}

// Close does not wait for who waits for entries.
func TestJournalClose(t *testing.T) {
	s := redistest.Start(t)
	k := startJournal(t, "a", &Options{}, at(s))
	k.append()
	k.waitEntries(1)
	begin := time.Now()
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > blockTime/2 {
		t.Errorf("closed after %v", took)
	}
	n := len(k.got())
	other := startJournal(t, "b", &Options{}, at(s))
	other.append()
	other.waitEntries(n + 1)
	if got := len(k.got()); got != n {
		t.Errorf("told of %d entries after Close", got-n)
	}
}

// What has the wrong type is told at once, not when a client has missed something.
func TestJournalOfAnotherType(t *testing.T) {
	s := redistest.Start(t)
	s.Do("set", defaultStream, "x")
	if _, err := tryJournal(t, "a", &Options{}, at(s)); err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
		t.Errorf("started: %v", err)
	}
}

// A user needs no more than the documentation says.
func TestJournalACL(t *testing.T) {
	kinds(t, func(t *testing.T, o *Options) {
		s := redistest.Start(t)
		s.Do(append(aclOf(t, o), streamsACL(t)...)...)
		c := at(s)
		c.Username, c.Password = "sio", "password"
		k := startJournal(t, "a", o, c)
		k.append()
		k.waitEntries(1)
		all := s.Do("client", "list")
		list, _ := all.ToString()
		for line := range strings.SplitSeq(list, "\n") {
			if _, id, ok := strings.Cut(line, "id="); ok && strings.Contains(line, "user=sio") {
				id, _, _ = strings.Cut(id, " ")
				s.Do("client", "kill", "id", id)
			}
		}
		k.append()
		k.waitEntries(2)
		record := recordOf("mine", "")
		if got, err := k.Find(t.Context(), "pid"); err != nil || got != nil { // by a new connection
			t.Errorf("found %q, %v", got, err)
		}
		for _, r := range []cluster.Record{{New: true}, {}, {Remove: true}, {New: true}} {
			r.PID, r.Data, r.TTL = "pid", record, time.Minute
			if ok, err := k.Save(t.Context(), []cluster.Record{r}); err != nil || !ok[0] {
				t.Errorf("%+v: %v", r, err)
			}
		}
		if got, err := k.Find(t.Context(), "pid"); err != nil || string(got) != string(record) {
			t.Errorf("found %q, %v", got, err)
		}
		if ok, err := k.Replace(t.Context(), record, cluster.Record{PID: "pid", Data: recordOf("other", ""), TTL: time.Minute}); err != nil || !ok {
			t.Errorf("took it: %v, %v", ok, err)
		}
	})
}
