package load

import (
	"encoding/binary"
	"errors"
)

// packed returns a packet in MessagePack as the official client has it, of an event or an
// ack, with an id if it is to be acknowledged, or of CONNECT or DISCONNECT, without data.
func packed(kind byte, acked bool, data string) []byte {
	fields := byte(0x82)
	text := "\xa4type" + string(kind) + "\xa3nsp\xa1/"
	if data != "" {
		fields += 2
		text += "\xa4data" + data + "\xa7options\x81\xa8compress\xc3"
	}
	if acked {
		fields++
		text += "\xa2id\xcd@@"
	}
	return append([]byte{fields}, text...)
}

// packet returns a request of one packet.
func packet(kind byte, acked bool, data string) []pattern {
	return []pattern{newPattern(opBinary, string(packed(kind, acked, data)))}
}

// packString returns a string in the shortest form of MessagePack.
func packString(s string) string {
	var head []byte
	switch n := len(s); {
	case n < 32:
		head = []byte{0xa0 | byte(n)}
	case n < 1<<8:
		head = []byte{0xd9, byte(n)}
	default:
		head = binary.BigEndian.AppendUint16([]byte{0xda}, uint16(n))
	}
	return string(head) + s
}

var errPacked = errors.New("not a packet in MessagePack")

// unpack returns a packet as patterns have it, whatever the order of its fields: its type, its
// id, if there is one, and its data, both as they came. It overwrites dst.
func unpack(dst, message []byte) ([]byte, error) {
	if len(message) == 0 || message[0]&0xf0 != 0x80 {
		return nil, errPacked
	}
	var kind, id, data []byte
	rest := message[1:]
	for range message[0] & 0x0f {
		if len(rest) == 0 || rest[0]&0xe0 != 0xa0 {
			return nil, errPacked
		}
		size := packedSize(rest)
		value := packedSize(rest[min(max(size, 0), len(rest)):])
		if size < 0 || value < 0 {
			return nil, errPacked
		}
		at := rest[size : size+value]
		switch string(rest[1:size]) {
		case "type":
			kind = at
		case "id":
			id = at
		case "data":
			data = at
		}
		rest = rest[size+value:]
	}
	if len(kind) != 1 || len(rest) > 0 {
		return nil, errPacked
	}
	if string(id) == "\xc0" { // null: some write what is not there
		id = nil
	}
	return append(append(append(dst[:0], kind...), id...), data...), nil
}

// packedSize returns how long the value is that b begins with; -1 if it is not all there.
func packedSize(b []byte) int {
	if len(b) == 0 {
		return -1
	}
	size, items := 1, 0 // what follows the first byte and is no value, and the values that do
	length := func(n int) int {
		size += n
		if len(b) < 1+n {
			return -1
		}
		v := 0
		for _, digit := range b[1 : 1+n] {
			v = v<<8 | int(digit)
		}
		return v
	}
	bytes := func(n int) {
		if n < 0 {
			n = len(b)
		}
		size += n
	}
	switch c := b[0]; {
	case c < 0x80 || c >= 0xe0: // small integers
	case c < 0x90:
		items = 2 * int(c&0x0f)
	case c < 0xa0:
		items = int(c & 0x0f)
	case c < 0xc0:
		size += int(c & 0x1f)
	case c < 0xc4: // nil, false, true
	case c < 0xc7: // bytes
		bytes(length(1 << (c - 0xc4)))
	case c == 0xca:
		size += 4
	case c == 0xcb:
		size += 8
	case c >= 0xcc && c < 0xd0: // unsigned
		size += 1 << (c - 0xcc)
	case c >= 0xd0 && c < 0xd4: // signed
		size += 1 << (c - 0xd0)
	case c >= 0xd4 && c < 0xd9: // extensions: undefined, in JavaScript
		size += 1 + 1<<(c-0xd4)
	case c >= 0xd9 && c < 0xdc: // strings
		bytes(length(1 << (c - 0xd9)))
	case c == 0xdc || c == 0xdd:
		items = length(2 << (c - 0xdc))
	case c == 0xde || c == 0xdf:
		items = 2 * length(2<<(c-0xde))
	default: // longer extensions, which nothing here has
		return -1
	}
	if items < 0 || size > len(b) {
		return -1
	}
	for range items {
		n := packedSize(b[size:])
		if n < 0 {
			return -1
		}
		size += n
	}
	return size
}
