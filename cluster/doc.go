// Package cluster makes several servers one: rooms, broadcasts, acks and queries span all
// of them. What carries their messages is an [Engine]; applications get a [Cluster] from
// the package of one, such as cluster/redis or cluster/nats, and give it to their server:
//
//	cl, err := redis.Open(rueidis.ClientOption{InitAddress: []string{"localhost:6379"}}, nil)
//	if err != nil {
//		return err
//	}
//	defer cl.Close() // after the server's Shutdown
//	srv := sio.New(&sio.Options{Cluster: cl})
//
// # What is promised
//
// What one goroutine emits to the sockets of a namespace, and does with them, takes effect
// in that order on every server, and with the sockets of its own server at once. No call
// waits for the engine, except those that ask other servers, which return what has come
// when their context ends, beside a [PartialError]. Messages arrive once or, when
// the engine fails, not at all: see [Loss].
//
// A room whose name is not UTF-8 can't be told to other servers: who emits to it, or asks,
// gets an error, after its own server's sockets got the event.
//
// What comes from the engine is not trusted to be well-formed. What can't be decoded is
// dropped and counted in [Stats].
//
// # Other engines
//
// Who has another engine, such as Postgres, implements [Engine] and calls [New] with a
// format: [wire.Sharded] with [wire.DynamicPrivate] if the engine counts subscribers, and
// [wire.Subjects] if it can't. Package cluster/memory is an engine to begin with, and the
// suite of package brokertest tells what is missing.
//
// # Files
//
// engine.go (what an engine does), cluster.go (a server's part in the cluster), channels.go
// (which channels are of interest), broker.go (what goes out), receive.go (what comes in),
// serve.go (what others ask), request.go (what others are asked), query.go and inquire.go (who
// asks servers, and clients), members.go (who is there),
// sid.go and relay.go (requests that reach the wrong server), loss.go (what was lost), lag.go (how long it takes), sockets.go (sockets in messages).
package cluster
