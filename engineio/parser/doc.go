// Package parser is the codec of Engine.IO: packets, and the payloads that carry
// several of them over HTTP long-polling. It does no I/O and knows of no session, so
// that clients and tools can use it without a server.
//
//	for p, err := range parser.Packets([]byte("4hello\x1e2")) {
//		// a message "hello", then a ping
//	}
//
// Functions are for revision 4 of the protocol. Those whose names end in V3 are for
// revision 3, of before 2021, which encodes binary packets and payloads in other ways.
// Over WebSocket each frame is a packet, and there are no payloads.
//
// Decoded data aliases what it was decoded from, unless that was base64. Nothing is
// allocated because a length announces it.
//
// The files: packet.go (one packet), payload.go (several, in the body of a POST or the answer
// to a GET), v3.go (both in revision 3).
//
// The protocol: https://github.com/socketio/engine.io-protocol
package parser
