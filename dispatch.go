package sio

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/internal/logline"
	"github.com/siokit/sio/socketio"
)

// A dispatcher is a Namespace as the layer below sees it.
type dispatcher struct{ n *Namespace }

// Connect implements [socketio.Handler].
func (d dispatcher) Connect(s *socketio.Socket) (refusal *socketio.Refusal) {
	defer d.contain(s, func() { refusal = &socketio.Refusal{Message: generic} })
	h := d.n.table.Load().connect
	if h == nil {
		return nil
	}
	c := &Context{n: d.n, socket: s, event: "connect"}
	began := d.n.srv.begin()
	err := d.call(h, c)
	d.done(c, c.event, began, err)
	if err == nil {
		return nil
	}
	d.failed(c, err)
	e := public(err)
	return &socketio.Refusal{Message: e.Message, Data: e.Data}
}

// A Context, its event and a little data are allocated as one. The sizes fill
// size classes of the allocator.
type (
	smallEvent struct {
		Context
		ev   socketio.Event
		room [smallRoom]byte
	}
	mediumEvent struct {
		Context
		ev   socketio.Event
		room [mediumRoom]byte
	}
)

const (
	smallRoom  = 80
	mediumRoom = smallRoom + 256
)

// NewEvent implements [socketio.EventMaker].
func (d dispatcher) NewEvent(size int) *socketio.Event {
	switch {
	case size <= smallRoom:
		m := new(smallEvent)
		m.ev.Init(&m.Context, m.room[:])
		return &m.ev
	case size <= mediumRoom:
		m := new(mediumEvent)
		m.ev.Init(&m.Context, m.room[:])
		return &m.ev
	}
	m := new(struct {
		Context
		ev socketio.Event
	})
	m.ev.Init(&m.Context, make([]byte, 0, size))
	return &m.ev
}

// Event implements [socketio.Handler].
func (d dispatcher) Event(s *socketio.Socket, e *socketio.Event) {
	defer d.contain(s, func() { _ = s.Ack(e, ackError{ackErrorBody{Message: generic}}) })
	t := d.n.table.Load()
	c := e.Owner().(*Context)
	c.n, c.socket, c.in = d.n, s, e
	h, name := t.any, ""
	if r := t.events[string(e.NameBytes())]; r != nil {
		c.event, h = r.name, r.h
		name = r.name
	} else {
		c.event = e.Name()
	}
	if h == nil {
		d.n.srv.watch.handled(c, Handled{Route: Route{d.n.name, name}, Outcome: OutcomeNoOne})
		c.named(d.n.srv.log.Debug()).Msg("no handler")
		return
	}
	began := d.n.srv.begin()
	err := d.call(h, c)
	d.done(c, name, began, err)
	if err == nil {
		return
	}
	d.failed(c, err)
	if e.WantsAck() && !e.Acked() {
		p := public(err)
		d.answer(c, p)
	}
}

func (d dispatcher) answer(c *Context, e *Error) {
	err := d.call(func(c *Context) error { return c.Ack(ackError{ackErrorBody{e.Message, e.Data}}) }, c)
	if err == nil || errors.Is(err, ErrClosed) || errors.Is(err, ErrAckSent) || errors.Is(err, ErrQueueFull) {
		return
	}
	c.sparse(zerolog.ErrorLevel, "data").Err(logline.Error(err)).Msg("cannot encode the error's data")
	if e.Data != nil {
		d.answer(c, &Error{Message: e.Message})
	}
}

// Connected implements [socketio.ConnectedHandler].
func (d dispatcher) Connected(s *socketio.Socket) {
	t := d.n.table.Load()
	for _, w := range t.watchers {
		w.Connected(s)
	}
	d.tell(s, "connected", t.connected)
}

// Disconnecting implements [socketio.Handler].
func (d dispatcher) Disconnecting(s *socketio.Socket, _ Reason) {
	d.tell(s, "disconnecting", d.n.table.Load().disconnecting)
}

// Disconnect implements [socketio.Handler].
func (d dispatcher) Disconnect(s *socketio.Socket, _ Reason) {
	d.tell(s, "disconnect", d.n.table.Load().disconnect)
}

// tell calls a handler, if there is one, of something that is no event.
func (d dispatcher) tell(s *socketio.Socket, event string, h Handler) {
	defer d.contain(s, func() {})
	if h == nil {
		return
	}
	c := &Context{n: d.n, socket: s, event: event}
	began := d.n.srv.begin()
	err := d.call(h, c)
	d.done(c, event, began, err)
	if err != nil {
		d.failed(c, err)
	}
}

