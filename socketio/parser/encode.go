package parser

import (
	"errors"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// The errors of encoding, beside an [*ArgError].
var (
	// ErrReservedEvent is returned for an event whose name [IsReserved].
	ErrReservedEvent = errors.New("socketio: reserved event name")

	// ErrInvalidUTF8 is returned for the name of an event or a namespace that is not
	// valid UTF-8, and for such JSON of a [Codec]. [JSON] makes none: bad bytes of a
	// string become U+FFFD.
	ErrInvalidUTF8 = errors.New("socketio: invalid UTF-8")

	errNotObject     = errors.New("socketio: CONNECT payload does not encode as an object")
	errBinaryPayload = errors.New("socketio: binary data in a packet that can not carry any")
)

// EncodePacket appends a packet in the text format to dst: the header, as
// [AppendHeader] does, and as Data what payload appends, by means of [AppendEvent],
// [AppendAck], [AppendConnectError] or by itself.
//
// If payload returns attachments, an event or ack becomes a binary one. Each has to be
// sent as a binary message behind the text, in their order. They alias the values in
// which they were found: to keep them, copy them.
//
// If it fails, it returns dst as it was, and the error.
func EncodePacket(dst []byte, t PacketType, nsp string, id uint64, hasID bool, payload func(dst []byte) ([]byte, [][]byte, error)) (text []byte, attachments [][]byte, err error) {
	plain, binary := t, t
	switch t {
	case TypeEvent, TypeBinaryEvent:
		plain, binary = TypeEvent, TypeBinaryEvent
	case TypeAck, TypeBinaryAck:
		plain, binary = TypeAck, TypeBinaryAck
	}
	text, attachments, err = payload(AppendHeader(dst, plain, 0, nsp, id, hasID))
	return finish(dst, text, attachments, binary, err)
}

// finish completes a packet whose header could not know of attachments. Binary is the
// type that it has with some; the same as without if there must be none.
func finish(dst, text []byte, attachments [][]byte, binary PacketType, err error) ([]byte, [][]byte, error) {
	switch {
	case err != nil:
		return dst, nil, err
	case len(attachments) > 0 && !binary.binary():
		return dst, nil, errBinaryPayload
	case !utf8.Valid(text[len(dst):]):
		return dst, nil, ErrInvalidUTF8
	}
	if len(attachments) > 0 {
		var buf [20]byte
		count := append(strconv.AppendInt(buf[:0], int64(len(attachments)), 10), '-')
		text[len(dst)] = '0' + byte(binary)
		text = slices.Insert(text, len(dst)+1, count...)
	}
	return text, attachments, nil
}

// EncodeEvent appends an event in the text format to dst, with an id if hasID is set,
// which asks for an ack. A []byte anywhere in args becomes an attachment, and the
// packet a binary one. A nil codec is [JSON].
//
// Attachments and a failure are as with [EncodePacket]. The error is an [*ArgError],
// [ErrReservedEvent] or [ErrInvalidUTF8].
func EncodeEvent(codec Codec, dst []byte, nsp, name string, args []any, id uint64, hasID bool) (text []byte, attachments [][]byte, err error) {
	text, attachments, err = AppendEvent(codec, AppendHeader(dst, TypeEvent, 0, nsp, id, hasID), name, args)
	return finish(dst, text, attachments, TypeBinaryEvent, err)
}

// EncodeAck appends the answer to the event that came with id, as [EncodeEvent] does
// an event.
func EncodeAck(codec Codec, dst []byte, nsp string, id uint64, args []any) (text []byte, attachments [][]byte, err error) {
	text, attachments, err = AppendAck(codec, AppendHeader(dst, TypeAck, 0, nsp, id, true), args)
	return finish(dst, text, attachments, TypeBinaryAck, err)
}

// EncodeConnect appends a CONNECT in the text format to dst, or the answer to one. The
// payload must encode as an object, without binary data; if it is nil, there is none.
// A nil codec is [JSON]. If it fails, it returns dst as it was, and the error.
func EncodeConnect(codec Codec, dst []byte, nsp string, payload any) ([]byte, error) {
	text := AppendHeader(dst, TypeConnect, 0, nsp, 0, false)
	var attachments [][]byte
	var err error
	if payload != nil {
		head := len(text)
		text, attachments, err = orJSON(codec).Append(text, payload, nil)
		if err == nil && (head >= len(text) || text[head] != '{') {
			err = errNotObject
		}
	}
	text, _, err = finish(dst, text, attachments, TypeConnect, err)
	return text, err
}

// EncodeConnectError appends the refusal of a CONNECT in the text format to dst. If
// data is nil, the refusal has the message only; there must be no binary data in it.
// Codec and failure are as with [EncodeConnect].
func EncodeConnectError(codec Codec, dst []byte, nsp, message string, data any) ([]byte, error) {
	text := AppendHeader(dst, TypeConnectError, 0, nsp, 0, false)
	text, attachments, err := AppendConnectError(codec, text, message, data)
	text, _, err = finish(dst, text, attachments, TypeConnectError, err)
	return text, err
}

// EncodeDisconnect appends a DISCONNECT in the text format to dst.
func EncodeDisconnect(dst []byte, nsp string) []byte {
	return AppendHeader(dst, TypeDisconnect, 0, nsp, 0, false)
}

// AppendHeader appends what stands in front of the JSON in the text format: the type,
// the number of attachments if the type is a binary one, the namespace unless it is
// "/" or "", and the id if hasID is set.
func AppendHeader(dst []byte, t PacketType, attachments int, nsp string, id uint64, hasID bool) []byte {
	dst = append(dst, '0'+byte(t))
	if t.binary() {
		dst = strconv.AppendInt(dst, int64(attachments), 10)
		dst = append(dst, '-')
	}
	if nsp != "/" && nsp != "" {
		dst = append(dst, nsp...)
		dst = append(dst, ',')
	}
	if hasID {
		dst = strconv.AppendUint(dst, id, 10)
	}
	return dst
}

// AppendEvent appends the Data of an event to dst: a JSON array of its name and its
// arguments, with a placeholder for each []byte in them, which it returns as the
// attachments. Codec, failure and errors are as with [EncodeEvent].
func AppendEvent(codec Codec, dst []byte, name string, args []any) (text []byte, attachments [][]byte, err error) {
	if IsReserved(name) {
		return dst, nil, ErrReservedEvent
	}
	text, err = jsontext.AppendQuote(append(dst, '['), name)
	if err != nil {
		return dst, nil, ErrInvalidUTF8
	}
	if len(args) > 0 {
		text = append(text, ',')
	}
	if text, attachments, err = appendArgs(codec, text, args); err != nil {
		return dst, nil, err
	}
	return text, attachments, nil
}

// AppendAck appends the Data of an ack, an array of its arguments, as [AppendEvent]
// does that of an event.
func AppendAck(codec Codec, dst []byte, args []any) (text []byte, attachments [][]byte, err error) {
	text, attachments, err = appendArgs(codec, append(dst, '['), args)
	if err != nil {
		return dst, nil, err
	}
	return text, attachments, nil
}

// AppendConnectError appends the Data of a CONNECT_ERROR to dst: an object with the
// message and, unless it is nil, data. It returns binary values in data as attachments,
// with which [EncodePacket] fails; other formats can have them. Codec and failure are
// as with [EncodeEvent].
func AppendConnectError(codec Codec, dst []byte, message string, data any) (text []byte, attachments [][]byte, err error) {
	text = appendString(append(dst, `{"message":`...), message)
	if data != nil {
		text, attachments, err = orJSON(codec).Append(append(text, `,"data":`...), data, nil)
		if err != nil {
			return dst, nil, err
		}
	}
	return append(text, '}'), attachments, nil
}

// appendArgs appends the arguments and the bracket that ends the array.
func appendArgs(codec Codec, text []byte, args []any) (_ []byte, attachments [][]byte, err error) {
	codec = orJSON(codec)
	for i, arg := range args {
		if i > 0 {
			text = append(text, ',')
		}
		if text, attachments, err = codec.Append(text, arg, attachments); err != nil {
			return text, nil, &ArgError{i, err}
		}
	}
	return append(text, ']'), attachments, nil
}

// appendString appends s as a JSON string, its bad bytes replaced by U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s) // the error can only be about UTF-8
	return dst
}
