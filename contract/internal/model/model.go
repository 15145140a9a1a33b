// Package model says which JSON a Go type becomes, and is made of, as sio's codec
// writes and reads it: that is encoding/json, but for []byte, which is an attachment.
//
// TypeScript and JSON Schemas are both made of it, so that they can't disagree.
package model

import "reflect"

// A Direction is the way that a value goes. Of some types clients may send more than
// they get: an attachment in several forms, null for what is never null.
type Direction int

// The directions.
const (
	Out Direction = iota // from the server to the client
	In                   // from the client to the server
)

// A Kind is what JSON a type is.
type Kind int

// The kinds of types.
const (
	Any     Kind = iota // any JSON
	Boolean             // true or false
	Integer             // a number without fraction
	Number              // a number
	String              // a string, maybe of a Format
	Binary              // []byte: an attachment
	Array               // Elem, Len of them if Len >= 0
	Map                 // an object with any keys and Elem as values
	Object              // Fields
	Literal             // what Override says
)

// A Type is a Go type as JSON. Types that have a name, and all that are recursive, are
// shared: the same Type is found wherever the Go type is.
type Type struct {
	Kind     Kind
	Go       reflect.Type
	Name     string // that it is declared by, unique in a Model; "" for one that is written where it is used
	Doc      string // the comment of its declaration
	Nullable bool   // null is written for it, or read: a pointer, slice, map or interface
	Format   string // of a String: "date-time", "byte" (base64), "" for none, …
	Elem     *Type
	Len      int // of an Array; -1 for any
	Fields   []Field
	Enum     []Value   // the constants of the type, if there are any
	Min, Max *float64  // what an Integer can be, by its size
	Override *Override // what the application says it is
}

// A Field is a member of an Object.
type Field struct {
	Name     string // in JSON
	Doc      string
	Type     *Type
	Optional bool   // it may be left out, by the server (Out) or the client (In)
	Quoted   bool   // ",string": a number or boolean in a string
	Rules    string // the tag validate, if the contract is Validated
	Path     []int  // of [reflect.Value.FieldByIndex]
}

// A Value is a constant of an enumerated type.
type Value struct {
	Name string // of the constant in Go
	Doc  string
	JSON string // as it is written
}

// An Override replaces what is found out about a type.
type Override struct {
	TypeScript string // such as "string"
	Schema     []byte // a JSON Schema, such as {"type":"string"}
}
