package sio

import (
	"context"
	"fmt"
	"reflect"

	"github.com/siokit/sio/socketio/parser"
)

// On registers a handler for an event with one argument, which is decoded into an In.
// Then [Options].Validator checks it, and if In or *In has a method Validate() error,
// that is called next. If the argument is missing, does not fit or is not valid, the
// handler is not called, and the client is told so if it has asked for an ack. The text
// of an error of Validate reaches the client only if it is an [Error] or an
// [InvalidError].
//
// If In is struct{}, arguments are ignored.
func On[In any](r Router, event string, h func(c *Context, in In) error, mw ...Middleware) {
	if h == nil {
		panic(fmt.Sprintf("sio: On(%q): nil handler", event))
	}
	bind := binder[In]()
	on(r, "On", event, eventTypes{arg: typeOf[In]()}, func(c *Context) error {
		in, err := bind(c)
		if err != nil {
			return err
		}
		return h(c, in)
	}, mw)
}

// OnWithAck registers a handler as [On] does. The value that h returns is sent to the
// client as the ack, if it has asked for one.
func OnWithAck[In, Out any](r Router, event string, h func(c *Context, in In) (Out, error), mw ...Middleware) {
	if h == nil {
		panic(fmt.Sprintf("sio: OnWithAck(%q): nil handler", event))
	}
	bind := binder[In]()
	on(r, "OnWithAck", event, eventTypes{typeOf[In](), reflect.TypeFor[Out]()}, func(c *Context) error {
		in, err := bind(c)
		if err != nil {
			return err
		}
		out, err := h(c, in)
		if err != nil {
			return err
		}
		return c.Ack(out)
	}, mw)
}

func on(r Router, what, event string, types eventTypes, h Handler, mw []Middleware) {
	r.checkArg(fmt.Sprintf("%s(%q)", what, event), types.arg)
	r.typed(event, types, func() { r.On(event, h, mw...) })
}

// binder returns what decodes the one argument of a typed handler.
func binder[In any]() func(*Context) (In, error) {
	if typeOf[In]() == nil {
		return func(*Context) (in In, err error) { return in, nil }
	}
	return func(c *Context) (In, error) {
		var in In
		if err := c.Bind(&in); err != nil {
			return in, err
		}
		return in, checked(c, "argument 1", &in)
	}
}

// OnConnect registers the handler that decides about a client that connects, as the
// method of [Router] does. What the client has sent as its auth is decoded into an Auth,
// and checked as the argument of [On] is. A client that has sent none is refused, unless
// Auth is a pointer, which is nil then, or struct{}, which ignores what is sent.
func OnConnect[Auth any](r Router, h func(c *Context, auth Auth) error, mw ...Middleware) {
	if h == nil {
		panic("sio: OnConnect: nil handler")
	}
	if typeOf[Auth]() == nil {
		r.OnConnect(func(c *Context) error { return h(c, *new(Auth)) }, mw...)
		return
	}
	t := reflect.TypeFor[Auth]()
	r.checkArg("OnConnect", t)
	optional := t.Kind() == reflect.Pointer
	r.OnConnect(func(c *Context) error {
		var sent *Auth // nil without a payload
		if err := c.BindAuth(&sent); err != nil {
			return err
		}
		switch {
		case sent != nil:
			if err := checked(c, "auth payload", sent); err != nil {
				return err
			}
		case optional:
			sent = new(Auth)
		default:
			return &Error{Message: "auth payload is missing"}
		}
		return h(c, *sent)
	}, mw...)
	r.typedConnect(t)
}

// An Emitter sends events: a [Context], [Socket], [Emission] or [RemoteSocket] to one
// client, a [Target], [Namespace] or [Server] to many.
type Emitter interface {
	Emit(event string, args ...any) error
}

// A ContextEmitter sends events to one client, and waits until there is room: a
// [Context], [Socket] or [Emission]. Types that send to many clients have no such
// method, since a broadcast waits for nobody.
type ContextEmitter interface {
	EmitContext(ctx context.Context, event string, args ...any) error
}

// An Event is the name of an event together with the type of its argument.
type Event[T any] struct {
	name string
	skip uint8 // how many arguments are not sent: 1 if T is struct{}
}

// NewEvent returns the event with the given name. It panics if the name is reserved,
// such as "connect".
func NewEvent[T any](name string) Event[T] {
	if parser.IsReserved(name) {
		panic(fmt.Sprintf("sio: NewEvent(%q): the name is reserved", name))
	}
	e := Event[T]{name: name}
	if typeOf[T]() == nil {
		e.skip = 1
	}
	return e
}

// Name returns the event's name.
func (e Event[T]) Name() string { return e.name }

// Emit sends the event with the argument v, or with none if T is struct{}.
func (e Event[T]) Emit(to Emitter, v T) error {
	return to.Emit(e.name, []any{v}[e.skip:]...)
}

// EmitContext sends the event with the argument v to one client when there is room.
// See [Context.EmitContext].
func (e Event[T]) EmitContext(ctx context.Context, to ContextEmitter, v T) error {
	return to.EmitContext(ctx, e.name, []any{v}[e.skip:]...)
}

func (e Event[T]) declare(t *table) string {
	return t.send(SentEvent{Name: e.name, Typed: true, Arg: typeOf[T]()})
}

// On registers a handler for the event, as the function [On] does.
func (e Event[T]) On(r Router, h func(c *Context, v T) error, mw ...Middleware) {
	On(r, e.name, h, mw...)
}

// A Store keeps values for a client: a [Context] or a [Socket].
type Store interface {
	Value(key any) any
	SetValue(key, v any) error
}

// A Key stores a value of one type for a client. On one server two keys are never the same,
// even if they have the same name. By its name a value is found again on another server, to
// which the client has come by [Options].Recovery in a cluster: there the names of keys have to
// differ.
type Key[T any] struct{ id *keyID[T] }

type keyID[T any] struct{ name string }

// KeyName implements [socketio.NamedKey].
func (k *keyID[T]) KeyName() string { return k.name }

// DecodeValue implements [socketio.NamedKey].
func (k *keyID[T]) DecodeValue(decode func(ptr any) error) (any, error) {
	var v T
	err := decode(&v)
	return v, err
}

// NewKey returns a new key.
func NewKey[T any](name string) Key[T] { return Key[T]{&keyID[T]{name}} }

// Set stores a value for a client. It fails as [socketio.Socket.SetValue] does: only if the
// value is to follow the client to other servers, and can't be encoded.
func (k Key[T]) Set(s Store, v T) error { return s.SetValue(k.id, v) }

// Get returns the value that Set has stored. It reports false if there is none.
func (k Key[T]) Get(s Store) (T, bool) {
	v, ok := s.Value(k.id).(T)
	return v, ok
}

// MustGet returns the value that Set has stored. It panics with the key's name if
// there is none.
func (k Key[T]) MustGet(s Store) T {
	v, ok := k.Get(s)
	if !ok {
		panic("sio: nothing is stored under key " + k.id.name)
	}
	return v
}

// An Asker sends an event to one client and waits for its answer: a [Context],
// [Socket], [Emission] or [RemoteSocket].
type Asker interface {
	EmitWithAck(ctx context.Context, event string, args ...any) (Args, error)
}

// Call sends an event to one client, waits for its answer and returns the first
// argument of the answer. It fails as EmitWithAck does, and if that argument is
// missing or does not fit.
func Call[Out any](ctx context.Context, client Asker, event string, args ...any) (Out, error) {
	var out Out
	answer, err := client.EmitWithAck(ctx, event, args...)
	if err == nil {
		err = answer.Bind(&out)
	}
	return out, err
}
