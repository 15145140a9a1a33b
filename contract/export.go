package contract

import (
	"errors"
	"reflect"

	"github.com/siokit/sio"
)

const draft = "http://json-schema.org/draft-07/schema#"

// OutputSchema returns the JSON Schema (draft-07) of what the server writes for values of
// a type. It is for tests, and for other tools: [AsyncAPI] has the schemas of a contract.
func OutputSchema(t reflect.Type, o *Options) ([]byte, error) {
	c := sio.NamespaceContract{Send: []sio.SentEvent{{Typed: true, Arg: t}}}
	return schemaOf(sio.Contract{Namespaces: []sio.NamespaceContract{c}}, o)
}

// InputSchema returns the JSON Schema (draft-07) of what clients may send as the argument
// of a handler. It has the rules in a struct tag, such as "validate"; with "" there are
// none.
func InputSchema(t reflect.Type, tag string, o *Options) ([]byte, error) {
	c := sio.NamespaceContract{Receive: []sio.ReceivedEvent{{Typed: true, Arg: t}}}
	return schemaOf(sio.Contract{Namespaces: []sio.NamespaceContract{c}, Validated: tag != "", RuleTag: tag}, o)
}

// schemaOf returns the schema of the one argument in a contract.
func schemaOf(c sio.Contract, o *Options) ([]byte, error) {
	cat, err := newCatalog(c, o, "#/definitions/")
	if err != nil {
		return nil, err
	}
	n := cat.namespaces[0]
	arg := append(n.receive, n.send...)[0].arg
	if arg == nil {
		return nil, errors.New("contract: the schema of a nil type")
	}
	s := beside(arg)
	s.Schema, s.Definitions = draft, cat.defs
	return encode(s)
}
