package msgpack

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/tinylib/msgp/msgp"

	"github.com/siokit/sio/socketio/parser"
)

// A reader makes JSON of msgpack. It trusts no length that is announced: there
// is room for what has come only.
type reader struct {
	in        []byte   // what is left of the message
	out       []byte   // JSON
	limit     int      // of out
	bins      [][]byte // attachments, which alias the message
	size      int      // of them, in bytes
	base64    bool     // make strings of them instead
	lookalike bool     // there is a map that a codec would take for a placeholder
}

// own returns what has been read, in memory of its own.
func (r *reader) own() (data []byte, bins [][]byte) {
	all := make([]byte, 0, len(r.out)+r.size)
	all = append(all, r.out...)
	data = slices.Clip(all)
	for i, b := range r.bins {
		start := len(all)
		all = append(all, b...)
		r.bins[i] = all[start:len(all):len(all)]
	}
	if r.bins == nil {
		return data, [][]byte{} // which says that data is not shared
	}
	return data, r.bins
}

// value reads a value that is nested in so many arrays and maps.
func (r *reader) value(depth int) (err error) {
	switch msgp.NextType(r.in) {
	case msgp.NilType:
		r.in = r.in[1:]
		r.out = append(r.out, "null"...)
	case msgp.BoolType:
		r.out = strconv.AppendBool(r.out, r.in[0]&1 != 0)
		r.in = r.in[1:]
	case msgp.IntType:
		var n int64
		n, r.in, err = msgp.ReadInt64Bytes(r.in)
		r.out = strconv.AppendInt(r.out, n, 10)
	case msgp.UintType:
		var n uint64
		n, r.in, err = msgp.ReadUint64Bytes(r.in)
		r.out = strconv.AppendUint(r.out, n, 10)
	case msgp.Float32Type, msgp.Float64Type:
		var f float64
		f, r.in, err = msgp.ReadFloat64Bytes(r.in)
		r.out = appendFloat(r.out, f)
	case msgp.StrType:
		var s []byte
		if s, err = r.str(); err == nil {
			r.quote(s)
		}
		return r.bounded(err)
	case msgp.BinType:
		var b []byte
		if b, err = r.block(0xc4); err == nil {
			r.bin(b)
		}
		return r.bounded(err)
	case msgp.ArrayType:
		return r.bounded(r.array(depth))
	case msgp.MapType:
		return r.bounded(r.object(depth))
	case msgp.InvalidType:
		if len(r.in) > 0 {
			return errMalformed
		}
		return errTruncated
	default: // all that are extensions
		return r.bounded(r.extension())
	}
	if err != nil { // a number cut short
		return errTruncated
	}
	return r.bounded(nil)
}

// bounded returns the error of a value, which may be that it was too large.
func (r *reader) bounded(err error) error {
	if err == nil && len(r.out) > r.limit {
		return errTooLarge
	}
	return err
}

// appendFloat appends a number as JSON.stringify does.
func appendFloat(out []byte, f float64) []byte {
	switch size := math.Abs(f); {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return append(out, "null"...)
	case size != 0 && (size < 1e-6 || size >= 1e21):
		out = strconv.AppendFloat(out, f, 'e', -1, 64)
		if n := len(out); string(out[n-3:n-1]) == "-0" { // e-07
			out[n-2] = out[n-1]
			out = out[:n-1]
		}
		return out
	}
	return strconv.AppendFloat(out, f, 'f', -1, 64)
}

func (r *reader) array(depth int) error {
	n, in, err := msgp.ReadArrayHeaderBytes(r.in)
	if err != nil {
		return errTruncated
	}
	if depth == maxDepth {
		return errDepth
	}
	r.in = in
	r.out = append(r.out, '[')
	for i := range n {
		if i > 0 {
			r.out = append(r.out, ',')
		}
		if err := r.value(depth + 1); err != nil {
			return err
		}
	}
	r.out = append(r.out, ']')
	return nil
}

func (r *reader) object(depth int) error {
	n, in, err := msgp.ReadMapHeaderBytes(r.in)
	if err != nil {
		return errTruncated
	}
	if depth == maxDepth {
		return errDepth
	}
	r.in = in
	r.out = append(r.out, '{')
	comma, lookalike := false, false
	for range n {
		key, err := r.key()
		if err != nil {
			return err
		}
		if r.undefined() {
			r.in = r.in[3:]
			continue
		}
		if string(key) == "_placeholder" { // the last one counts
			lookalike = len(r.in) > 0 && r.in[0] == 0xc3
		}
		if comma {
			r.out = append(r.out, ',')
		}
		comma = true
		r.quote(key)
		r.out = append(r.out, ':')
		if err := r.value(depth + 1); err != nil {
			return err
		}
	}
	r.out = append(r.out, '}')
	r.lookalike = r.lookalike || lookalike
	return nil
}

// key reads the key of a map.
func (r *reader) key() ([]byte, error) {
	if len(r.in) > 0 && msgp.NextType(r.in) != msgp.StrType {
		return nil, errKey
	}
	return r.str()
}

// str reads a string. It aliases the message.
func (r *reader) str() (s []byte, err error) {
	if len(r.in) > 0 && r.in[0]>>5 == 0xa0>>5 {
		n := r.in[0] & 0x1f
		r.in = r.in[1:]
		s, err = r.take(uint64(n))
	} else {
		s, err = r.block(0xd9)
	}
	if err == nil && !plain(s) && !utf8.Valid(s) {
		err = errUTF8
	}
	return s, err
}

// quote writes a string as JSON.
func (r *reader) quote(s []byte) {
	if !plain(s) {
		r.out, _ = jsontext.AppendQuote(r.out, s) // the error can only be about UTF-8
		return
	}
	r.out = append(r.out, '"')
	r.out = append(r.out, s...)
	r.out = append(r.out, '"')
}

// plain reports whether s is ASCII that JSON has without escapes, as most strings are.
func plain(s []byte) bool {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	for ; len(s) >= 8; s = s[8:] {
		w := binary.LittleEndian.Uint64(s)
		quote, slash := w^('"'*ones), w^('\\'*ones)
		if (w|(w-' '*ones)|(quote-ones)&^quote|(slash-ones)&^slash)&highs != 0 {
			return false
		}
	}
	for _, c := range s {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// block reads bytes behind a length of 1, 2 or 4 bytes, which the byte in front
// of it tells: first, or one of the next two.
func (r *reader) block(first byte) ([]byte, error) {
	if len(r.in) == 0 {
		return nil, errTruncated
	}
	n, err := r.length(1 << (r.in[0] - first))
	if err != nil {
		return nil, err
	}
	return r.take(n)
}

// length reads a byte, and then a length of size bytes.
func (r *reader) length(size int) (uint64, error) {
	if len(r.in) < 1+size {
		return 0, errTruncated
	}
	var b [8]byte
	copy(b[8-size:], r.in[1:])
	r.in = r.in[1+size:]
	return binary.BigEndian.Uint64(b[:]), nil
}

// take reads n bytes.
func (r *reader) take(n uint64) ([]byte, error) {
	if n > uint64(len(r.in)) {
		return nil, errTruncated
	}
	b := r.in[:n]
	r.in = r.in[n:]
	return b, nil
}

// bin makes b an attachment.
func (r *reader) bin(b []byte) {
	if r.base64 {
		r.out = append(r.out, '"')
		r.out = base64.StdEncoding.AppendEncode(r.out, b)
		r.out = append(r.out, '"')
		return
	}
	r.out = parser.AppendPlaceholder(r.out, len(r.bins))
	r.bins = append(r.bins, b)
	r.size += len(b)
}
