package engineio

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// Revision 3 of the protocol, with [Options.AllowEIO3]: the client pings, a
// packet in a payload is preceded by its length, and binary has a type too. What
// the revisions have in common is everywhere else.

// messageV3 is the first byte of a binary packet: the type of a message, as a
// number.
const messageV3 = byte(PacketMessage - '0')

// In a payload in binary form, each packet has a byte that says what it is, its
// length in decimal digits, which are bytes from 0 to 9, and the end of these.
const (
	stringV3 = 0x00
	binaryV3 = 0x01
	lengthV3 = 0xff
)

// closePayloadV3 is closePayload.
var closePayloadV3 = []byte{'1', ':', byte(PacketNoop), '1', ':', byte(PacketClose)}

var (
	noopPacket = newPacket(PacketNoop, nil)
	pongPacket = newPong(nil)
)

// headerBinary is the Content-Type of payloads in binary form.
var headerBinary = []string{"application/octet-stream"}

// contentType tells the form of a payload by its first byte: text begins with a
// packet type or a digit.
func contentType(payload []byte) []string {
	if len(payload) > 0 && payload[0] <= binaryV3 {
		return headerBinary
	}
	return headerText
}

// Protocol returns the revision of the protocol that the client speaks: 4, or 3
// with [Options.AllowEIO3].
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
		t.frame = append(t.frame, messageV3)
		t.frame = append(t.frame, data...)
		t.binary = true
		return t
	}
	t := newFrame(ws.OpText, 2+base64.StdEncoding.EncodedLen(len(data)))
	t.frame = append(t.frame, binaryMark, byte(PacketMessage))
	t.frame = base64.StdEncoding.AppendEncode(t.frame, data)
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
		dst = appendV3(dst, m.frame[m.body:], m.binary, binary)
	}
	return dst
}

// appendV3 appends a packet to a payload, which is in binary form or not.
func appendV3(dst, packet []byte, isBinary, form bool) []byte {
	if !form {
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

const errLength ProtocolError = "bad length of a packet"

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

// decodeV3 splits one packet, as decodePacket does. Binary ones are messages.
func decodeV3(p []byte, binary bool) (PacketType, []byte, bool, error) {
	switch {
	case len(p) == 0:
		return 0, nil, false, errEmptyPacket
	case binary && p[0] == messageV3:
		return PacketMessage, p[1:], true, nil
	case binary:
		return 0, nil, false, errPacketType
	case p[0] != binaryMark:
		return decodePacket(p)
	case len(p) == 1 || p[1] != byte(PacketMessage):
		return 0, nil, false, errPacketType
	}
	data, err := decodeBase64(p[2:])
	return PacketMessage, data, true, err
}

// receivePayloadV3 is receivePayload.
func (s *Session) receivePayloadV3(payload []byte, form bool, p *posting) {
	switch {
	case len(payload) == 0:
		s.fail(ReasonParseError, errEmptyPacket, emptyClose)
		return
	case !form && !utf8.Valid(payload):
		s.fail(ReasonParseError, errNotUTF8, emptyClose)
		return
	}
	for len(payload) > 0 {
		var packet []byte
		var binary bool
		var err error
		if form {
			packet, payload, binary, err = cutBinaryV3(payload)
		} else {
			packet, payload, err = cutTextV3(payload)
		}
		switch {
		case err != nil:
			s.fail(ReasonParseError, err, emptyClose)
			return
		case len(packet) == 0 && !form:
			continue
		}
		if t, data, binary, err := decodeV3(packet, binary); !p.receive(t, data, binary, err) {
			return
		}
	}
}

func newPong(data []byte) *Message {
	m := newPacket(PacketPong, data)
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
