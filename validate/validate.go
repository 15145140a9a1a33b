package siovalidate

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/go-playground/validator/v10"

	"github.com/siokit/sio"
)

// A Validator is for [sio.Options]. Make one with [New] or [With].
type Validator struct {
	v   *validator.Validate
	tag string // "" if it is not known
}

var (
	_ sio.Validator   = (*Validator)(nil)
	_ sio.TypeChecker = (*Validator)(nil)
	_ sio.RuleTagger  = (*Validator)(nil)
)

// New returns a Validator that has the rules of go-playground/validator, in the tag
// "validate". "required" is for structs, too.
func New() *Validator {
	return &Validator{validator.New(validator.WithRequiredStructEnabled()), "validate"}
}

// With returns a Validator that uses v, for rules of your own, and where there is one
// already, such as that of Gin, whose tag is "binding". The names that v gives to fields
// stay as they are, and so do its errors elsewhere. All rules, aliases and the name of
// the tag have to be registered before: not when the server runs, as v says, and not
// after the first handler.
func With(v *validator.Validate) *Validator {
	if v == nil {
		panic("siovalidate: With: nil validator")
	}
	return &Validator{v, tagOf(v)}
}

// tagOf finds out the name of the struct tag that v reads.
func tagOf(v *validator.Validate) string {
	var probe struct {
		Validate string `validate:"required"`
		Binding  string `binding:"required"`
	}
	var broken validator.ValidationErrors
	if errors.As(v.Struct(&probe), &broken) && len(broken) == 1 {
		return strings.ToLower(broken[0].StructField())
	}
	return ""
}

// RuleTag implements [sio.RuleTagger]. It returns "" if the tag is neither "validate" nor
// "binding": then the contract says nothing of rules.
func (v *Validator) RuleTag() string { return v.tag }

// maxFields is how many broken fields a client is told of. Without a bound, a slice of
// them would make an answer much longer than the event was.
const maxFields = 20

// Validate implements [sio.Validator].
func (v *Validator) Validate(ptr any) error {
	err := v.validate(ptr)
	var broken validator.ValidationErrors
	if !errors.As(err, &broken) {
		return err
	}
	t := reflect.TypeOf(ptr)
	invalid := new(sio.InvalidError)
	for _, f := range broken[:min(len(broken), maxFields)] {
		invalid.Fields = append(invalid.Fields, field(t, f))
	}
	return invalid
}

// validate has the library check what ptr points to.
func (v *Validator) validate(ptr any) (err error) {
	p := reflect.ValueOf(ptr)
	for p.Kind() == reflect.Pointer && !p.IsNil() && p.Elem().Kind() == reflect.Pointer {
		p = p.Elem()
	}
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return nil // null, for a pointer
	}
	t := p.Type().Elem()
	if isOpen(t) && !(&scale{tag: v.tag}).weigh(p.Elem(), 0) {
		return &sio.InvalidError{Fields: []sio.InvalidField{{Rule: "size"}}}
	}
	if isStruct(t) {
		defer badType(&err)
		return v.v.Struct(p.Interface())
	}
	if dive := dives(t); dive != "" {
		defer badType(&err)
		return v.v.Var(p.Elem().Interface(), dive)
	}
	return nil
}

// badType makes an error of a panic by which the library says that a rule is not for
// the type of a value. Types are checked beforehand, so this is the type of what a
// client has sent for an interface.
func badType(err *error) {
	v := recover()
	if v == nil {
		return
	}
	why := strings.TrimPrefix(fmt.Sprint(v), "runtime error: ")
	for _, known := range []string{"Bad field", "dive error", "hash of unhashable type", "reflect: call of reflect.Value.", "strconv.Parse"} {
		if strings.HasPrefix(why, known) {
			*err = errors.New("siovalidate: " + why)
			return
		}
	}
	panic(v)
}

// dives returns the tag for an argument of type t, which is no struct: one "dive" for
// each slice or map around structs. It returns "" if there are no structs.
func dives(t reflect.Type) string {
	var all []string
	for seen := make(map[reflect.Type]bool); !seen[t]; t = t.Elem() {
		seen[t] = true
		switch t.Kind() {
		case reflect.Pointer:
		case reflect.Slice, reflect.Array, reflect.Map:
			all = append(all, "dive")
		default:
			if isStruct(t) {
				return strings.Join(all, ",")
			}
			return ""
		}
	}
	return "" // it has itself as elements
}

var timeType = reflect.TypeFor[time.Time]()

// isStruct tells whether t is a struct as the library sees it.
func isStruct(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !t.ConvertibleTo(timeType)
}

func isList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map
}

func pointee(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// field returns what a client is told of a broken rule.
func field(t reflect.Type, f validator.FieldError) sio.InvalidField {
	path, parent := jsonPath(t, f.StructNamespace(), f.Field())
	in := sio.InvalidField{Field: path, Rule: f.Tag(), Param: f.Param()}
	if strings.Contains(f.ActualTag(), "|") && f.Tag() == f.ActualTag() {
		in.Param = "" // that of the last alternative; all are in the tag
		in.Rule = translate(t, parent, in.Rule)
	} else if _, param, ok := strings.Cut(translate(t, parent, fmt.Sprintf("%s=%s", f.ActualTag(), in.Param)), "="); ok {
		in.Param = param
	}
	return in
}
