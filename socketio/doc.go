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
// the peer sent them, Disconnecting, Disconnect. It runs on a goroutine that exists while there is something to
// handle, and may block: acks and heartbeats do not wait behind it.
//
// When the events that wait for handlers exceed a bound, the connection is not
// read until there is room again.
//
// The protocol: https://github.com/socketio/socket.io-protocol
package socketio
