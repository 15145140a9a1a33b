package sio

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// A Validator checks values that typed handlers have decoded, beside their own method
// Validate: see [Options].Validator. It is called by many goroutines at the same time.
type Validator interface {
	// Validate checks what ptr points to. It returns an [*InvalidError] if a rule is
	// broken. The text of other errors does not reach the client.
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
// as the data.
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

// Error returns a text without values and Go types, such as `name: required; age: max=20`.
func (e *InvalidError) Error() string {
	var b strings.Builder
	for i, f := range e.Fields {
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
	return b.String()
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
		if err := v.Validate(ptr); err != nil {
			return invalid(what, err)
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

// invalid returns what the client may know of the error of a validator.
func invalid(what string, err error) error {
	if known, ok := errors.AsType[*Error](err); ok && known != nil {
		return err
	}
	if broken, ok := errors.AsType[*InvalidError](err); ok && broken != nil && len(broken.Fields) > 0 {
		return &Error{Message: fmt.Sprintf("%s is invalid: %v", what, broken), Data: invalidData{broken.Fields}, Err: err}
	}
	return &Error{Message: what + " is invalid", Err: err}
}

// isNil tells of a pointer that null has been decoded into.
func isNil(v ownValidator) bool {
	p := reflect.ValueOf(v)
	return p.Kind() == reflect.Pointer && p.IsNil()
}
