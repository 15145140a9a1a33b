package websocket

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// maxFragments bounds the frames of one message. A message of 1 MB in pieces
// of 64 bytes still fits, and one of 100 MB in pieces of 1 KB; a flood of empty
// fragments does not.
func maxFragments(limit int32) uint32 { return max(1<<14, uint32(limit)>>10) }

// maxControl is the longest payload of a control frame (RFC 6455, section 5.5).
const maxControl = 125

// An Error is a rule of the protocol that the peer has broken. The WebSocket is to be
// closed with Code.
type Error struct {
	Code ws.StatusCode
	Why  string // fit for a log: it quotes nothing of what came
}

func (e *Error) Error() string { return e.Why }

func protocolError(why string) error { return &Error{ws.StatusProtocolError, why} }

// TooBig is why a message over the limit is refused.
const TooBig = "message exceeds MaxPayload"

var errTooBig = &Error{ws.StatusMessageTooBig, TooBig}

// A Sink takes what a Reader finds, in the order in which it came. The slices are
// valid until the call returns. An error ends the call of Feed, which returns it.
type Sink interface {
	// OnMessage takes a message. Text is UTF-8. It may keep data if Reader.Collected.
	OnMessage(data []byte, binary bool) error
	// OnPing takes the payload of a ping. Pongs are dropped.
	OnPing(data []byte) error
	// OnClose takes the code of a close frame, 0 if it has none.
	OnClose(code ws.StatusCode) error
	// Stopped is asked before each piece of a frame is parsed. While it returns
	// true, nothing more is handed over.
	Stopped() bool
}

// A Reader is a push parser for the frames of a WebSocket client: it is fed bytes as
// they arrive, in pieces of any size. A message that lies in one piece is handed
// over where it lies; another is collected in a buffer that grows with what has
// really arrived. Its checks are those of RFC 6455, section 5. It is not for
// concurrent use.
type Reader struct {
	Limit   int32  // the largest message in bytes, both as it comes and inflated; at most 256 MiB
	Frames  uint32 // how many frames have begun; whoever counts them sets it back to 0
	Deflate bool   // permessage-deflate has been accepted: a message may be compressed

	hdr    [14]byte // the header as far as it has come
	hdrLen uint8    // bytes in hdr
	inBody bool     // the header is complete, and the next fields stand
	fin    bool
	op     ws.OpCode
	mask   [4]byte
	left   int32 // bytes of the payload still to come
	pos    int32 // bytes of the payload already seen, for the mask

	fragments  uint32    // of the message so far
	msgOp      ws.OpCode // 0: no message has begun
	compressed bool      // the message that has begun is
	collected  bool      // the message that is handed over has been
	msg        []byte    // the message so far, over frames and pieces
	ctl        []byte    // the control frame's payload so far
}

// Feed parses p, which it unmasks in place, and hands over to sink what is complete.
// It returns how much of p it has used up: all of it, unless an error occurred or
// the sink stopped. What is left over then has to come first in the next call. The
// error is an [*Error] or what the sink has returned; it ends the reading.
func (r *Reader) Feed(p []byte, sink Sink) (n int, err error) {
	for n < len(p) || r.Due() {
		if sink.Stopped() {
			return n, nil
		}
		if !r.inBody {
			used, err := r.header(p[n:])
			n += used
			if err != nil {
				return n, err
			}
			continue
		}
		take := min(int(r.left), len(p)-n)
		piece := p[n : n+take]
		ws.Cipher(piece, r.mask, int(r.pos))
		n += take
		r.pos += int32(take)
		r.left -= int32(take)
		if err := r.payload(piece, sink); err != nil {
			return n, err
		}
	}
	return n, nil
}

// Due tells of a frame that is complete but has not been handed over: an empty
// one in front of which the sink stopped. The next call of Feed, perhaps with no
// bytes, does it.
func (r *Reader) Due() bool { return r.inBody && r.left == 0 }

// InFrame tells whether a frame's header is complete, and not all of the frame has been
// handed over.
func (r *Reader) InFrame() bool { return r.inBody }

// Compressed tells whether the message that has begun is compressed.
func (r *Reader) Compressed() bool { return r.compressed }

// Partial returns how many bytes have come of a message that has not ended.
func (r *Reader) Partial() int { return len(r.msg) }

// Allocated returns the size of the buffer in which that message is collected.
func (r *Reader) Allocated() int { return cap(r.msg) }

// Collected tells, while a message is handed over, that it lies in a buffer of its own, which
// the sink may keep.
func (r *Reader) Collected() bool { return r.collected }

// Drop forgets what has come of that message, when nobody wants it any more. What
// still comes of it is handed over unchecked, as if it were all, and binary.
func (r *Reader) Drop() {
	r.msg, r.compressed = nil, false
	if r.msgOp != 0 {
		r.msgOp = ws.OpBinary
	}
}

// header collects the header and checks it as soon as it can be.
func (r *Reader) header(p []byte) (used int, err error) {
	for used < len(p) {
		need := uint8(2)
		if r.hdrLen >= 2 {
			need = headerSize(r.hdr[1])
		}
		n := copy(r.hdr[r.hdrLen:need], p[used:])
		used += n
		r.hdrLen += uint8(n)
		switch {
		case r.hdrLen == 2:
			if err := r.check(); err != nil {
				return used, err
			}
		case r.hdrLen > 2 && r.hdrLen == headerSize(r.hdr[1]):
			return used, r.begin()
		}
	}
	return used, nil
}

