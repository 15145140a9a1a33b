// Package members is what the servers of bench/cluster share, whatever their engine. All
// that they are told is in variables of the environment: see there.
package members

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/siokit/sio"
	"github.com/siokit/sio/bench/servers/internal/host"
	"github.com/siokit/sio/cluster"
)

// Serve serves as one of a cluster that has been joined, until the process is killed. It
// is alone if c is nil. The error is why it could not join.
func Serve(c *cluster.Cluster, err error) {
	if err != nil {
		log.SetFlags(0)
		log.Fatal(err)
	}
	opts := &sio.Options{ForgetRequest: true}
	if c != nil {
		opts.Cluster = c
		if os.Getenv("RECOVERY") != "" {
			opts.Recovery = new(sio.Recovery)
		}
		http.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(w).Encode(c.Stats()) // fails if nobody listens
		})
	}
	srv := sio.New(opts)
	register(srv)
	http.Handle("/socket.io/", srv)
	host.Serve(http.DefaultServeMux)
}

func register(srv *sio.Server) {
	rooms := make([]string, number("ROOMS"))
	for i := range rooms {
		rooms[i] = fmt.Sprintf("room%d", i)
	}
	var namespaces []*sio.Namespace
	for i := range number("NAMESPACES") {
		namespaces = append(namespaces, srv.Of(fmt.Sprintf("/n%d", i)))
	}
	if os.Getenv("RECEIVES") != "" {
		var clients atomic.Int64
		srv.OnConnect(func(c *sio.Context) error {
			i := int(clients.Add(1) - 1)
			if i == 0 {
				return c.Join("first")
			}
			return c.Join(rooms[i%len(rooms)])
		})
		for _, nsp := range namespaces {
			nsp.OnConnect(func(c *sio.Context) error { return c.Join("room") })
		}
	}

	on := func(event string, emit func(payload string) error) {
		srv.On(event, func(c *sio.Context) error {
			var count int
			var payload string
			if err := c.Bind(&count, &payload); err != nil {
				return err
			}
			for range count {
				if err := emit(payload); err != nil {
					return err
				}
			}
			return c.Ack()
		})
	}
	on("first", func(payload string) error { return srv.To("first").Emit("msg", payload) })
	on("rooms", func(payload string) error {
		for _, room := range rooms {
			if err := srv.To(room).Emit("msg", payload); err != nil {
				return err
			}
		}
		return nil
	})
	on("namespaces", func(payload string) error {
		for _, nsp := range namespaces {
			if err := nsp.To("room").Emit("msg", payload); err != nil {
				return err
			}
		}
		return nil
	})
	on("nobody", func(payload string) error {
		for range 100 {
			if err := srv.To("nobody").Emit("msg", payload); err != nil {
				return err
			}
		}
		return srv.To("first").Emit("msg", payload)
	})
}

// number returns what a variable says, 0 by default.
func number(name string) int {
	n, _ := strconv.Atoi(os.Getenv(name)) // the bench sets none that is not a number
	return n
}
