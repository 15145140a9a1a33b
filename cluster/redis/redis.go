package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/rueidis"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/wire"
)

// startTimeout is how long Open and New wait for the server, the client's own timeouts
// aside.
const startTimeout = 10 * time.Second

// Subscriptions say which rooms have channels of their own.
type Subscriptions = wire.Mode

// The modes of subscriptions. Only with [Options.Sharded] do the first two differ.
const (
	// Dynamic has a server hear of the rooms that it has members of. With
	// Options.Sharded, what is for a room whose name has 20 characters, as ids of
	// sockets have, goes to all servers.
	Dynamic = wire.Dynamic
	// DynamicPrivate has channels for such rooms, too: it costs a subscription for each
	// socket, and saves the others from what is for one.
	DynamicPrivate = wire.DynamicPrivate
	// Static has servers hear of all rooms. Without Options.Sharded each namespace
	// is a pattern then, which Redis compares every message with: a thousand of them
	// make it two hundred times slower.
	Static = wire.Static
)

// Options configure a server's part in a cluster. The zero value is that of
// createAdapter of @socket.io/redis-adapter, but for [Dynamic], which servers written in
// JavaScript don't notice.
type Options struct {
	cluster.Options

	// Prefix begins all channels. It is what key is in JavaScript, or with Sharded
	// channelPrefix. Servers that have different ones don't hear of each other. Default
	// "socket.io".
	Prefix string
	// Sharded is the format of createShardedAdapter, and the channels of SSUBSCRIBE. All
	// servers of a cluster have the same. In a Redis Cluster the load is spread then: by
	// other channels, each node gets all that is published.
	Sharded bool
	// Subscriptions say which rooms have channels of their own. With Sharded, all
	// servers of a cluster have the same. Default: Dynamic.
	Subscriptions Subscriptions
	// PublishOnSpecificResponseChannel sends answers only to who has asked. Servers
	// written in JavaScript understand it since redis-adapter 8. With Sharded it is
	// always so.
	PublishOnSpecificResponseChannel bool

	// Streams keeps the events that clients may miss in a stream, and what is known of
	// clients in keys, in the format of @socket.io/redis-streams-adapter 0.3, whose
	// servers are part of the cluster then. Subscriptions and
	// PublishOnSpecificResponseChannel do not matter. With Sharded, the rest goes by the
	// channels of SSUBSCRIBE, as with useShardedPubSub. All servers of a cluster have the
	// same.
	Streams bool
	// StreamName is the key of the stream. Default "socket.io".
	StreamName string
	// MaxLen is about how many entries the stream has; older ones are dropped. A client
	// that has missed more can't come back. Default 10,000.
	MaxLen int
	// SessionKeyPrefix begins the keys of what is known of clients. Default
	// "sio:session:".
	SessionKeyPrefix string

	// QueueBytes is how much may wait while Redis does not take it, in bytes of channels
	// and messages and 64 for each. One message may be larger, and waits alone. Default
	// 16 MiB.
	QueueBytes int
}

func (o *Options) format() wire.Format {
	if o.Streams {
		return wire.Streams(o.Prefix)
	}
	if o.Sharded {
		return wire.Sharded(o.Prefix, o.Subscriptions)
	}
	return wire.Classic(o.Prefix, wire.ClassicOptions{
		Pattern:           o.Subscriptions == Static,
		SpecificResponses: o.PublishOnSpecificResponseChannel,
	})
}

// Open joins a cluster by a client of its own, whose client-side cache is off. It fails
// if Redis can't be reached, with [ErrRESP2] if it is too old. There is one connection
// for what is asked of Redis, one for all else, and what Sentinel or a Redis Cluster need.
func Open(c rueidis.ClientOption, o *Options) (*cluster.Cluster, error) {
	client, err := newClient(c)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	cl, err := join(client, true, o)
	if err != nil {
		client.Close()
		return nil, err
	}
	return cl, nil
}

func newClient(c rueidis.ClientOption) (rueidis.Client, error) {
	c.DisableCache = true
	if c.PipelineMultiplex == 0 {
		c.PipelineMultiplex = -1 // one connection
	}
	if c.Dialer.KeepAlive == 0 && c.ConnWriteTimeout == 0 {
		// Each ping wakes the process, of the defaults every second for each
		// connection. One that is silent is given up as soon as with those.
		c.Dialer.KeepAlive, c.ConnWriteTimeout = 3*time.Second, 8*time.Second
	}
	return rueidis.NewClient(c)
}

// New joins a cluster by a client that the caller keeps, and closes after the Cluster. It
// takes one connection of its BlockingPoolSize, or one for each node.
func New(client rueidis.Client, o *Options) (*cluster.Cluster, error) {
	return join(client, false, o)
}

func join(client rueidis.Client, owned bool, o *Options) (*cluster.Cluster, error) {
	if o == nil {
		o = &Options{}
	}
	if o.QueueBytes < 0 {
		return nil, fmt.Errorf("redis: QueueBytes is negative (%d)", o.QueueBytes)
	}
	if o.MaxLen < 0 {
		return nil, fmt.Errorf("redis: MaxLen is negative (%d)", o.MaxLen)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	var e cluster.Engine = newEngine(client, owned, o)
	if o.Streams {
		e = newJournal(client, owned, o)
	}
	return cluster.New(ctx, e, o.format(), &o.Options)
}
