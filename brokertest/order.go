package brokertest

import (
	"errors"
	"fmt"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

var orders = []check{
	{name: "what one goroutine emits arrives in order", servers: 3, run: emitInOrder},
	{name: "a remote Join, then an event to the room", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		b, d := p.clients["b"], p.clients["d"]
		for i := range 200 {
			room := fmt.Sprint("room ", i)
			c.works(p.from.To(b.ID()).Join(room), p.from.To(room).Emit("event", i))
			if i%2 == 0 {
				c.works(p.from.To("b and d").Join(room), p.from.To(room).Emit("both", i))
			}
		}
		for i := range 200 {
			b.Expect("event").Is(i)
			if i%2 == 0 {
				b.Expect("both").Is(i)
				d.Expect("both").Is(i)
			}
		}
		p.nothingElse()
	}},
	{name: "a remote Leave, then an event to the room", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		b, d := p.clients["b"], p.clients["d"]
		for i := range 100 {
			c.works(p.from.To(b.ID()).Leave("b and d"), p.from.To("b and d").Emit("event", i))
			c.works(p.from.To(b.ID()).Join("b and d"), p.from.To("b and d").Emit("both", i))
		}
		for i := range 100 {
			d.Expect("event").Is(i)
			d.Expect("both").Is(i)
			b.Expect("both").Is(i)
		}
		p.nothingElse()
	}},
	{name: "a remote Disconnect, then an event", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		b := p.clients["b"]
		c.works(p.from.To(b.ID()).Disconnect(), p.from.Emit("late"), p.from.To(b.ID()).Emit("late"))
		b.ExpectDisconnect(siotest.ServerDisconnect)
		p.clients["d"].Expect("late")
		c.mark(p.from, p.clients["d"])
	}},
	{name: "a Join, then an event to the room from who has heard of it", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		b, d := p.clients["b"], p.clients["d"]
		for i := range 100 {
			room := fmt.Sprint("room ", i)
			c.works(c.nodes[1].Socket(b.ID()).Join(room), c.nodes[1].To("b and d").Emit("joined", i))
			d.Expect("joined").Is(i)
			c.works(c.nodes[2].To(room).Emit("welcome", i))
			b.Expect("joined").Is(i)
			b.Expect("welcome").Is(i)
		}
	}},
	{name: "events for servers", servers: 3, run: func(c *cluster) {
		for i := range 500 {
			c.works(c.nodes[0].ServerSideEmit("hear", fmt.Sprint(i)))
		}
		for _, n := range c.nodes[1:] {
			for i := range 500 {
				if got := receive(c, n.heard, "an event"); got != fmt.Sprint(i) {
					c.Fatalf("event %s, want %d", got, i)
				}
			}
		}
	}},
}

// emitInOrder has a goroutine on each server emit to its clients in every way, and checks
// what each client gets of each server.
func emitInOrder(c *cluster) {
	const events = 1000
	p := c.crowd()
	targets := func(n *node) []sio.Target {
		return []sio.Target{
			n.All(),
			n.To("all"),
			n.To("all", "b and d"),
			n.To("only b", "nobody"),
			n.To(p.clients["b"].ID()),
			n.To("b and d"),
			n.Except("a and b"),
			n.All().Compress(false),
		}
	}
	who := []string{"abcd", "abcd", "abcd", "b", "b", "bd", "cd", "abcd"}
	done := make(chan error, len(c.nodes))
	for from, n := range c.nodes {
		go func() { // until all is emitted
			to := targets(n)
			var err error
			for i := range events {
				args := []any{from, i}
				if i%7 == 0 {
					args = append(args, []byte("binary"))
				}
				err = errors.Join(err, to[i%len(to)].Emit("event", args...))
			}
			done <- err
		}()
	}
	for range c.nodes {
		c.works(receive(c, done, "the events to be emitted"))
	}
	for name, x := range p.clients {
		var want []int // of each server
		for i := range events {
			for _, w := range who[i%len(who)] {
				if string(w) == name {
					want = append(want, i)
				}
			}
		}
		next := make([]int, len(c.nodes))
		for range len(want) * len(c.nodes) {
			var from, i int
			x.Expect("event").Bind(&from, &i)
			if next[from] == len(want) || i != want[next[from]] {
				c.Fatalf("%s gets event %d of server %d, not in order", name, i, from)
			}
			next[from]++
		}
	}
	p.nothingElse()
}
