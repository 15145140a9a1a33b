package load

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
)

// A pattern is a message in which numbers of a fixed width change: @@@@ stands for
// the id of an ack, ####### for the number of the message. Behind the first byte of an
// integer of MessagePack, @@ and #### do.
type pattern struct {
	op   byte
	text []byte
	id   field
	seq  field
}

// A field is where a number stands.
type field struct {
	at     int // -1 if there is none
	width  int
	binary bool // big-endian, not digits
}

func findField(text []byte, digits, packed string) field {
	if at := bytes.Index(text, []byte(packed)); at >= 0 {
		return field{at + 1, len(packed) - 1, true}
	}
	return field{bytes.Index(text, []byte(digits)), len(digits), false}
}

func newPattern(op byte, text string) pattern {
	return pattern{
		op:   op,
		text: []byte(text),
		id:   findField([]byte(text), "@@@@", "\xcd@@"),
		seq:  findField([]byte(text), "#######", "\xce####"),
	}
}

// Leading zeros would not be numbers in JSON, and small numbers would be shorter in
// MessagePack. Both repeat in the end; long before, whoever waited for them has been answered
// or has given up.
func ackID(seq int) int  { return 1000 + seq%9000 }
func number(seq int) int { return 1_000_000 + seq%9_000_000 }

func (f field) put(text []byte, n int) {
	if f.at < 0 {
		return
	}
	if f.binary {
		for i := f.width - 1; i >= 0; i-- {
			text[f.at+i] = byte(n)
			n >>= 8
		}
		return
	}
	for i := f.width - 1; i >= 0; i-- {
		text[f.at+i] = byte('0' + n%10)
		n /= 10
	}
}

// fill returns the message of that number, in the pattern's own memory.
func (p *pattern) fill(seq int) []byte {
	p.id.put(p.text, ackID(seq))
	p.seq.put(p.text, number(seq))
	return p.text
}

// number returns the number of a message that has the form of p.
func (p *pattern) number(message []byte) (seq int, err error) {
	if len(message) != len(p.text) {
		return 0, fmt.Errorf("message of %d bytes instead of %d", len(message), len(p.text))
	}
	digits := message[p.seq.at : p.seq.at+p.seq.width]
	if p.seq.binary {
		return int(binary.BigEndian.Uint32(digits)) - 1_000_000, nil
	}
	n, err := strconv.Atoi(string(digits))
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

// An exchange is a request of one or more frames, and what answers it.
type exchange struct {
	request []pattern
	answer  []pattern
	made    [][]byte // frames that are made already; then the numbers of all are below
	buf     []byte
}

// frames returns the request of that number. It is valid until the next call.
func (e *exchange) frames(seq int) []byte {
	if e.made != nil {
		return e.made[seq]
	}
	e.buf = e.buf[:0]
	for i := range e.request {
		e.buf = AppendFrame(e.buf, e.request[i].op, e.request[i].fill(seq))
	}
	return e.buf
}

// compress makes so many requests beforehand, numbered from 0 on, since to compress them
// costs more than what is measured.
func (e *exchange) compress(n int) {
	d := newDeflater()
	for seq := range n {
		var frames []byte
		for i := range e.request {
			frames = AppendFrame(frames, e.request[i].op|compressed, d.message(e.request[i].fill(seq)))
		}
		e.made = append(e.made, frames)
	}
}
