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

// A cursor walks over JSON that has been validated.
type cursor struct {
	data []byte
	i    int
}

// peek returns the first byte of the next token.
func (c *cursor) peek() byte {
	c.i = skipSpace(c.data, c.i)
	return c.data[c.i]
}

// more steps over the bracket that opens an array or object, or over the comma
// behind one of its elements, and reports true; or steps over the bracket that
// closes it.
func (c *cursor) more() bool {
	open := c.peek()
	c.i++
	switch open {
	case '[', '{':
		if next := c.peek(); next != ']' && next != '}' {
			return true
		}
		c.i++
		return false
	default:
		return open == ','
	}
}

// name reads the name of an object's member, with the colon.
func (c *cursor) name() []byte {
	name := unquote(c.scalar())
	c.peek()
	c.i++
	return name
}

// scalar reads a string, a number or a literal and returns its raw form.
func (c *cursor) scalar() []byte {
	c.peek()
	start := c.i
	c.i, _ = scanValue(c.data, c.i, 0)
	return c.data[start:c.i]
}

// checkPlaceholders steps over a value and fails if there is a placeholder in
// it whose number is none of n attachments.
func (c *cursor) checkPlaceholders(n int) error {
	switch c.peek() {
	case '{':
		_, _, err := c.placeholder(n)
		return err
	case '[':
		for c.more() {
			if err := c.checkPlaceholders(n); err != nil {
				return err
			}
		}
	default:
		c.scalar()
	}
	return nil
}

// placeholder steps over an object as checkPlaceholders does, and reports
// whether it is a placeholder itself, that is whether its last member
// "_placeholder" is true, and of which attachment.
func (c *cursor) placeholder(n int) (num int, ok bool, err error) {
	num = -1
	for c.more() {
		name := c.name()
		switch c.peek() {
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
		value := c.scalar()
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
