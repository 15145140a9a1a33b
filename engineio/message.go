package engineio

import (
	"bytes"
	"sync/atomic"

	"github.com/gobwas/ws"

	"github.com/siokit/sio/engineio/parser"
	"github.com/siokit/sio/internal/websocket"
)

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
	return newPacket(parser.TypeMessage, text)
}

// NewBinaryMessage returns a binary message. It copies data.
func NewBinaryMessage(data []byte) *Message {
	m := newFrame(ws.OpBinary, len(data))
	m.frame = append(m.frame, data...)
	m.binary = true
	return m
}

// Plain marks the message as one that is never compressed, and returns it. It must be
// called before the message is sent.
func (m *Message) Plain() *Message {
	m.plain = true
	return m
}

// isPlain tells whether Plain has been called.
func (m *Message) isPlain() bool {
	return m.plain && (m.binary || m.frame[m.body] == byte(parser.TypeMessage))
}

// isHeartbeat tells of a ping or pong, which need not wait its turn.
func (m *Message) isHeartbeat() bool {
	if !m.plain || ws.OpCode(m.frame[0]&0x0f) != ws.OpText {
		return false
	}
	t := parser.PacketType(m.frame[m.body])
	return t == parser.TypePing || t == parser.TypePong
}

// Size returns the number of bytes that the message takes as a WebSocket frame, not
// compressed.
func (m *Message) Size() int { return len(m.frame) }

func newPacket(t parser.PacketType, data []byte) *Message {
	m := newFrame(ws.OpText, 1+len(data))
	m.plain = t != parser.TypeMessage
	m.frame = parser.Append(m.frame, t, data)
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
	t := newFrame(ws.OpText, parser.Base64Len(len(data)))
	t.frame = parser.AppendBase64(t.frame, data)
	return t
}

// packet returns the message as it stands in a polling payload.
func (m *Message) packet() []byte {
	t := m.asText()
	return t.frame[t.body:]
}

// Overwrite replaces the last occurrence of old in the message by with. It is for what
// is known only when everything else has been encoded. Nothing changes if old does not
// occur, or is not as long as with. It must not be called once the message has been
// sent.
func (m *Message) Overwrite(old, with string) {
	body := m.frame[m.body:]
	if i := bytes.LastIndex(body, []byte(old)); i >= 0 && len(old) == len(with) {
		copy(body[i:], with)
	}
}
