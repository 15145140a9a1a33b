package sio

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// A Contract is what a server and its clients may send each other, with the Go types
// of it. It is made of what has been registered and declared: see [Server.Contract].
type Contract struct {
	Namespaces []NamespaceContract // and patterns, sorted by name
	Validated  bool                // Options.Validator is set: what typed handlers get keeps the rules of its types
	RuleTag    string              // the struct tag that has the rules, as a [RuleTagger] says, or ""
}

// A NamespaceContract is the part of a [Contract] that belongs to one namespace, or
// to all that a pattern stands for.
type NamespaceContract struct {
	Name    string          // "/chat", or the pattern "/tenant-{id}"; "{func 1}" for the first of OfFunc
	Auth    reflect.Type    // what [OnConnect] decodes the client's auth payload into, or nil
	Refusal reflect.Type    // the Data of the Error that refuses a client, as [ConnectError] declares it, or nil
	Receive []ReceivedEvent // what clients may send, sorted by name
	Send    []SentEvent     // what the server sends, as Declare has it, sorted by name
	Any     bool            // there is a handler for all other events
	Rank    int             // of what stands for many names: if several match one, the lowest rank counts
}

// A ReceivedEvent is an event that has a handler.
type ReceivedEvent struct {
	Name    string
	Typed   bool         // the handler is one of On, OnWithAck or the like, so that Arg and Ack are known
	Arg     reflect.Type // of the argument; nil if there is none, or it is not known
	Ack     reflect.Type // of the answer; nil if there is none, or it is not known
	Failure reflect.Type // the Data of an [Error] in place of the answer, as [AckError] declares it, or nil
}

// A SentEvent is an event that the server sends.
type SentEvent struct {
	Name  string
	Typed bool         // it is an [Event] or [EventWithAck], so that Arg and Ack are known
	Arg   reflect.Type // of the argument; nil if there is none, or it is not known
	Ack   reflect.Type // of the answer that the client is asked for; nil if there is none, or it is not known
}

// Contract returns what has been registered and declared so far. Handlers that are not
// typed are listed as such. The types are those of Go: packages that need more of them,
// such as their JSON, look at their fields and tags.
func (s *Server) Contract() Contract {
	c := Contract{Validated: s.opts.Validator != nil}
	if v, ok := s.opts.Validator.(RuleTagger); ok {
		c.RuleTag = v.RuleTag()
	}
	for _, n := range s.all() {
		c.Namespaces = append(c.Namespaces, n.contract())
	}
	return c
}

func (n *Namespace) contract() NamespaceContract {
	t := n.table.Load()
	c := NamespaceContract{Name: n.name, Auth: t.auth, Refusal: t.refusal, Any: t.any != nil, Rank: n.rank}
	for _, name := range slices.Sorted(maps.Keys(t.events)) {
		e := ReceivedEvent{Name: name}
		if types := t.events[name].types; types != nil {
			e.Typed, e.Arg, e.Ack = true, types.arg, types.ack
		}
		e.Failure = t.failures[name]
		if e.Failure == nil {
			e.Failure = t.failures[""]
		}
		c.Receive = append(c.Receive, e)
	}
	for _, name := range slices.Sorted(maps.Keys(t.sent)) {
		c.Send = append(c.Send, t.sent[name])
	}
	return c
}

// eventTypes are those of an event whose handler is typed.
type eventTypes struct {
	arg reflect.Type // nil for none
	ack reflect.Type // nil for none
}

// typed calls register, which registers a typed handler, and notes its types. A Router of
// the user's may give events other names, or leave them out.
func (g *group) typed(event string, types eventTypes, register func()) {
	var before map[string]*route
	if t := g.n.table.Load(); t != nil {
		before = t.events
	}
	register()
	g.n.register(func(t *table) {
		var fresh []string
		for name := range t.events {
			if before[name] == nil {
				fresh = append(fresh, name)
			}
		}
		if slices.Contains(fresh, event) {
			fresh = []string{event}
		}
		if len(fresh) == 1 { // else others register at the same time
			r := t.events[fresh[0]]
			t.events[fresh[0]] = &route{r.name, r.h, &types}
		}
	})
}

// typedConnect notes the type of the auth payload.
func (g *group) typedConnect(auth reflect.Type) {
	g.n.register(func(t *table) { t.auth = auth })
}

