package brokertest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/siokit/sio/presence"
)

// What is built on events between servers, and has to get along with all that goes wrong.
var presences = []check{
	{name: "all servers have the same members of rooms", servers: 3, run: func(c *cluster) {
		all := make(attendance)
		for _, n := range c.nodes {
			all.open(n)
		}
		want := make(map[string]string)
		for i, n := range c.nodes {
			s := n.Socket(c.client(n, fmt.Sprint(i)).ID())
			for j := range 60 { // a list of two parts
				room, value := fmt.Sprint("room ", j), strings.Repeat(fmt.Sprint(i), 1000)
				c.works(all[n].Enter(s, room, fmt.Sprint(i), value))
				want[room] += fmt.Sprint(i, "=", value, " ")
			}
		}
		all.agree(c, want)
		all.open(c.add())
		all.agree(c, want)
		for _, n := range c.nodes[:2] {
			c.works(n.Local().Leave("room 0"))
		}
		want["room 0"] = "2=" + strings.Repeat("2", 1000) + " "
		all.agree(c, want)
		gone := c.nodes[0]
		c.leave(gone)
		delete(all, gone)
		for room, members := range want {
			if _, rest, found := strings.Cut(members, " 1="); found {
				want[room] = "1=" + rest
			}
		}
		all.agree(c, want)
	}},
	{name: "members of a server that is cut off leave, and come back", servers: 3, needs: canCut, run: func(c *cluster) {
		all := make(attendance)
		for i, n := range c.nodes {
			all.open(n)
			s := n.Socket(c.client(n, fmt.Sprint(i)).ID())
			c.works(all[n].Enter(s, "room", fmt.Sprint(i), "here"))
		}
		together := map[string]string{"room": "0=here 1=here 2=here "}
		all.agree(c, together)
		out := c.nodes[2]
		out.in.Cut()
		rest := maps.Clone(all)
		delete(rest, out)
		rest.agree(c, map[string]string{"room": "0=here 1=here "})
		attendance{out: all[out]}.agree(c, map[string]string{"room": "2=here "})
		out.in.Heal()
		all.agree(c, together)
	}},
}

// An attendance is the presence of each server.
type attendance map[*node]*presence.Presence[string]

func (all attendance) open(n *node) {
	all[n] = presence.New[string](n.Namespace, &presence.Options{Timeout: time.Second, Grace: 100 * time.Millisecond})
}

// agree waits until the members of rooms are these on all servers.
func (all attendance) agree(c *cluster, want map[string]string) {
	c.Helper()
	c.eventually(func() error {
		for n, p := range all {
			for _, room := range slices.Sorted(maps.Keys(want)) {
				var got strings.Builder
				for _, m := range p.List(room) {
					got.WriteString(m.Key + "=" + m.Value + " ")
				}
				if got.String() != want[room] {
					return fmt.Errorf("server %d has in %s %.30q, want %.30q", slices.Index(c.nodes, n), room, &got, want[room])
				}
			}
		}
		return nil
	})
}
