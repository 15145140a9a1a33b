package brokertest

import (
	"context"
	"errors"
	"fmt"

	"github.com/siokit/sio/siotest"
)

var loads = []check{
	{name: "many goroutines emit and ask at once", servers: 3, run: func(c *cluster) {
		const workers, rounds = 8, 12
		var clients []*siotest.Client
		for i := range 6 {
			clients = append(clients, c.client(c.nodes[i%3], fmt.Sprint(i), "all"))
		}
		c.settle()
		done := make(chan error)
		for _, n := range c.nodes {
			for i := range workers {
				go func() { // until its rounds are over
					var err error
					for j := range rounds {
						ctx, cancel := context.WithTimeout(c.Context(), patience)
						err = errors.Join(err, n.round(ctx, fmt.Sprint("own ", i), j))
						cancel()
					}
					done <- err
				}()
			}
		}
		for range 3 * len(c.nodes) * workers * rounds {
			for _, x := range clients { // each gets everything
				if e := x.Next(); e.WantsAck() {
					e.Ack([]byte("yes"))
				}
			}
		}
		for range len(c.nodes) * workers {
			c.works(receive(c, done, "what emits and asks"))
		}
		c.mark(c.nodes[0], clients...)
	}},
}

// round does a little of everything. It sends each client three events.
func (n *node) round(ctx context.Context, room string, i int) error {
	var errs []error
	expect := func(what string, got, want int, err error) {
		if err != nil || got != want {
			errs = append(errs, fmt.Errorf("%s: %d, want %d: %w", what, got, want, err))
		}
	}
	errs = append(errs, n.Emit("event", i, []byte("binary")), n.To("all").Except(room).Emit("event", i))
	errs = append(errs, n.To("nobody").Join(room), n.To("nobody").Leave(room), n.ServerSideEmit("nobody hears", i))
	answers, err := n.EmitWithAck(ctx, "q", i)
	expect("EmitWithAck", len(answers), 6, err)
	count, err := n.Count(ctx)
	expect("Count", count, 6, err)
	servers, err := n.ServerSideEmitWithAck(ctx, "echo", i)
	expect("ServerSideEmitWithAck", len(servers), 2, err)
	sockets, err := n.To("all").Sockets(ctx)
	expect("Sockets", len(sockets), 6, err)
	return errors.Join(errs...)
}
