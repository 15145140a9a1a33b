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

// run serves the chat on a port of its own, which it prints, until ctx ends. When told
// does, it has everybody go elsewhere first.
func (s *server) run(ctx, told context.Context, log zerolog.Logger) error {
	cl, err := s.join(log)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, cl.Close())
	}
	chat := app.New(app.Options{Client: s.client, Log: log, Cluster: cl, Server: s.name})
	fmt.Println(ln.Addr())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(told, func() {
		_ = chat.Drain(ctx) // it fails if ctx ends
		cancel()
	})
	err = chat.Serve(ctx, ln)
	return errors.Join(err, cl.Close())
}

// join makes this server part of the cluster, which keeps what clients may miss: who was on
// a server that has died is on another one as if nothing had been.
func (s *server) join(log zerolog.Logger) (*cluster.Cluster, error) {
	common := cluster.Options{
		Name:   s.name,
		Logger: &log,
		Relay:  &cluster.Relay{Listen: "127.0.0.1:0"}, // with a Secret, it may be ":7400"
	}
	if s.redis != "" {
		return redis.Open(rueidis.ClientOption{InitAddress: []string{s.redis}}, &redis.Options{Options: common, Streams: true})
	}
	return embedded.Open(&embedded.Options{
		Options: nats.Options{Options: common, JetStream: &nats.JetStream{}},
		Listen:  s.listen, // with a Secret, it may be one that other machines reach
		Peers:   s.peers,
	})
}
