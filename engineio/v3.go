package engineio

import (
	"strconv"

	"github.com/gobwas/ws"

	"github.com/siokit/sio/engineio/parser"
)

// Revision 3 of the protocol, with [Options.AllowEIO3]: the client pings, a
// packet in a payload is preceded by its length, and binary has a type too. What
// the revisions have in common is everywhere else.

// closePayloadV3 is closePayload.
var closePayloadV3 = []byte{'1', ':', byte(parser.TypeNoop), '1', ':', byte(parser.TypeClose)}

var (
	noopPacket = newPacket(parser.TypeNoop, nil)
	pongPacket = newPong(nil)
)

// headerBinary is the Content-Type of payloads in binary form.
var headerBinary = []string{"application/octet-stream"}

// contentType tells the form of a payload. In revision 4, which has one, text begins
// with the type of a packet.
func contentType(payload []byte) []string {
	if parser.IsBinaryV3(payload) {
		return headerBinary
	}
	return headerText
}

// Protocol returns the revision of the protocol that the client speaks: 4, or 3, which
// it may only with [Options.AllowEIO3].
func (s *Session) Protocol() int {
	if s.out.v3 {
		return 3
	}
	return 4
}

// otherRevision is what a request of the session can't have as EIO.
func (s *Session) otherRevision() string {
	if s.out.v3 {
		return "4"
	}
	return "3"
}

// encodeV3 makes the forms of a binary message that revision 3 has.
func (m *Message) encodeV3(f form) *Message {
	data := m.frame[m.body:]
	if f == formBinaryV3 {
		t := newFrame(ws.OpBinary, 1+len(data))
		t.frame = parser.AppendBinaryV3(t.frame, data)
		t.binary = true
		return t
	}
	t := newFrame(ws.OpText, 1+parser.Base64Len(len(data)))
	t.frame = parser.AppendBase64V3(t.frame, data)
	return t
}

// payloadV3 is payload. The form is binary if one of the packets is. A length
// takes no more digits than counted, though in text it counts something else.
func (o *outbox) payloadV3(limit, most int) []byte {
	size, n, binary := 0, 0, false
	for _, m := range o.items.All() {
		m = o.formOf(m)
		p := len(m.frame) - int(m.body)
		p += len(strconv.Itoa(p)) + 2
		if n > 0 && size+p > limit || n == most {
			break
		}
		size += p
		n++
		binary = binary || m.binary
	}
	dst := make([]byte, 0, size)
	for range n {
		m := o.formOf(o.pop())
		dst = parser.AppendV3(dst, m.frame[m.body:], m.binary, binary)
	}
	return dst
}

func newPong(data []byte) *Message {
	m := newPacket(parser.TypePong, data)
	m.pong = true
	return m
}

// ping answers a client's ping, and awaits the next.
func (s *Session) ping(data []byte) {
	s.mu.Lock()
	if s.state == stateOpen {
		s.awaitingPong = false
		s.armLocked(s.srv.opts.PingInterval)
	}
	s.mu.Unlock()
	m := pongPacket
	if len(data) > 0 {
		m = newPong(data)
	}
	s.CountCheap()
	s.sendControl(m, cork)
}

// tickV3 is tick for an open session: a ping is due after PingInterval, and late
// after PingTimeout. While the session is paused no ping is read, and none can
// be answered: what the client gets instead comes in half the time that it would
// wait for the answer. It is called with s.mu held and releases it.
func (s *Session) tickV3(lively bool) {
	paused := s.paused.Load() > 0
	reading := s.ws != nil || s.poll != nil
	lost := false
	switch {
	case !s.awaitingPong:
		s.awaitingPong, s.half = true, false
		s.moved.Store(0)
	case lively:
		s.half = false
	case !s.half:
		s.half = true
	case paused:
		s.half = false
		there := reading || s.posting
		lost = s.absent && !there
		s.absent = !there
	default:
		lost = true
	}
	if !lost {
		s.armLocked(s.srv.opts.PingTimeout / 2)
	}
	s.mu.Unlock()
	switch {
	case lost:
		s.end(ReasonPingTimeout, emptyClose)
	case paused && reading:
		s.sendControl(noopPacket, nil)
	}
}
