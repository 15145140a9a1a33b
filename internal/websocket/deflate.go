package websocket

import (
	"compress/flate"
	"errors"
	"sync"
)

// Compressed is the bit in the first byte of a message's first frame that says that
// it is compressed: RSV1 (RFC 7692, section 6).
const Compressed = 0x40

// deflateTail ends what a compressor has flushed, and is not sent (section
// 7.2.1).
const deflateTail = "\x00\x00\xff\xff"

// A Deflater compresses one message at a time, each by itself. It holds most of a
// megabyte, and comes from a pool.
type Deflater struct {
	level int
	w     *flate.Writer
	out   []byte
	limit int // of out
}

// deflaters has a pool for each level.
var deflaters [flate.BestCompression + 1]sync.Pool

// keepBytes bounds the buffer of a Deflater or inflater in its pool.
const keepBytes = 32 << 10

var errNoGain = errors.New("not smaller")

// Write implements [io.Writer], for the compressor. It is not for callers.
func (z *Deflater) Write(p []byte) (int, error) {
	if len(z.out)+len(p) > z.limit {
		return 0, errNoGain
	}
	z.out = append(z.out, p...)
	return len(p), nil
}

// NewDeflater returns one that compresses at a level from 1, fast, to 9, small. It has
// to be given back with Free.
func NewDeflater(level int) *Deflater {
	z, _ := deflaters[level].Get().(*Deflater)
	if z == nil {
		z = &Deflater{level: level}
		z.w, _ = flate.NewWriter(nil, level) // fails for another level only
	}
	return z
}

// Deflate returns the payload of a message compressed, or false if that makes it no
// smaller. The result is valid until the next call, or Free.
func (z *Deflater) Deflate(payload []byte) (out []byte, smaller bool) {
	z.limit = len(payload) - 1 + len(deflateTail)
	z.out = z.out[:0]
	z.w.Reset(z)
	_, err := z.w.Write(payload)
	if err == nil {
		err = z.w.Flush()
	}
	if err != nil {
		return nil, false
	}
	return z.out[:len(z.out)-len(deflateTail)], true
}

// Free gives the Deflater back.
func (z *Deflater) Free() {
	if cap(z.out) > keepBytes {
		z.out = nil
	}
	deflaters[z.level].Put(z)
}
