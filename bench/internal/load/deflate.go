package load

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
)

// compressed is the bit of a frame's first byte by which RFC 7692 marks a message.
const compressed = 0x40

// offer is made so that each message can be read by itself: ten thousand windows of 32 KiB are
// more than a generator is to hold.
const offer = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"

// tail ends what is compressed, without which it goes over the wire; the last five
// bytes end a stream.
const tail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

// A deflater compresses messages.
type deflater struct {
	w   *flate.Writer
	out bytes.Buffer
}

func newDeflater() *deflater {
	w, err := flate.NewWriter(nil, flate.DefaultCompression)
	if err != nil {
		panic(err) // the level is right
	}
	return &deflater{w: w}
}

// message returns a message, compressed, valid until the next.
func (d *deflater) message(message []byte) []byte {
	d.out.Reset()
	d.w.Reset(&d.out)
	_, _ = d.w.Write(message) // into memory
	_ = d.w.Flush()
	return bytes.TrimSuffix(d.out.Bytes(), []byte(tail[:4]))
}

// An inflater reads what servers have compressed.
type inflater struct {
	r    io.ReadCloser
	last []byte // what it has read last, for whoever gets the same
	out  bytes.Buffer
}

func newInflater() *inflater { return &inflater{r: flate.NewReader(nil)} }

// message returns a message as it was, valid until the next.
func (i *inflater) message(data []byte) ([]byte, error) {
	if len(data) > 0 && bytes.Equal(data, i.last) {
		return i.out.Bytes(), nil
	}
	i.out.Reset()
	i.last = i.last[:0]
	in := io.MultiReader(bytes.NewReader(data), bytes.NewReader([]byte(tail)))
	if err := i.r.(flate.Resetter).Reset(in, nil); err != nil {
		return nil, err
	}
	if _, err := i.out.ReadFrom(io.LimitReader(i.r, readBuffer)); err != nil {
		return nil, fmt.Errorf("inflating: %w", err)
	}
	i.last = append(i.last, data...)
	return i.out.Bytes(), nil
}
