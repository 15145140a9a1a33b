package msgpack

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// undefined reports whether that is next, as notepack encodes it: fixext 1 of
// type 0, whatever the byte.
func (r *reader) undefined() bool { return len(r.in) >= 3 && r.in[0] == 0xd4 && r.in[1] == 0 }

// extension reads an extension, of those that are known.
func (r *reader) extension() error {
	if r.undefined() {
		r.in = r.in[3:]
		r.out = append(r.out, "null"...)
		return nil
	}
	c := r.in[0] // there is one
	var n uint64
	var err error
	if c >= 0xd4 { // fixext 1, 2, 4, 8, 16
		n = 1 << (c - 0xd4)
		r.in = r.in[1:]
	} else { // ext 8, 16, 32
		n, err = r.length(1 << (c - 0xc7))
	}
	if err != nil {
		return err
	}
	data, err := r.take(n + 1)
	if err != nil {
		return err
	}
	kind, data := int8(data[0]), data[1:]
	switch {
	case kind == -1:
		return r.timestamp(data)
	case kind == 0 && c == 0xd7: // a Date of notepack
		r.date(int64(binary.BigEndian.Uint64(data)))
	case kind == 0 && c < 0xd4: // an ArrayBuffer of notepack
		r.bin(data)
	default:
		return errExtension
	}
	return nil
}

// timestamp reads one of the three forms that the specification has.
func (r *reader) timestamp(data []byte) error {
	var sec int64
	var nsec uint32
	switch len(data) {
	case 4:
		sec = int64(binary.BigEndian.Uint32(data))
	case 8:
		both := binary.BigEndian.Uint64(data)
		sec, nsec = int64(both&(1<<34-1)), uint32(both>>34)
	case 12:
		nsec, sec = binary.BigEndian.Uint32(data), int64(binary.BigEndian.Uint64(data[4:]))
	default:
		return errExtension
	}
	if nsec >= 1e9 {
		return errExtension
	}
	if sec < -maxDate/1000 || sec > maxDate/1000 {
		sec, nsec = math.MaxInt64/1000, 0 // out of range as well, and can be multiplied
	}
	r.date(sec*1000 + int64(nsec/1e6))
	return nil
}

// maxDate is the last moment that a Date of JavaScript can stand for, and less
// it the first, in milliseconds.
const maxDate = 8.64e15

// date writes a Date, given in milliseconds, as its toJSON method does.
func (r *reader) date(ms int64) {
	if ms < -maxDate || ms > maxDate {
		r.out = append(r.out, "null"...)
		return
	}
	t := time.UnixMilli(ms).UTC()
	r.out = append(r.out, '"')
	switch year := t.Year(); {
	case year < 0:
		r.out = fmt.Appendf(r.out, "-%06d", -year)
	case year > 9999:
		r.out = fmt.Appendf(r.out, "+%06d", year)
	default:
		r.out = fmt.Appendf(r.out, "%04d", year)
	}
	r.out = t.AppendFormat(r.out, `-01-02T15:04:05.000Z"`)
}