// WantsUpgrades implements [socketio.UpgradeHandler].
func (d dispatcher) WantsUpgrades() bool { return d.n.table.Load().upgrade != nil }

// Upgraded implements [socketio.UpgradeHandler].
func (d dispatcher) Upgraded(s *socketio.Socket) {
	d.tell(s, "upgrade", d.n.table.Load().upgrade)
}

// call runs a handler and turns a panic into an error.
func (d dispatcher) call(h Handler, c *Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{v, debug.Stack()}
		}
	}()
	return h(c)
}

// contain is the last resort, deferred: errors have methods of the user's, too,
// and they may panic. It calls answer if so.
func (d dispatcher) contain(s *socketio.Socket, answer func()) {
	if v := recover(); v != nil {
		c := &Context{n: d.n, socket: s}
		c.sparse(zerolog.ErrorLevel, "error").Str("panic", fmt.Sprintf("%T", v)).Bytes("stack", debug.Stack()).Msg("panic while an error was handled")
		answer()
	}
}

// failed logs an error, as far as OnError does not see to it, and tells that.
func (d dispatcher) failed(c *Context, err error) {
	onError := d.n.table.Load().onError
	var panicked *PanicError
	switch log := d.n.srv.log; {
	case errors.As(err, &panicked):
		c.sparse(zerolog.ErrorLevel, "panicked").Err(logline.Error(err)).Bytes("stack", panicked.Stack).Msg("handler panicked")
	case onError != nil:
	case isGone(err), errors.Is(err, context.Canceled) && c.Context().Err() != nil:
		c.named(log.Debug()).Err(logline.Error(err)).Msg("handler failed: the client has left")
	case isRefusal(err) && c.in == nil && c.event == "connect": // the client is not let in
		c.sparse(zerolog.InfoLevel, "refused").Err(logline.Error(err)).Msg("handler refused")
	case isRefusal(err):
		c.named(log.Debug()).Err(logline.Error(err)).Msg("handler refused")
	default:
		c.sparse(zerolog.ErrorLevel, "failed").Err(logline.Error(err)).Msg("handler failed")
	}
	if onError == nil {
		return
	}
	if err := d.call(func(c *Context) error { onError(c, err); return nil }, c); err != nil {
		c.sparse(zerolog.ErrorLevel, "OnError").Err(logline.Error(err)).Msg("OnError panicked")
	}
}

// ServerEvent implements [socketio.ServerHandler].
func (d dispatcher) ServerEvent(ctx context.Context, io *socketio.Namespace, event string, args Args) (answer any, err error) {
	h := d.n.table.Load().server[event]
	if h == nil {
		d.n.srv.log.Debug().Str("nsp", d.n.Name()).Str("event", event).Msg("no handler of a server's event")
		return nil, socketio.ErrNoHandler
	}
	defer func() {
		if v := recover(); v != nil {
			p := &PanicError{v, debug.Stack()}
			answer, err = nil, p
			d.serverEvent("panicked", event).Err(logline.Error(p)).Bytes("stack", p.Stack).Msg("handler of a server's event panicked")
		}
	}()
	n := d.n
	if io.Name() != n.Name() { // one of a pattern
		n = n.srv.Of(io.Name())
	}
	answer, err = h(ctx, n, args)
	if err != nil { // not everybody who emits is told
		d.serverEvent("failed", event).Err(logline.Error(err)).Msg("handler of a server's event failed")
	}
	return answer, err
}

// serverEvent begins a line of the log about a handler of a server's event.
func (d dispatcher) serverEvent(kind, event string) *zerolog.Event {
	return d.n.srv.log.Sparse(zerolog.ErrorLevel, "", kind, d.n.name, event).Str("nsp", d.n.Name()).Str("event", event)
}

// outgoing calls the handler that there is, and contains its panic.
func (n *Namespace) outgoing(s *Socket, event string, args []any) {
	h := n.table.Load().outgoing
	if h == nil { // it is being registered
		return
	}
	defer func() {
		if v := recover(); v != nil {
			n.srv.log.Sparse(zerolog.ErrorLevel, "", "outgoing", n.name).Str("nsp", n.Name()).Str("event", logline.Text(event, logline.NameLimit)).Str("panic", fmt.Sprintf("%T", v)).Bytes("stack", debug.Stack()).Msg("OnAnyOutgoing panicked")
		}
	}()
	h(s, event, args)
}
