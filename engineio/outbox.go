package engineio

import (
	"sync"

	"github.com/siokit/sio/engineio/parser"
	"github.com/siokit/sio/internal/fifo"
)

// An outbox holds the packets that wait for a transport, oldest first.
type outbox struct {
	items   fifo.Queue[*Message]
	off     int      // bytes of the first item's frame that are on the wire already
	bytes   int      // of the frames that wait
	backlog *backlog // while much waits, or somebody for room
	writing int32    // how many of the first items are just being written
	base64  bool     // the peer asked for binary as base64 over WebSocket too
	v3      bool     // the peer speaks revision 3; never written once the session is known
	pongs   uint8    // among the items
	deflate *Deflate // compresses what goes over WebSocket, unless nil
	pong    *Message // the last one, if there are maxPongs before it
}

// maxPongs bounds how many pongs wait. Of further pings the last one is answered,
// which is enough (RFC 6455, section 5.5.3).
const maxPongs = 16

func (o *outbox) len() int { return o.items.Len() }

// slots is what a queue begins with: a burst fits, and nothing is allocated for
// each client of a broadcast.
type slots [16]*Message

var slotPool = sync.Pool{New: func() any { return new(slots) }}

func (o *outbox) push(m *Message) {
	if o.items.Cap() == 0 {
		o.items.Lend(slotPool.Get().(*slots)[:])
	}
	o.items.Push(m)
	o.count(m)
}

func (o *outbox) count(m *Message) {
	o.bytes += m.Size()
	if o.backlog != nil {
		o.backlog.add(m)
	}
}

// keepBack counts a pong that is about to be queued, or keeps it if it must not be.
func (o *outbox) keepBack(m *Message) bool {
	if o.pongs >= maxPongs {
		o.pong = m
		return true
	}
	o.pongs++
	return false
}

// pushKept queues the pong that was kept back.
func (o *outbox) pushKept() {
	o.push(o.pong)
	o.pong = nil
	o.pongs++
}

// unshift puts m back in front, off bytes of its frame being on the wire.
func (o *outbox) unshift(m *Message, off int) {
	if o.items.Cap() == 0 {
		o.items.Lend(slotPool.Get().(*slots)[:])
	}
	if m.pong {
		o.pongs++
	}
	o.items.Unshift(m)
	o.off = off
	o.count(m)
}

// ahead queues a packet of our own in front of the messages: a client that takes
// long for these must not be left without a ping.
func (o *outbox) ahead(m *Message) {
	at := int(o.writing)
	if o.off > 0 {
		at = max(at, 1)
	}
	if at >= o.len() {
		o.push(m)
		return
	}
	o.items.Insert(at, m)
	o.count(m)
}

func (o *outbox) pop() *Message {
	m := o.items.Pop()
	o.off = 0
	o.bytes -= m.Size()
	if o.backlog != nil {
		o.backlog.remove(m)
	}
	if m.pong {
		o.pongs--
		if o.pong != nil && o.pongs < maxPongs {
			o.pushKept()
		}
	}
	if o.items.Len() == 0 {
		if free := o.items.Free(); len(free) == len(slots{}) {
			slotPool.Put((*slots)(free))
		}
	}
	return m
}

func (o *outbox) clear() {
	if o.backlog != nil {
		for _, m := range o.items.All() {
			o.backlog.remove(m)
		}
	}
	o.items = fifo.Queue[*Message]{}
	o.off, o.bytes, o.writing = 0, 0, 0
	o.pongs, o.pong = 0, nil
}

// frameOf returns the frame in which m goes out: always the same, since part of
// it may have. See also deflateLocked.
func (o *outbox) frameOf(m *Message) []byte {
	m = o.formOf(m)
	if o.deflate != nil {
		m = o.deflate.form(m)
	}
	return m.frame
}

// formOf returns m as it goes out over WebSocket, unless it is compressed, or in
// a payload of revision 3.
func (o *outbox) formOf(m *Message) *Message {
	switch {
	case !m.binary:
		return m
	case o.v3 && o.base64:
		return m.as(formBase64V3)
	case o.v3:
		return m.as(formBinaryV3)
	case o.base64:
		return m.as(formBase64)
	}
	return m
}

// control returns a packet without data as a payload.
func (o *outbox) control(t parser.PacketType) []byte {
	if o.v3 {
		return []byte{'1', ':', byte(t)}
	}
	return []byte{byte(t)}
}

func (o *outbox) closePayload() []byte {
	if o.v3 {
		return closePayloadV3
	}
	return closePayload
}

// batch returns the bytes to write next: the frames that fit into buf, copied
// there (one write is cheaper than many, and cheaper than writev), or else the
// first frame itself. They stay queued until consume.
func (o *outbox) batch(buf []byte) []byte {
	if o.pong != nil && o.pongs == maxPongs {
		o.pushKept() // it goes with the others
	}
	items := o.items.All()
	o.writing = 1
	first := o.frameOf(items[0])[o.off:]
	if len(items) == 1 || len(first) > cap(buf) {
		return first
	}
	buf = append(buf[:0], first...)
	for _, m := range items[1:] {
		f := o.frameOf(m)
		if len(buf)+len(f) > cap(buf) {
			break
		}
		buf = append(buf, f...)
		o.writing++
	}
	return buf
}

// consume removes n bytes of what batch returned, and returns of how many packets these
// were the last.
func (o *outbox) consume(n int) (packets int) {
	o.writing = 0
	for n > 0 {
		left := len(o.frameOf(o.items.All()[0])) - o.off
		if n < left {
			o.off += n
			return packets
		}
		n -= left
		o.pop()
		packets++
	}
	return packets
}

// payload takes up to most packets that fit into limit bytes and joins them; a
// larger one goes alone.
func (o *outbox) payload(limit, most int) []byte {
	if o.v3 {
		return o.payloadV3(limit, most)
	}
	size, n := 0, 0
	for _, m := range o.items.All() {
		p := len(m.packet())
		if n > 0 {
			p++ // the separator
		}
		if n > 0 && size+p > limit || n == most {
			break
		}
		size += p
		n++
	}
	dst := make([]byte, 0, size)
	for i := range n {
		if i > 0 {
			dst = append(dst, parser.Separator)
		}
		dst = append(dst, o.pop().packet()...)
	}
	return dst
}
