// Package engineio is a server for the Engine.IO protocol, version 4: sessions
// that begin on HTTP long-polling or on WebSocket, move from the first to the
// second, and are watched by a heartbeat. It knows messages, text and binary,
// and nothing of events or rooms; package socketio builds these on top.
//
//	srv, err := engineio.New(nil, func(s *engineio.Session) engineio.Handler {
//		return echo{s}
//	})
//	http.Handle("/engine.io/", srv)
//
// # Concurrency
//
// Every method of Server and Session may be called from any goroutine. The
// messages of one session are handed over one at a time, in the order in which
// the peer sent them; sessions run in parallel. Handler.Message must not block:
// a consumer that falls behind calls [Session.Pause].
//
// # Ordering
//
// Messages sent from one goroutine arrive in that order, also across an
// upgrade. Those given to one call of Send stay together.
//
// # Delivery
//
// At most once. What was queued is lost when a session ends without Close or
// Shutdown having been able to flush it; what the peer received is always a
// prefix of what was sent.
//
// # Limits
//
// A message that comes in is bounded by MaxPayload; what waits to go out is
// bounded by QueueBytes and QueuePackets, and a peer that lets it overflow is
// closed ("slow consumer"). Nothing is allocated because a peer announced it.
//
// The protocol: https://github.com/socketio/engine.io-protocol
package engineio
