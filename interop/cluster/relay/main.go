// Command relay is three servers of a cluster, in one process, whose clients need no sticky
// sessions. It prints their ports, and ends with standard input, with what they have counted.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/redis/rueidis"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/nats"
	"github.com/siokit/sio/cluster/nats/embedded"
	"github.com/siokit/sio/cluster/redis"
	"github.com/siokit/sio/internal/freeport"
)

const count = 3

func main() {
	log.SetFlags(0)
	addr := flag.String("redis", "", "`host:port`; without it there is NATS in the servers")
	tcp := flag.Bool("tcp", false, "they connect to each other, rather than use the engine")
	flag.Parse()
	if err := run(*addr, *tcp); err != nil {
		log.Fatal(err)
	}
}

func run(redisAddr string, tcp bool) error {
	var ports []int
	var ends []func() (cluster.Stats, error)
	var clusters []*cluster.Cluster
	var peers []string
	for range count {
		peer, err := freeport.Find()
		if err != nil {
			return err
		}
		peers = append(peers, peer)
	}
	for i := range count {
		o := cluster.Options{Name: fmt.Sprint("s", i)}
		if tcp {
			o.Relay = &cluster.Relay{Listen: "127.0.0.1:0", Secret: "of the test"}
		}
		cl, err := open(redisAddr, peers, i, o)
		if err != nil {
			return err
		}
		port, end, err := serve(cl)
		if err != nil {
			return err
		}
		ports, ends, clusters = append(ports, port), append(ends, end), append(clusters, cl)
	}
	for _, cl := range clusters {
		for len(cl.Members()) < count-1 {
			time.Sleep(time.Millisecond)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(ports); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	var stats []cluster.Stats
	for _, end := range ends {
		s, e := end()
		stats, err = append(stats, s), errors.Join(err, e)
	}
	return errors.Join(err, json.NewEncoder(os.Stdout).Encode(stats))
}

func open(redisAddr string, peers []string, i int, o cluster.Options) (*cluster.Cluster, error) {
	if redisAddr != "" {
		return redis.Open(rueidis.ClientOption{InitAddress: []string{redisAddr}}, &redis.Options{Options: o})
	}
	return embedded.Open(&embedded.Options{Options: nats.Options{Options: o}, Listen: peers[i], Peers: peers})
}

// serve serves clients on a port of its own, until end is called.
func serve(cl *cluster.Cluster) (port int, end func() (cluster.Stats, error), err error) {
	srv := sio.New(&sio.Options{Cluster: cl, Compression: &sio.Compression{}})
	srv.On("echo", func(c *sio.Context) error {
		var v any
		if err := c.Bind(&v); err != nil {
			return err
		}
		if err := c.Emit("echoed", v); err != nil {
			return err
		}
		return c.Ack(v)
	})
	srv.On("all", func(c *sio.Context) error {
		var v any
		if err := c.Bind(&v); err != nil {
			return err
		}
		return srv.Emit("all", v)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", srv)
	mux.HandleFunc("/ready", srv.ServeReady)
	h := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- h.Serve(l) }() // ends with the Shutdown below
	return l.Addr().(*net.TCPAddr).Port, func() (cluster.Stats, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err := errors.Join(srv.Shutdown(ctx), cl.Close(), h.Shutdown(ctx))
		if e := <-served; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		return cl.Stats(), err
	}, nil
}
