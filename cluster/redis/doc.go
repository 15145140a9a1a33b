// Package redis makes servers a cluster by Redis, Valkey, or what speaks like them: by
// PUB/SUB, or with [Options.Streams] by a stream, over which clients come back to any server.
// Servers written in JavaScript that use @socket.io/redis-adapter, or
// @socket.io/redis-streams-adapter, are part of it.
//
//	cl, err := redis.Open(rueidis.ClientOption{InitAddress: []string{"localhost:6379"}}, nil)
//	if err != nil {
//		return err
//	}
//	defer cl.Close() // after the server's Shutdown
//	srv := sio.New(&sio.Options{Cluster: cl})
//
// Sentinel, Redis Cluster, TLS and users are the client's options. RESP3 is needed, so
// Redis 6; for [Options.Sharded], Redis 7.
//
// # What a user may do
//
// A user of Redis needs the channels that begin with the prefix, no keys unless there are
// streams, and a few commands:
//
//	user sio on >password resetchannels &socket.io* +hello +ping +publish +subscribe +unsubscribe +pubsub|numsub
//
// For [Options.Sharded] the last four are +spublish +ssubscribe +sunsubscribe
// +pubsub|shardnumsub. In a Redis Cluster, +cluster|slots is needed, too. Without Sharded,
// [Static] needs +psubscribe +punsubscribe, and of each namespace the very pattern, such as
// &socket.io#/chat#*. What is refused is told: see [cluster.Loss]. Channels are asked for
// again every five seconds, in case that permissions have changed.
//
// [Options.Streams] needs two kinds of keys beside that, and the commands for them. Most of
// these are those of scripts:
//
//	~socket.io ~sio:session:* +xadd +xread +xrange +xrevrange +get +set +del +evalsha +eval
//
// # Streams
//
// What clients may miss, and what is done with sockets, is appended to one stream, and every
// server reads all of it: so it has one order on all of them, and the id of an entry tells a
// client how far it has got. All else goes by PUB/SUB, another way: a volatile event may come
// behind one that was emitted after it.
//
// An entry stays with the server that appends it until that has read it. When a connection
// was lost, the server reads up to the end of the stream, and appends what is not there. If
// Redis then finds commands of the old connection, some of it is in the stream twice, as it
// can be after Redis has hung: sio drops the second one, a Node server does not.
//
// A Redis that keeps what it has confirmed (appendonly) loses nothing when it is killed. One
// that keeps nothing begins anew, with ids behind those of before, whatever its clock says;
// what not all servers had read is lost, which they notice: clients that are away then can't
// come back with what they missed. So it is when a stream is deleted, when a server reads
// so slowly that [Options.MaxLen] drops what is due to it, and, unless a server has read
// none of it, when a replica takes over that has not got the last entries.
//
// In a Redis Cluster the stream is on one node, which carries all that is emitted; records of
// clients are spread over all. Each server has one connection more, which waits for entries.
//
// # Order
//
// One connection carries subscriptions and messages, so what one goroutine joins and
// emits arrives so on every server, and the answers to what it has asked find it
// subscribed. In a Redis Cluster all servers use the same node, as long as it can be
// reached, which hands everything to all others; sharded channels are spread over the
// nodes, and order is kept by those of one node. Where it matters more than the load, an
// [Options.Prefix] in braces puts all of them on one.
//
// # When Redis goes away
//
// No call waits for Redis but those that ask other servers. Messages wait in a queue of
// [Options.QueueBytes]; what is volatile, and what finds the queue full, is lost and
// counted. So is what had been sent when the connection was lost, and not been answered:
// sent again it might arrive twice. The connection is made again at once, then every
// quarter of a second, and everything is subscribed to before anything else is sent. What
// waits is sent half a second later, when the other servers are back, too.
//
// A Redis that is there but does not answer is noticed by the client's pings, after
// ClientOption.Dialer.KeepAlive, up to twice, and ConnWriteTimeout: 11 to 14 seconds by
// default. What Redis sends to a server that is too slow to read it, beyond
// client-output-buffer-limit, is lost with the connection; that is told as time away.
//
// With Sentinel, the next master is found within a second of being made one. If rueidis does
// not hear of it, it has to look: set ClientOption.Sentinel.TopologyRefreshInterval to a few
// seconds. A server that is a replica is not used outside of a Redis Cluster: what is
// published there stays there.
//
// What comes through Redis is not trusted, but Redis is: rueidis ends the process if a
// server breaks the protocol by an answer that nobody has asked for. Use TLS where others
// can reach the connection.
//
// # Files
//
// redis.go (options), engine.go (what clusters call), link.go (a connection, and what
// becomes of it), outbox.go (what is to be sent), answers.go (what Redis says to it),
// conn.go (how one connects), losses.go (what is told of losses), shards.go and slot.go
// (sharded channels in a Redis Cluster); journal.go (what is appended to the stream),
// reader.go (what is read of it), records.go (what is kept of clients).
package redis
