package brokertest

import (
	"fmt"
)

var namespaces = []check{
	{name: "rooms of the same name do not mix", servers: 2, run: func(c *cluster) {
		for _, n := range c.nodes {
			n.nsp("/a")
			n.nsp("/b")
		}
		a, b, root := c.clientOf(c.nodes[1], "/a", "a", "room"), c.clientOf(c.nodes[1], "/b", "b", "room"), c.client(c.nodes[1], "root", "room")
		c.settle("/", "/a", "/b")
		from := c.nodes[0]
		for i := range 20 {
			c.works(from.Of("/a").To("room").Emit("in a", i), from.Of("/b").To("room").Emit("in b", i), from.To("room").Emit("in root", i))
			c.works(from.Of("/a").Emit("all of a", i), from.Of("/b").Emit("all of b", i), from.Emit("all of root", i))
		}
		for i := range 20 {
			a.Expect("in a").Is(i)
			a.Expect("all of a").Is(i)
			b.Expect("in b").Is(i)
			b.Expect("all of b").Is(i)
			root.Expect("in root").Is(i)
			root.Expect("all of root").Is(i)
		}
		for _, nsp := range []string{"/", "/a", "/b"} {
			if n, err := from.Of(nsp).To("room").Count(c.soon()); n != 1 || err != nil {
				c.Errorf("%s: %d %v", nsp, n, err)
			}
		}
		c.works(from.Of("/a").ServerSideEmit("hear", "in a"))
		c.settle("/", "/a", "/b")
		if got := receive(c, c.nodes[1].heard, "an event"); got != "in a" || len(c.nodes[1].heard) > 0 {
			c.Errorf("%q, and %d more", got, len(c.nodes[1].heard))
		}
		c.works(from.Of("/b").To("room").Disconnect())
		b.ExpectDisconnect("io server disconnect")
		c.works(from.Of("/a").Emit("end"), from.Emit("end"))
		a.Expect("end")
		root.Expect("end")
	}},
	{name: "names of namespaces and of rooms do not mix", servers: 2, run: func(c *cluster) {
		names := []string{"/a", "/a#b", "/a#b#", "/a#", "/#", "/*", "/a*", "/?", "/a.b", "/>", "/a b", "/A", "/日本語", "/a/b", "/[a]"}
		rooms := []string{"b", "b#", "#", "", "*", "#b#", "b##"}
		clients := make(map[string]func(string, int))
		for i, nsp := range names {
			for _, n := range c.nodes {
				n.nsp(nsp)
			}
			x := c.clientOf(c.nodes[1], nsp, fmt.Sprint(i), rooms...)
			clients[nsp] = func(event string, i int) { c.Helper(); x.Expect(event).Is(i) }
		}
		c.settle(names...)
		for i, nsp := range names {
			from := c.nodes[0].Of(nsp)
			c.works(from.Emit("all of "+nsp, i))
			for _, room := range rooms {
				c.works(from.To(room).Emit("in "+nsp+" "+room, i))
			}
			clients[nsp]("all of "+nsp, i)
			for _, room := range rooms {
				clients[nsp]("in "+nsp+" "+room, i)
			}
		}
		for i, nsp := range names {
			c.works(c.nodes[0].Of(nsp).Emit("end", i))
			clients[nsp]("end", i)
		}
	}},
	{name: "that only one server has are not waited for", servers: 3, run: func(c *cluster) {
		const nsp = "/lonely"
		n := c.nodes[0].nsp(nsp)
		a := c.clientOf(c.nodes[0], nsp, "a", "room")
		c.quick("all asks", 0, func() {
			if got, err := n.Count(c.soon()); got != 1 || err != nil {
				c.Errorf("Count: %d %v", got, err)
			}
			if got, err := n.Sockets(c.soon()); len(got) != 1 || err != nil {
				c.Errorf("Sockets: %d %v", len(got), err)
			}
			if got, err := n.ServerSideEmitWithAck(c.soon(), "sync"); len(got) != 0 || err != nil {
				c.Errorf("ServerSideEmitWithAck: %v %v", got, err)
			}
			done := ask(c.soon(), n.To("room"), "q")
			a.Expect("q").Ack("yes")
			if got := receive(c, done, "answers"); got.err != nil || len(got.answers) != 1 {
				c.Errorf("EmitWithAck: %v", got)
			}
		})
		c.settle()
		c.nodes[1].nsp(nsp) // later, it has it, too
		b := c.clientOf(c.nodes[1], nsp, "b", "room")
		c.eventually(func() error {
			if got, err := n.Count(c.soon()); got != 2 || err != nil {
				return fmt.Errorf("%d clients, want 2: %v", got, err)
			}
			return nil
		})
		c.works(n.To("room").Emit("event"))
		a.Expect("event")
		b.Expect("event")
	}},
	{name: "dynamic ones are reached from servers that do not have them", servers: 3, run: func(c *cluster) {
		const nsp = "/dynamic-1"
		b := c.clientOf(c.nodes[1], nsp, "b", "room")
		other := c.clientOf(c.nodes[1], "/dynamic-2", "other", "room")
		c.settle()
		from := c.nodes[0].Of(nsp)
		for i := range 50 {
			c.works(from.Emit("event", i), from.To("room").Emit("event", i), from.To(b.ID()).Emit("event", i))
			for range 3 {
				b.Expect("event").Is(i)
			}
		}
		c.quick("all asks", 0, func() {
			if n, err := from.Count(c.soon()); n != 1 || err != nil {
				c.Errorf("%d %v", n, err)
			}
			if n, err := c.nodes[0].Of("/dynamic-nobody").Count(c.soon()); n != 0 || err != nil {
				c.Errorf("%d %v", n, err)
			}
			done := ask(c.soon(), from.To("room"), "q")
			b.Expect("q").Ack("yes")
			if got := receive(c, done, "answers"); got.err != nil || len(got.answers) != 1 {
				c.Errorf("%v", got)
			}
		})
		c.works(from.To("room").Join("joined"), from.To("joined").Emit("event"))
		b.Expect("event")
		c.works(from.To("joined").Disconnect())
		b.ExpectDisconnect("io server disconnect")
		c.works(c.nodes[0].Of("/dynamic-2").Emit("end"))
		other.Expect("end")
	}},
	{name: "dynamic ones are asked as soon as they are there", servers: 2, run: func(c *cluster) {
		for i := range 50 {
			nsp := fmt.Sprint("/dynamic-", i)
			c.clientOf(c.nodes[1], nsp, "b")
			c.settle() // "/" alone
			if n, err := c.nodes[0].Of(nsp).Count(c.soon()); n != 1 || err != nil {
				c.Fatalf("%d clients, want 1: %v", n, err)
			}
		}
	}},
	{name: "dynamic ones are asked while another server gets them", servers: 3, run: func(c *cluster) {
		for i := range 50 {
			ctx := c.soon()
			nsp := fmt.Sprint("/dynamic-", i)
			c.clientOf(c.nodes[0], nsp, "a")
			c.clientOf(c.nodes[1], nsp, "b")
			c.settle()
			joined, done := make(chan struct{}), make(chan error, 1)
			go func() { // until an ask has come behind joined, or failed
				for last := false; ; {
					clients, err := c.nodes[0].Of(nsp).Count(ctx)
					if err != nil || clients < 2 || clients > 3 {
						done <- fmt.Errorf("%d clients, want 2 or 3: %w", clients, err)
						return
					}
					if last {
						done <- nil
						return
					}
					select {
					case <-joined:
						last = true
					default:
					}
				}
			}()
			c.clientOf(c.nodes[2], nsp, "d")
			close(joined)
			c.works(receive(c, done, "the last ask"))
		}
	}},
	{name: "dynamic ones come and go on one server while another has them", servers: 2, run: func(c *cluster) {
		const nsp = "/dynamic-1"
		b := c.clientOf(c.nodes[1], nsp, "b", "room")
		for i := range 50 {
			a := c.clientOf(c.nodes[0], nsp, "a", "room")
			c.settle(nsp)
			c.works(c.nodes[1].Of(nsp).To("room").Emit("event", i))
			a.Expect("event").Is(i)
			b.Expect("event").Is(i)
			c.works(c.nodes[0].Of(nsp).Emit("event", i))
			a.Expect("event").Is(i)
			b.Expect("event").Is(i)
			a.Close()
			c.eventually(func() error {
				if n, err := c.nodes[1].Of(nsp).Count(c.soon()); n != 1 || err != nil {
					return fmt.Errorf("%d clients, want 1: %v", n, err)
				}
				return nil
			})
		}
	}},
	{name: "dynamic ones are made anew after all have left", servers: 2, run: func(c *cluster) {
		const nsp = "/dynamic-1"
		for i := range 20 {
			a, b := c.clientOf(c.nodes[0], nsp, "a", "room"), c.clientOf(c.nodes[1], nsp, "b", "room")
			c.settle(nsp)
			c.works(c.nodes[0].Of(nsp).To("room").Emit("event", i))
			a.Expect("event").Is(i)
			b.Expect("event").Is(i)
			a.Close()
			b.Disconnect()
			c.eventually(func() error {
				if n, err := c.nodes[0].Of(nsp).Count(c.soon()); n != 0 || err != nil {
					return fmt.Errorf("%d clients, want none: %v", n, err)
				}
				return nil
			})
		}
	}},
}
