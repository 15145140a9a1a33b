// Package embedded makes several servers a cluster with nothing to install: each runs a
// server of NATS inside of its process, and these find each other.
//
//	cl, err := embedded.Open(&embedded.Options{
//		Listen: ":6222",
//		Peers:  []string{"sio-1:6222", "sio-2:6222", "sio-3:6222"},
//		Secret: os.Getenv("CLUSTER_SECRET"),
//	})
//	if err != nil {
//		return err
//	}
//	defer cl.Close() // after the server's Shutdown
//	srv := sio.New(&sio.Options{Cluster: cl})
//
// All servers may have the same options: they come up in any order, and this one may be
// among its own peers. A name that stands for many addresses, as that of a headless service
// in Kubernetes, does for Peers. Every server is connected to every other one, by one
// connection, so this is for some tens of servers, and for networks in which all can reach
// each other.
//
// A server that ends or hangs is given up after ten seconds at most, and tried again once
// in a second; one that is none of the Peers, but was heard of from others, for an hour. A
// server that nobody can reach is not away for its [cluster.Cluster], which is connected to
// its own server: it shows by what becomes of the others in Members. What is emitted
// meanwhile does not reach them and is not counted as lost: no server knows of rooms on the
// other side.
//
// With JetStream, which Options.JetStream switches on, Peers is a list of all servers, the same
// on each: three at least, this one included, or none for a server that stays alone. Its files
// are in StoreDir; a process that is killed leaves them behind.
//
// The server has no signal handlers, and no files without JetStream. What it logs goes to the
// Logger: what comes and goes at the debug level, failures as warnings. For MaxPayload and
// all else see package nats.
package embedded
