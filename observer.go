package sio

import (
	"context"
	"errors"
	"time"

	"github.com/siokit/sio/internal/growing"
	"github.com/siokit/sio/socketio"
)

// An Observer is told what a server does: it is what metrics are made of. [Options].Observers
// lists those of a server. Package metrics/prometheus has one, and metrics/otel.
//
// An Observer has functions, and those that are nil are passed over. They are here, in
// [socketio.Observer] and in [engineio.Observer]:
//
//	var o sio.Observer
//	o.SessionClosed = func(s *engineio.Session, reason sio.Reason) { … }
//	srv := sio.New(&sio.Options{Observers: []*sio.Observer{&o}})
//
// The functions are called by any goroutine, several at a time, and some by goroutines that
// others wait for, or with locks of the server's. They must return at once and not panic, and
// may read what they are given, but neither emit nor close anything, nor, but for Created,
// ask for Stats. What happens for each packet is only counted: [Server.Stats] returns that.
type Observer struct {
	socketio.Observer
	// Created is called by New, or [Server.Observe], with the server, whose [Server.Stats] the
	// Observer may ask for from then on.
	Created func(srv *Server)
	// Handled is called when a handler has returned, by the goroutine that it ran on.
	Handled func(c *Context, h Handled)
}

// Handled describes what a handler has done.
type Handled struct {
	Route   Route // as [Context.Route] returns it
	Outcome Outcome
	Took    time.Duration // with middlewares
}

// An Outcome says how a handler has ended.
type Outcome string

const (
	OutcomeOK       Outcome = "ok"
	OutcomeRefused  Outcome = "refused"   // with an [Error], or another one about what the client asked for
	OutcomeGone     Outcome = "gone"      // with an error of a client that has left, or does not keep up
	OutcomeFailed   Outcome = "failed"    // with any other error
	OutcomePanicked Outcome = "panicked"  //
	OutcomeNoOne    Outcome = "unhandled" // there was no handler
)

// OutcomeOf returns how a handler has ended that has returned err. Ctx is the context of its
// client. It is for middlewares that tell the client's errors from others.
func OutcomeOf(ctx context.Context, err error) Outcome {
	if err == nil {
		return OutcomeOK // before there is anything to allocate
	}
	var panicked *PanicError
	switch {
	case errors.As(err, &panicked):
		return OutcomePanicked
	case isGone(err), errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return OutcomeGone
	case isRefusal(err):
		return OutcomeRefused
	}
	return OutcomeFailed
}

// Observe adds an observer, as [Options].Observers does. It is for what is mounted on a server
// that there is already, such as package adminui, and is to be called before clients come.
func (s *Server) Observe(o *Observer) {
	s.io.Observe(&o.Observer)
	if o.Handled != nil { // or no handler need be timed
		s.watch.Add(o)
	}
	if o.Created != nil {
		o.Created(s)
	}
}

// Stats are what a server has at one time, and what it has counted:
//
//   - of connections and traffic, by transport: [socketio.Stats.Engine]
//   - of namespaces, their clients, rooms and events: [socketio.Stats.Namespaces]
//   - what waits for handlers: [socketio.Stats.Waiting], [socketio.Stats.WaitingBytes]
type Stats = socketio.Stats

// Stats returns what the server has, and what it has counted since it was made. Traffic is
// counted only since there has been an [Observer]. It looks at each connection, which takes
// some milliseconds for ten thousand, but holds nobody up.
func (s *Server) Stats() Stats { return s.io.Stats() }

// observers are those that are told of handlers, one after the other.
type observers struct{ growing.List[*Observer] }

func (all *observers) handled(c *Context, h Handled) {
	for _, o := range all.All() {
		o.Handled(c, h)
	}
}

// begin returns the time, if somebody is to be told how long a handler takes, and else -1.
func (s *Server) begin() (began time.Duration) {
	if len(s.watch.All()) == 0 {
		return -1
	}
	return time.Since(s.born)
}

// done tells how the handler of an event has ended, which began at a time.
func (d dispatcher) done(c *Context, event string, began time.Duration, err error) {
	s := d.n.srv
	if began < 0 {
		return
	}
	outcome := OutcomeOK
	if err != nil { // or the context need not be made
		outcome = OutcomeOf(c.Context(), err)
	}
	s.watch.handled(c, Handled{Route{d.n.name, event}, outcome, time.Since(s.born) - began})
}
