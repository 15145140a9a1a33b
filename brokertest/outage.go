package brokertest

import (
	"errors"
	"fmt"
	"time"

	"github.com/siokit/sio"
)

func canCut(s Server) bool { return s.Cut != nil }

var cuts = []check{
	{name: "local delivery goes on", servers: 3, needs: canCut, run: func(c *cluster) {
		p := c.crowd()
		p.from.in.Cut()
		a := p.clients["a"]
		c.quick("300 calls of Emit", 0, func() {
			for i := range 100 {
				c.works(p.from.Emit("event", i), p.from.To("a and b").Emit("event", i), p.from.To(a.ID()).Emit("event", i))
				for range 3 {
					a.Expect("event").Is(i)
				}
			}
		})
		c.works(p.a.Join("new"), p.from.To("new").Emit("event"), p.from.To("new").Leave("new"), p.from.To("new").Emit("left"))
		a.Expect("event")
		c.mark(p.from, a)
	}},
	{name: "what asks returns what there is, in time, with an error that names who is missing", servers: 3, needs: canCut, run: func(c *cluster) {
		p := c.crowd()
		p.from.in.Cut()
		c.partial(p.from, p.clients["a"].ID(), "a", c.nodes[1], c.nodes[2])
	}},
	{name: "the others go on", servers: 3, needs: canCut, run: func(c *cluster) {
		p := c.crowd()
		c.nodes[0].in.Cut()
		b, d := p.clients["b"], p.clients["d"]
		for i := range 20 {
			c.works(c.nodes[1].To("b and d").Emit("event", i))
			b.Expect("event").Is(i)
			d.Expect("event").Is(i)
			c.works(c.nodes[2].To(b.ID()).Emit("back", i))
			b.Expect("back").Is(i)
		}
		var got []sio.RemoteSocket
		for tries := 3; tries > 0 && len(got) != 2; tries-- { // a busy machine may take longer once
			c.quick("Sockets", short, func() {
				got, _ = c.nodes[1].To("b and d").Sockets(c.within(short)) // whether a server is missing is not known at once
			})
		}
		if len(got) != 2 {
			c.Errorf("%d sockets, want 2", len(got))
		}
	}},
	{name: "what is healed is whole soon", servers: 3, needs: canCut, run: func(c *cluster) {
		p := c.crowd()
		a, b, d := p.clients["a"], p.clients["b"], p.clients["d"]
		for round := range 3 {
			p.from.in.Cut()
			c.works(p.a.Join("joined while cut"))
			p.a.Leave("a and b")
			c.works(c.nodes[1].Socket(b.ID()).Join("joined while cut"))
			p.from.in.Heal()
			start := time.Now()
			c.whole()
			c.Logf("whole after %v", time.Since(start))
			for i, n := range c.nodes {
				c.works(n.To("joined while cut").Emit("joined", round, i), n.To("a and b").Emit("left", round, i))
				a.Expect("joined").Is(round, i)
				b.Expect("joined").Is(round, i)
				b.Expect("left").Is(round, i)
			}
			c.settle() // everything has arrived
			c.works(p.a.Join("a and b"))
			p.a.Leave("joined while cut")
			c.nodes[1].Socket(b.ID()).Leave("joined while cut")
			c.settle()
		}
		c.mark(p.from, a, b, d)
	}},
	{name: "what is emitted meanwhile arrives in order, or is told to be lost", servers: 2, needs: canCut, run: func(c *cluster) {
		const events = 500
		b := c.client(c.nodes[1], "b", "room")
		c.settle()
		from := c.nodes[0]
		before := from.in.Lost()
		from.in.Cut()
		for i := range events {
			c.works(from.To("room").Emit("event", i))
		}
		from.in.Heal()
		c.whole()
		c.works(from.Emit("end"))
		got, last := 0, -1
		for {
			e := b.Next()
			if e.Name() == "end" {
				break
			}
			var i int
			e.Bind(&i)
			if i <= last {
				c.Fatalf("event %d comes behind %d", i, last)
			}
			got, last = got+1, i
		}
		c.eventually(func() error { // it may be told later
			if lost := from.in.Lost() - before; got+lost < events {
				return fmt.Errorf("%d of %d events have arrived, and only %d are told to be lost", got, events, lost)
			}
			return nil
		})
	}},
	{name: "losses are told", servers: 2, needs: canCut, run: func(c *cluster) {
		from := c.nodes[0]
		before := from.in.Lost()
		from.in.Cut()
		c.eventually(func() error { // it may take a moment to find out
			c.works(from.Volatile().Emit("volatile"))
			if from.in.Lost() == before {
				return errors.New("no volatile event is told to be lost")
			}
			return nil
		})
	}},
	{name: "a server that is cut off can be shut down", servers: 2, needs: canCut, run: func(c *cluster) {
		c.client(c.nodes[0], "a")
		n := c.nodes[0]
		n.in.Cut()
		c.works(n.Emit("event"))
		c.quick("Shutdown", 0, func() { c.leave(n) })
	}},
}

