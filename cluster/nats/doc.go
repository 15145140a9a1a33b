// Package nats makes several servers a cluster by NATS:
//
//	cl, err := nats.Open("nats://localhost:4222", nil)
//	if err != nil {
//		return err
//	}
//	defer cl.Close() // after the server's Shutdown
//	srv := sio.New(&sio.Options{Cluster: cl})
//
// The servers of NATS route by interest: an event for a room goes to those machines only
// where the room has members. JetStream is not needed. Package embedded, next to this one,
// runs NATS inside of the process.
//
// # JetStream
//
// With [Options.JetStream], what clients may miss goes by a stream that gives it one order, and
// clients may come back to any server. While the stream has no leader, what is emitted waits: for
// 4 to 12 seconds if it was killed. The user needs permission to publish to "$JS.API.>", too.
//
// # What NATS does, and what is lost
//
// NATS keeps the order of what one server publishes, and keeps no messages: who is not
// connected gets none. What was under way when a connection broke is counted as lost,
// though some of it may have arrived; what a server of NATS had confirmed, and not passed on
// when it was killed, nobody can count. What is emitted until the connection is back waits,
// up to [Options.QueueBytes], but for what is volatile, which is lost and counted. It is sent
// half a second after the return, so that others that have lost the same server hear it as
// well.
//
// A message must not be larger than the max_payload of the servers of NATS, which is 1 MiB
// by default: one that is larger is dropped and counted, with an error that tells the size.
// Raise it for events that are larger, with some more for rooms and names.
//
// The user of NATS needs permission to publish and to subscribe to what begins with
// [Options.Prefix], that is to "sio.v1.>". What is refused is counted and told.
package nats
