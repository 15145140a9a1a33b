package brokertest

import (
	"context"
	"fmt"
	"time"
)

// What all other tests rely on.
var starts = []check{
	{name: "two servers find each other", servers: 2, run: func(c *cluster) {
		a, b := c.client(c.nodes[0], "a"), c.client(c.nodes[1], "b")
		c.mark(c.nodes[0], a, b)
		if n, err := c.nodes[0].Count(c.soon()); n != 2 || err != nil {
			c.Errorf("%d clients, want 2: %v", n, err)
		}
	}},
}

var members = []check{
	{name: "a server that leaves is not counted, and not waited for", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		c.quick("leaving", 0, func() {
			c.leave(c.nodes[2])
			c.eventually(func() error {
				n, err := p.from.Count(c.within(short))
				if n != 3 || err != nil {
					return fmt.Errorf("%d clients, want 3: %v", n, err)
				}
				got, err := p.from.ServerSideEmitWithAck(c.within(short), "sync")
				if len(got) != 1 || err != nil {
					return fmt.Errorf("%d servers answer, want 1: %v", len(got), err)
				}
				return nil
			})
		})
		c.quick("what asks", 0, func() {
			if got, err := p.from.Sockets(c.soon()); len(got) != 3 || err != nil {
				c.Errorf("%d sockets, %v", len(got), err)
			}
			done := ask(c.soon(), p.from.To("all"), "q")
			for _, name := range []string{"a", "b", "c"} {
				p.clients[name].Expect("q").Ack("yes")
			}
			if got := receive(c, done, "answers"); got.err != nil || len(got.answers) != 3 {
				c.Errorf("%v", got)
			}
		})
		delete(p.clients, "d")
		p.get("abc", p.from.All())
		p.get("b", p.from.To("b and d"))
	}},
	{name: "a server that leaves ends what waits for it", servers: 3, run: func(c *cluster) {
		p := c.crowd()
		clients := ask(c.soon(), p.from.To("all"), "q")
		servers := askServers(c.soon(), p.from.Namespace, "wait")
		for name, x := range p.clients {
			if e := x.Expect("q"); name != "d" {
				e.Ack("yes")
			}
		}
		for _, n := range c.nodes[1:] {
			receive(c, n.busy, "the handler")
		}
		close(c.nodes[1].ready)
		c.quick("EmitWithAck and ServerSideEmitWithAck", 0, func() {
			c.leave(c.nodes[2])
			got := receive(c, clients, "the clients' answers")
			answers := 0
			for _, a := range got.answers {
				if a.Err == nil {
					answers++
				}
			}
			if answers != 3 {
				c.Errorf("%d answers of clients: %v", answers, got)
			}
			if got := receive(c, servers, "the servers' answers"); len(got.answers) == 0 || string(got.answers[0].Args.Raw(0)) != `"ready"` {
				c.Errorf("the answers of servers are %v", got)
			}
		})
	}},
	{name: "a server that joins later is one of them", servers: 2, run: func(c *cluster) {
		a, b := c.client(c.nodes[0], "a", "room"), c.client(c.nodes[1], "b", "room")
		c.settle()
		late := c.add()
		c.settle()
		d := c.client(late, "d", "room")
		c.settle()
		for i, n := range c.nodes {
			c.works(n.To("room").Emit("event", i))
			a.Expect("event").Is(i)
			b.Expect("event").Is(i)
			d.Expect("event").Is(i)
		}
		if n, err := late.Count(c.soon()); n != 3 || err != nil {
			c.Errorf("%d %v", n, err)
		}
		if n, err := c.nodes[1].Count(c.soon()); n != 3 || err != nil {
			c.Errorf("%d %v", n, err)
		}
	}},
	{name: "servers come and go", servers: 2, run: func(c *cluster) {
		a, b := c.client(c.nodes[0], "a", "room"), c.client(c.nodes[1], "b", "room")
		c.settle()
		for i := range 5 {
			n := c.add()
			d := c.client(n, "d", "room")
			c.settle()
			for _, from := range []*node{c.nodes[0], n} {
				c.works(from.To("room").Emit("event", i), from.Emit("event", i))
				for range 2 {
					a.Expect("event").Is(i)
					b.Expect("event").Is(i)
					d.Expect("event").Is(i)
				}
			}
			c.leave(n)
			c.settle()
		}
		if n, err := c.nodes[0].Count(c.soon()); n != 2 || err != nil {
			c.Errorf("%d %v", n, err)
		}
	}},
	{name: "asks are answered while servers come and go", servers: 2, run: func(c *cluster) {
		c.client(c.nodes[0], "a")
		c.client(c.nodes[1], "b")
		c.settle()
		stop, done := make(chan struct{}), make(chan error)
		for _, n := range c.nodes {
			go func() { // until stop is closed, or an ask fails
				for asks := 0; ; asks++ {
					ctx, cancel := context.WithTimeout(c.Context(), patience)
					clients, err := n.Count(ctx)
					cancel()
					if err != nil || clients != 2 {
						done <- fmt.Errorf("ask %d: %d clients, want 2: %w", asks, clients, err)
						return
					}
					select {
					case <-stop:
						done <- nil
						return
					case <-time.After(time.Millisecond): // a bubble's time must pass
					}
				}
			}()
		}
		for range 5 {
			n := c.add()
			c.settle()
			c.leave(n)
		}
		close(stop)
		c.works(receive(c, done, "the last ask"), receive(c, done, "the last ask"))
	}},
}
