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
// upgrade. The messages of one call of Send stay together.
//
// # Delivery
//
// A message is delivered at most once. What is queued is lost if a session ends before
// it could be written, which Close and Shutdown wait for. What the peer has received is
// always a prefix of what was sent.
//
// # Limits
//
// A message that comes in is bounded by MaxPayload. What waits to go out is bounded by
// QueueBytes and QueuePackets; a session that overflows ends with "slow consumer".
// Nothing is allocated because a peer has announced it.
//
// # Files
//
// The way in: server.go (Serve) → request.go (what is refused) → handshake.go (a session
// begins) → polling.go (GET) and polling_post.go, or websocket.go (the opening handshake)
// and websocket_read.go (bytes, frames) → Session.receive in session.go → Handler.
// Sockets that wait are in poller_*.go (poller_bell_linux.go: how its second goroutine is
// woken), or have a goroutine that reads, which those of TLS give up while they are idle
// (idle_tls_*.go); conn_*.go is what the system offers for reading and writing without
// blocking, and monitor_linux.go what it takes that Go's scheduler is not told of that.
//
// The way out: message.go (a Message is encoded once; deflate.go compresses it once) →
// send.go (Session.Send: written at once, or queued in outbox.go, and flushed) or drain.go
// (Batch: to many, written by others) → a WebSocket, or the GET that is pending.
//
// Requests of sessions of other servers: peers.go.
//
// Polls without net/http, with Options.HijackPolling: polling_take.go (when a connection is
// taken over, and goes back) → polling_web.go (what is read of it, and when) →
// polling_answer.go; polling_sweep.go looks for what lies too long.
//
// What goes on meanwhile: upgrade.go (from polling to WebSocket), heartbeat.go (pings and
// timeouts), backlog.go (clients that don't keep up), memory.go (what all sessions hold
// together), fair.go (turns and rates), session_close.go and websocket_close.go (endings,
// close frames), shutdown.go (all endings: at once, or at a pace), cors.go and cors_origin.go
// (who may connect). What is different in revision 3 is in v3.go. Who watches is told in
// observer.go, and asks in stats.go. cores.go tells how many goroutines it takes for all.
//
// The codec has no sessions and no I/O: engineio/parser (packets, payloads) and
// internal/websocket (frames, compression).
//
// The protocol: https://github.com/socketio/engine.io-protocol
package engineio
