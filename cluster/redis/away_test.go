package redis

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/siokit/sio/brokertest"
	"github.com/siokit/sio/cluster/redis/internal/redistest"
)

func TestSubscribedAgainAfterRestart(t *testing.T) {
	const n = 100_000
	s := redistest.Start(t)
	a, b := start(t, &Options{}, at(s)), start(t, &Options{}, at(s))
	channels := make([]string, n)
	for i := range channels {
		channels[i] = "socket.io#/#room number " + strconv.Itoa(i) + "#"
	}
	begin := time.Now()
	b.Subscribe(channels...)
	b.settled()
	t.Logf("%d channels subscribed to after %v", n, time.Since(begin))
	s.Kill()
	b.wait("Away", func() bool { return b.aways == 1 })
	a.wait("Away", func() bool { return a.aways == 1 })
	b.Unsubscribe(channels[0])
	b.Subscribe("new")
	if _, err := b.Count(t.Context(), "new"); err == nil || !strings.Contains(err.Error(), "away") {
		t.Errorf("counting: %v", err)
	}
	s.Restart()
	begin = time.Now()
	b.wait("Back", func() bool { return b.backs == 1 })
	// A second is promised; a machine that is busy takes longer.
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("back after %v", took)
	} else {
		t.Logf("back after %v", took)
	}
	a.wait("Back", func() bool { return a.backs == 1 })
	a.send(channels[0], "0")
	a.send(channels[1], "1")
	a.send(channels[n-1], "2")
	a.send("new", "3")
	b.has(channels[1]+" 1", channels[n-1]+" 2", "new 3")
	if n, err := a.Count(t.Context(), channels[n/2]); n != 1 || err != nil {
		t.Errorf("counted %d, %v", n, err)
	}
}

// What was published while Redis is away waits, but for what is volatile, and goes out
// behind the subscriptions.
func TestQueuedWhileAway(t *testing.T) {
	s := redistest.Start(t)
	a := start(t, &Options{QueueBytes: 100_000}, at(s))
	a.Subscribe("all")
	a.settled()
	s.Kill()
	a.wait("Away", func() bool { return a.aways == 1 })
	a.Subscribe("room")
	a.send("room", "1")
	a.Publish("room", []byte("volatile"), true)
	a.send("room", "2")
	a.wait("the volatile one told", func() bool { return a.lost == 1 && a.reasons[errVolatile.Error()] })
	large := strings.Repeat("x", 1000)
	for range 1000 {
		a.send("nobody", large)
	}
	a.wait("some lost", func() bool { return a.reasons[errFull.Error()] && a.lost > 900 })
	s.Restart()
	a.has("room 1", "room 2")
	if kept := 1001 - a.now().lost; kept < 80 || kept > 100 {
		t.Errorf("%d of 1000 messages of 1 KB waited", kept)
	}
}

// Under load, each message of a server to itself arrives or is counted as lost. What was
// under way when Redis was killed may do both.
func TestKilledUnderLoad(t *testing.T) {
	s := redistest.Start(t)
	a := start(t, &Options{QueueBytes: 1 << 30}, at(s))
	a.Subscribe("all")
	a.settled()
	stop := make(chan struct{})
	var sent atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				for range 100 {
					a.send("all", "x")
				}
				sent.Add(100)
			}
		})
	}
	for round := range 3 {
		before := a.now().count
		a.wait("load", func() bool { return a.count > before+5000 })
		s.Kill()
		a.wait("Away", func() bool { return a.aways == round+1 })
		s.Restart()
		a.wait("Back", func() bool { return a.backs == round+1 })
	}
	close(stop)
	wg.Wait()
	a.wait("all", func() bool { return int64(a.count+a.lost) >= sent.Load() })
	a.Close() // tells of the rest that was lost
	got := a.now()
	t.Logf("%d sent, %d received, %d counted as lost: %v", sent.Load(), got.count, got.lost, got.reasons)
	if received := int64(got.count); received > sent.Load() || received+3*batchMessages < sent.Load() {
		t.Errorf("%d of %d received", received, sent.Load())
	}
}

