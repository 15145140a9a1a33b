package wire

import (
	"bytes"
	"strconv"

	"github.com/siokit/sio/socketio/parser"
)

// A Buffer of JavaScript is this in JSON, the bytes as numbers, and two brackets. A string
// can't have it as a part.
const buffer = `{"type":"Buffer","data":[`

// appendBuffers appends JSON with Buffers in the place of the attachments.
func appendBuffers(dst, json []byte, attachments [][]byte) []byte {
	for {
		i := bytes.Index(json, []byte(parser.Placeholder))
		if i < 0 {
			return append(dst, json...)
		}
		dst = append(dst, json[:i]...)
		json = json[i:]
		num, rest, ok := parser.CutPlaceholder(json, len(attachments))
		if !ok {
			dst = append(dst, json[0])
			json = json[1:]
			continue
		}
		json = rest
		dst = append(dst, buffer...)
		for i, b := range attachments[num] {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = strconv.AppendUint(dst, uint64(b), 10)
		}
		dst = append(dst, ']', '}')
	}
}

// cutBuffers returns valid JSON with placeholders in the place of Buffers. It leaves these
// as they are if there is an object that could be taken for a placeholder.
func cutBuffers(json []byte) (data []byte, attachments [][]byte) {
	data = json
	if !bytes.Contains(json, []byte(buffer)) {
		return data, nil
	}
	if c := parser.Walk(json); lookalike(&c) {
		return data, nil
	}
	data = nil
	for {
		i := bytes.Index(json, []byte(buffer))
		if i < 0 {
			break
		}
		data = append(data, json[:i]...)
		json = json[i:]
		if b, rest, ok := cutBuffer(json); ok {
			json = rest
			data = parser.AppendPlaceholder(data, len(attachments))
			attachments = append(attachments, b)
		} else {
			data = append(data, json[0])
			json = json[1:]
		}
	}
	return append(data, json...), attachments
}

// cutBuffer reads the Buffer that json begins with. What has other members, or numbers
// that are no bytes, is none.
func cutBuffer(json []byte) (b, rest []byte, ok bool) {
	s := json[len(buffer):]
	b = []byte{}
	for len(s) > 0 && s[0] != ']' {
		n, i := 0, 0
		for ; i < len(s) && i < 3 && s[i]-'0' <= 9; i++ {
			n = n*10 + int(s[i]-'0')
		}
		if i == 0 || i >= len(s) || n > 255 {
			return nil, nil, false
		}
		b = append(b, byte(n))
		if s = s[i:]; s[0] == ',' {
			s = s[1:]
		} else if s[0] != ']' {
			return nil, nil, false
		}
	}
	rest, ok = bytes.CutPrefix(s, []byte("]}"))
	return b, rest, ok
}

// lookalike steps over a value, and reports whether there is an object in it that a codec
// would take for a placeholder.
func lookalike(c *parser.Cursor) (found bool) {
	switch c.Peek() {
	case '{':
		like := false
		for c.More() {
			if string(c.Name()) == "_placeholder" { // the last one counts
				like = c.Peek() == 't'
			}
			found = lookalike(c) || found
		}
		return found || like
	case '[':
		for c.More() {
			found = lookalike(c) || found
		}
	default:
		c.Value()
	}
	return found
}
