package parser

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth bounds the nesting of arrays and objects. The reference server goes as
// far as its stack does. No application comes near it; it keeps whatever walks the
// values recursively on a stack of less than a megabyte.
const maxDepth = 1024

// scanValue validates the JSON value at data[i:], which may begin with white
// space, and returns the offset behind it. It is strict about the grammar of
// RFC 8259, except that it takes strings to be UTF-8 (a text message has been
// checked as a whole before), and it does not allocate.
func scanValue(data []byte, i, depthLimit int) (int, error) {
	var (
		objects uint64 // bit n is set while level n+1 is an object
		depth   int
		err     error
	)
value:
	i = skipSpace(data, i)
	if i >= len(data) {
		return i, errTruncated
	}
	c := data[i]
	if depth == 64 && (c == '{' || c == '[') { // the next levels have bits of their own
		i, err = scanValue(data, i, depthLimit-depth)
		goto end
	}
	switch c {
	case '"':
		i, err = scanString(data, i)
	case '{':
		if depth >= depthLimit {
			return i, errDepth
		}
		objects |= 1 << depth
		depth++
		i = skipSpace(data, i+1)
		if i >= len(data) || data[i] != '}' {
			goto name
		}
		depth--
		i++
	case '[':
		if depth >= depthLimit {
			return i, errDepth
		}
		objects &^= 1 << depth
		depth++
		i = skipSpace(data, i+1)
		if i >= len(data) || data[i] != ']' {
			goto value
		}
		depth--
		i++
	case 't':
		i, err = scanLiteral(data, i, "true")
	case 'f':
		i, err = scanLiteral(data, i, "false")
	case 'n':
		i, err = scanLiteral(data, i, "null")
	default:
		i, err = scanNumber(data, i)
	}
end:
	if err != nil {
		return i, err
	}
	for depth > 0 {
		i = skipSpace(data, i)
		if i >= len(data) {
			return i, errTruncated
		}
		object := objects>>(depth-1)&1 != 0
		switch c := data[i]; {
		case c == ',' && object:
			i++
			goto name
		case c == ',':
			i++
			goto value
		case c == '}' && object, c == ']' && !object:
			depth--
			i++
		default:
			return i, errJSON
		}
	}
	return i, nil

name:
	i = skipSpace(data, i)
	if i >= len(data) {
		return i, errTruncated
	}
	if data[i] != '"' {
		return i, errJSON
	}
	if i, err = scanString(data, i); err != nil {
		return i, err
	}
	i = skipSpace(data, i)
	if i >= len(data) {
		return i, errTruncated
	}
	if data[i] != ':' {
		return i, errJSON
	}
	i++
	goto value
}

func skipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\r' || data[i] == '\t') {
		i++
	}
	return i
}

// scanString validates the string whose opening quote is data[i].
func scanString(data []byte, i int) (int, error) {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	i++
	for {
		// Skip eight bytes at a time while none of them is a quote, a
		// backslash or a control character. The lowest bit set in special
		// belongs to such a byte; higher bits can be strays of the borrow.
		for len(data)-i >= 8 {
			w := binary.LittleEndian.Uint64(data[i:])
			quote, slash := w^('"'*ones), w^('\\'*ones)
			special := ((w-' '*ones)&^w | (quote-ones)&^quote | (slash-ones)&^slash) & highs
			if special != 0 {
				i += bits.TrailingZeros64(special) / 8
				break
			}
			i += 8
		}
		if i >= len(data) {
			return i, errTruncated
		}
		switch c := data[i]; {
		case c == '"':
			return i + 1, nil
		case c < ' ':
			return i, errJSON
		case c != '\\':
			i++
		case i+1 >= len(data):
			return i, errTruncated
		case data[i+1] != 'u':
			if strings.IndexByte(`"\/bfnrt`, data[i+1]) < 0 {
				return i, errJSON
			}
			i += 2
		default:
			if len(data)-i < 6 {
				return i, errTruncated
			}
			for _, c := range data[i+2 : i+6] {
				if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
					return i, errJSON
				}
			}
			i += 6
		}
	}
}

func scanLiteral(data []byte, i int, literal string) (int, error) {
	if len(data)-i < len(literal) {
		return i, errTruncated
	}
	if string(data[i:i+len(literal)]) != literal {
		return i, errJSON
	}
	return i + len(literal), nil
}

