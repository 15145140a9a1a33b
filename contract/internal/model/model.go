// Package model says which JSON a Go type becomes, and is made of, as sio's codec
// writes and reads it: that is encoding/json, but for []byte, which is an attachment.
//
// TypeScript and JSON Schemas are both made of it, so that they can't disagree.
package model

import (
	"reflect"

	"github.com/siokit/sio/contract/internal/rules"
)

// A Model is a contract, its types as JSON.
type Model struct {
	Namespaces []Namespace // sorted by name
	Types      []*Type     // those that have a Name, sorted by it
	Validated  bool        // rules of the types are kept: see Field.Rules
	NoSource   []string    // packages without sources: their types have neither comments nor constants
}

// A Namespace is one of a contract.
type Namespace struct {
	Name    string
	Pattern bool
	Rank    int   // of several patterns that match a name, the lowest one counts
	Auth    *Type // In; nil if it is not known. If it is Nullable, clients may send none
	Refusal *Type // Out; the data of an error that refuses a client; nil if it is not known
	Receive []Event
	Send    []Event
	Any     bool // other events have a handler, too
}

// An Event is one that a namespace receives or sends. Of one that it receives, Arg is In,
// Ack and Failure are Out; of one that it sends, Arg is Out and Ack is In.
type Event struct {
	Name    string
	Typed   bool  // Arg and Ack are known
	Arg     *Type // nil for none
	Ack     *Type // nil for none
	Failure *Type // the data of the error in place of an answer; nil if it is not known
}

// A Direction is the way that a value goes. Of some types clients may send more than
// they get: an attachment in several forms, and nothing for a nil pointer.
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
	Any      Kind = iota // any JSON
	Boolean              // true or false
	Integer              // a number without fraction
	Number               // a number
	String               // a string, maybe of a Format
	Binary               // []byte: an attachment
	Array                // Elem, Len of them if Len >= 0
	Map                  // an object with any keys and Elem as values
	Object               // Fields
	Override             // what Type.Override says
	Ref                  // Elem, which has a Name
)

// A Type is a Go type as JSON. Those that have a name are found once, in Model.Types,
// and all others refer to them by a Ref. So what is recursive is so through a Ref.
type Type struct {
	Kind      Kind
	Go        reflect.Type
	Direction Direction // of a value of the type. Types with a name that are alike both ways are Out
	Name      string    // that it is declared by, unique in a Model; "" for one that is written where it is used
	Doc       string    // the comment of its declaration
	Nullable  bool      // null is written for it, or read: a pointer, slice, map or interface. False for types with a name: see the Ref
	Format    string    // of a String: "date-time", "byte" (base64), "" for none
	Quoted    bool      // of a String: it is a number, boolean or string that is JSON in a string (",string")
	Elem      *Type     // of an Array, Map or Ref
	Key       *Type     // of a Map: String, Integer in a string, or a Ref to a String with an Enum
	Len       int       // of an Array; -1 for any
	Fields    []Field
	Enum      []Value  // the constants of an Integer or String, if it is one of them
	Min, Max  *float64 // what an Integer can be, by its size
	Override  *Replacement
}

// A Field is a member of an Object.
type Field struct {
	Name  string // in JSON
	Doc   string
	Type  *Type
	Rules *rules.Rules // In, if the contract is Validated and they are enforced; or nil
	Path  []int        // of [reflect.Value.FieldByIndex]

	// Optional says that it may be left out. Out, it is so by omitempty, omitzero, and
	// an embedded pointer. In, it is also so for pointers, and for those with a rule
	// omitempty, but for none that is required by a rule. A client that leaves out another field gets no
	// error from the codec: Go's zero value stands for it.
	Optional bool
}

// A Value is a constant of an enumerated type.
type Value struct {
	Name string // of the constant in Go
	Doc  string
	JSON string // as it is written
}

// A Replacement is what the application says that a type is.
type Replacement struct {
	TypeScript string // such as "string"; "" for unknown
	Schema     []byte // a JSON Schema, such as {"type":"string"}; nil for any
}

// Deref returns the type that t refers to, or t.
func (t *Type) Deref() *Type {
	if t.Kind == Ref {
		return t.Elem
	}
	return t
}
