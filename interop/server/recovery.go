package main

import "github.com/siokit/sio"

var value = sio.NewKey[any]("value")

// recovery registers the events that show what a client has when it is back.
func recovery(n *sio.Namespace) {
	sio.OnWithAck(n, "set", func(c *sio.Context, v any) (bool, error) {
		return true, value.Set(c, v)
	})
	sio.OnWithAck(n, "state", func(c *sio.Context, _ none) (map[string]any, error) {
		v, _ := value.Get(c)
		return map[string]any{"recovered": c.Socket().Recovered(), "value": v, "rooms": rooms(c)}, nil
	})
}