func canFreeze(s Server) bool { return s.Freeze != nil }

var freezes = []check{
	{name: "what asks returns what there is, in time, with an error that names who is missing", servers: 3, needs: canFreeze, run: func(c *cluster) {
		p := c.crowd()
		c.nodes[2].in.Freeze()
		c.partial(p.from, p.clients["b"].ID(), "abc", c.nodes[2])
	}},
	{name: "nobody else waits", servers: 3, needs: canFreeze, run: func(c *cluster) {
		p := c.crowd()
		c.nodes[2].in.Freeze()
		waiting := askServers(c.soon(), p.from.Namespace, "sync")
		delete(p.clients, "d")
		for range 20 {
			p.get("b", p.from.To("b and d"))
			p.get("abc", p.from.All())
		}
		c.nodes[2].in.Thaw()
		if got := receive(c, waiting, "answers"); got.err != nil || len(got.answers) != 2 {
			c.Errorf("%v", got)
		}
	}},
	{name: "one that comes back has missed nothing", servers: 2, needs: canFreeze, run: func(c *cluster) {
		b := c.client(c.nodes[1], "b", "room")
		c.settle()
		c.nodes[1].in.Freeze()
		for i := range 100 {
			c.works(c.nodes[0].To("room").Emit("event", i))
		}
		c.nodes[1].in.Thaw()
		for i := range 100 {
			b.Expect("event").Is(i)
		}
		c.whole()
	}},
}

// whole waits until all servers reach each other again.
func (c *cluster) whole() {
	c.Helper()
	for i, n := range c.nodes {
		c.eventually(func() error {
			got, err := n.ServerSideEmitWithAck(c.within(short), "sync")
			if err == nil && len(got) != len(c.nodes)-1 {
				err = fmt.Errorf("%d servers have answered server %d, want %d", len(got), i, len(c.nodes)-1)
			}
			return err
		})
	}
}

// partial checks what a server is answered when others are missing: who is the clients that
// are left. Id is that of one of them.
func (c *cluster) partial(n *node, id, who string, missing ...*node) {
	c.Helper()
	check := func(what string, ask func() (int, error), want int) {
		c.Helper()
		var got int
		var err error
		for range 3 { // those that are there may be late where the machine is busy
			if c.quick(what, short, func() { got, err = ask() }); got >= want {
				break
			}
		}
		if got != want {
			c.Errorf("%s: %d, want %d", what, got, want)
		}
		if err == nil {
			c.Errorf("%s: no error", what)
			return
		}
		for _, m := range missing {
			c.names(err, m)
		}
	}
	check("Count", func() (int, error) { return n.Count(c.within(short)) }, len(who))
	check("Sockets", func() (int, error) {
		got, err := n.Sockets(c.within(short))
		return len(got), err
	}, len(who))
	check("Count with a Timeout", func() (int, error) { return n.Timeout(short).Count(c.soon()) }, len(who))
	check("ServerSideEmitWithAck", func() (int, error) {
		got, err := n.ServerSideEmitWithAck(c.within(short), "sync")
		return answered(got), err
	}, len(c.nodes)-1-len(missing))
	check("EmitWithAck", func() (int, error) {
		got, err := n.To("nobody").EmitWithAck(c.within(short), "q")
		return answered(got), err
	}, 0)
	c.quick("Emit", 0, func() { c.works(n.To(id).Emit("event")) })
}

func answered(got []sio.Answer) int {
	n := 0
	for _, a := range got {
		if a.Err == nil {
			n++
		}
	}
	return n
}
