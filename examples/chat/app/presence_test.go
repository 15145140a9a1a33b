package app

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
)

// A node is a server of a cluster in memory.
type node struct {
	*presence
	engine *memory.Engine
	leave  func()
}

// join starts another server. It ends with the test, if leave has not been called.
func join(t *testing.T, hub *memory.Hub) node {
	t.Helper()
	engine := hub.Engine()
	cl, err := cluster.New(t.Context(), engine, wire.Classic("", wire.ClassicOptions{}), nil)
	if err != nil {
		t.Fatal(err)
	}
	srv := sio.New(&sio.Options{Broker: cl.Broker})
	p := newPresence(srv.Of("/"))
	leave := sync.OnceFunc(p.start())
	t.Cleanup(func() {
		leave()
		if err := cl.Close(); err != nil {
			t.Error(err)
		}
	})
	return node{p, engine, leave}
}

// names returns who is in a room as a server sees it.
func (n node) names(room string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var names []string
	for _, m := range n.listLocked(room).Members {
		names = append(names, m.Name)
	}
	return strings.Join(names, " ")
}

// agree waits for d and wants all servers to see the same.
func agree(t *testing.T, d time.Duration, when, room, want string, nodes ...node) {
	t.Helper()
	time.Sleep(d)
	synctest.Wait()
	for i, n := range nodes {
		if got := n.names(room); got != want {
			t.Errorf("%s, server %d has %q in %s, want %q", when, i, got, room, want)
		}
	}
}

func user(name string) member { return member{ID: "id of " + name, Name: name} }

func TestPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := memory.NewHub()
		a, b := join(t, hub), join(t, hub)
		a.add("r", user("Ada"))
		b.add("r", user("Bob"))
		b.add("s", user("Bob"))
		agree(t, 0, "after two have come", "r", "Ada Bob", a, b)

		c := join(t, hub)
		agree(t, 0, "with a new server", "r", "Ada Bob", a, b, c)
		agree(t, 0, "with a new server", "s", "Bob", a, b, c)
		c.add("r", user("Cleo"))
		c.add("s", user("Cleo"))
		b.remove("s", user("Bob").ID)
		agree(t, 0, "after one has moved", "r", "Ada Bob Cleo", a, b, c)
		agree(t, 0, "after one has moved", "s", "Cleo", a, b, c)

		// What a server misses in a moment is made up for by the next beat.
		c.engine.Cut()
		a.add("r", user("Adam"))
		a.remove("r", user("Ada").ID)
		agree(t, 0, "while a server hears nothing", "r", "Adam Bob Cleo", a, b)
		c.engine.Heal()
		agree(t, beat, "when it hears again", "r", "Adam Bob Cleo", a, b, c)

		// One that dies says nothing.
		c.engine.Cut()
		agree(t, deadline-beat, "shortly after a server is gone", "r", "Adam Bob Cleo", a, b)
		agree(t, 2*beat, "when it has been silent for too long", "r", "Adam Bob", a, b)
		agree(t, 0, "when it has been silent for too long", "s", "", a, b)
		agree(t, 0, "alone", "r", "Cleo", c)
		c.engine.Heal()
		agree(t, beat, "when it is back", "r", "Adam Bob Cleo", a, b, c)

		c.leave()
		agree(t, 0, "when a server has ended", "r", "Adam Bob", a, b)
	})
}

// TestPresenceAtOnce has people come and go at once on all servers, one of which hears
// nothing at times.
func TestPresenceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := memory.NewHub()
		nodes := []node{join(t, hub), join(t, hub), join(t, hub)}
		var stay []string
		var wg sync.WaitGroup
		for i, n := range nodes {
			for j := range 8 {
				m := user(fmt.Sprint(i, ":", j))
				stay = append(stay, m.Name)
				wg.Go(func() {
					for k := range 20 {
						n.add("r", m)
						time.Sleep(time.Duration(i+j+k) * time.Millisecond)
						n.remove("r", m.ID)
						time.Sleep(time.Duration(j) * time.Millisecond)
					}
					n.add("r", m)
				})
			}
		}
		for range 5 {
			nodes[2].engine.Cut()
			time.Sleep(30 * time.Millisecond)
			nodes[2].engine.Heal()
			time.Sleep(30 * time.Millisecond)
		}
		wg.Wait()
		slices.Sort(stay)
		agree(t, beat, "in the end", "r", strings.Join(stay, " "), nodes...)
	})
}