func scanNumber(data []byte, i int) (int, error) {
	if data[i] == '-' {
		i++
	}
	var err error
	if i < len(data) && data[i] == '0' {
		i++
	} else if i, err = scanDigits(data, i); err != nil {
		return i, err
	}
	if i < len(data) && data[i] == '.' {
		if i, err = scanDigits(data, i+1); err != nil {
			return i, err
		}
	}
	if i < len(data) && data[i]|0x20 == 'e' {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		i, err = scanDigits(data, i)
	}
	return i, err
}

// scanDigits wants at least one digit.
func scanDigits(data []byte, i int) (int, error) {
	if i >= len(data) {
		return i, errTruncated
	}
	if !isDigit(data[i]) {
		return i, errJSON
	}
	for i < len(data) && isDigit(data[i]) {
		i++
	}
	return i, nil
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// unquote returns what the valid JSON string quoted stands for. It aliases
// quoted unless there is an escape sequence in it.
func unquote(quoted []byte) []byte {
	if s := quoted[1 : len(quoted)-1]; bytes.IndexByte(s, '\\') < 0 {
		return s
	}
	// The error can only be about half a surrogate pair, which becomes
	// U+FFFD as it does in encoding/json.
	s, _ := jsontext.AppendUnquote(nil, quoted)
	return s
}

// A Cursor walks over JSON that [Validate] has accepted. Over any other it may panic. It
// is for those who need parts of a value only, and copies nothing.
type Cursor struct {
	data []byte
	i    int
}

// Walk returns a Cursor at the beginning of data.
func Walk(data []byte) Cursor { return Cursor{data: data} }

// Peek returns the first byte of the next token.
func (c *Cursor) Peek() byte {
	c.i = skipSpace(c.data, c.i)
	return c.data[c.i]
}

// More steps over the bracket that opens an array or object, or over the comma behind
// one of its elements, and reports true; or steps over the bracket that closes it.
func (c *Cursor) More() bool {
	open := c.Peek()
	c.i++
	switch open {
	case '[', '{':
		if next := c.Peek(); next != ']' && next != '}' {
			return true
		}
		c.i++
		return false
	default:
		return open == ','
	}
}

// Name reads the name of an object's member, with the colon. It aliases the JSON unless
// there is an escape sequence in it.
func (c *Cursor) Name() []byte {
	name := unquote(c.Value())
	c.Peek()
	c.i++
	return name
}

// Value reads a value, and returns it as it stands there.
func (c *Cursor) Value() []byte {
	c.Peek()
	start := c.i
	c.i, _ = scanValue(c.data, c.i, maxDepth)
	return c.data[start:c.i:c.i]
}

// Text reads a value that is a string, or a number, which stands for the string that
// JavaScript makes of it, and returns what [EventName] returns for such a name. For any
// other value, ok is false.
func (c *Cursor) Text() (text []byte, ok bool) {
	value := c.Value()
	if value[0] == '"' {
		return unquote(value), true
	}
	text, err := numericName(value, 0)
	return text, err == nil
}

// checkPlaceholders steps over a value and fails if there is a placeholder in
// it whose number is none of n attachments.
func (c *Cursor) checkPlaceholders(n int) error {
	switch c.Peek() {
	case '{':
		_, _, err := c.placeholder(n)
		return err
	case '[':
		for c.More() {
			if err := c.checkPlaceholders(n); err != nil {
				return err
			}
		}
	default:
		c.Value()
	}
	return nil
}

// placeholder steps over an object as checkPlaceholders does, and reports
// whether it is a placeholder itself, that is whether its last member
// "_placeholder" is true, and of which attachment.
func (c *Cursor) placeholder(n int) (num int, ok bool, err error) {
	num = -1
	for c.More() {
		name := c.Name()
		switch c.Peek() {
		case '{', '[':
			if err := c.checkPlaceholders(n); err != nil {
				return 0, false, err
			}
			switch string(name) {
			case "_placeholder":
				ok = false
			case "num":
				num = -1
			}
			continue
		}
		value := c.Value()
		switch string(name) {
		case "_placeholder":
			ok = string(value) == "true"
		case "num":
			num = attachmentIndex(value, n)
		}
	}
	if ok && num < 0 {
		return 0, false, errPlaceholder
	}
	return num, ok, nil
}

// attachmentIndex returns the index below n that a placeholder's number stands
// for, or -1. Only plain digits count: no sign, fraction or exponent.
func attachmentIndex(number []byte, n int) int {
	num := 0
	for _, c := range number {
		if !isDigit(c) {
			return -1
		}
		if num = num*10 + int(c-'0'); num >= n {
			return -1
		}
	}
	return num
}