// While Redis hangs, nothing blocks and nothing is lost.
func TestFrozen(t *testing.T) {
	for name, freeze := range map[string]func(s *redistest.Server) (thaw func()){
		"SIGSTOP": func(s *redistest.Server) func() { s.Freeze(); return s.Thaw },
		"CLIENT PAUSE": func(s *redistest.Server) func() {
			s.Do("client", "pause", "100000", "ALL")
			return func() { s.Kill(); s.Restart() } // nothing else ends it
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := redistest.Start(t)
			a, b := start(t, &Options{}, at(s)), start(t, &Options{}, at(s))
			b.Subscribe("all")
			b.settled()
			a.send("all", "0")
			b.has("all 0")
			thaw := freeze(s)
			begin := time.Now()
			for i := range 500 {
				a.send("all", strconv.Itoa(i))
				a.Subscribe("room " + strconv.Itoa(i))
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("took %v while Redis hangs", took)
			}
			thaw()
			if name == "SIGSTOP" {
				b.wait("all", func() bool { return b.count == 501 })
				a.settled()
			} else {
				a.wait("Back", func() bool { return a.backs == 1 })
			}
		})
	}
}

// A Redis that does not answer any more is given up after ClientOption.ConnWriteTimeout.
func TestSilentConnectionIsGivenUp(t *testing.T) {
	s := redistest.Start(t)
	proxy := brokertest.NewProxy(t, s.Addr)
	o := rueidis.ClientOption{InitAddress: []string{proxy.Addr()}, ConnWriteTimeout: time.Second}
	o.Dialer.KeepAlive = 200 * time.Millisecond
	a := start(t, &Options{}, o)
	a.Subscribe("all")
	a.settled()
	proxy.Freeze()
	a.wait("Away", func() bool { return a.aways == 1 })
	proxy.Thaw()
	a.wait("Back", func() bool { return a.backs == 1 })
	a.send("all", "1")
	a.has("all 1")
}

func TestLinkCut(t *testing.T) {
	s := redistest.Start(t)
	proxy := brokertest.NewProxy(t, s.Addr)
	a, b := start(t, &Options{}, rueidis.ClientOption{InitAddress: []string{proxy.Addr()}}), start(t, &Options{}, at(s))
	a.Subscribe("all")
	a.settled()
	for i := range 5 {
		proxy.Cut()
		a.wait("Away", func() bool { return a.aways == i+1 })
		proxy.Heal()
		a.wait("Back", func() bool { return a.backs == i+1 })
		b.send("all", strconv.Itoa(i))
		a.has("all " + strconv.Itoa(i))
	}
	if x, y := a.now().aways, b.now().aways; x != 5 || y != 0 {
		t.Errorf("away %d and %d times", x, y)
	}
}

// Redis ends the connection of who does not read; that is told.
func TestSlowReceiverIsTold(t *testing.T) {
	s := redistest.Start(t, "--client-output-buffer-limit", "pubsub 1mb 0 0")
	a, b := start(t, &Options{QueueBytes: 64 << 20}, at(s)), start(t, &Options{}, at(s))
	b.Subscribe("all")
	b.settled()
	release := make(chan struct{})
	b.mu.Lock()
	b.busy = func() { <-release }
	b.mu.Unlock()
	large := strings.Repeat("x", 100_000)
	for range 300 {
		a.send("all", large)
	}
	a.Subscribe("end")
	a.send("end", "")
	a.has("end ")
	for n := 1; n > 0; time.Sleep(10 * time.Millisecond) {
		var err error
		if n, err = a.Count(t.Context(), "all"); err != nil {
			t.Fatal(err)
		}
	}
	close(release)
	b.wait("Away and Back", func() bool { return b.aways == 1 && b.backs == 1 })
	b.clear()
	a.send("all", "small")
	b.wait("the next one", func() bool { return b.count > 0 && b.messages[len(b.messages)-1] == "all small" })
}
