package presence_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/presence"
	"github.com/siokit/sio/siotest"
)

// TestCrowd has 10,000 clients in a room on three servers, one of which is killed.
func TestCrowd(t *testing.T) {
	const crowd = 10_000
	synctest.Test(t, func(t *testing.T) {
		hub, o := memory.NewHub(), &presence.Options{}
		servers := []*server{start(t, hub, o), start(t, hub, o), start(t, hub, o)}
		value := strings.Repeat("x", 60)
		for i := range crowd {
			servers[i%3].enter(t, fmt.Sprint("user ", i), value)
		}
		began := time.Now()
		for !all(servers, crowd) {
			time.Sleep(10 * time.Millisecond)
		}
		t.Logf("%v until all lists have %d members", time.Since(began), crowd)

		// A server that is new gets three lists, in parts.
		spy := newSpy(t, hub)
		began = time.Now()
		late := start(t, hub, o)
		for !all([]*server{late}, crowd) {
			time.Sleep(10 * time.Millisecond)
		}
		took, parts := time.Since(began), spy.count()
		t.Logf("%v until a new server has them, by %d messages of %d bytes at most", took, parts, spy.largest())
		if took > 2*time.Second || spy.largest() > 64<<10 {
			t.Error("too much")
		}

		servers[2].engine.Cut()
		began = time.Now()
		rest := []*server{servers[0], servers[1], late}
		for !all(rest, crowd-crowd/3) {
			time.Sleep(10 * time.Millisecond)
			if time.Since(began) > time.Minute {
				t.Fatal("the members of a server that was killed stay")
			}
		}
		took = time.Since(began)
		t.Logf("%v until its members have left all lists when a server is killed", took)
		if took > 4*time.Second {
			t.Error("that is more than a timeout and a second")
		}
		for i, s := range rest[1:] {
			if members(s.p, "r") != members(rest[0].p, "r") {
				t.Errorf("the lists of servers 0 and %d differ", i+1)
			}
		}
	})
}

// all reports whether room "r" has so many members on all servers.
func all(servers []*server, n int) bool {
	synctest.Wait()
	for _, s := range servers {
		if s.p.Count("r") != n {
			return false
		}
	}
	return true
}

// BenchmarkJoin is what a member who joins and leaves costs a cluster of three, with a client
// for a thousand others in the room.
func BenchmarkJoin(b *testing.B) {
	hub, o := memory.NewHub(), &presence.Options{}
	servers := []*server{start(b, hub, o), start(b, hub, o), start(b, hub, o)}
	for i := range 1000 {
		servers[i%3].enter(b, fmt.Sprint("user ", i), strings.Repeat("x", 60))
	}
	c := siotest.Connect(b, servers[0].Server)
	b.ReportAllocs()
	for b.Loop() {
		c.Call("enter", seat{"r", "one more", strings.Repeat("x", 60)})
		c.Call("leave", "r")
	}
}

// A flood is one client that comes and goes all the time.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, o := memory.NewHub(), &presence.Options{Event: "presence"}
		a, b := start(t, hub, o), start(t, hub, o)
		watcher := siotest.Connect(t, b.Server)
		watcher.Call("watch", "r")
		watcher.Expect("presence")
		spy := newSpy(t, hub)
		c := siotest.Connect(t, a.Server)
		for range 1000 {
			c.Emit("enter", seat{"r", "flood", ""})
			time.Sleep(time.Millisecond / 2)
			c.Emit("leave", "r")
			time.Sleep(time.Millisecond / 2)
		}
		c.Call("leave", "r")
		time.Sleep(soon)
		synctest.Wait()
		messages := spy.count()
		if messages > 30 { // 20 reports a second, and beats
			t.Errorf("%d messages between servers", messages)
		}
		agree(t, 0, "in the end", "", a, b)
		events := 0
		watcher.Emit("watch", "elsewhere")
		for siotest.Expect[presence.Change[string]](watcher, "presence").Room == "r" {
			events++
		}
		if events > 25 {
			t.Errorf("%d events for others", events)
		}
	})
}
