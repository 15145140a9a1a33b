package load

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
)

// Masking costs nothing when frames are made beforehand, and a server that does not
// unmask would be found out, as it would not with a key of zeros.
var maskKey = [4]byte{0x5a, 0x1b, 0xc3, 0x96}

var (
	connectFrame = AppendFrame(nil, opText, []byte("40"))
	pongFrame    = AppendFrame(nil, opText, []byte("3"))
)

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

// A pattern is a message in which numbers of a fixed width change: @@@@ stands for
// the id of an ack, ####### for the number of the message.
type pattern struct {
	op   byte
	text []byte
	id   int // offsets; -1 if it has none
	seq  int
}

const (
	idDigits  = 4
	seqDigits = 7
)

func newPattern(op byte, text string) pattern {
	return pattern{
		op:   op,
		text: []byte(text),
		id:   bytes.Index([]byte(text), []byte("@@@@")),
		seq:  bytes.Index([]byte(text), []byte("#######")),
	}
}

// Leading zeros would not be numbers in JSON. Both repeat in the end; long before,
// whoever waited for them has been answered or has given up.
func ackID(seq int) int  { return 1000 + seq%9000 }
func number(seq int) int { return 1_000_000 + seq%9_000_000 }

func putDigits(dst []byte, digits, n int) {
	for i := digits - 1; i >= 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
}

// fill returns the message of that number, in the pattern's own memory.
func (p *pattern) fill(seq int) []byte {
	if p.id >= 0 {
		putDigits(p.text[p.id:], idDigits, ackID(seq))
	}
	if p.seq >= 0 {
		putDigits(p.text[p.seq:], seqDigits, number(seq))
	}
	return p.text
}

// number returns the number of a message that has the form of p.
func (p *pattern) number(message []byte) (seq int, err error) {
	if len(message) != len(p.text) {
		return 0, fmt.Errorf("message of %d bytes instead of %d", len(message), len(p.text))
	}
	n, err := strconv.Atoi(string(message[p.seq : p.seq+seqDigits]))
	return n - 1_000_000, err
}

// withoutOffset returns an event as it is where clients can't recover: elsewhere a string of the
// server's follows the arguments.
func withoutOffset(message []byte, size int) []byte {
	if n := size - 1; len(message) > size && bytes.HasPrefix(message[n:], []byte(`,"`)) && bytes.HasSuffix(message, []byte(`"]`)) {
		message[n] = ']'
		return message[:size]
	}
	return message
}

// A dialect makes the messages of the scenarios, in Socket.IO or in the floor's own
// protocol, of the same size.
type dialect struct{ bare bool }

// An exchange is a request of one or more frames, and what answers it.
type exchange struct {
	request []pattern
	answer  []pattern
	buf     []byte
}

// frames returns the request of that number. It is valid until the next call.
func (e *exchange) frames(seq int) []byte {
	e.buf = e.buf[:0]
	for i := range e.request {
		e.buf = AppendFrame(e.buf, e.request[i].op, e.request[i].fill(seq))
	}
	return e.buf
}

// Kinds of echo.
type Kind int

const (
	WithAck Kind = iota // a small object, asking for an ack
	Event               // the same as an event, and an event comes back
	Binary              // a kilobyte as attachment, asking for an ack
)

const attachment = 1024

func (d dialect) echo(kind Kind) *exchange {
	const object = `{"n":#######,"text":"hello there"}`
	e := new(exchange)
	text := func(s string) pattern { return newPattern(opText, s) }
	switch kind {
	case WithAck:
		e.request = []pattern{text(`42@@@@["echo",` + object + `]`)}
		e.answer = []pattern{text(`43@@@@[` + object + `]`)}
	case Event:
		e.request = []pattern{text(`42["echo",` + object + `]`)}
		e.answer = []pattern{text(`42["echo",` + object + `]`)}
	case Binary:
		data := append([]byte("e#######"), bytes.Repeat([]byte{0xff, 0, 'x', 0x80}, attachment/4-2)...)
		binary := newPattern(opBinary, string(data))
		binary2 := newPattern(opBinary, string(data))
		e.request = []pattern{text(`451-@@@@["binary",{"_placeholder":true,"num":0}]`), binary}
		e.answer = []pattern{text(`461-@@@@[{"_placeholder":true,"num":0}]`), binary2}
	}
	if d.bare { // which answers with the same
		e.answer = nil
		for i := range e.request {
			e.request[i].text[0] = 'e'
			e.answer = append(e.answer, newPattern(e.request[i].op, string(e.request[i].text)))
		}
	}
	return e
}

// A blast is a request, by an event of that name, that has count messages sent to
// everybody, each of size bytes together with its frame's header.
type blast struct {
	exchange
	message pattern
}

func (d dialect) blast(event string, count, size int) *blast {
	header := 2
	switch {
	case size-4 >= 1<<16:
		header = 10
	case size-2 >= 126:
		header = 4
	}
	const begin, end = `42["msg","`, `"]`
	filler := bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog "), size/40)
	payload := "####### " + string(filler[:size-header-len(begin)-len(end)-seqDigits-1])
	b := &blast{message: newPattern(opText, begin+payload+end)}
	if d.bare {
		b.request = []pattern{newPattern(opText, fmt.Sprintf("b%02d%s", count, b.message.text))}
		b.answer = []pattern{newPattern(opText, "k")}
	} else {
		b.request = []pattern{newPattern(opText, fmt.Sprintf(`42@@@@["%s",%d,"%s"]`, event, count, payload))}
		b.answer = []pattern{newPattern(opText, `43@@@@[]`)}
	}
	return b
}