// headerSize is the size of a masked frame's header, by its second byte.
func headerSize(b byte) uint8 {
	switch b & 0x7f {
	case 126:
		return 2 + 2 + 4
	case 127:
		return 2 + 8 + 4
	}
	return 2 + 4
}

// check judges the first two bytes of a header.
func (r *Reader) check() error {
	r.fin = r.hdr[0]&0x80 != 0
	r.op = ws.OpCode(r.hdr[0] & 0x0f)
	switch {
	case r.hdr[0]&0x70 != 0 && !r.mayCompress():
		return protocolError("reserved bit set")
	case r.op.IsReserved():
		return protocolError("reserved opcode")
	case r.hdr[1]&0x80 == 0:
		return protocolError("frame is not masked")
	case r.op.IsControl() && !r.fin:
		return protocolError("fragmented control frame")
	case r.op.IsControl() && r.hdr[1]&0x7f > maxControl:
		return protocolError("control frame too long")
	case r.op == ws.OpContinuation && r.msgOp == 0:
		return protocolError("continuation of no message")
	case r.op.IsData() && r.op != ws.OpContinuation && r.msgOp != 0:
		return protocolError("new message inside a fragmented one")
	}
	return nil
}

// mayCompress tells whether the reserved bits that are set may be: the first
// alone, on a frame that begins a message (RFC 7692, section 6).
func (r *Reader) mayCompress() bool {
	return r.Deflate && r.hdr[0]&0x70 == Compressed && r.op.IsData() && r.op != ws.OpContinuation
}

// begin reads the rest of the header.
func (r *Reader) begin() error {
	h := r.hdr[:r.hdrLen]
	r.hdrLen = 0
	size := uint64(h[1] & 0x7f)
	switch size {
	case 126:
		size = uint64(binary.BigEndian.Uint16(h[2:]))
	case 127:
		size = binary.BigEndian.Uint64(h[2:])
	}
	copy(r.mask[:], h[len(h)-4:])
	r.pos = 0
	r.Frames++
	if !r.op.IsControl() {
		if size > uint64(int(r.Limit)-len(r.msg)) {
			return errTooBig
		}
		if r.fragments++; r.fragments > maxFragments(r.Limit) {
			return &Error{ws.StatusPolicyViolation, "too many fragments"}
		}
		if r.msgOp == 0 {
			r.msgOp = r.op
			r.compressed = h[0]&Compressed != 0
		}
	}
	r.left = int32(size)
	r.inBody = true
	return nil
}

// payload takes an unmasked piece of the current frame's payload.
func (r *Reader) payload(piece []byte, sink Sink) error {
	if r.op.IsControl() {
		if r.left > 0 || len(r.ctl) > 0 {
			r.ctl = append(r.ctl, piece...)
			piece = r.ctl
		}
		if r.left > 0 {
			return nil
		}
		r.inBody = false
		r.ctl = nil
		return control(r.op, piece, sink)
	}
	last := r.left == 0 && r.fin
	collected := !last || len(r.msg) > 0
	if collected {
		if arrived := len(r.msg) + len(piece); arrived > cap(r.msg) {
			// What is announced, but no more than a few times what has arrived.
			r.msg = slices.Grow(r.msg, len(piece)+min(int(r.left), 3*arrived))
		}
		r.msg = append(r.msg, piece...)
		piece = r.msg
	}
	if r.left > 0 {
		return nil
	}
	r.inBody = false
	if !last {
		return nil
	}
	op, compressed := r.msgOp, r.compressed
	r.msg, r.msgOp, r.compressed, r.fragments = nil, 0, false, 0
	if compressed {
		return inflateTo(sink, op, piece, int(r.Limit))
	}
	r.collected = collected
	err := deliver(sink, op, piece)
	r.collected = false
	return err
}

// deliver hands a message over.
func deliver(sink Sink, op ws.OpCode, data []byte) error {
	if op == ws.OpText && !utf8.Valid(data) {
		return &Error{ws.StatusInvalidFramePayloadData, "text is not UTF-8"}
	}
	return sink.OnMessage(data, op == ws.OpBinary)
}

func control(op ws.OpCode, data []byte, sink Sink) error {
	switch op {
	case ws.OpPing:
		return sink.OnPing(data)
	case ws.OpPong:
		return nil
	}
	if len(data) == 0 {
		return sink.OnClose(0)
	}
	if len(data) == 1 {
		return protocolError("close frame of one byte")
	}
	code := ws.StatusCode(binary.BigEndian.Uint16(data))
	switch {
	case !validCloseCode(code):
		return protocolError("invalid close code")
	case !utf8.Valid(data[2:]):
		return &Error{ws.StatusInvalidFramePayloadData, "close reason is not UTF-8"}
	}
	return sink.OnClose(code)
}

// validCloseCode tells which codes may stand in a close frame: those of RFC
// 6455, section 7.4, and the ones registered since (1012–1014).
func validCloseCode(c ws.StatusCode) bool {
	return c >= 1000 && c <= 1014 && (c < 1004 || c > 1006) || c >= 3000 && c <= 4999
}
