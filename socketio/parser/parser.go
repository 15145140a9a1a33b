package parser

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Parser is a format of packets: it says how they stand in the messages of a
// connection, in both directions. Package msgpack has one. The text format, which is
// the protocol's own, needs none: [TextDecoder] decodes it, and functions such as
// [EncodeEvent] encode it.
//
// Whatever the format is, the payload of a [Packet] is JSON with placeholders, as
// a [Codec] makes and takes it. [TypeBinaryEvent] and [TypeBinaryAck] belong to
// the text format: with a Parser an event and an ack are of the same type with
// attachments as without.
//
// A Parser must be safe for concurrent use.
type Parser interface {
	// NewDecoder returns the decoder of one connection.
	NewDecoder() Decoder

	// Encode appends the first message of a packet to dst, and returns the extended
	// buffer as first.Data. Messages in rest have to follow the first directly.
	//
	// p.Data, if there is any, is valid JSON nested no deeper than 1024 arrays and
	// objects, its strings valid UTF-8. It may lie in dst, in front of what is
	// appended. Neither dst nor anything of p may be changed, or kept once the messages
	// have been sent.
	Encode(dst []byte, p Packet) (first Message, rest []Message, err error)
}

// A Message is what a connection carries in one piece.
type Message struct {
	Data   []byte
	Binary bool // or else it is text, and valid UTF-8
}

// A Decoder turns the messages of one connection into packets. It is called for one
// message after the other, each of them bounded by the connection, on a goroutine
// that others wait for. It has to bound what it keeps between them.
//
// The first error ends the connection, and is logged: its text must not quote what
// was sent.
type Decoder interface {
	// Text takes a text message, which is valid UTF-8. It reports done with the
	// packet that the message completes.
	Text(data []byte) (p Packet, done bool, err error)
	// Binary likewise takes a binary message.
	Binary(data []byte) (p Packet, done bool, err error)
	// Pending reports whether a packet waits for more messages, which have to
	// come in time.
	Pending() bool
}

var errNotAppended = errors.New("socketio: Parser.Encode has not appended to dst")

// EncodeWith encodes a packet in the format of f, as f.Encode does. Before, it checks
// that p.Data is what [Parser] promises, whatever codec has made it: the error of what
// is not valid UTF-8 is [ErrInvalidUTF8], that of what is no JSON an [Error].
func EncodeWith(f Parser, dst []byte, p Packet) (first Message, rest []Message, err error) {
	if !utf8.Valid(p.Data) {
		return Message{}, nil, ErrInvalidUTF8
	}
	if len(p.Data) > 0 {
		if err := validate(p.Data); err != nil {
			return Message{}, nil, err
		}
	}
	first, rest, err = f.Encode(dst, p)
	if err == nil && len(first.Data) < len(dst) {
		err = errNotAppended
	}
	return first, rest, err
}

// Check holds a packet that a client has sent to the rules that are the same in each
// format: a namespace begins with a slash, is no longer than 256 bytes and has no
// control characters, an id is no greater than 2^53-1, and the payload begins as one
// of the packet's type does; a client sends no CONNECT_ERROR, and no event whose name
// [IsReserved]. It does not check that Data is valid JSON. The error is an [Error].
//
// [TextDecoder] has checked this already. It is for the packets of other decoders.
func (p *Packet) Check() error {
	if !strings.HasPrefix(p.Namespace, "/") || len(p.Namespace) > MaxNamespace || strings.ContainsFunc(p.Namespace, unicode.IsControl) {
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
