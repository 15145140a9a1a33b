package engineio

import (
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/gobwas/ws"
)

// Deflate turns on the compression of WebSocket messages, per-message deflate
// (RFC 7692), for clients that offer it: browsers do. A zero field has its
// default.
//
// Each message is compressed by itself, both ways: there is no context that
// outlives it, and an idle connection takes no more memory than without. What
// goes to many is compressed once, by who sends it. To compress a message takes
// 0.8 to 1.2 MB, by Level and version of Go, and to inflate one 75 KB besides
// itself: of each about one for a core, in a pool, and nothing for a connection.
//
// MaxPayload bounds a message both as it comes and as it is inflated, since one
// of 1 KB can become 1 MB. Made for it, a message of 1 MB can cost most of a
// second of one core, and nearly a thousand times its size in short-lived
// garbage; it is inflated by a goroutine of its connection, where it holds up
// nobody else.
//
// Over TLS, the size of a compressed message tells about its content: one that
// holds a secret beside what an attacker chooses is better sent [Message.Plain].
type Deflate struct {
	// Threshold is from how many bytes on a message is compressed. Default
	// 1024, as in the reference server.
	Threshold int
	// Level goes from 1, fast, to 9, small. Default 1: 6 makes of JSON a sixth
	// less, in two to four times the time.
	Level int
}

const defaultThreshold = 1024

func (d *Deflate) validate() error {
	var errs []error
	switch {
	case d.Threshold < 0:
		errs = append(errs, fmt.Errorf("Compression.Threshold is negative (%d)", d.Threshold))
	case d.Threshold == 0:
		d.Threshold = defaultThreshold
	}
	switch {
	case d.Level < 0 || d.Level > flate.BestCompression:
		errs = append(errs, fmt.Errorf("Compression.Level is %d, not 1 to 9", d.Level))
	case d.Level == 0:
		d.Level = flate.BestSpeed
	}
	return errors.Join(errs...)
}

// rsv1 in the first byte of a message's first frame says that it is compressed.
const rsv1 = 0x40

// deflateTail ends what a compressor has flushed, and is not sent (section
// 7.2.1).
const deflateTail = "\x00\x00\xff\xff"

// wants tells whether m is to be compressed.
func (d *Deflate) wants(m *Message) bool {
	return !m.plain && len(m.frame)-int(m.body) >= d.Threshold
}

// form returns the form of m that goes out: always the same, since part of it
// may be on the wire already. That takes a while the first time.
func (d *Deflate) form(m *Message) *Message {
	if !d.wants(m) {
		return m
	}
	if c := m.deflated.Load(); c != nil {
		return c
	}
	if c := m.deflate(d.Level); m.deflated.CompareAndSwap(nil, c) {
		return c
	}
	return m.deflated.Load() // made meanwhile, by a server with another level perhaps
}

// deflateLocked makes the forms in which messages go out, so that nobody has to
// with s.mu held. If that takes a while it releases s.mu meanwhile, and reports
// true.
func (s *Session) deflateLocked(first *Message, rest []*Message) bool {
	d := s.out.deflate
	if d == nil {
		return false
	}
	forms := outbox{base64: s.out.base64, v3: s.out.v3}
	released := false
	for i, m := 0, first; ; i++ {
		m = forms.formOf(m)
		if d.wants(m) && m.deflated.Load() == nil {
			if !released {
				released = true
				s.mu.Unlock()
			}
			d.form(m)
		}
		if i == len(rest) {
			break
		}
		m = rest[i]
	}
	if released {
		s.mu.Lock()
	}
	return released
}

// A deflater compresses one message at a time.
type deflater struct {
	w     *flate.Writer
	out   []byte
	limit int // of out
}

// deflaters has a pool for each level.
var deflaters [flate.BestCompression + 1]sync.Pool

// keepBytes bounds the buffer of a deflater or inflater in its pool.
const keepBytes = 32 << 10

var errNoGain = errors.New("not smaller")

// Write takes what w has compressed.
func (z *deflater) Write(p []byte) (int, error) {
	if len(z.out)+len(p) > z.limit {
		return 0, errNoGain
	}
	z.out = append(z.out, p...)
	return len(p), nil
}

// deflate returns m compressed, or m itself if that makes it no smaller.
func (m *Message) deflate(level int) *Message {
	z, _ := deflaters[level].Get().(*deflater)
	if z == nil {
		z = new(deflater)
		z.w, _ = flate.NewWriter(nil, level) // fails for another level only
	}
	defer deflaters[level].Put(z)
	body := m.frame[m.body:]
	z.limit = len(body) - 1 + len(deflateTail)
	z.out = z.out[:0]
	z.w.Reset(z)
	_, err := z.w.Write(body)
	if err == nil {
		err = z.w.Flush()
	}
	c := m
	if err == nil {
		out := z.out[:len(z.out)-len(deflateTail)]
		c = newFrame(ws.OpCode(m.frame[0]&0x0f), len(out))
		c.frame[0] |= rsv1
		c.frame = append(c.frame, out...)
	}
	if cap(z.out) > keepBytes {
		z.out = nil
	}
	return c
}

// maxFinals bounds the blocks of a message that claim to be its last. Another may
// follow each, but it costs microseconds to begin anew, and an empty one is two
// bytes. Who ends every write with one needs no more.
const maxFinals = 1 << 10

// window is how far back a block can refer.
const window = 32 << 10

// inflateTail is what follows a message for the reader of compress/flate: what
// has not been sent, and a block that is the last.
const inflateTail = deflateTail + "\x01" + deflateTail

var errInflate = &closeError{ws.StatusInvalidFramePayloadData, "bad compressed data"}

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
func inflateTo(sink frameSink, op ws.OpCode, message []byte, limit int) error {
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
