package engineio

import (
	"bytes"
	"encoding/base64"
	"sync/atomic"

	"github.com/gobwas/ws"

	"github.com/siokit/sio/internal/websocket"
)

// A PacketType is the first character of a packet.
type PacketType byte

// The packet types of Engine.IO v4.
const (
	PacketOpen    PacketType = '0'
	PacketClose   PacketType = '1'
	PacketPing    PacketType = '2'
	PacketPong    PacketType = '3'
	PacketMessage PacketType = '4'
	PacketUpgrade PacketType = '5'
	PacketNoop    PacketType = '6'
)

// binaryMark begins a packet that carries a binary message as base64, where
// bytes cannot be sent as they are.
const binaryMark = 'b'

// A Message is one outgoing packet, encoded once and for all in the forms that
// the transports write. It is immutable, and may be sent to any number of
// sessions at the same time.
type Message struct {
	frame    []byte                  // the complete WebSocket frame
	body     uint8                   // where the frame's payload begins
	binary   bool                    // frame is a binary frame
	plain    bool                    // never compressed
	pong     bool                    // see maxPongs
	form     form                    // of which other message this is a form, and which
	shared   atomic.Uint32           // the backlogs it is counted in; see share
	other    atomic.Pointer[Message] // its other forms, made when first asked for: a list
	deflated atomic.Pointer[Message] // as compressed, or itself if that is no gain; likewise
}

// A form is one in which a binary message can go out.
type form uint8

const (
	formPlain    form = iota // as it is, in a binary frame
	formBase64               // where only text can go
	formBinaryV3             // the same for revision 3
	formBase64V3
)

// NewMessage returns a text message. It copies text, which must be valid UTF-8.
func NewMessage(text []byte) *Message {
	return newPacket(PacketMessage, text)
}

// NewBinaryMessage returns a binary message. It copies data.
func NewBinaryMessage(data []byte) *Message {
	m := newFrame(ws.OpBinary, len(data))
	m.frame = append(m.frame, data...)
	m.binary = true
	return m
}

// Plain marks the message as one that is never to be compressed, and returns it.
// It must be called before the message is sent.
func (m *Message) Plain() *Message {
	m.plain = true
	return m
}

// isPlain tells whether Plain has been called.
func (m *Message) isPlain() bool {
	return m.plain && (m.binary || m.frame[m.body] == byte(PacketMessage))
}

// isHeartbeat tells of a ping or pong, which need not wait its turn.
func (m *Message) isHeartbeat() bool {
	if !m.plain || ws.OpCode(m.frame[0]&0x0f) != ws.OpText {
		return false
	}
	t := PacketType(m.frame[m.body])
	return t == PacketPing || t == PacketPong
}

// Size is the number of bytes that the message takes as a WebSocket frame, not
// compressed.
func (m *Message) Size() int { return len(m.frame) }

func newPacket(t PacketType, data []byte) *Message {
	m := newFrame(ws.OpText, 1+len(data))
	m.plain = t != PacketMessage
	m.frame = append(m.frame, byte(t))
	m.frame = append(m.frame, data...)
	return m
}

// newFrame returns a message that holds the header of a frame, with room for
// a payload of n bytes.
func newFrame(op ws.OpCode, n int) *Message {
	size := websocket.HeaderSize(n)
	var m *Message
	if size+n <= smallFrame {
		with := new(struct { // one allocation
			Message
			room [smallFrame]byte
		})
		m = &with.Message
		m.frame = with.room[:0]
	} else {
		m = &Message{frame: make([]byte, 0, size+n)}
	}
	m.frame = websocket.AppendHeader(m.frame, op, n)
	m.body = uint8(size)
	m.plain = op.IsControl()
	return m
}

// smallFrame is what fills a size class of the allocator together with a Message.
const smallFrame = 80

// asText returns the form of m that can go where only text can.
func (m *Message) asText() *Message {
	if !m.binary {
		return m
	}
	return m.as(formBase64)
}

// as returns m in the form f: always the same.
func (m *Message) as(f form) *Message {
	var made *Message
	for {
		first := m.other.Load()
		for o := first; o != nil; o = o.other.Load() {
			if o.form == f {
				return o
			}
		}
		if made == nil {
			made = m.encode(f)
		}
		made.other.Store(first)
		if m.other.CompareAndSwap(first, made) {
			return made
		}
	}
}

func (m *Message) encode(f form) *Message {
	var o *Message
	if f == formBase64 {
		o = m.encodeBase64()
	} else {
		o = m.encodeV3(f)
	}
	o.form, o.plain = f, m.plain
	return o
}

func (m *Message) encodeBase64() *Message {
	data := m.frame[m.body:]
	n := 1 + base64.StdEncoding.EncodedLen(len(data))
	t := newFrame(ws.OpText, n)
	t.frame = append(t.frame, binaryMark)
	t.frame = base64.StdEncoding.AppendEncode(t.frame, data)
	return t
}

// packet returns the message as it stands in a polling payload.
func (m *Message) packet() []byte {
	t := m.asText()
	return t.frame[t.body:]
}

const (
	errEmptyPacket ProtocolError = "empty packet"
	errPacketType  ProtocolError = "unknown packet type"
	errBase64      ProtocolError = "bad base64"
)

// decodePacket splits one text packet. Data aliases p, but for base64.
func decodePacket(p []byte) (t PacketType, data []byte, binary bool, err error) {
	if len(p) == 0 {
		return 0, nil, false, errEmptyPacket
	}
	switch t := PacketType(p[0]); {
	case t >= PacketOpen && t <= PacketNoop:
		return t, p[1:], false, nil
	case t == binaryMark:
		data, err := decodeBase64(p[1:])
		return PacketMessage, data, true, err
	}
	return 0, nil, false, errPacketType
}

// decodeBase64 takes what clients send: with or without padding, in lines or in one,
// of either alphabet. As in the reference server, it ends at the first padding. Unlike
// there, what is no base64 at all is an error.
func decodeBase64(p []byte) ([]byte, error) {
	p = bytes.TrimRight(p, "=\r\n\t ")
	data, err := base64.RawStdEncoding.AppendDecode(nil, p) // which skips \r and \n
	if err == nil {
		return data, nil
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
		return nil, errBase64
	}
	return data, nil
}
