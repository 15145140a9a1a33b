package socketio

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/siokit/sio/engineio"
)

// A Parser is a format of packets: it says how they stand in the messages of a
// connection, in both directions. It must be safe for concurrent use.
//
// Whatever the format is, the payload of a [Packet] is JSON with placeholders, as
// a [Codec] makes and takes it. [TypeBinaryEvent] and [TypeBinaryAck] belong to
// the text format: with a Parser an event and an ack are of the same type with
// attachments as without.
type Parser interface {
	// NewDecoder returns the decoder of one connection.
	NewDecoder() PacketDecoder

	// Encode makes the messages of a packet: one, and those that have to follow
	// it directly. The packet's Data, if there is any, is valid JSON nested no
	// deeper than 1024 arrays and objects, its strings valid UTF-8. Neither it nor
	// the attachments may be kept.
	Encode(p Packet) (first *engineio.Message, rest []*engineio.Message, err error)
}

// A PacketDecoder turns the messages of one connection into packets. It is called
// on a goroutine that others wait for, for one message after the other, none of
// which is larger than MaxPayload. What it keeps between them is its own to bound.
// The first error ends the connection, and is logged: its text must not quote what
// was sent. [Decoder] is the one of the text format.
type PacketDecoder interface {
	// Text takes a text message, which is valid UTF-8. It reports done with the
	// packet that the message completes.
	Text(data []byte) (p Packet, done bool, err error)
	// Binary likewise takes a binary message.
	Binary(data []byte) (p Packet, done bool, err error)
	// Pending reports whether a packet waits for more messages, which have to
	// come in time.
	Pending() bool
}

// A parserConn is a conn whose messages go to the decoder of a Parser.
type parserConn struct {
	conn
	dec PacketDecoder
}

// Message implements [engineio.Handler].
func (c *parserConn) Message(data []byte, binary bool) {
	var p Packet
	var done bool
	var err error
	if binary {
		p, done, err = c.dec.Binary(data)
	} else {
		p, done, err = c.dec.Text(data)
	}
	if done && err == nil {
		err = p.check()
	}
	c.decoded(&p, done, c.dec.Pending(), err)
}

// check holds a client's packet to the rules that are the same in each format.
func (p *Packet) check() error {
	if !strings.HasPrefix(p.Namespace, "/") || len(p.Namespace) > maxNamespace || strings.ContainsFunc(p.Namespace, unicode.IsControl) {
		return errNamespace
	}
	if p.ID > maxID {
		return errID
	}
	open := byte(0)
	if len(p.Data) > 0 {
		open = p.Data[0]
	}
	switch p.Type {
	case TypeConnect:
		if open != 0 && open != '{' {
			return errConnectPayload
		}
	case TypeDisconnect:
		if open != 0 {
			return errDisconnectPayload
		}
	case TypeConnectError:
		return errConnectError
	case TypeEvent, TypeBinaryEvent:
		name, err := EventName(p.Data)
		if err != nil {
			return err
		}
		if IsReserved(string(name)) {
			return errReservedName
		}
	case TypeAck, TypeBinaryAck:
		if open != '[' {
			return errNoArray
		}
	default:
		return errType
	}
	return nil
}

// encodeWith encodes a packet whose payload is as a [Codec] has made it.
func encodeWith(parser Parser, p Packet) (e encoded, err error) {
	if !utf8.Valid(p.Data) {
		return e, ErrInvalidUTF8
	}
	if len(p.Data) > 0 {
		if err := validate(p.Data); err != nil {
			return e, err
		}
	}
	e.first, e.rest, err = parser.Encode(p)
	return e, err
}
