package websocket

import (
	"encoding/binary"

	"github.com/gobwas/ws"
)

// HeaderSize returns the size of the header that [AppendHeader] appends.
func HeaderSize(n int) int {
	switch {
	case n <= 125:
		return 2
	case n <= 0xffff:
		return 4
	}
	return 10
}

// AppendHeader appends the header of a frame that a server sends: not masked, not
// fragmented, with a payload of n bytes (RFC 6455, section 5.2).
func AppendHeader(dst []byte, op ws.OpCode, n int) []byte {
	dst = append(dst, 0x80|byte(op))
	switch {
	case n <= 125:
		return append(dst, byte(n))
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
}

var emptyClose = AppendHeader(nil, ws.OpClose, 0)

// CloseFrame returns a close frame with code, or an empty one for 0. It must not be
// changed.
func CloseFrame(code ws.StatusCode) []byte {
	if code == 0 {
		return emptyClose
	}
	return append(AppendHeader(nil, ws.OpClose, 2), byte(code>>8), byte(code))
}
