package cluster

import "context"

// An Engine carries messages between servers: it publishes to channels and subscribes to
// them. Redis and NATS are engines; what the messages mean is not theirs to know.
//
// Channels are what the format makes of names: any text, of any length, or, with
// [wire.Subjects], at most the prefix and 200 bytes more of a-z, A-Z, 0-9, '-', '_' and
// '.'. Messages have no bound: one that is too large for the engine is lost.
//
// The methods may be called from any goroutine. None but Count may block. From within
// Publish, Subscribe and Unsubscribe the [Receiver] may be told of losses, of nothing else.
type Engine interface {
	// Start begins to receive, until Close. It is called once, before any other method,
	// and fails if the engine can't be reached before ctx ends.
	Start(ctx context.Context, r Receiver) error
	// Publish sends data, which is the engine's then, to all who have subscribed to the
	// channel; it does not matter whether this server is among them. What is published
	// after other messages or after Subscribe has returned arrives, or takes effect,
	// after these. While the engine is away, messages wait in a bounded queue; volatile
	// ones are dropped.
	Publish(channel string, data []byte, volatile bool)
	// Subscribe and Unsubscribe change what is received. To subscribe twice is to do so
	// once, and what is not subscribed to may be unsubscribed from. The engine subscribes
	// again to everything by itself after a connection was lost. A channel that ends in
	// '*' is a pattern, as none is but with [wire.ClassicOptions].Pattern.
	Subscribe(channels ...string)
	Unsubscribe(channels ...string)
	// Count returns how many servers have subscribed to a channel, this one included if its
	// Subscribe has returned, or -1 if the engine can't tell. Then the servers that are heard of have to answer,
	// which those without the namespace do with [wire.Subjects] only.
	Count(ctx context.Context, channel string) (int, error)
	// Close sends what is queued, for a second at most, and ends. Nothing is received
	// when it has returned, and the other methods do nothing any more.
	Close() error
}

// A Receiver is told what an engine has received, and what has happened to it. It must
// be told by one goroutine at a time, so that messages stay in order. It does not block.
type Receiver interface {
	// Receive hands over a message. Sub is what was subscribed to, and channel where it
	// was published: they differ for a pattern. Data is the receiver's then: handlers of
	// the application get parts of it, and may write to them.
	Receive(sub, channel string, data []byte)
	// Lost tells of messages to others that were dropped, or may not have arrived, and
	// why. It only counts, for who tells people of it: any goroutine may call it, for each
	// message and at any time from Start until Close returns.
	Lost(messages int, err error)
	// Missed tells of messages of others that did not get through to this server though
	// the engine was there, and why: there was no room for them, or a subscription was
	// refused. Their number is 0 if nobody knows it. It may be called as Lost may.
	Missed(messages int, err error)
	// Away tells that the engine can't be reached. What others publish is lost until
	// Back tells that everything is subscribed to again. Back without Away before tells
	// that servers can be reached that could not be, or are new.
	Away(err error)
	Back()
}
