package sio_test

import (
	"context"
	"fmt"
	"time"

	"github.com/siokit/sio"
)

// Everybody in a room is asked, and those who do not answer are named.
func ExampleTarget() {
	srv := sio.New(nil)
	sio.OnWithAck(srv, "vote", func(c *sio.Context, question string) (map[string]int, error) {
		votes := make(map[string]int)
		answers, err := c.To("members").Timeout(10*time.Second).EmitWithAck(c.Context(), "vote", question)
		for _, a := range answers {
			var vote string
			if a.Err != nil {
				c.Logger().Info().Str("socket", a.ID).Err(a.Err).Msg("no vote")
			} else if a.Args.Bind(&vote) == nil {
				votes[vote]++
			}
		}
		if ctx := c.Context(); ctx.Err() != nil {
			return nil, err // who asked has left
		}
		return votes, nil // be they all or not
	})
}

// What servers of a cluster tell each other.
func ExampleNamespace_OnServerEvent() {
	srv := sio.New(nil) // with Options.Broker
	srv.OnServerEvent("load", func(context.Context, *sio.Namespace, sio.Args) (any, error) { return srv.Connections(), nil })

	total := srv.Connections()
	answers, err := srv.ServerSideEmitWithAck(context.Background(), "load")
	for _, a := range answers {
		var n int
		if a.Err == nil && a.Args.Bind(&n) == nil {
			total += n
		}
	}
	fmt.Println(total, err)
	// Output: 0 <nil>
}
