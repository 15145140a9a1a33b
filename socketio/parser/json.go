package parser

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// A Codec encodes Go values as JSON, and decodes it, with []byte values left out as
// attachments. [JSON] is the default. A Codec must be safe for concurrent use.
type Codec interface {
	// Append appends v to dst as one JSON value, and returns the extended buffer. In
	// place of each []byte in v, at any depth, it appends
	// {"_placeholder":true,"num":N}, and adds the []byte itself, not a copy, to
	// attachments, where its index is N.
	Append(dst []byte, v any, attachments [][]byte) ([]byte, [][]byte, error)

	// Unmarshal decodes one JSON value into what the pointer v points to. Where v
	// asks for a []byte or for any, a placeholder in data becomes the attachment
	// that it stands for, as a []byte. Without attachments, it is an object like any
	// other.
	Unmarshal(data []byte, attachments [][]byte, v any) error
}

// JSON is the default [Codec]. It encodes and decodes as encoding/json does, with the
// same struct tags and methods, but for two things: it leaves <, > and & as they are,
// and a []byte is an attachment.
//
// Only a value of the type []byte is one. As in encoding/json, a named slice of bytes is
// a base64 string unless it has methods of its own, a [N]byte is an array of numbers, a
// nil []byte is null, and a MarshalJSON method decides what its value becomes. A base64
// string can be decoded into a []byte, too.
type JSON struct{}

// Of two libraries with the same semantics (the options see to it), encoding/json is
// the faster one to encode with and the other one to decode with. Only the other one
// takes functions for particular types, which is how attachments are met; since these
// cost a lookup for each value of any type, types that can't meet one, found once by
// traitsOf, go without. These are decoded without being validated first, a pass over all
// bytes that encoding/json makes, once they are known to be valid; where that fails, it is
// done again as encoding/json does it, for its errors, and what it decodes in spite of them.
// To decode the same twice leaves what once does, unless methods of a type see to it, which
// may append, or count, or a field takes what no other does: these are decoded once. Types do
// not tell of what an any points to already: if that has methods, they are called twice where
// decoding fails.
var (
	options       = json.JoinOptions(jsonv1.DefaultOptionsV1(), jsontext.EscapeForHTML(false))
	plainDecode   = []json.Options{options}
	plainValid    = []json.Options{json.JoinOptions(options, alreadyValid)}
	numbersDecode = []json.Options{json.JoinOptions(options, json.WithUnmarshalers(unmarshalNumber))}
	numbersValid  = []json.Options{json.JoinOptions(options, json.WithUnmarshalers(unmarshalNumber), alreadyValid)}
	alreadyValid  = jsonv1.ReportErrorsWithLegacySemantics(false)
)

// The functions for attachments need to know those of the call at hand, and thus are
// made once for each element of a pool.
var (
	plainAppenders   = sync.Pool{New: func() any { return newPlainAppender() }}
	hookedAppenders  = sync.Pool{New: func() any { return newHookedAppender() }}
	hookedUnmarshals = sync.Pool{New: func() any { return newUnmarshal() }}
)

// Append implements [Codec].
func (JSON) Append(dst []byte, v any, attachments [][]byte) ([]byte, [][]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), attachments, nil
	case string:
		return appendString(dst, v), attachments, nil
	case bool:
		return strconv.AppendBool(dst, v), attachments, nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), attachments, nil
	case []byte:
		if v == nil {
			return append(dst, "null"...), attachments, nil
		}
		return AppendPlaceholder(dst, len(attachments)), append(attachments, v), nil
	}
	pool := &plainAppenders
	if meetsHooks(reflect.TypeOf(v)) {
		pool = &hookedAppenders
	}
	a := pool.Get().(*appender)
	a.dst, a.attachments = dst, attachments
	if err := a.encode(v); err != nil {
		return dst, attachments, err // a is not used again: it can be in the midst of a value
	}
	out, attached := a.dst[:len(a.dst)-1], a.attachments // less the newline
	a.dst, a.attachments = nil, nil
	if len(out)-len(dst) <= maxPooled {
		pool.Put(a)
	}
	return out, attached, nil
}

// longString is from how many bytes on we read a string faster than the library, which
// looks at each byte by itself, but knows short ones that come often.
const longString = 64

// maxPooled bounds the output after which an appender is kept, since buffers behind
// it may have grown to the same size.
const maxPooled = 64 << 10

// An appender encodes into dst, except for []byte.
type appender struct {
	encode      func(v any) error // adds a newline
	dst         []byte
	attachments [][]byte
}

func newPlainAppender() *appender {
	a := new(appender)
	encoder := stdjson.NewEncoder(a)
	encoder.SetEscapeHTML(false)
	a.encode = encoder.Encode
	return a
}

