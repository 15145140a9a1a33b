package load

import "encoding/binary"

// Masking costs nothing when frames are made beforehand, and a server that does not
// unmask would be found out, as it would not with a key of zeros.
var maskKey = [4]byte{0x5a, 0x1b, 0xc3, 0x96}

// AppendFrame appends a client's frame.
func AppendFrame(dst []byte, op byte, payload []byte) []byte {
	dst = append(dst, finBit|op)
	switch size := len(payload); {
	case size < 126:
		dst = append(dst, maskBit|byte(size))
	case size < 1<<16:
		dst = append(dst, maskBit|126)
		dst = binary.BigEndian.AppendUint16(dst, uint16(size))
	default:
		dst = append(dst, maskBit|127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(size))
	}
	dst = append(dst, maskKey[:]...)
	start := len(dst)
	dst = append(dst, payload...)
	for i := range payload {
		dst[start+i] ^= maskKey[i%4]
	}
	return dst
}
