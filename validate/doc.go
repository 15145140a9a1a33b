// Package siovalidate checks what typed handlers get by the rules of
// github.com/go-playground/validator, which Echo and Gin have made common:
//
//	type Order struct {
//		Items []Item `json:"items" validate:"required,max=50,dive"`
//		Note  string `json:"note" validate:"max=200"`
//	}
//
//	srv := sio.New(&sio.Options{Validator: siovalidate.New()})
//
// A client whose order breaks a rule is told which one, by the field's JSON name, and
// the handler is not called. Rules that do not exist, or do not fit their fields, are
// found when the handler is registered, which panics.
//
// The rules are that library's in all respects. In particular, what is in a slice or map
// is checked only under "dive", unless it is the argument itself.
//
// Files: validate.go (a value is checked), path.go (the names of what is wrong), weigh.go (what is too much), check.go
// (a type is checked).
package siovalidate
