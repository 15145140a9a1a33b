package parser

import (
	"bytes"
	"encoding/base64"
)

// A PacketType is the first character of a packet.
type PacketType byte

// The packet types.
const (
	TypeOpen    PacketType = '0'
	TypeClose   PacketType = '1'
	TypePing    PacketType = '2'
	TypePong    PacketType = '3'
	TypeMessage PacketType = '4'
	TypeUpgrade PacketType = '5'
	TypeNoop    PacketType = '6'
)

// binaryMark begins a packet that carries a binary message as base64, where
// bytes cannot be sent as they are.
const binaryMark = 'b'

// A Packet is one unit of the protocol. Binary ones are messages.
type Packet struct {
	Type   PacketType
	Data   []byte
	Binary bool
}

// An Error says what is wrong with what has been decoded. Its text quotes nothing of it,
// so that it is fit for a log.
type Error string

func (e Error) Error() string { return "engineio: " + string(e) }

const (
	errEmptyPacket Error = "empty packet"
	errPacketType  Error = "unknown packet type"
	errBase64      Error = "bad base64"
	errNotUTF8     Error = "text is not UTF-8"
	errLength      Error = "bad length of a packet"
)

// Decode decodes one packet: a text, which is valid UTF-8, or with binary the bytes of
// a binary WebSocket frame. The error is an [Error].
func Decode(p []byte, binary bool) (Packet, error) {
	switch {
	case binary:
		return Packet{TypeMessage, p, true}, nil
	case len(p) == 0:
		return Packet{}, errEmptyPacket
	}
	switch t := PacketType(p[0]); {
	case t >= TypeOpen && t <= TypeNoop:
		return Packet{t, p[1:], false}, nil
	case t == binaryMark:
		return decodeBase64(p[1:])
	}
	return Packet{}, errPacketType
}

// decodeBase64 takes what clients send: with or without padding, in lines or in one,
// of either alphabet. As in the reference server, it ends at the first padding. Unlike
// there, what is no base64 at all is an error.
func decodeBase64(p []byte) (Packet, error) {
	p = bytes.TrimRight(p, "=\r\n\t ")
	data, err := base64.RawStdEncoding.AppendDecode(nil, p) // which skips \r and \n
	if err == nil {
		return Packet{TypeMessage, data, true}, nil
	}
	p, _, _ = bytes.Cut(p, []byte{'='})
	clean := make([]byte, 0, len(p))
	for _, c := range p {
		switch c {
		case '-':
			c = '+'
		case '_':
			c = '/'
		case ' ', '\t':
			continue
		}
		clean = append(clean, c)
	}
	if data, err = base64.RawStdEncoding.AppendDecode(data[:0], clean); err != nil {
		return Packet{}, errBase64
	}
	return Packet{TypeMessage, data, true}, nil
}

// Append appends a packet that is text.
func Append(dst []byte, t PacketType, data []byte) []byte {
	return append(append(dst, byte(t)), data...)
}

// AppendBase64 appends a binary message as it goes where only text can: in a payload,
// and over WebSocket to a client that has asked for it.
func AppendBase64(dst, data []byte) []byte {
	return base64.StdEncoding.AppendEncode(append(dst, binaryMark), data)
}

// Base64Len returns how many bytes AppendBase64 appends for n bytes of data.
func Base64Len(n int) int { return 1 + base64.StdEncoding.EncodedLen(n) }
