// Package socketio speaks the Socket.IO protocol, revision 5, over Engine.IO
// sessions: namespaces, sockets, rooms, acks in both directions, and broadcasts
// that are encoded once. Package parser decodes and encodes its packets.
//
// It is the layer below package sio, which adds routing by event, typed
// handlers and middlewares; most programs want that one. Here a namespace has
// one [Handler].
//
// # Concurrency and ordering
//
// Everything that is exported may be used from any goroutine. What a handler is
// told about one socket comes one at a time and in order: Connect, the events as
// the peer sent them, Disconnecting, Disconnect. It runs on a goroutine that exists
// while there is something to handle, and may block: acks and heartbeats do not wait
// behind it.
//
// When the events that wait for handlers exceed a bound, the connection is not
// read until there is room again.
//
// # Files
//
// The way in: conn.go (a message of the session is decoded, and handed to the socket of
// its namespace) → namespace_enter.go (which namespace a CONNECT is for, or why none) and
// socket_connect.go (it is decided on, and answered), or socket_handle.go (an event waits
// in the socket's queue for its turn) → crew.go (the goroutines that call handlers) →
// Handler, in namespace.go. An ack goes from conn.go to who waits for it, in socket_ack.go.
//
// The way out: socket_emit.go (to one client) or target.go (to many) → broker.go (the
// interface that carries it) → local.go (the sockets of this process) → local_pick.go (who
// is meant) → encode.go (a packet is encoded once) → socket_send.go (it is sent, or held
// back) → [engineio.Session].
//
// Rooms are in local_rooms.go; what targets ask and hear in target_answers.go and
// target_remote.go; other servers in broker_serverside.go; who looks on in tap.go,
// observer.go and stats.go. Namespaces that come and go
// are in namespace_dynamic.go, their shares in namespace_share.go, and their parent, which
// stands for all of them, in namespace_family.go. The codec is socketio/parser.
//
// Recovery is behind the line that recovery.go draws: recovery_local.go (what is known),
// recovery_claim.go (who says that it is a client), recovery_walk.go (what that has
// missed), recovery_emit.go (events get their numbers and offsets), recovery_away.go (who
// has left). Its bookkeeping has a package, internal/ledger, and so have its records,
// socketio/recovery. With a [Journal] (journal.go) the same is in recovery_shared.go,
// recovery_shared_claim.go, recovery_shared_emit.go, and recovery_shared_lane.go (what has been
// emitted, until the journal gives it back).
//
// The protocol: https://github.com/socketio/socket.io-protocol
package socketio
