package sio

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/siokit/sio/socketio/parser"
)

// A Validator checks values that typed handlers have decoded, beside their own method
// Validate: see [Options].Validator. It is called by many goroutines at the same time.
type Validator interface {
	// Validate checks what ptr points to: an *In, for a handler that takes an In or an
	// *In. It is not called for the null that becomes a nil *In. It returns an
	// [*InvalidError] if a rule is broken. The text of other errors does not reach the
	// client.
	Validate(ptr any) error
}

// A TypeChecker is a [Validator] that can tell beforehand whether it knows all rules of
// a type. If not, the registration of a handler panics.
type TypeChecker interface {
	CheckType(t reflect.Type) error
}

// A RuleTagger is a [Validator] whose rules are those of go-playground/validator, in a
// struct tag. What is made of the [Contract] promises what they say.
type RuleTagger interface {
	// RuleTag returns the name of the tag, such as "validate".
	RuleTag() string
}

// An InvalidError tells which fields of a value break rules. If a typed handler's
// argument does, the client gets its text as the message of an [Error] and {"fields":…}
// as the data: the first 20 fields, and no more than 200 bytes of each text.
type InvalidError struct {
	Fields []InvalidField
}

// An InvalidField is a field that breaks a rule.
type InvalidField struct {
	// Field is the path by the names that JSON has, such as "items[2].price". It is ""
	// if the value as a whole breaks the rule.
	Field string `json:"field"`
	// Rule is the name of the rule, such as "required" or "max".
	Rule string `json:"rule"`
	// Param is what the rule compares with, such as "20".
	Param string `json:"param,omitempty"`
}

// What is told of invalid fields is bounded, since clients choose how many of them they
// break, and how deep they lie.
const (
	maxInvalidFields = 20
	maxInvalidText   = 200
)

// Error returns a text without values and Go types, such as `name: required; age: max=20`.
// It has the first 20 fields.
func (e *InvalidError) Error() string {
	var b strings.Builder
	for i, f := range told(e.Fields) {
		if i > 0 {
			b.WriteString("; ")
		}
		if f.Field != "" {
			b.WriteString(f.Field)
			b.WriteString(": ")
		}
		b.WriteString(f.Rule)
		if f.Param != "" {
			b.WriteString("=" + f.Param)
		}
	}
	if more := len(e.Fields) - maxInvalidFields; more > 0 {
		fmt.Fprintf(&b, "; and %d more", more)
	}
	return b.String()
}

// told returns what a client is told of fields.
func told(fields []InvalidField) []InvalidField {
	fields = slices.Clone(fields[:min(len(fields), maxInvalidFields)])
	for i, f := range fields {
		fields[i] = InvalidField{shortened(f.Field), shortened(f.Rule), shortened(f.Param)}
	}
	return fields
}

func shortened(s string) string {
	if len(s) <= maxInvalidText {
		return s
	}
	end := maxInvalidText
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// invalidData is what the client gets of an InvalidError.
type invalidData struct {
	Fields []InvalidField `json:"fields"`
}

// ownValidator is what an argument type may implement.
type ownValidator interface{ Validate() error }

// checked validates what ptr points to, by the server's rules and then by its own. What
// names the value to the client.
func checked[T any](c *Context, what string, ptr *T) error {
	if v := c.n.srv.opts.Validator; v != nil {
		if p := innermost(ptr); p != nil {
			if err := v.Validate(p); err != nil {
				return invalid(what, err)
			}
		}
	}
	v, ok := any(ptr).(ownValidator)
	if !ok {
		v, ok = any(*ptr).(ownValidator)
	}
	if !ok || isNil(v) {
		return nil
	}
	if err := v.Validate(); err != nil {
		return invalid(what, err)
	}
	return nil
}

// innermost follows ptr to the last pointer. It returns nil if that is nil.
func innermost(ptr any) any {
	v := reflect.ValueOf(ptr)
	for v.Elem().Kind() == reflect.Pointer {
		if v = v.Elem(); v.IsNil() {
			return nil
		}
	}
	return v.Interface()
}

// invalid returns what the client may know of the error of a validator.
func invalid(what string, err error) error {
	if known, ok := errors.AsType[*Error](err); ok && known != nil {
		return err
	}
	e := &Error{Message: what + " is invalid", Err: err}
	if broken, ok := errors.AsType[*InvalidError](err); ok && broken != nil {
		e.tell(broken)
	}
	return e
}

// tell adds to e which fields are invalid.
func (e *Error) tell(invalid *InvalidError) {
	if len(invalid.Fields) > 0 {
		e.Message += ": " + invalid.Error()
		e.Data = invalidData{told(invalid.Fields)}
	}
}

// located adds to e, if the server validates, which field of argument i can't be decoded
// into ptr.
func (c *Context) located(e *Error, args Args, i int, ptr any) *Error {
	if c.n.srv.opts.Validator == nil {
		return e
	}
	m, ok := args.Misfit(i, ptr)
	if !ok {
		return e
	}
	f := InvalidField{m.Path, "type", m.Due}
	switch {
	case !m.Kind:
	case m.Due == "integer" || m.Due == "number":
		f.Rule, f.Param = "range", ""
	default:
		f.Rule = "format"
		f.Param = strings.TrimPrefix(m.Due, "string") // which is there
	}
	e.tell(&InvalidError{[]InvalidField{f}})
	return e
}

// auth returns the payload of the CONNECT as an argument.
func (c *Context) auth() Args {
	var raw json.RawMessage
	if c.n.srv.opts.Validator == nil || c.socket.BindAuth(&raw) != nil {
		return Args{}
	}
	return parser.NewArgs(c.n.srv.opts.Codec, slices.Concat([]byte{'['}, raw, []byte{']'}), nil, 0)
}

// isNil tells of a pointer that null has been decoded into.
func isNil(v ownValidator) bool {
	p := reflect.ValueOf(v)
	return p.Kind() == reflect.Pointer && p.IsNil()
}
