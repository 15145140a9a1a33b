package sio

import (
	"context"
	"reflect"
)

// An EventWithAck is the name of an event together with the types of its argument and
// of the answer to it.
type EventWithAck[In, Out any] struct{ Event[In] }

// NewEventWithAck returns the event with the given name. It panics if the name is
// reserved, such as "connect".
func NewEventWithAck[In, Out any](name string) EventWithAck[In, Out] {
	return EventWithAck[In, Out]{NewEvent[In](name)}
}

// On registers a handler for the event, as the function [OnWithAck] does.
func (e EventWithAck[In, Out]) On(r Router, h func(c *Context, in In) (Out, error), mw ...Middleware) {
	OnWithAck(r, e.name, h, mw...)
}

// Call sends the event to one client, waits for its answer and returns it. It fails as
// the function [Call] does.
func (e EventWithAck[In, Out]) Call(ctx context.Context, client Asker, v In) (Out, error) {
	return Call[Out](ctx, client, e.name, []any{v}[e.skip:]...)
}

// A ManyAsker sends an event to many clients and waits for their answers: a [Target],
// [Namespace] or [Server].
type ManyAsker interface {
	EmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error)
}

// A Reply is what one of many clients has answered.
type Reply[Out any] struct {
	ID    string // of the socket; see [Answer]
	Value Out
	Err   error // why there is no value: that of the [Answer], or that of Bind if the answer does not fit
}

// CallAll sends the event to many clients, waits for their answers and returns them. It
// fails as EmitWithAck does, with the answers that have come. An answer that does not
// fit is one of them, with an error.
func (e EventWithAck[In, Out]) CallAll(ctx context.Context, clients ManyAsker, v In) ([]Reply[Out], error) {
	answers, err := clients.EmitWithAck(ctx, e.name, []any{v}[e.skip:]...)
	replies := make([]Reply[Out], len(answers))
	for i, a := range answers {
		replies[i] = Reply[Out]{ID: a.ID, Err: a.Err}
		if a.Err == nil {
			replies[i].Err = a.Args.Bind(&replies[i].Value)
		}
	}
	return replies, err
}

func (e EventWithAck[In, Out]) declare(t *table) string {
	return t.send(SentEvent{Name: e.name, Typed: true, Arg: typeOf[In](), Ack: reflect.TypeFor[Out]()})
}