func newHookedAppender() *appender {
	a := new(appender)
	encoder := jsontext.NewEncoder(a, options, json.WithMarshalers(json.JoinMarshalers(
		json.MarshalToFunc(a.marshalBytes),
		marshalNumber,
	)))
	a.encode = func(v any) error { return json.MarshalEncode(encoder, v) }
	return a
}

func (a *appender) Write(p []byte) (int, error) {
	a.dst = append(a.dst, p...)
	return len(p), nil
}

func (a *appender) marshalBytes(e *jsontext.Encoder, b []byte) error {
	if b == nil {
		return e.WriteToken(jsontext.Null)
	}
	num := len(a.attachments)
	a.attachments = append(a.attachments, b)
	return e.WriteValue(AppendPlaceholder(e.AvailableBuffer(), num))
}

// Placeholder begins what stands for an attachment, as [JSON] writes it; the number of the
// attachment and a bracket follow. Formats look for just these bytes, which can't be part
// of a string.
const Placeholder = `{"_placeholder":true,"num":`

// AppendPlaceholder appends what stands for an attachment.
func AppendPlaceholder(dst []byte, num int) []byte {
	return append(strconv.AppendInt(append(dst, Placeholder...), int64(num), 10), '}')
}

// CutPlaceholder reports whether s begins with the placeholder of one of n attachments, in
// just this form, and returns its number, and what is behind it.
func CutPlaceholder(s []byte, n int) (num int, rest []byte, ok bool) {
	s, ok = bytes.CutPrefix(s, []byte(Placeholder))
	if !ok {
		return 0, nil, false
	}
	i := 0
	for ; i < len(s) && isDigit(s[i]); i++ {
		if num = num*10 + int(s[i]-'0'); num >= n {
			return 0, nil, false
		}
	}
	if i == 0 || i >= len(s) || s[i] != '}' {
		return 0, nil, false
	}
	return num, s[i+1:], true
}

// Unmarshal implements [Codec].
func (JSON) Unmarshal(data []byte, attachments [][]byte, v any) error {
	if err := validate(data, maxDepth); err != nil {
		return refuse(data, attachments, v, err)
	}
	return unmarshalValid(data, attachments, v)
}

// refuse returns what is wrong with data that validate refuses, or decodes it all the same:
// where no attachment can be met, the library says what is JSON.
func refuse(data []byte, attachments [][]byte, v any, err error) error {
	p, ok := v.(*any)
	switch {
	case !meetsHooks(reflect.TypeOf(v)):
		return json.Unmarshal(data, v, plainDecode...)
	case len(attachments) == 0 && !(ok && p != nil && *p == nil):
		return json.Unmarshal(data, v, numbersDecode...)
	}
	return err
}

// unmarshalValid is Unmarshal of what validate accepts.
func unmarshalValid(data []byte, attachments [][]byte, v any) error {
	switch p := v.(type) {
	case *any:
		if p == nil || *p != nil {
			break
		}
		value, err := readAny(data, attachments)
		if err != nil {
			return err
		}
		*p = value
		return nil
	case *string:
		if p == nil || len(data) < longString || data[0] != '"' || data[len(data)-1] != '"' {
			break
		}
		*p = toString(unquote(data))
		return nil
	case *[]byte:
		if p == nil || len(data) != len(Placeholder)+2 { // of an attachment below 10
			break
		}
		if num, _, ok := CutPlaceholder(data, len(attachments)); ok {
			*p = slices.Clip(attachments[num]) // an append must not write behind it
			return nil
		}
	}
	valid, legacy := plainValid, plainDecode
	if t := traitsOf(reflect.TypeOf(v)); t.hooks || t.once {
		switch {
		case t.hooks && len(attachments) > 0:
			return unmarshalHooked(data, attachments, v)
		case t.hooks:
			valid, legacy = numbersValid, numbersDecode
		}
		if t.once {
			return json.Unmarshal(data, v, legacy...)
		}
	}
	if json.Unmarshal(data, v, valid...) == nil {
		return nil
	}
	return json.Unmarshal(data, v, legacy...)
}

func unmarshalHooked(data []byte, attachments [][]byte, v any) error {
	u := hookedUnmarshals.Get().(*unmarshal)
	u.attachments = attachments
	err := json.Unmarshal(data, v, u.options...)
	u.attachments = nil
	hookedUnmarshals.Put(u)
	return err
}

// An unmarshal holds the options of one call to json.Unmarshal with attachments.
type unmarshal struct {
	options     []json.Options
	attachments [][]byte
}

func newUnmarshal() *unmarshal {
	u := new(unmarshal)
	u.options = []json.Options{json.JoinOptions(options, json.WithUnmarshalers(json.JoinUnmarshalers(
		json.UnmarshalFromFunc(u.bytes),
		json.UnmarshalFromFunc(u.any),
		unmarshalNumber,
	)))}
	return u
}

