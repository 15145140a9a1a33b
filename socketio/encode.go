package socketio

import (
	"errors"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Errors of the Encode functions, beside those of the codec.
var (
	// ErrReservedEvent is the error of emitting an event whose name [IsReserved].
	ErrReservedEvent = errors.New("socketio: reserved event name")

	// ErrInvalidUTF8 is the error of encoding what is not valid UTF-8. Strings
	// within arguments never cause it: they have their bad bytes replaced.
	ErrInvalidUTF8 = errors.New("socketio: invalid UTF-8")

	errNotObject     = errors.New("socketio: CONNECT payload does not encode as an object")
	errBinaryPayload = errors.New("socketio: binary data in a packet that can not carry any")
)

// EncodeEvent appends an event to dst, with an id if hasID asks for an ack. If there
// is a []byte anywhere in args, the packet is a binary one, and the attachments are
// to follow it. They alias the caller's bytes: whoever queues them copies them first.
//
// Like all functions here, it returns dst as it was if it fails, an error about an
// argument being an [*ArgError], and takes a nil codec for [JSON].
func EncodeEvent(codec Codec, dst []byte, nsp, name string, args []any, id uint64, hasID bool) (text []byte, attachments [][]byte, err error) {
	text = AppendHeader(dst, TypeEvent, 0, nsp, id, hasID)
	text, attachments, err = AppendEvent(codec, text, name, args)
	return finish(dst, text, attachments, TypeBinaryEvent, err)
}

// EncodeAck appends the answer to the event that came with id. Attachments are as
// with [EncodeEvent].
func EncodeAck(codec Codec, dst []byte, nsp string, id uint64, args []any) (text []byte, attachments [][]byte, err error) {
	text = AppendHeader(dst, TypeAck, 0, nsp, id, true)
	text, attachments, err = appendArgs(codec, append(text, '['), args)
	return finish(dst, text, attachments, TypeBinaryAck, err)
}

// EncodeConnect appends a CONNECT, or the answer to one. The payload must encode as
// an object without binary data; nil leaves it out.
func EncodeConnect(codec Codec, dst []byte, nsp string, payload any) ([]byte, error) {
	text := AppendHeader(dst, TypeConnect, 0, nsp, 0, false)
	if payload == nil {
		return text, nil
	}
	head := len(text)
	text, attachments, err := orJSON(codec).Append(text, payload, nil)
	if err == nil && (head >= len(text) || text[head] != '{') {
		err = errNotObject
	}
	return finishPlain(dst, text, attachments, err)
}

// EncodeConnectError appends the refusal of a CONNECT, without binary data. A data
// of nil leaves the member out.
func EncodeConnectError(codec Codec, dst []byte, nsp, message string, data any) ([]byte, error) {
	text := AppendHeader(dst, TypeConnectError, 0, nsp, 0, false)
	text, attachments, err := appendRefusal(codec, text, message, data)
	return finishPlain(dst, text, attachments, err)
}

// appendRefusal appends the payload of a CONNECT_ERROR.
func appendRefusal(codec Codec, text []byte, message string, data any) (_ []byte, attachments [][]byte, err error) {
	text = appendString(append(text, `{"message":`...), message)
	if data != nil {
		text, attachments, err = orJSON(codec).Append(append(text, `,"data":`...), data, nil)
	}
	return append(text, '}'), attachments, err
}

// EncodeDisconnect appends a DISCONNECT.
func EncodeDisconnect(dst []byte, nsp string) []byte {
	return AppendHeader(dst, TypeDisconnect, 0, nsp, 0, false)
}

// AppendHeader appends what stands in front of the JSON: type, number of attachments
// (of binary types only), namespace unless it is "/", and id.
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

// AppendEvent appends the JSON array of an event, its name and arguments, with a
// placeholder for each []byte, and returns those.
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

// finish completes a packet whose head could not know the number of attachments.
func finish(dst, text []byte, attachments [][]byte, binary PacketType, err error) ([]byte, [][]byte, error) {
	if err != nil {
		return dst, nil, err
	}
	if !utf8.Valid(text[len(dst):]) {
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

// finishPlain completes a packet of a type without attachments.
func finishPlain(dst, text []byte, attachments [][]byte, err error) ([]byte, error) {
	if err == nil && len(attachments) > 0 {
		err = errBinaryPayload
	}
	text, _, err = finish(dst, text, nil, 0, err)
	return text, err
}

// appendString appends s as a JSON string, its bad bytes replaced by U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s) // the error can only be about UTF-8
	return dst
}
