// Package sio is a Socket.IO server: protocol revision 5 over Engine.IO
// version 4, for the official clients in browsers, Node, Python, Java and
// elsewhere, and, where allowed, for those of version 2. It mounts in Echo, Gin
// and chi (adapters/…) and, being an http.Handler, in anything that speaks
// net/http.
//
//	srv := sio.New(nil)
//	srv.OnConnect(func(c *sio.Context) error { return c.Join("lobby") })
//	sio.OnWithAck(srv, "chat_message", func(c *sio.Context, m Message) (Receipt, error) {
//		return Receipt{Status: "ok"}, c.To("lobby").Emit("chat_message", m)
//	})
//	http.Handle("/socket.io/", srv)
//
// A [Handler] has the shape of Echo's: it gets a [Context] and returns an
// error. A [Namespace] routes events to handlers by name; the [Server] itself
// stands for the namespace "/". The package functions [On] and [OnWithAck]
// register handlers with typed arguments and answers.
//
// # Concurrency
//
// Everything here may be used from any goroutine. The handlers of one socket
// run one at a time; those of different sockets run in parallel. A handler may
// block. It may wait for an ack of its own client too, since acks and
// heartbeats do not wait behind handlers. One slow handler delays nobody but
// its socket; when too many events of a connection wait ([Options].EventQueue),
// it is not read until there is room again.
//
// # Ordering
//
// Events are handled in the order in which the client sent them. What is
// emitted to a socket from one goroutine arrives in that order, across the
// change of transports as well. What is emitted, by anyone, to a socket whose
// connect handler is still running arrives after the answer to its CONNECT, and
// is dropped if the client is refused. Events that a client sends before it has
// the answer wait for it, and for OnConnected, which is the first place where an
// answer of the client can be waited for.
//
// # Delivery
//
// At most once, as with the reference server. An event is lost when the
// connection breaks while it is under way or queued; what a client has
// received is always a prefix of what was sent to it. Ask for an ack where that
// is not enough; with [Options].Recovery a client that comes back in time gets
// what it has missed.
//
// Emit never blocks on the network. Each client has a queue that is bounded in
// bytes and packets; a client that lets it overflow is closed, unless
// [Options].KeepSlow is set, and harms nobody else.
//
// # Errors
//
// What a handler returns goes to OnError. The client hears of it if it asked
// for an ack, or if it was the connect handler: of an [Error], message and
// data; of any other error, and of a panic, only that there was one.
//
// # Testing
//
// Package siotest has a client in memory, for tests of handlers.
//
// # Shutdown
//
// [Server.Shutdown] refuses new clients, delivers what is queued, closes every
// connection and waits for the handlers. It leaves the HTTP server to its
// owner: shut that down afterwards.
package sio
