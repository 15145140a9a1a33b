package parser

import (
	"bytes"
	"encoding/base64"
	"iter"
	"strconv"
	"unicode/utf8"
)

// messageV3 is the first byte of a binary packet: the type of a message, as a
// number.
const messageV3 = byte(TypeMessage - '0')

// In a payload in binary form, each packet has a byte that says what it is, its
// length in decimal digits, which are bytes from 0 to 9, and the end of these.
const (
	stringV3 = 0x00
	binaryV3 = 0x01
	lengthV3 = 0xff
)

// DecodeV3 decodes one packet as [Decode] does, in revision 3, where a binary packet has a
// type, too.
func DecodeV3(p []byte, binary bool) (Packet, error) {
	switch {
	case len(p) == 0:
		return Packet{}, errEmptyPacket
	case binary && p[0] == messageV3:
		return Packet{TypeMessage, p[1:], true}, nil
	case binary:
		return Packet{}, errPacketType
	case p[0] != binaryMark:
		return Decode(p, false)
	case len(p) == 1 || p[1] != byte(TypeMessage):
		return Packet{}, errPacketType
	}
	return decodeBase64(p[2:])
}

// PacketsV3 returns the packets of a payload as [Packets] does, in revision 3. There a
// payload has one of two forms, of which the Content-Type tells: text, or with binaryForm
// bytes. An empty payload is an error.
func PacketsV3(payload []byte, binaryForm bool) iter.Seq2[Packet, error] {
	return func(yield func(Packet, error) bool) {
		switch {
		case len(payload) == 0:
			yield(Packet{}, errEmptyPacket)
			return
		case !binaryForm && !utf8.Valid(payload):
			yield(Packet{}, errNotUTF8)
			return
		}
		for rest := payload; len(rest) > 0; {
			var packet []byte
			var isBinary bool
			var err error
			if binaryForm {
				packet, rest, isBinary, err = cutBinaryV3(rest)
			} else {
				packet, rest, err = cutTextV3(rest)
			}
			if err == nil && len(packet) == 0 && !binaryForm {
				continue
			}
			var p Packet
			if err == nil {
				p, err = DecodeV3(packet, isBinary)
			}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// IsBinaryV3 tells whether a payload that [AppendV3] has made is in binary form.
func IsBinaryV3(payload []byte) bool { return len(payload) > 0 && payload[0] <= binaryV3 }

// AppendBinaryV3 appends a binary message as it goes in a binary frame, or in a payload
// in binary form.
func AppendBinaryV3(dst, data []byte) []byte { return append(append(dst, messageV3), data...) }

// AppendBase64V3 appends a binary message as [AppendBase64] does, in revision 3, where it
// takes a byte more.
func AppendBase64V3(dst, data []byte) []byte {
	return base64.StdEncoding.AppendEncode(append(dst, binaryMark, byte(TypeMessage)), data)
}

// AppendV3 appends an encoded packet to a payload in binary form, or, if binaryForm is
// false, in text form. IsBinary tells whether the packet is binary, which it can't be in
// text form.
func AppendV3(dst, packet []byte, isBinary, binaryForm bool) []byte {
	if !binaryForm {
		dst = strconv.AppendInt(dst, int64(utf16Len(packet)), 10)
		return append(append(dst, ':'), packet...)
	}
	kind := byte(stringV3)
	if isBinary {
		kind = binaryV3
	}
	dst = append(dst, kind)
	digits := len(dst)
	dst = strconv.AppendInt(dst, int64(len(packet)), 10)
	for i := digits; i < len(dst); i++ {
		dst[i] -= '0'
	}
	return append(append(dst, lengthV3), packet...)
}

// utf16Len is the length of a string in JavaScript.
func utf16Len(text []byte) int {
	n := 0
	for _, c := range text {
		n += unitsOf(c)
	}
	return n
}

// unitsOf is how many UTF-16 code units the character has that begins with c; a
// byte that begins none has none.
func unitsOf(c byte) int {
	switch {
	case c&0xc0 == 0x80:
		return 0
	case c >= 0xf0:
		return 2
	}
	return 1
}

// cutTextV3 cuts the first packet off a payload in text form, which is UTF-8 and
// not empty. The length counts UTF-16 code units, and must not cut a pair. It
// may be 0, and the packet empty: that is none.
func cutTextV3(payload []byte) (packet, rest []byte, err error) {
	n, i := 0, 0
	for ; i < len(payload) && payload[i] != ':'; i++ {
		d := payload[i] - '0'
		if n = n*10 + int(d); d > 9 || n > len(payload) {
			return nil, nil, errLength
		}
	}
	if i == 0 || i == len(payload) {
		return nil, nil, errLength
	}
	payload = payload[i+1:]
	for i = 0; i < len(payload); i++ {
		units := unitsOf(payload[i])
		if n == 0 && units > 0 {
			break
		}
		if n -= units; n < 0 {
			return nil, nil, errLength
		}
	}
	if n > 0 {
		return nil, nil, errLength
	}
	return payload[:i], payload[i:], nil
}

// cutBinaryV3 cuts the first packet off a payload in binary form, which is not
// empty. The length counts bytes.
func cutBinaryV3(payload []byte) (packet, rest []byte, binary bool, err error) {
	kind := payload[0]
	end := bytes.IndexByte(payload, lengthV3)
	if kind > binaryV3 || end < 2 {
		return nil, nil, false, errLength
	}
	n := 0
	for _, d := range payload[1:end] {
		if n = n*10 + int(d); d > 9 || n > len(payload) {
			return nil, nil, false, errLength
		}
	}
	payload = payload[end+1:]
	if n > len(payload) {
		return nil, nil, false, errLength
	}
	packet, rest = payload[:n], payload[n:]
	if kind == stringV3 && !utf8.Valid(packet) {
		return nil, nil, false, errNotUTF8
	}
	return packet, rest, kind == binaryV3, nil
}
