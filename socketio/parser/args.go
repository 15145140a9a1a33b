package parser

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	jsonv1 "github.com/go-json-experiment/json/v1"
)

// Args are the arguments of an event or of an ack. They are JSON until [Args.Bind]
// decodes them. The zero value has none.
//
// Args alias the bytes that they were made of: they are as safe to keep, and to use
// from several goroutines, as those are.
type Args struct {
	codec       Codec // nil means JSON
	raw         []byte
	attachments [][]byte
	skip        int
}

// NewArgs returns the arguments of a packet whose Data is raw: the elements of that
// array without the first skip ones. Skip is 1 for an event, whose first element is its
// name, and 0 for an ack. A nil codec is [JSON].
func NewArgs(codec Codec, raw []byte, attachments [][]byte, skip int) Args {
	return Args{codec: codec, raw: raw, attachments: attachments, skip: skip}
}

// Len returns the number of arguments.
func (a Args) Len() int {
	n := 0
	for it := a.iter(); it.next() != nil; {
		n++
	}
	return n
}

// Raw returns the JSON of argument i, counted from 0, with placeholders where its
// attachments belong. It returns nil if there is no such argument.
func (a Args) Raw(i int) []byte {
	if i < 0 {
		return nil
	}
	it := a.iter()
	value := it.next()
	for ; i > 0 && value != nil; i-- {
		value = it.next()
	}
	return value
}

// Attachments returns what the placeholders in [Args.Raw] stand for, by their numbers. It
// is not to be changed.
func (a Args) Attachments() [][]byte { return a.attachments }

// Bind decodes the arguments, each into what the pointer at its place points to. It
// passes over an argument whose pointer is nil, and over those behind the last pointer.
//
// Attachments are not copied: a []byte that is bound to one aliases it, and with it
// every other that is bound to the same one.
//
// The error is an [*ArgError], which wraps [ErrMissing] if a pointer has no argument;
// arguments in front of that one have been bound. If something that is given is no
// pointer, or a nil one of some type, the error wraps [ErrNoPointer], and nothing has
// been bound.
func (a Args) Bind(ptrs ...any) error {
	for i, ptr := range ptrs {
		if ptr != nil && !isPointer(ptr) {
			return CheckPointer(ptr, fmt.Sprintf("argument %d", i+1))
		}
	}
	unmarshal := unmarshalValid // as the values of iter are
	if _, ok := orJSON(a.codec).(JSON); !ok {
		unmarshal = a.codec.Unmarshal
	}
	it := a.iter()
	for i, ptr := range ptrs {
		value := it.next()
		if ptr == nil {
			continue
		}
		if value == nil {
			return &ArgError{i, ErrMissing}
		}
		if err := unmarshal(value, a.attachments, ptr); err != nil {
			return &ArgError{i, NewDecodeError(err, ptr)}
		}
	}
	return nil
}

// iter returns an iterator over the arguments. It ends early, rather than fails,
// where raw is no JSON array.
func (a Args) iter() argIter {
	it := argIter{data: a.raw, i: skipSpace(a.raw, 0), want: '['}
	for range a.skip {
		it.next()
	}
	return it
}

type argIter struct {
	data []byte
	i    int
	want byte // in front of the next element: '[' or ','
}

// next returns the next element, or nil at the end.
func (it *argIter) next() []byte {
	it.i = skipSpace(it.data, it.i)
	if it.i >= len(it.data) || it.data[it.i] != it.want {
		return nil
	}
	start := skipSpace(it.data, it.i+1)
	end, err := scanValue(it.data, start, maxDepth)
	if err != nil {
		it.data = nil
		return nil
	}
	it.i, it.want = end, ','
	return it.data[start:end:end]
}

var (
	// ErrMissing is wrapped by the [*ArgError] of an argument that was not sent.
	ErrMissing = errors.New("not sent")
	// ErrNoPointer is wrapped by the error of decoding into what is no pointer, or a nil
	// one. It is a mistake of the caller, and the same whatever the peer has sent.
	ErrNoPointer = errors.New("socketio: no pointer")
)

// An ArgError says which argument could not be bound or encoded, and why. Its text
// counts arguments from 1. That of an argument that could not be bound quotes nothing
// that the peer has sent, and may be logged; what Err unwraps to may quote it.
type ArgError struct {
	Index int // counted from 0, without the name of the event
	Err   error
}

func (e *ArgError) Error() string { return fmt.Sprintf("socketio: argument %d: %v", e.Index+1, e.Err) }

// Unwrap returns Err.
func (e *ArgError) Unwrap() error { return e.Err }

// A decodeError keeps what a codec has reported out of the log: it may quote
// numbers and names from a payload or from credentials. Who wants that unwraps
// it.
type decodeError struct {
	into reflect.Type
	err  error
}

// NewDecodeError returns the error of decoding into ptr, for which a [Codec] has
// returned err. Its text names the type that ptr points to and, if the codec is [JSON],
// the field that did not fit. It quotes nothing of what was decoded, as err may do, to
// which it unwraps.
func NewDecodeError(err error, ptr any) error { return &decodeError{reflect.TypeOf(ptr), err} }

func (e *decodeError) Error() string {
	text := "cannot decode into " + e.into.String()
	var wrong *jsonv1.UnmarshalTypeError
	if !errors.As(e.err, &wrong) || wrong.Type == nil {
		return text
	}
	if field := fieldPath(e.into, wrong.Field); field != "" {
		text += ", field " + field
	}
	kind, _, _ := strings.Cut(wrong.Value, " ") // less the number itself
	return text + ": " + kind + " where " + wrong.Type.String() + " is due"
}

func (e *decodeError) Unwrap() error { return e.err }

// fieldPath returns the part of a path into t that is made of names that t declares,
// and of indexes. A peer chose what else there is, such as the keys of a map.
func fieldPath(t reflect.Type, path string) string {
	var known []string
	for path != "" {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		var token string
		switch t.Kind() {
		case reflect.Struct:
			token, t = fieldOf(t, path)
		case reflect.Slice, reflect.Array:
			token, _, _ = strings.Cut(path, ".")
			t = t.Elem()
		}
		if token == "" {
			return strings.Join(append(known, "…"), ".")
		}
		known = append(known, token)
		path = strings.TrimPrefix(path[len(token):], ".")
	}
	return strings.Join(known, ".")
}

// fieldOf returns the name and type of the field that path begins with.
func fieldOf(t reflect.Type, path string) (name string, of reflect.Type) {
	for _, f := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "" {
			tag = f.Name
		}
		rest, long := path[min(len(tag), len(path)):], len(tag) > len(name)
		if long && strings.EqualFold(tag, path[:len(path)-len(rest)]) && (rest == "" || rest[0] == '.') {
			name, of = tag, f.Type
		}
	}
	return name, of
}

// CheckPointer returns an error that wraps [ErrNoPointer] if ptr is no pointer, or a nil
// one. The text of the error says what was to be decoded into it, such as "argument 1".
func CheckPointer(ptr any, what string) error {
	if isPointer(ptr) {
		return nil
	}
	if v := reflect.ValueOf(ptr); v.Kind() == reflect.Pointer {
		return fmt.Errorf("%w for %s, but a nil %T", ErrNoPointer, what, ptr)
	}
	return fmt.Errorf("%w for %s, but a %T", ErrNoPointer, what, ptr)
}

func isPointer(ptr any) bool {
	v := reflect.ValueOf(ptr)
	return v.Kind() == reflect.Pointer && !v.IsNil()
}
