package msgpack

import (
	"bytes"
	"errors"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/tinylib/msgp/msgp"

	"github.com/siokit/sio/socketio/parser"
)

var (
	errJSON   = errors.New("msgpack: payload is not JSON")
	errNested = errors.New("msgpack: payload nested too deeply")
	errLong   = errors.New("msgpack: payload or attachment of 4 GiB or more")
)

// A writer makes msgpack of JSON. It takes the JSON to be valid: what comes out
// for any other is as bad, or an error.
type writer struct {
	out   []byte
	in    []byte   // the JSON
	i     int      // how much of it is written
	sizes []uint32 // of its arrays and objects, in the order in which they open
	next  int      // index into sizes
	bins  [][]byte // attachments
	tmp   []byte   // for strings with escape sequences
}

// packet appends p.
func (w *writer) packet(p parser.Packet) error {
	switch p.Type {
	case parser.TypeBinaryEvent:
		p.Type = parser.TypeEvent
	case parser.TypeBinaryAck:
		p.Type = parser.TypeAck
	}
	members := uint32(2)
	if p.HasID {
		members++
	}
	if len(p.Data) > 0 {
		members++
	}
	w.out = msgp.AppendMapHeader(w.out, members)
	w.out = msgp.AppendString(w.out, "type")
	w.out = msgp.AppendUint8(w.out, uint8(p.Type))
	if len(p.Data) > 0 {
		w.out = msgp.AppendString(w.out, "data")
		if err := w.payload(p.Data, p.Attachments); err != nil {
			return err
		}
	}
	if p.HasID {
		w.out = msgp.AppendString(w.out, "id")
		w.out = msgp.AppendUint64(w.out, p.ID)
	}
	w.out = msgp.AppendString(w.out, "nsp")
	w.out = msgp.AppendString(w.out, p.Namespace)
	return nil
}

// payload writes the JSON as a whole.
func (w *writer) payload(json []byte, attachments [][]byte) error {
	if uint64(len(json)) > math.MaxUint32 {
		return errLong
	}
	for _, b := range attachments {
		if uint64(len(b)) > math.MaxUint32 {
			return errLong
		}
	}
	w.in, w.i, w.bins = json, 0, attachments
	if err := w.count(); err != nil {
		return err
	}
	if err := w.value(); err != nil {
		return err
	}
	if w.peek() != 0 {
		return errJSON
	}
	return nil
}

// count finds the number of elements of each array and object, which stands in
// front of them in msgpack, and not at all in JSON.
func (w *writer) count() error {
	var open [maxDepth]uint32 // indexes into sizes
	depth := 0
	last := byte(0) // the last character that was not white space
	for i := 0; i < len(w.in); i++ {
		c := w.in[i]
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '"':
			n, _ := quoted(w.in[i:])
			i += n - 1
		case '[', '{':
			if depth == maxDepth {
				return errNested
			}
			open[depth] = uint32(len(w.sizes))
			depth++
			w.sizes = append(w.sizes, 0)
		case ',', ']', '}':
			if depth == 0 {
				return errJSON
			}
			if last != '[' && last != '{' {
				w.sizes[open[depth-1]]++
			}
			if c != ',' {
				depth--
			}
		}
		last = c
	}
	return nil
}

// quoted returns the length of the string that s begins with, its quotes
// included, and whether there are escape sequences in it.
func quoted(s []byte) (n int, escaped bool) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return i + 1, escaped
		case '\\':
			escaped = true
			i++
		}
	}
	return len(s), true
}

// peek returns the first character of the next token, or 0 at the end.
func (w *writer) peek() byte {
	for ; w.i < len(w.in); w.i++ {
		switch c := w.in[w.i]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// expect steps over a character.
func (w *writer) expect(c byte) error {
	if w.peek() != c {
		return errJSON
	}
	w.i++
	return nil
}

// value writes a value. How deeply it is nested count has seen to.
func (w *writer) value() error {
	switch w.peek() {
	case '[':
		return w.array()
	case '{':
		return w.object()
	case '"':
		return w.str()
	}
	return w.literal()
}

func (w *writer) array() error {
	n := w.size()
	w.out = msgp.AppendArrayHeader(w.out, n)
	w.i++
	for i := range n {
		if i > 0 {
			if err := w.expect(','); err != nil {
				return err
			}
		}
		if err := w.value(); err != nil {
			return err
		}
	}
	return w.expect(']')
}

func (w *writer) object() error {
	n := w.size()
	if num, rest, ok := parser.CutPlaceholder(w.in[w.i:], len(w.bins)); ok {
		w.i = len(w.in) - len(rest)
		w.out = msgp.AppendBytes(w.out, w.bins[num])
		return nil
	}
	w.out = msgp.AppendMapHeader(w.out, n)
	w.i++
	for i := range n {
		if i > 0 {
			if err := w.expect(','); err != nil {
				return err
			}
		}
		if w.peek() != '"' {
			return errJSON
		}
		if err := w.str(); err != nil {
			return err
		}
		if err := w.expect(':'); err != nil {
			return err
		}
		if err := w.value(); err != nil {
			return err
		}
	}
	return w.expect('}')
}

// size returns the number of elements of the next array or object.
func (w *writer) size() uint32 {
	n := w.sizes[w.next]
	w.next++
	return n
}

func (w *writer) str() error {
	n, escaped := quoted(w.in[w.i:])
	s := w.in[w.i : w.i+n]
	w.i += n
	if n < 2 || s[n-1] != '"' {
		return errJSON
	}
	if escaped {
		// The error can only be about half a surrogate pair, which becomes U+FFFD.
		w.tmp, _ = jsontext.AppendUnquote(w.tmp[:0], s)
		s = w.tmp
	} else {
		s = s[1 : n-1]
	}
	w.out = msgp.AppendStringFromBytes(w.out, s)
	return nil
}

// delimits reports whether c ends a literal.
func delimits(c byte) bool { return c == ',' || c == ']' || c == '}' || c <= ' ' }

// literal writes a number, true, false or null.
func (w *writer) literal() error {
	start, integer := w.i, true
	for ; w.i < len(w.in) && !delimits(w.in[w.i]); w.i++ {
		if c := w.in[w.i]; c == '.' || c|0x20 == 'e' {
			integer = false
		}
	}
	token := w.in[start:w.i]
	switch string(token) {
	case "null":
		w.out = msgp.AppendNil(w.out)
		return nil
	case "true", "false":
		w.out = msgp.AppendBool(w.out, token[0] == 't')
		return nil
	}
	switch {
	case !integer || string(token) == "-0":
	case bytes.HasPrefix(token, []byte("-")):
		if n, err := strconv.ParseInt(string(token), 10, 64); err == nil {
			w.out = msgp.AppendInt64(w.out, n)
			return nil
		}
	default:
		if n, err := strconv.ParseUint(string(token), 10, 64); err == nil {
			w.out = msgp.AppendUint64(w.out, n)
			return nil
		}
	}
	// What does not fit into a float is infinite, as it is to JSON.parse.
	f, err := strconv.ParseFloat(string(token), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return errJSON
	}
	w.out = msgp.AppendFloat64(w.out, f)
	return nil
}
