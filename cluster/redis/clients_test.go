package redis

import (
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/siokit/sio"
	"github.com/siokit/sio/brokertest"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/redis/internal/redistest"
	"github.com/siokit/sio/siotest"
)

// outage is how long Redis fails.
const outage = time.Second

// While a server emits a thousand events a second, Redis fails for a second. Its own client
// gets all of them, and no Emit waits. That of another server gets them in order, and if
// some are missing, that is told. The figures of docs/reliability.md are these.
func TestClientsWhileRedisFails(t *testing.T) {
	for name, fail := range map[string]func(t *testing.T) (from, to rueidis.ClientOption, fail func()){
		"killed": func(t *testing.T) (from, to rueidis.ClientOption, fail func()) {
			s := redistest.Start(t)
			return at(s), at(s), func() { s.Kill(); time.Sleep(outage); s.Restart() }
		},
		"SIGSTOP": func(t *testing.T) (from, to rueidis.ClientOption, fail func()) {
			s := redistest.Start(t)
			return at(s), at(s), func() { s.Freeze(); time.Sleep(outage); s.Thaw() }
		},
		"CLIENT PAUSE": func(t *testing.T) (from, to rueidis.ClientOption, fail func()) {
			s := redistest.Start(t)
			return at(s), at(s), func() { s.Do("client", "pause", "1000", "ALL"); time.Sleep(outage) }
		},
		"link of the sender": func(t *testing.T) (from, to rueidis.ClientOption, fail func()) {
			s := redistest.Start(t)
			from, fail = cuttable(t, s)
			return from, at(s), fail
		},
		"link of the receiver": func(t *testing.T) (from, to rueidis.ClientOption, fail func()) {
			s := redistest.Start(t)
			to, fail = cuttable(t, s)
			return at(s), to, fail
		},
		"failover by Sentinel": func(t *testing.T) (from, to rueidis.ClientOption, fail func()) {
			s := redistest.StartSentinel(t)
			o := rueidis.ClientOption{InitAddress: []string{s.Addr}, Sentinel: rueidis.SentinelOption{MasterSet: redistest.MasterSet}}
			return o, o, func() {
				s.Servers[0].Kill()
				for s.Master() != s.Servers[1].Addr {
					time.Sleep(10 * time.Millisecond)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clientsWhile(t, fail)
		})
	}
}

// cuttable returns how to reach a Redis over a link, and a function that cuts it.
func cuttable(t *testing.T, s *redistest.Server) (rueidis.ClientOption, func()) {
	p := brokertest.NewProxy(t, s.Addr)
	return rueidis.ClientOption{InitAddress: []string{p.Addr()}}, func() { p.Cut(); time.Sleep(outage); p.Heal() }
}

func clientsWhile(t *testing.T, prepare func(t *testing.T) (from, to rueidis.ClientOption, fail func())) {
	fromOption, toOption, fail := prepare(t)
	var mu sync.Mutex // protects told
	var told cluster.Loss
	open := func(o rueidis.ClientOption) (*cluster.Cluster, *sio.Server, *siotest.Client) {
		cl, err := Open(o, &Options{Options: cluster.Options{OnLoss: func(l cluster.Loss) {
			mu.Lock()
			defer mu.Unlock()
			told.Sent += l.Sent
			told.Outage += l.Outage
		}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cl.Close() })
		srv := newServer(t, cl)
		return cl, srv, siotest.Connect(t, srv)
	}
	from, srv, near := open(fromOption)
	to, _, far := open(toOption)
	for begin := time.Now(); ; time.Sleep(time.Millisecond) { // the answer comes behind the subscriptions
		n, err := srv.Count(t.Context())
		if n == 2 && err == nil {
			break
		}
		if time.Since(begin) > patience {
			t.Fatalf("counted %d sockets, %v", n, err)
		}
	}

	stop := make(chan struct{})
	var sent int
	var longest time.Duration
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			begin := time.Now()
			if err := srv.To("room").Emit("said", sent); err != nil {
				t.Error(err)
			}
			longest = max(longest, time.Since(begin))
			sent++
		}
	})
	whole := func() bool { return !from.Stats().Away && !to.Stats().Away }
	time.Sleep(outage / 2)
	fail()
	begin := time.Now()
	for !whole() {
		if time.Since(begin) > patience {
			t.Fatal("Redis is not back")
		}
		time.Sleep(time.Millisecond)
	}
	back := time.Since(begin)
	time.Sleep(outage / 2)
	close(stop)
	wg.Wait()
	if err := srv.To("room").Emit("end"); err != nil {
		t.Fatal(err)
	}

	// got returns how many events have come, in order.
	got := func(c *siotest.Client) (n int) {
		for last := -1; ; n++ {
			e := c.Next()
			if e.Name() == "end" {
				return n
			}
			var i int
			e.Bind(&i)
			if i <= last {
				t.Fatalf("event %d comes behind %d", i, last)
			}
			last = i
		}
	}
	if n := got(near); n != sent {
		t.Errorf("the client of the same server got %d of %d events", n, sent)
	}
	missed := sent - got(far)
	for begin := time.Now(); missed > 0; time.Sleep(time.Millisecond) {
		mu.Lock()
		done := told.Outage > 0 || told.Sent >= missed
		mu.Unlock()
		if done {
			break
		}
		if time.Since(begin) > patience {
			t.Fatalf("%d events are missed, and nobody tells", missed)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	t.Logf("of %d events, %d missed by the other server's client; told: %d lost, %v away; back after %v; no Emit took longer than %v",
		sent, missed, told.Sent, told.Outage.Round(time.Millisecond), back.Round(time.Millisecond), longest.Round(time.Microsecond))
	if longest > outage/2 {
		t.Errorf("an Emit took %v", longest)
	}
}
