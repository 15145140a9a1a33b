package websocket

import (
	"compress/flate"
	"io"
	"runtime"
	"sync"

	"github.com/gobwas/ws"
)

// maxFinals bounds the blocks of a message that claim to be its last. Another may
// follow each, but it costs microseconds to begin anew, and an empty one is two
// bytes. Who ends every write with one needs no more.
const maxFinals = 1 << 10

// window is how far back a block can refer.
const window = 32 << 10

// inflateTail is what follows a message for the reader of compress/flate: what
// has not been sent, and a block that is the last.
const inflateTail = deflateTail + "\x01" + deflateTail

var errInflate = &Error{ws.StatusInvalidFramePayloadData, "bad compressed data"}

// An inflater inflates one message at a time. As a reader it is what r reads
// from, and takes no byte that it doesn't need.
type inflater struct {
	r   io.Reader
	in  []byte // the message
	pos int    // in it, or behind it in inflateTail
	out []byte
}

// inflating bounds how many messages are inflated at a time: it takes a core, and each
// can become as large as MaxPayload.
var inflating = make(chan struct{}, 2*runtime.GOMAXPROCS(0))

var inflaters = sync.Pool{New: func() any {
	z := new(inflater)
	z.r = flate.NewReader(z)
	return z
}}

func (z *inflater) ReadByte() (b byte, err error) {
	switch tail := z.pos - len(z.in); {
	case tail < 0:
		b = z.in[z.pos]
	case tail < len(inflateTail):
		b = inflateTail[tail]
	default:
		return 0, io.EOF
	}
	z.pos++
	return b, nil
}

func (z *inflater) Read(p []byte) (n int, err error) {
	if z.pos < len(z.in) {
		n = copy(p, z.in[z.pos:])
	} else if n = copy(p, inflateTail[z.pos-len(z.in):]); n == 0 {
		return 0, io.EOF
	}
	z.pos += n
	return n, nil
}

// inflate inflates a message of at most limit bytes (section 7.2.2). The result
// is valid until free.
func (z *inflater) inflate(message []byte, limit int) ([]byte, error) {
	z.in, z.pos, z.out = message, 0, z.out[:0]
	for finals := 0; ; finals++ {
		_ = z.r.(flate.Resetter).Reset(z, z.out[max(0, len(z.out)-window):]) // cannot fail
		if err := z.blocks(limit); err != nil {
			return nil, err
		}
		switch tail := z.pos - len(z.in); {
		case tail == 0, tail == len(deflateTail), tail == len(inflateTail):
			return z.out, nil // the last block was the message's own, the same but for the tail, or ours
		case tail > 0, finals == maxFinals:
			return nil, errInflate
		}
	}
}

// blocks inflates up to the next block that claims to be the last.
func (z *inflater) blocks(limit int) error {
	for {
		if n := len(z.out); n == cap(z.out) {
			grown := make([]byte, n, min(max(2*n, keepBytes), limit+1)) // one more shows that it is too much
			copy(grown, z.out)
			z.out = grown
		}
		n, err := z.r.Read(z.out[len(z.out):min(cap(z.out), limit+1)])
		z.out = z.out[:len(z.out)+n]
		switch {
		case len(z.out) > limit:
			return errTooBig
		case err == io.EOF:
			return nil
		case err != nil:
			return errInflate
		}
	}
}

// free gives the inflater back.
func (z *inflater) free() {
	z.in = nil
	if cap(z.out) > keepBytes {
		z.out = nil
	}
	inflaters.Put(z)
}

// inflateTo hands a compressed message over.
func inflateTo(sink Sink, op ws.OpCode, message []byte, limit int) error {
	z := inflaters.Get().(*inflater)
	defer z.free()
	inflating <- struct{}{}
	data, err := z.inflate(message, limit)
	<-inflating
	if err != nil {
		return err
	}
	return deliver(sink, op, data)
}
