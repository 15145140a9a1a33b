package main

import "github.com/siokit/sio"

// transport makes the namespace that tells what becomes of its clients' transport.
func transport(srv *sio.Server) {
	n, monitor := srv.Of("/transport"), srv.Of("/monitor")
	n.OnUpgrade(func(c *sio.Context) error { return c.Emit("upgraded", c.Transport()) })
	n.OnDisconnect(func(c *sio.Context) error {
		what := map[string]any{"reason": c.Reason(), "cause": nil}
		if err := c.Cause(); err != nil {
			what["cause"] = err.Error()
		}
		return monitor.Emit("cause", what)
	})
}