var errNotBytes = errors.New("socketio: cannot unmarshal object into Go value of type []byte")

func (u *unmarshal) bytes(d *jsontext.Decoder, p *[]byte) error {
	data, err := d.ReadValue()
	if err != nil {
		return err
	}
	if data.Kind() != jsontext.KindBeginObject {
		return stdjson.Unmarshal(data, p) // null, base64 or an array
	}
	c := Cursor{data: data}
	num, ok, err := c.placeholder(len(u.attachments))
	if err != nil {
		return err
	}
	if !ok {
		return errNotBytes
	}
	*p = slices.Clip(u.attachments[num]) // an append must not write behind it
	return nil
}

func (u *unmarshal) any(d *jsontext.Decoder, p *any) error {
	if v := reflect.ValueOf(*p); v.Kind() == reflect.Pointer && !v.IsNil() {
		// Decode into what the pointer points to. As in encoding/json, a null
		// clears the innermost pointer, be it *p itself.
		if d.PeekKind() != jsontext.KindNull || v.Elem().Kind() == reflect.Pointer {
			return json.UnmarshalDecode(d, *p)
		}
	}
	data, err := d.ReadValue()
	if err != nil {
		return err
	}
	*p, err = readAny(data, u.attachments)
	return err
}

// marshalNumber and unmarshalNumber do for encoding/json's Number, a plain string
// to any other package, what encoding/json does. Neither they nor the functions for
// attachments ever leave a value to the default: how to say so differs between the
// module and what GOEXPERIMENT=jsonv2 puts in its place in Go 1.26.
var (
	marshalNumber = json.MarshalToFunc(func(e *jsontext.Encoder, n stdjson.Number) error {
		if atMapKey(e.StackIndex(e.StackDepth())) {
			return e.WriteToken(jsontext.String(string(n)))
		}
		number, err := stdjson.Marshal(n)
		if err != nil {
			return err
		}
		return e.WriteValue(number)
	})
	unmarshalNumber = json.UnmarshalFromFunc(func(d *jsontext.Decoder, n *stdjson.Number) error {
		key := atMapKey(d.StackIndex(d.StackDepth()))
		number, err := d.ReadValue()
		if err != nil {
			return err
		}
		if key {
			*n = stdjson.Number(toString(unquote(number)))
			return nil
		}
		return stdjson.Unmarshal(number, n)
	})
)

// atMapKey reports whether the next token within an array or object of this kind
// and length is the name of a member. A Number is an ordinary string there.
func atMapKey(kind jsontext.Kind, length int64) bool {
	return kind == jsontext.KindBeginObject && length%2 == 0
}

// validate refuses what is not one JSON value, or nested beyond depth.
func validate(data []byte, depth int) error {
	end, err := scanValue(data, 0, depth)
	if err == nil && skipSpace(data, end) != len(data) {
		err = errTrailing
	}
	return err
}

// readAny decodes valid JSON as encoding/json decodes into an any. This takes less
// than half of the time that the library needs to do so with its semantics, and
// puts the attachments in their places in the same pass.
func readAny(data []byte, attachments [][]byte) (any, error) {
	c := Cursor{data: data}
	return c.any(attachments)
}

func (c *Cursor) any(attachments [][]byte) (any, error) {
	switch c.Peek() {
	case '{':
		object := make(map[string]any)
		for c.More() {
			name := toString(c.Name())
			value, err := c.any(attachments)
			if err != nil {
				return nil, err
			}
			object[name] = value
		}
		if len(attachments) > 0 && object["_placeholder"] == true {
			num, ok := object["num"].(float64)
			if !ok || num < 0 || num >= float64(len(attachments)) || num != math.Trunc(num) {
				return nil, errPlaceholder
			}
			return slices.Clip(attachments[int(num)]), nil // an append must not write behind it
		}
		return object, nil
	case '[':
		array := []any{}
		for c.More() {
			value, err := c.any(attachments)
			if err != nil {
				return nil, err
			}
			array = append(array, value)
		}
		return array, nil
	}
	switch token := c.Value(); token[0] {
	case '"':
		return toString(unquote(token)), nil
	case 't':
		return true, nil
	case 'f':
		return false, nil
	case 'n':
		return nil, nil
	default:
		f, err := strconv.ParseFloat(string(token), 64)
		if err != nil {
			return nil, fmt.Errorf("socketio: cannot unmarshal number into Go value of type float64: %w", errors.Unwrap(err))
		}
		return f, nil
	}
}

// toString copies s, its bad bytes replaced by U+FFFD one by one as in encoding/json.
func toString(s []byte) string {
	if utf8.Valid(s) {
		return string(s)
	}
	return string([]rune(string(s)))
}

func orJSON(c Codec) Codec {
	if c == nil {
		return JSON{}
	}
	return c
}
