// Package websocket is the WebSocket protocol as a server speaks it, without any I/O:
// frames that come in (Reader) and that go out (AppendHeader), per-message deflate, and
// the headers of the opening handshake in which a client says what it can do.
//
// Their files are reader.go (with the bounds of what may come), inflate.go, frame.go,
// deflate.go and handshake.go.
//
// RFC 6455 is the protocol, RFC 7692 its compression. Package gobwas/ws has the
// cipher, the opcodes and the codes of close frames.
package websocket
