package nats

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/nats/internal/engine"
	"github.com/siokit/sio/cluster/wire"
)

// Options configure a cluster on NATS. The zero value has the defaults.
type Options struct {
	cluster.Options

	// Prefix begins all subjects, and has one part or more: "sio.v1" is the default.
	// Clusters that share servers of NATS each need another one. Programs that emit from
	// elsewhere need the same, see package emitter.
	Prefix string
	// QueueBytes bounds the messages that wait to be sent, while the connection is lost
	// or does not take them as fast. What comes beyond it is dropped and counted. Default
	// 16 MiB.
	QueueBytes int
	// JetStream, if set, has NATS keep events for a while, and what is known of clients, so
	// that they may come back to any server. All servers of a cluster have the same.
	JetStream *JetStream
	// Connect are options of the connection that [Open] makes: credentials, TLS, the
	// times that it waits. New does not use them.
	Connect []nats.Option
}

// JetStream says how events, and what is known of clients, are kept: in two streams, whose names
// begin with [Options.Prefix]. The zero value has the defaults. The servers of NATS are of
// version 2.11 or later.
type JetStream struct {
	// Replicas is how many servers of NATS have all of it, up to 5: less than half of them
	// may be lost at a time. Default: three, or one if NATS is no cluster.
	Replicas int
	// Files has it written to disk. Otherwise it is in memory, and gone when more than half
	// of the servers that have it are away at a time.
	Files bool
	// MaxAge is how long events are kept: longer than clients may be away. The least is two
	// minutes. Default: five.
	MaxAge time.Duration
	// MaxBytes bounds the events that are kept, in each server that has them; the oldest
	// go first. Default 256 MiB.
	MaxBytes int64
}

// Open connects to NATS, at a URL or at several with commas between them, and joins the
// cluster there. It fails if no server can be reached. A connection that is lost later is
// made again, for as long as it takes.
//
// The options may be nil.
func Open(url string, o *Options) (*cluster.Cluster, error) {
	if o == nil {
		o = new(Options)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	nc, err := engine.Connect(url, o.Name, o.Connect...)
	if err != nil {
		return nil, err
	}
	return join(nc, o, nc.Close)
}

// New joins a cluster by a connection that stays open when the Cluster is closed. The
// Cluster is told of errors and of disconnects by handlers that it puts before those of the
// connection: set yours earlier. How soon a connection that is lost is made again, and one
// that hangs is noticed, is up to its options: by default two seconds, four minutes, and an
// end after 60 attempts, which ends the cluster for this server. Take [nats.NoEcho], or all
// that a server publishes to a room of its own comes back to it to be dropped.
//
// The options may be nil.
func New(nc *nats.Conn, o *Options) (*cluster.Cluster, error) {
	if o == nil {
		o = new(Options)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	return join(nc, o, nil)
}

// Appender returns what package emitter has in Options.Append for servers with
// [Options.JetStream]. The prefix is theirs, and may be left out. It returns when the entry is
// in the stream, and fails after 15 seconds, during which JetStream may elect a leader; then the
// entry may be there or not. It may be called from any goroutine, and appends one entry after
// the other.
func Appender(nc *nats.Conn, prefix string) func(wire.Entry) error {
	return engine.NewAppender(nc, cmp.Or(prefix, wire.DefaultSubject))
}

func (o *Options) check() error {
	return errors.Join(engine.Check(o.Prefix, o.QueueBytes), (*engine.Streams)(o.JetStream).Check())
}

// join joins a cluster by a connection, which end is to close.
func join(nc *nats.Conn, o *Options, end func()) (*cluster.Cluster, error) {
	prefix := cmp.Or(o.Prefix, wire.DefaultSubject)
	e, err := engine.With(engine.New(nc, prefix, o.QueueBytes, end), (*engine.Streams)(o.JetStream))
	if err != nil {
		return nil, err
	}
	c, err := cluster.New(context.Background(), e, wire.Subjects(prefix), &o.Options)
	if err != nil {
		e.Close()
	}
	return c, err
}
