// Package parser decodes and encodes the packets of the Socket.IO protocol,
// revision 5. It knows no connections and does no I/O, so that a server, a client,
// an emitter or the broker of a cluster can use it.
//
// # Decoding
//
// A [TextDecoder] turns the messages of one connection into packets. An event or ack
// with binary data is a text message and one binary message for each attachment; the
// packet is done with the last of them.
//
//	var d parser.TextDecoder
//	p, done, err := d.Text(message) // d.Binary(message) for a binary one
//	if err != nil || !done {
//		return err // or wait for the next message
//	}
//	name, err := parser.EventName(p.Data)
//
// A decoder validates JSON, and decodes none: [Args.Bind] does that, into the types that
// the caller wants.
//
//	args := parser.NewArgs(nil, p.Data, p.Attachments, 1) // less the name
//	err = args.Bind(&text, &file)
//
// # Encoding
//
// The Encode functions append a packet in the text format to a buffer, and return the
// []byte values that they have found in it at any depth. These follow the text, each
// as a binary message.
//
//	text, attachments, err := parser.EncodeEvent(nil, nil, "/chat", "message", args, 0, false)
//
// # Other libraries, other formats
//
// A [Codec] encodes and decodes arguments; that of all functions here is [JSON], which
// does what encoding/json does, unless they are given another one. A [Parser] is
// another format of packets, such as that of package msgpack: [AppendEvent] and the
// like make the Data of its packets, and [EncodeWith] encodes them.
//
// # Concurrency
//
// Everything may be used from any goroutine, but for a [TextDecoder], which serves one
// connection.
//
// # Files
//
// packet.go (what a packet is), decode.go (text into packets), scan.go (JSON validated
// and walked over), encode.go (packets into text), args.go (arguments and what is wrong
// with them), misfit.go (where), json.go (Go values into JSON with attachments, and back), traits.go
// (which types need that), parser.go (other formats), v4.go (the two payloads that revision
// 4 has differently).
//
// The protocol: https://github.com/socketio/socket.io-protocol
package parser
