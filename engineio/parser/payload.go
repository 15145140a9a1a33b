package parser

import (
	"bytes"
	"iter"
	"unicode/utf8"
)

// Separator stands between the packets of a payload.
const Separator = 0x1e

// Packets returns the packets of a payload, in order. It ends with the first error,
// which is an [Error]; what precedes it counts. A payload that is not UTF-8 has no
// packets.
func Packets(payload []byte) iter.Seq2[Packet, error] {
	return func(yield func(Packet, error) bool) {
		if !utf8.Valid(payload) {
			yield(Packet{}, errNotUTF8)
			return
		}
		for rest, more := payload, true; more; {
			var text []byte
			text, rest, more = bytes.Cut(rest, []byte{Separator})
			p, err := Decode(text, false)
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}
