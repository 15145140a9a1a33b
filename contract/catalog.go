package contract

import (
	"reflect"
	"regexp"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/siokit/sio"
	"github.com/siokit/sio/contract/internal/model"
)

// A catalog is a contract with the JSON Schemas of its types. The AsyncAPI document and
// the page are made of it.
type catalog struct {
	namespaces []namespace
	defs       map[string]*jsonschema.Schema // of types with names
}

type namespace struct {
	name    string
	known   bool               // the name is one, or a pattern, and not that of a function
	parts   []string           // of a pattern
	auth    *jsonschema.Schema // nil if it is not known
	refusal *jsonschema.Schema
	receive []event
	send    []event
}

type event struct {
	name    string
	typed   bool
	sent    bool               // by the server
	other   bool               // it stands for all events
	others  []string           // but those of these names
	arg     *jsonschema.Schema // nil for none, or if it is not known
	ack     *jsonschema.Schema // nil for none, or if it is not known
	failure *jsonschema.Schema // the data of an error in place of the answer
}

func newCatalog(c sio.Contract, o *Options, ref string) (*catalog, error) {
	m, err := modelOf(c, o)
	if err != nil {
		return nil, err
	}
	tag := ""
	if c.Validated {
		tag = c.RuleTag
	}
	s := newSchemer(m.Types, ref, tag)
	cat := &catalog{}
	err = s.settled(func() {
		cat.namespaces = nil
		for _, n := range m.Namespaces {
			cat.namespaces = append(cat.namespaces, s.namespace(n, c.Validated))
		}
	})
	cat.defs = s.defs()
	return cat, err
}

var parts = regexp.MustCompile(`{(\w+)}`)

func (s *schemer) namespace(m model.Namespace, validated bool) namespace {
	n := namespace{
		name:    m.Name,
		known:   !strings.HasPrefix(m.Name, "{func "),
		auth:    s.whole(m.Auth, in),
		refusal: s.failure(m.Refusal, m.Auth, validated),
	}
	if n.known {
		for _, part := range parts.FindAllStringSubmatch(m.Name, -1) {
			n.parts = append(n.parts, part[1])
		}
	}
	names := []string{}
	for _, e := range m.Receive {
		names = append(names, e.Name)
		n.receive = append(n.receive, event{name: e.Name, typed: e.Typed, arg: s.whole(e.Arg, in), ack: s.whole(e.Ack, out), failure: s.failure(e.Failure, e.Arg, validated)})
	}
	if m.Any {
		n.receive = append(n.receive, event{other: true, others: names, failure: s.failure(nil, nil, validated)})
	}
	for _, e := range m.Send {
		n.send = append(n.send, event{name: e.Name, typed: e.Typed, sent: true, arg: s.whole(e.Arg, out), ack: s.whole(e.Ack, s.answers())})
	}
	return n
}

// answers returns the mode of what clients answer: the server looks at no rules there.
func (s *schemer) answers() mode { return s.within(in, nil) }

// failure returns the schema of the data of an error: what is declared, or that what the
// client has sent is not valid.
func (s *schemer) failure(declared, arg *model.Type, validated bool) *jsonschema.Schema {
	switch data := s.whole(declared, out); {
	case data == nil:
		return anything("More about the error, or nothing.")
	case tellsInvalid(arg, validated):
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{data, s.referSpecial(invalidName, invalid)}}
	default:
		return data
	}
}

// tellsInvalid reports whether clients are told which fields of an argument are not valid: by
// the server's validator, or by the type's own Validate.
func tellsInvalid(arg *model.Type, validated bool) bool {
	if arg == nil {
		return false
	}
	own := reflect.TypeFor[interface{ Validate() error }]()
	return validated || arg.Go.Implements(own) || reflect.PointerTo(arg.Go).Implements(own)
}

// note says what a reader may not expect.
func (n namespace) note() string {
	switch {
	case !n.known:
		return "Namespaces for whose names a function of the server's returns true."
	case len(n.parts) > 0:
		return "All namespaces whose names match."
	}
	return ""
}

// answered tells of an event that may have an answer.
func (e event) answered() bool { return e.ack != nil || !e.typed && !e.sent }

func (e event) title() string {
	switch {
	case e.other:
		return "Any other event"
	case e.name == "":
		return `""`
	}
	return e.name
}

func (e event) note() string {
	switch {
	case e.other:
		return "Events that are not named here are handled, too."
	case !e.typed:
		return "Not typed: the contract does not tell what its arguments and its answer are."
	}
	return ""
}

// payload returns the array that the packet of the event has.
func (e event) payload() *jsonschema.Schema {
	name := constant(e.name)
	if e.other {
		known := make([]any, len(e.others))
		for i, name := range e.others {
			known[i] = name
		}
		name = text("The event's name.")
		if len(known) > 0 {
			name.Not = &jsonschema.Schema{Enum: known}
		}
	}
	s := tuple(name)
	if e.arg != nil {
		s = tuple(name, e.arg)
	}
	if e.sent && e.typed {
		closed(s)
	}
	return s
}

// answer returns the array that the packet of the answer has.
func (e event) answer() *jsonschema.Schema {
	if e.ack == nil {
		return &jsonschema.Schema{Type: "array", Description: "Not typed: what is answered is not known."}
	}
	s := tuple(e.ack)
	if !e.sent {
		closed(s)
	}
	return s
}
