package main

import (
	"errors"

	"github.com/siokit/sio"
)

// dynamic makes the namespaces whose names clients choose: /tenant-{id}, with the
// events of the others, and /dyn-N, which a function knows.
func dynamic(srv *sio.Server, monitor *sio.Namespace, numbered func(name string) bool) {
	tenants := srv.Of("/tenant-{id}")
	tenants.OnConnect(func(c *sio.Context) error {
		if c.Param("id") == "locked" {
			return &sio.Error{Message: "not authorized"}
		}
		return errors.Join(c.Join("lobby"), welcome(c))
	})
	watch(tenants, monitor)
	events(tenants)
	sio.OnWithAck(tenants, "where", func(c *sio.Context, _ none) ([]string, error) {
		return []string{c.Namespace(), c.Param("id")}, nil
	})
	// To one tenant from outside, to its lobby, and to all tenants.
	sio.OnWithAck(monitor, "tell", func(_ *sio.Context, name string) (bool, error) {
		return true, srv.Of(name).Emit("told", name)
	})
	sio.OnWithAck(monitor, "tell:lobby", func(_ *sio.Context, name string) (bool, error) {
		return true, srv.Of(name).To("lobby").Emit("told", "lobby")
	})
	sio.OnWithAck(monitor, "tell:all", func(_ *sio.Context, _ none) (bool, error) {
		return true, tenants.Emit("told", "all")
	})

	some := srv.OfFunc(numbered)
	some.OnConnect(welcome)
	watch(some, monitor)
	events(some)
}

func welcome(c *sio.Context) error {
	return errors.Join(bindAuth(c), c.Emit("welcome", 1), c.Emit("welcome", 2))
}
