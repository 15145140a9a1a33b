package sio_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
)

// TestEmitContext has more sent than may wait.
func TestEmitContext(t *testing.T) {
	h := newHost(t, &sio.Options{QueuePackets: 10, KeepSlow: true})
	number := sio.NewEvent[int]("number")
	h.On("go", func(c *sio.Context) error {
		for i := range 100 {
			if err := c.EmitContext(c.Context(), "n", i); err != nil {
				return err
			}
		}
		for i := range 100 {
			if err := number.EmitContext(context.Background(), c, i); err != nil {
				return err
			}
		}
		return c.Ack()
	})
	c := dial(t, h.url, testclient.Options{})
	c.connect("/", nil)
	c.send(`21["go"]`)
	for _, event := range []string{"n", "number"} {
		for i := range 100 {
			c.want(`2["` + event + `",` + strconv.Itoa(i) + `]`)
		}
	}
	c.want("31[]")
}
