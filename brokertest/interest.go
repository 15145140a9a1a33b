package brokertest

import (
	"fmt"
	"sync"
	"time"

	"github.com/siokit/sio"
)

// settled is how long a broker may still hear of rooms that everybody has left: a test that
// nothing is forgotten later has to let it pass.
const settled = 3 * time.Second

// events is more than what comes to a server while nothing is emitted.
const events = 300

// received emits to a target, and returns how many messages each server has got.
func (c *cluster) received(to sio.Target) (got []int) {
	c.Helper()
	for _, n := range c.nodes {
		got = append(got, -n.in.Received())
	}
	for range events {
		c.works(to.Emit("event"))
	}
	c.settle()
	for i, n := range c.nodes {
		got[i] += n.in.Received()
	}
	return got
}

// What brokers know of who is interested in a room.
var interests = []check{
	{name: "servers without members get nothing", servers: 3, needs: func(s Server) bool { return s.Received != nil }, run: func(c *cluster) {
		b := c.client(c.nodes[1], "b", "room")
		c.settle()
		emit := func(room string) []int { return c.received(c.nodes[0].To(room)) }
		if got := emit("nobody"); got[1] >= events || got[2] >= events {
			c.Errorf("messages for a room without members come: %v", got)
		}
		if got := emit("room"); got[1] < events || got[2] >= events {
			c.Errorf("messages for a room come: %v, want them on the second server only", got)
		}
		for range events {
			b.Expect("event")
		}
		c.nodes[1].Socket(b.ID()).Leave("room")
		c.eventually(func() error { // a broker may wait whether somebody comes back
			if got := emit("room"); got[1] >= events {
				return fmt.Errorf("messages for a room that everybody has left come: %v", got)
			}
			return nil
		})
		c.mark(c.nodes[0], b)
		if n := c.nodes[1]; n.in.Cut != nil {
			n.in.Cut()
			n.in.Heal()
			c.whole()
			if got := emit("room"); got[1] >= events {
				c.Errorf("messages for a room that everybody has left come again after a cut: %v", got)
			}
		}
	}},
	{name: "a room that is joined and left quickly is right in the end", servers: 2, run: func(c *cluster) {
		b := c.client(c.nodes[1], "b")
		s := c.nodes[1].Socket(b.ID())
		for range 1000 {
			c.works(s.Join("in"))
			s.Leave("in")
			c.works(s.Join("in", "out"))
			s.Leave("out")
		}
		c.settle()
		for i := range 10 {
			c.works(c.nodes[0].To("in").Emit("in", i), c.nodes[0].To("out").Emit("out", i))
			b.Expect("in").Is(i)
		}
		c.mark(c.nodes[0], b)
	}},
	{name: "rooms that many join and leave at once are right in the end", servers: 2, run: func(c *cluster) {
		const rooms, many = 10, 8
		all := c.client(c.nodes[1], "all")
		socks := []*sio.Socket{c.nodes[1].Socket(all.ID())}
		for i := range many - 1 {
			socks = append(socks, c.nodes[1].Socket(c.client(c.nodes[1], fmt.Sprint(i)).ID()))
		}
		var wg sync.WaitGroup
		for i, s := range socks {
			wg.Go(func() { // until it has joined and left
				for j := range 200 {
					room := fmt.Sprint("room ", (i+j)%rooms)
					_ = s.Join(room) // one that fails is not in the room at the end
					s.Leave(room)
				}
			})
		}
		wg.Wait()
		for i := range rooms {
			if i%2 == 0 {
				c.works(socks[0].Join(fmt.Sprint("room ", i)))
			}
		}
		c.settle()
		for i := range rooms {
			c.works(c.nodes[0].To(fmt.Sprint("room ", i)).Emit("event", i))
			if i%2 == 0 {
				all.Expect("event").Is(i)
			}
		}
		c.mark(c.nodes[0], all)
	}},
	{name: "a room that is joined again stays joined", servers: 2, run: func(c *cluster) {
		b := c.client(c.nodes[1], "b", "often", "once", "left")
		s := c.nodes[1].Socket(b.ID())
		for range 10 {
			s.Leave("often")
			c.works(s.Join("often"))
		}
		s.Leave("once")
		s.Leave("left")
		c.works(s.Join("once"))
		time.Sleep(settled)
		c.settle()
		c.works(c.nodes[0].To("often").Emit("often"), c.nodes[0].To("left").Emit("left"), c.nodes[0].To("once").Emit("once"))
		b.Expect("often")
		b.Expect("once")
		c.mark(c.nodes[0], b)
		c.works(s.Join("left"))
		c.settle()
		c.works(c.nodes[0].To("left").Emit("joined"))
		b.Expect("joined")
	}},
	{name: "one of two members leaves", servers: 2, run: func(c *cluster) {
		b, d := c.client(c.nodes[1], "b", "room"), c.client(c.nodes[1], "d", "room")
		c.settle()
		c.nodes[1].Socket(b.ID()).Leave("room")
		c.settle()
		c.works(c.nodes[0].To("room").Emit("event"))
		d.Expect("event")
		c.mark(c.nodes[0], b, d)
	}},
	{name: "the last member leaves and another one joins at once", servers: 2, run: func(c *cluster) {
		b, d := c.client(c.nodes[1], "b", "room"), c.client(c.nodes[1], "d")
		s, other := c.nodes[1].Socket(b.ID()), c.nodes[1].Socket(d.ID())
		for i := range 100 {
			s.Leave("room")
			c.works(other.Join("room"))
			c.settle()
			c.works(c.nodes[0].To("room").Emit("event", i))
			d.Expect("event").Is(i)
			b, d, s, other = d, b, other, s
		}
		c.mark(c.nodes[0], b, d)
	}},
	{name: "the last member disconnects and another one joins", servers: 2, run: func(c *cluster) {
		last := c.client(c.nodes[1], "first", "room")
		for i := range 20 {
			last.Close()
			last = c.client(c.nodes[1], fmt.Sprint(i), "room")
			c.settle()
			c.works(c.nodes[0].To("room").Emit("event", i), c.nodes[0].To(last.ID()).Emit("event", i))
			last.Expect("event").Is(i)
			last.Expect("event").Is(i)
		}
	}},
	{name: "a socket in hundreds of rooms", servers: 2, run: func(c *cluster) {
		b := c.client(c.nodes[1], "b")
		var rooms []string
		for i := range 900 {
			rooms = append(rooms, fmt.Sprint("room ", i))
		}
		c.works(c.nodes[0].To(b.ID()).Join(rooms...))
		for i, room := range rooms {
			c.works(c.nodes[0].To(room).Emit("event", i))
		}
		for i := range rooms {
			b.Expect("event").Is(i)
		}
		b.Disconnect()
		b = c.client(c.nodes[1], "b", "room 7")
		c.settle()
		for _, room := range rooms {
			c.works(c.nodes[0].To(room).Emit("again", room))
		}
		b.Expect("again").Is("room 7")
		c.mark(c.nodes[0], b)
	}},
}