// checkArg panics if nothing can be decoded into a type, or if the server's validator
// can't check values of it.
func (g *group) checkArg(where string, t reflect.Type) {
	if t == nil {
		return
	}
	if isUndecodable(t) {
		panic(fmt.Sprintf("sio: %s in namespace %s: nothing can be decoded into a %v", where, g.n.Name(), t))
	}
	if c, ok := g.n.srv.opts.Validator.(TypeChecker); ok {
		if err := c.CheckType(t); err != nil {
			panic(fmt.Sprintf("sio: %s in namespace %s: %v", where, g.n.Name(), err))
		}
	}
}

// isUndecodable tells of channels and functions without methods, and of pointers that
// have no end, as those of type P *P.
func isUndecodable(t reflect.Type) bool {
	seen := make(map[reflect.Type]bool)
	for ; t.Kind() == reflect.Pointer; t = t.Elem() {
		if seen[t] {
			return true
		}
		seen[t] = true
	}
	return (t.Kind() == reflect.Chan || t.Kind() == reflect.Func) && reflect.PointerTo(t).NumMethod() == 0
}

// A Declaration says what a namespace sends: an [Event], an [EventWithAck], an
// [UntypedEvent], a [ConnectError] or an [AckError]. See Declare of [Router].
type Declaration interface {
	declare(t *table) (problem string)
}

// Declare adds to the [Contract] what the server sends. See [Router].
func (g *group) Declare(all ...Declaration) {
	g.n.register(func(t *table) {
		t.sent, t.failures = maps.Clone(t.sent), maps.Clone(t.failures)
		if t.sent == nil {
			t.sent = make(map[string]SentEvent)
		}
		if t.failures == nil {
			t.failures = make(map[string]reflect.Type)
		}
		for _, d := range all {
			problem := "nil declaration"
			if d != nil {
				problem = d.declare(t)
			}
			if problem != "" {
				panic("sio: Declare in namespace " + g.n.Name() + ": " + problem)
			}
		}
	})
}

func (t *table) send(e SentEvent) (problem string) {
	if e.Name == "" && !e.Typed {
		return "an event without a name" // the zero value of UntypedEvent
	}
	if why := noEvent(e.Name); why != "" {
		return fmt.Sprintf("%q: %s", e.Name, why)
	}
	if _, there := t.sent[e.Name]; there {
		return fmt.Sprintf("%q is declared already", e.Name)
	}
	t.sent[e.Name] = e
	return ""
}

// An UntypedEvent is the name of an event of which no more is known: its arguments
// may be any. It is for Declare, where an event has several arguments, or is sent by
// a bridge that does not know its type.
type UntypedEvent string

func (e UntypedEvent) declare(t *table) string { return t.send(SentEvent{Name: string(e)}) }

// A ConnectError declares that the Data of the [Error] by which OnConnect refuses a
// client is a T. The client finds it as err.data in "connect_error".
//
//	srv.Declare(sio.ConnectError[Refusal]{})
type ConnectError[T any] struct{}

func (ConnectError[T]) declare(t *table) string {
	if t.refusal != nil {
		return "there is a ConnectError already"
	}
	t.refusal = reflect.TypeFor[T]()
	return ""
}

// An AckError declares that the Data of the [Error] that a handler returns in place of
// an answer is a T. Without names it is so for all events that have no AckError of
// their own.
//
//	srv.Declare(sio.AckError[Problem]{}, sio.AckError[NoStock]{"order", "reserve"})
type AckError[T any] []string

func (a AckError[T]) declare(t *table) string {
	names := []string(a)
	if len(names) == 0 {
		names = []string{""}
	}
	for _, name := range names {
		if why := noEvent(name); why != "" {
			return fmt.Sprintf("AckError for %q: %s", name, why)
		}
		if t.failures[name] != nil {
			if name == "" {
				return "there is an AckError for all events already"
			}
			return fmt.Sprintf("there is an AckError for %q already", name)
		}
		t.failures[name] = reflect.TypeFor[T]()
	}
	return ""
}

// typeOf returns the type of an argument, or nil for struct{}, which stands for none.
func typeOf[T any]() reflect.Type {
	t := reflect.TypeFor[T]()
	if t == noArgument {
		return nil
	}
	return t
}

var noArgument = reflect.TypeFor[struct{}]()

// Patterned reports whether the namespace stands for all names that match, such as
// "/tenant-{id}".
func (n NamespaceContract) Patterned() bool { return strings.ContainsAny(n.Name, braces) }
