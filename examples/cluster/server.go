package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/redis/rueidis"
	"github.com/rs/zerolog"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/nats"
	"github.com/siokit/sio/cluster/nats/embedded"
	"github.com/siokit/sio/cluster/redis"
	"github.com/siokit/sio/examples/chat/app"
)

// A server is one of the chat's.
type server struct {
	name   string
	client string
	redis  string   // its address; without it there is NATS:
	listen string   // where the others reach that of this server
	peers  []string // where this one reaches theirs; this one may be among them
}

// run serves the chat on a port of its own, which it prints, until ctx ends.
func (s *server) run(ctx context.Context, log zerolog.Logger) error {
	cl, err := s.join(log)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, cl.Close())
	}
	chat := app.New(app.Options{Client: s.client, Log: log, Broker: cl.Broker, Server: s.name})
	fmt.Println(ln.Addr())
	err = chat.Serve(ctx, ln)
	return errors.Join(err, cl.Close())
}

// join makes this server part of the cluster.
func (s *server) join(log zerolog.Logger) (*cluster.Cluster, error) {
	common := cluster.Options{Name: s.name, Logger: &log}
	if s.redis != "" {
		return redis.Open(rueidis.ClientOption{InitAddress: []string{s.redis}}, &redis.Options{Options: common})
	}
	return embedded.Open(&embedded.Options{
		Options: nats.Options{Options: common},
		Listen:  s.listen, // with a Secret, it may be one that other machines reach
		Peers:   s.peers,
	})
}
