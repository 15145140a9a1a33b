package tunnel

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
)

// A flag says what a frame does beside carrying data.
type flag byte

const (
	flagOpen  flag = 1 << iota // the stream begins
	flagFin                    // the sender has sent all
	flagClose                  // the sender does not read any more, either
	flagCheck                  // the sender wants to hear at once what has arrived
	flagReset                  // the stream has ended; data is the reason, a byte
	flagYours                  // who gets the frame has dialed the stream
)

// units are the flags that are part of what is counted, as bytes are.
const units = flagOpen | flagFin | flagClose

// A frame is one message: a byte for the flags, the numbers as varints, the data. Positions
// count bytes and the flags among units from the beginning of a stream, for each direction.
type frame struct {
	flags flag
	id    uint64 // of the stream, among those that its dialer has dialed
	at    uint64 // the position that the frame begins at
	got   uint64 // what has arrived of the other direction
	limit uint64 // how far that may go
	data  []byte
}

// maxHead is how long a frame without data may be.
const maxHead = 1 + 4*binary.MaxVarintLen64

var errFrame = errors.New("tunnel: it is no frame")

// units returns how many positions the frame takes.
func (f *frame) units() uint64 {
	return uint64(bits.OnesCount8(uint8(f.flags&units)) + len(f.data))
}

func (f *frame) append(b []byte) []byte {
	b = append(b, byte(f.flags))
	for _, n := range [...]uint64{f.id, f.at, f.got, f.limit} {
		b = binary.AppendUvarint(b, n)
	}
	return append(b, f.data...)
}

// parse has the frame's data be part of b.
func (f *frame) parse(b []byte) error {
	if len(b) == 0 {
		return errFrame
	}
	f.flags, b = flag(b[0]), b[1:]
	for _, n := range [...]*uint64{&f.id, &f.at, &f.got, &f.limit} {
		k := 0
		if *n, k = binary.Uvarint(b); k <= 0 {
			return errFrame
		}
		b = b[k:]
	}
	f.data = slices.Clip(b)
	return nil
}
