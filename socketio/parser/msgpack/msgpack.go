// Package msgpack is the format of socket.io-msgpack-parser: each packet is one
// binary message, a MessagePack map {type, nsp, data, id?}. A server speaks it to
// all its clients, or to none:
//
//	srv := sio.New(&sio.Options{Parser: msgpack.Parser{}})
//
// Handlers see no difference. What a client sends is turned into the JSON that
// the text format would have carried, and what is emitted is made of JSON:
//
//   - bin is an attachment, a []byte, and so is a notepack ArrayBuffer (ext 0). In
//     the payload of a CONNECT, where there are none, it is a base64 string.
//   - A timestamp (ext -1) or notepack Date (ext 0) is a string, as its toJSON
//     method makes it: 2006-01-02T15:04:05.000Z. NaN, infinity and dates out of
//     JavaScript's range are null.
//   - undefined (fixext 1 of type 0) is left out of a map, and null elsewhere.
//   - Integers keep all their digits. On the way out, one that fits into 64 bits
//     has the shortest form, and any other number is a float 64. No extension is
//     written: a []byte goes out as bin.
//
// Maps with keys that are not strings, other extensions, strings that are not
// UTF-8, and more than 1024 levels of nesting end the connection.
//
// MaxAttachments of sio.Options does not apply, since all of a packet is in one
// message, and thus within MaxPayload. A packet of n bytes holds at most
// 18·n bytes and 128 KiB once it is decoded. One that needs more, which takes
// thousands of byte strings of less than three bytes, ends the connection, and
// so does a map that looks like the placeholder of an attachment in a packet
// that has attachments.
//
// [AppendValue] and [ReadValue] are for what is no packet, such as the messages between
// the servers of a cluster.
//
// The files: decode.go (packets), reader.go and extension.go (values, into JSON),
// encode.go (JSON into values), value.go (values alone).
package msgpack

import (
	"sync"

	"github.com/siokit/sio/socketio/parser"
)

// Parser implements [parser.Parser]. The zero value is ready to use.
type Parser struct{}

// NewDecoder implements [parser.Parser].
func (Parser) NewDecoder() parser.Decoder { return new(decoder) }

// Encode implements [parser.Parser].
func (Parser) Encode(dst []byte, p parser.Packet) (first parser.Message, rest []parser.Message, err error) {
	w := writers.Get().(*writer)
	defer w.release()
	w.out = dst
	if err := w.packet(p); err != nil {
		return parser.Message{}, nil, err
	}
	return parser.Message{Data: w.out, Binary: true}, nil, nil
}

var (
	writers = sync.Pool{New: func() any { return new(writer) }}
	readers = sync.Pool{New: func() any { return new(reader) }}
)

// maxKept keeps what has grown large out of the pools.
const maxKept = 64 << 10

// newReader returns a reader of data.
func newReader(data []byte) *reader {
	r := readers.Get().(*reader)
	r.in, r.limit = data, maxGrowth*len(data)+maxExtra
	return r
}

func (w *writer) release() {
	if cap(w.tmp)+4*cap(w.sizes) <= maxKept {
		*w = writer{tmp: w.tmp[:0], sizes: w.sizes[:0]}
		writers.Put(w)
	}
}

func (r *reader) release() {
	if cap(r.out) <= maxKept {
		*r = reader{out: r.out[:0]}
		readers.Put(r)
	}
}
