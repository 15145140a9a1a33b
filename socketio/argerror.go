package socketio

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	jsonv1 "github.com/go-json-experiment/json/v1"
)

var (
	// ErrMissing is in the [ArgError] of an argument that was not sent.
	ErrMissing = errors.New("not sent")
	// ErrNoPointer is returned by Bind and BindAuth for what nothing can be decoded
	// into, whatever the peer has sent: a mistake of the caller.
	ErrNoPointer = errors.New("socketio: no pointer")
)

// An ArgError says which argument could not be bound, or encoded, and why. Its text
// counts from 1, and quotes nothing that a peer has sent; what Err unwraps to may.
type ArgError struct {
	Index int // from 0, the name of the event not counted
	Err   error
}

func (e *ArgError) Error() string { return fmt.Sprintf("socketio: argument %d: %v", e.Index+1, e.Err) }

// Unwrap returns e.Err.
func (e *ArgError) Unwrap() error { return e.Err }

// A decodeError keeps what a codec has reported out of the log: it may quote
// numbers and names from a payload or from credentials. Who wants that unwraps
// it.
type decodeError struct {
	into reflect.Type
	err  error
}

// NewDecodeError returns an error that names the type that ptr points to and, if the
// codec reports one as [JSON] does, the field, and that unwraps to err.
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

// isPointer tells whether something can be decoded into ptr.
func isPointer(ptr any) bool {
	v := reflect.ValueOf(ptr)
	return v.Kind() == reflect.Pointer && !v.IsNil()
}

// noPointer returns the error of what is none.
func noPointer(ptr any, what string) error {
	if v := reflect.ValueOf(ptr); v.Kind() == reflect.Pointer {
		return fmt.Errorf("%w for %s, but a nil %T", ErrNoPointer, what, ptr)
	}
	return fmt.Errorf("%w for %s, but a %T", ErrNoPointer, what, ptr)
}
