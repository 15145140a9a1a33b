package embedded

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/nats"
	"github.com/siokit/sio/cluster/nats/internal/engine"
	"github.com/siokit/sio/cluster/wire"
)

// Options configure a server of NATS in this process, and this server's part in the
// cluster.
type Options struct {
	nats.Options // but for Connect, which is not used

	// Listen is the address, host:port, on which the other servers reach this one. Without
	// a Secret it must be a loopback address. Default: port 6222, on all addresses if
	// there is a Secret. With port 0 any is taken; then the server can't be one of the
	// others' Peers.
	Listen string
	// Advertise is the address that others are told of, for where Listen is not the one
	// to connect to, as behind a NAT.
	Advertise string
	// Peers are addresses of other servers, host:port or host with port 6222. One that
	// can be reached is enough: all servers learn of each other. A name may stand for
	// several, and this server may be among them, so that all servers can have the same
	// list. Peers may come up later; they are tried once in a second. With JetStream, this is
	// the list of all servers.
	Peers []string
	// Secret is what servers of the cluster have in common. Without TLS who can listen to
	// the network can join.
	Secret string
	// TLS is used between servers, by those that connect and those that are connected
	// to: it has Certificates, RootCAs, and, where certificates are to be shown by both
	// sides, ClientCAs and ClientAuth. Default: none.
	TLS *tls.Config
	// Client is the address on which clients of NATS are served, such as programs that
	// only emit. They need the Secret as their token. TLS is for them, too. Default: none
	// is listened on.
	Client string
	// StoreDir is the directory for what JetStream keeps, with Options.JetStream: it must
	// be this server's alone, and the same one after a restart. With JetStream.Files the events
	// are in it, too, and a server that was killed goes on with what it had. Default: a temporary
	// one, which is removed when the Cluster is closed; then a server that was killed begins without
	// its part of the streams, and no other one may fail until it has that again.
	StoreDir string
	// MaxPayload is how many bytes a message may have: 8 MiB at most, which is the
	// default. An event that is larger does not reach other servers, and is counted as
	// lost.
	MaxPayload int
}

// Open starts a server of NATS in this process, and joins the cluster by it. Closing the
// Cluster ends the server. Open fails if it can't listen. It waits until it is connected to
// peers, or for a second: they may come up later.
//
// The options may be nil: then the server is alone until others on this machine name it as
// a peer.
func Open(o *Options) (*cluster.Cluster, error) {
	c, err := open(o)
	if err != nil {
		return nil, fmt.Errorf("embedded: %w", err)
	}
	return c, nil
}

func open(o *Options) (*cluster.Cluster, error) {
	if o == nil {
		o = new(Options)
	}
	streams := (*engine.Streams)(o.JetStream)
	if err := errors.Join(engine.Check(o.Prefix, o.QueueBytes), streams.Check()); err != nil {
		return nil, err
	}
	prefix := cmp.Or(o.Prefix, wire.DefaultSubject)
	e, s, err := newEngine(o, prefix)
	if err != nil {
		return nil, err
	}
	if len(o.Peers) > 0 {
		awaitPeers(s)
	}
	j, err := engine.With(e, streams)
	if err != nil {
		return nil, err
	}
	c, err := cluster.New(context.Background(), j, wire.Subjects(prefix), &o.Options.Options)
	if err != nil {
		j.Close()
		return nil, err
	}
	if streams != nil {
		o.awaitWhole(s, prefix)
	}
	return c, nil
}

// newEngine starts a server, and returns an engine that ends it.
func newEngine(o *Options, prefix string) (*engine.Engine, *server.Server, error) {
	log := zerolog.Nop()
	if o.Logger != nil {
		log = *o.Logger
	}
	wake, done := make(chan struct{}, 1), make(chan struct{})
	s, stop, err := start(o, log, wake)
	if err != nil {
		return nil, nil, err
	}
	nc, err := engine.Connect("", o.Name, natsgo.InProcessServer(s), natsgo.Token(o.Secret),
		natsgo.PingInterval(time.Minute)) // nobody can cut it
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	f, err := newFarewell(nc, s)
	if err != nil {
		nc.Close()
		return nil, nil, errors.Join(err, stop())
	}
	var wg sync.WaitGroup
	e := engine.New(nc, prefix, o.QueueBytes, func() {
		close(done)
		wg.Wait()
		f.say()
		nc.Close()
		if err := stop(); err != nil {
			log.Warn().Err(err).Send()
		}
	})
	r := &routes{server: s, reached: e.Reached}
	wg.Go(func() { r.watch(wake, done) }) // until the engine is closed
	return e, s, nil
}
