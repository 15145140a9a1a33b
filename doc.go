// Package sio is a Socket.IO server. It speaks revision 5 of the protocol over
// Engine.IO 4, with the official clients in browsers, Node, Python, Java and
// elsewhere, and, if [Options].AllowEIO3 is set, with those of version 2. It is an
// http.Handler, and mounts in Echo, Gin and chi by the packages in adapters.
//
//	srv := sio.New(nil)
//	srv.OnConnect(func(c *sio.Context) error { return c.Join("lobby") })
//	sio.OnWithAck(srv, "chat_message", func(c *sio.Context, m Message) (Receipt, error) {
//		return Receipt{Status: "ok"}, c.To("lobby").Emit("chat_message", m)
//	})
//	http.Handle("/socket.io/", srv)
//
// A [Handler] gets a [Context] and returns an error, as in Echo. A [Namespace]
// routes events to handlers by name. The [Server] has the methods of the namespace
// "/". The functions [On] and [OnWithAck] register handlers with typed arguments and
// answers.
//
// # Concurrency
//
// Everything here may be used from any goroutine. The handlers of one socket run one
// at a time, and those of different sockets in parallel. A handler may block. It may
// even wait for an ack of its own client, since acks and heartbeats do not wait for
// handlers. A slow handler delays only its own socket. When too many events of a
// connection wait ([Options].EventQueue), the connection is not read until there is
// room again.
//
// # Ordering
//
// Events are handled in the order in which the client sent them. Events that one
// goroutine emits to a socket arrive in that order, even while the transport changes.
//
// What is emitted to a socket while its connect handler runs arrives after the answer
// to its CONNECT, and is dropped if the client is refused. Events that a client sends
// before it has that answer are handled after OnConnected, which is the first handler
// that can wait for an answer of the client.
//
// # Delivery
//
// Events are delivered at most once, as by the reference server. An event is lost if
// the connection breaks while the event is queued or under way. What a client has
// received is always a prefix of what was sent to it. Where that is not enough, ask
// for an ack. With [Options].Recovery, a client that comes back in time gets the
// events that it has missed.
//
// Emit never blocks on the network. Each client has a queue with a bound in bytes and
// packets. A client whose queue overflows is closed, unless [Options].KeepSlow is set,
// and other clients are not affected.
//
// # Errors
//
// An error that a handler returns goes to OnError. The client is told if it has asked
// for an ack, or if the connect handler has refused it: the message and data of an
// [Error], and of any other error, or a panic, only that there was one.
//
// # Testing
//
// Package siotest has a client in memory for tests of handlers.
//
// # Shutdown
//
// [Server.Shutdown] refuses new clients, delivers what is queued, closes every
// connection and waits for the handlers. It does not shut down the HTTP server: do
// that afterwards.
//
// # Where to look
//
//   - serving: [New], [Options], [Server]; in other routers [Wrap], [HandlerWith], [HandshakeOnly]
//   - registering handlers: [Router], [On], [OnWithAck], [Event]; around them a [Middleware]
//   - in a handler: [Context]; values of a client by a [Key]; asking it by [Call]
//   - addressing others: [Namespace], [Target]; one of them: [Socket], [RemoteSocket]
//   - namespaces that clients choose: [Server.Of], [Server.OfFunc], [Context.Param]
//   - what went wrong: [Error], [PanicError], [Refusal], [Reason], and the variables Err…
package sio
