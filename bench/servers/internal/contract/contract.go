// Package contract is the bench's contract on sio, for servers that differ in what else
// they link: that is resident, too.
package contract

import "github.com/siokit/sio"

type message struct {
	N    int    `json:"n"`
	Text string `json:"text"`
}

// Register adds the handlers of the contract.
func Register(srv *sio.Server) {
	srv.OnConnect(func(c *sio.Context) error { return c.Join("room") })

	// As in the peers, what comes is decoded and encoded anew, not passed on raw.
	sio.On(srv, "echo", func(c *sio.Context, m message) error {
		if c.WantsAck() {
			return c.Ack(m)
		}
		return c.Emit("echo", m)
	})
	sio.OnWithAck(srv, "binary", func(_ *sio.Context, data []byte) ([]byte, error) { return data, nil })

	sio.OnWithAck(srv, "text", func(_ *sio.Context, text string) (string, error) { return text, nil })

	srv.On("blast", func(c *sio.Context) error {
		var count int
		var payload string
		if err := c.Bind(&count, &payload); err != nil {
			return err
		}
		room := srv.To("room")
		for range count {
			if err := room.Emit("msg", payload); err != nil {
				return err
			}
		}
		return c.Ack()
	})
}
