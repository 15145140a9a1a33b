package parser

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Parser is a format of packets: how they are written in the messages of a
// connection, in both directions. Package msgpack has one. The text format, which is
// the protocol's own, is not a Parser: [TextDecoder] decodes it, and functions such as
// [EncodeEvent] encode it.
//
// In each format, Data of a [Packet] is JSON with placeholders, as a [Codec] makes it
// and takes it. The types [TypeBinaryEvent] and [TypeBinaryAck] belong to the text
// format: with a Parser, an event with attachments is a [TypeEvent], and an ack a
// [TypeAck].
//
// A Parser must be safe for concurrent use.
type Parser interface {
	// NewDecoder returns a decoder for the messages of one connection.
	NewDecoder() Decoder

	// Encode appends the first message of p to dst, and returns the extended buffer as
	// first.Data. The messages in rest, if any, have to be sent directly behind it.
	//
	// Callers use [EncodeWith], so that p.Data, if there is any, is valid JSON in valid
	// UTF-8, with no more than 1024 arrays and objects within each other. It may be a
	// part of dst. The bytes of dst and p must not be changed. Messages in rest may
	// alias p.Attachments; nothing else of p, nor dst, may be kept.
	Encode(dst []byte, p Packet) (first Message, rest []Message, err error)
}

// A Message is one message of a connection.
type Message struct {
	Data   []byte
	Binary bool // false: it is text, and valid UTF-8
}

// A Decoder turns the messages of one connection into packets. It is called for one
// message after the other, and must not block. The connection bounds the size of each
// message; the decoder has to bound what it keeps of several.
//
// The first error ends the connection. It is logged: its text must quote nothing of
// what was sent.
type Decoder interface {
	// Text decodes a text message, which is valid UTF-8. It returns a packet, and
	// done, if the message completes one. The packet's Data may alias data if
	// Attachments is nil; nothing else may.
	Text(data []byte) (p Packet, done bool, err error)
	// Binary does the same for a binary message.
	Binary(data []byte) (p Packet, done bool, err error)
	// Pending reports whether a packet is not complete. A server closes the
	// connection if the next message takes too long.
	Pending() bool
}

var errNotAppended = errors.New("socketio: Parser.Encode has not appended to dst")

// EncodeWith encodes a packet in the format of f: it checks that p.Data is what
// f.Encode relies on, whatever [Codec] it comes from, and returns what that returns.
// The error is [ErrInvalidUTF8] for what is not valid UTF-8, an [Error] for what is no
// JSON, or nested too deeply, and otherwise that of f.
func EncodeWith(f Parser, dst []byte, p Packet) (first Message, rest []Message, err error) {
	if len(p.Data) > 0 {
		if err := Validate(p.Data); err != nil {
			return Message{}, nil, err
		}
	}
	first, rest, err = f.Encode(dst, p)
	if err == nil && len(first.Data) < len(dst) {
		err = errNotAppended
	}
	return first, rest, err
}

// Validate returns nil for one JSON value in valid UTF-8, with no more than 1024 arrays and
// objects within each other, [ErrInvalidUTF8] or an [Error] for anything else. It does not
// allocate.
func Validate(data []byte) error { return ValidateWithin(data, 0) }

// ValidateWithin is like [Validate], for a value that is going to stand within so many
// arrays and objects, which count.
func ValidateWithin(data []byte, outer int) error {
	if !utf8.Valid(data) {
		return ErrInvalidUTF8
	}
	return validate(data, maxDepth-outer)
}

// Check returns an [Error] if a client must not send this packet, in whatever format:
//
//   - the namespace does not begin with a slash, is longer than [MaxNamespace], or has
//     control characters
//   - the id is greater than 2^53-1
//   - the type is CONNECT_ERROR, which only a server sends, or none of the protocol
//   - the payload is not of the kind that the type has, or an event has no name, or
//     one that [IsReserved]
//
// It takes Data to be valid JSON. A [TextDecoder] has checked all this; Check is for
// the packets of a [Parser].
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
