package sio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
)

// A Context is the argument of a handler: one event, and the socket that it came
// from. Its methods read the event, answer it, and address its client and others.
// A Context is made for one event and never reused. It may be kept, and used from
// any goroutine.
type Context struct {
	n      *Namespace
	socket *socketio.Socket
	in     *socketio.Event // nil but for events
	event  string
	next   Handler          // inside of the socket's own middlewares
	ctx    *context.Context // of WithContext, or nil. A pointer: every event pays for a Context's size
}

// Event returns the name of the event. In the handlers of OnConnect, OnConnected,
// OnUpgrade, OnDisconnecting and OnDisconnect it is "connect", "connected",
// "upgrade", "disconnecting" and "disconnect".
func (c *Context) Event() string { return c.event }

// Namespace returns the name of the client's namespace, such as "/chat". If the
// namespace is one of a pattern, the client has chosen the name: up to 256 bytes,
// without control characters.
func (c *Context) Namespace() string { return c.socket.Namespace().Name() }

// Route returns what the handler has been registered for: the name of its namespace,
// which is a pattern if it was given as one, and the event, which is "" for events
// that only OnAny handles. Whatever clients send, there are no more Routes than
// registrations, so that they can be labels of metrics and names of spans.
func (c *Context) Route() Route {
	r := Route{c.n.name, c.event}
	if c.in != nil && c.n.table.Load().events[c.event] == nil {
		r.Event = ""
	}
	return r
}

// Param returns the value that a part of the namespace's pattern has for this
// client: with the pattern "/tenant-{id}" and a client in "/tenant-42",
// Param("id") is "42". The client has chosen the value. It is not empty and has no
// slash, and nothing else about it can be relied on. Param returns "" if the
// pattern has no such part.
func (c *Context) Param(name string) string {
	p := c.n.pattern
	if p == nil {
		return ""
	}
	value, _ := p.find(c.Namespace(), p.index(name))
	return value
}

// Socket returns the socket that the event came from.
func (c *Context) Socket() *Socket { return c.socket }

// ID returns the socket's id.
func (c *Context) ID() string { return c.socket.ID() }

// Context returns a context that ends when the client leaves the namespace. Its
// cause is the [Reason]. It has the values of the handshake request's context,
// unless [Options].ForgetRequest is set. A middleware may have given it more, by
// [Context.WithContext].
func (c *Context) Context() context.Context {
	if c.ctx != nil {
		return *c.ctx
	}
	return c.socket.Context()
}

// WithContext returns a copy of c whose Context is ctx. It is for middlewares that
// give the handlers inside of them a deadline or a value for one event, as in
// next(c.WithContext(ctx)). Ctx has to be derived from c.Context(). All else of the
// copy is that of c: an answer through one is the answer of both.
func (c *Context) WithContext(ctx context.Context) *Context {
	if ctx == nil {
		panic("sio: WithContext: nil context")
	}
	d := &struct {
		Context
		ctx context.Context
	}{*c, ctx}
	d.Context.ctx = &d.ctx
	return &d.Context
}

// Request returns a copy of the request that opened the connection. It has no
// body, and its context ends with the connection. It must not be changed. Request
// returns nil if [Options].ForgetRequest is set.
func (c *Context) Request() *http.Request {
	if v, ok := c.socket.Session().Value().(*captured); ok {
		return v.req
	}
	return nil
}

// Handshake describes the request that opened the connection. With
// [Options].ForgetRequest it has neither URL nor headers.
func (c *Context) Handshake() Handshake { return c.socket.Handshake() }

// Captured returns the value that the capture function of [HandlerWith] or of an
// adapter has returned for the connection, or nil. The function [Captured] is typed.
func (c *Context) Captured() any {
	if v, ok := c.socket.Session().Value().(*captured); ok {
		return v.value
	}
	return nil
}

// Captured returns the value that the capture function of [HandlerWith] or of an
// adapter has returned for c's connection. It reports false if there is none of
// type T.
func Captured[T any](c *Context) (T, bool) {
	v, ok := c.Captured().(T)
	return v, ok
}

// RemoteAddr returns the client's address as the HTTP server saw it.
func (c *Context) RemoteAddr() string { return c.socket.Session().RemoteAddr() }

// Transport returns the transport that is now in use, "polling" or "websocket".
func (c *Context) Transport() string { return c.socket.Session().Transport() }

// Recovered reports whether the client has come back with [Options].Recovery, from
// the connect handler on. Its id, its rooms and the values that Set has stored are
// then those of its last connection, which may still be there and stays as it is
// until the connect handler accepts. The events that the client has missed are sent
// after that.
func (c *Context) Recovered() bool { return c.socket.Recovered() }

// Reason returns why the client left, or "" while it is connected.
func (c *Context) Reason() Reason { return c.socket.Reason() }

// Cause returns the error behind [Context.Reason]: a network error, or the rule that
// the client broke, as an [engineio.ProtocolError] or [parser.Error]. It is nil where
// there is no more to say than the reason. The error's text quotes nothing that the
// client sent, but may contain addresses.
func (c *Context) Cause() error { return c.socket.Cause() }

// Logger returns the server's logger.
func (c *Context) Logger() *zerolog.Logger { return &c.n.srv.log.Logger }

// Args returns the event's arguments. There are none where the event is a connect,
// a disconnect or the like.
func (c *Context) Args() Args {
	if c.in == nil {
		return Args{}
	}
	return c.in.Args()
}

// Bind decodes the event's arguments, one into each pointer. A nil in place of a
// pointer skips an argument, and further arguments are ignored. A handler can
// return the error as it is: it tells the client which argument is missing or
// invalid. Only events have arguments. [Context.BindAuth] decodes what a client
// sends when it connects.
//
// With [Options].Validator, the client is also told which field is invalid, as of an
// [InvalidError], with the rule "type" and the type of JSON that is due: "boolean",
// "integer", "number", "string", "array", "object", "binary" or "date-time". If the type
// is right, the rule is "range" for numbers and "format" for strings.
func (c *Context) Bind(ptrs ...any) error {
	if c.in == nil && len(ptrs) > 0 {
		return fmt.Errorf("sio: Bind in the handler of %q, which has no arguments; the payload of a connect is for BindAuth", c.event)
	}
	if err := c.Args().Bind(ptrs...); err != nil {
		return c.badArgument(err, ptrs)
	}
	return nil
}

// BindAuth decodes the payload of the client's CONNECT, which is the auth option of
// the official clients. Without a payload it leaves what ptr points to unchanged.
// Credentials are not kept: BindAuth works only while the connect handler runs. It
// fails with [ErrAuthGone] afterwards, and with [ErrClosed] if the client has left
// meanwhile.
func (c *Context) BindAuth(ptr any) error {
	err := c.socket.BindAuth(ptr)
	if err != nil && err != ErrAuthGone && err != ErrClosed && !errors.Is(err, parser.ErrNoPointer) {
		return c.located(&Error{Message: "auth payload is invalid", Err: parser.NewDecodeError(err, ptr)}, c.auth(), 0, ptr)
	}
	return err
}

// WantsAck reports whether the client has asked for an answer to the event.
func (c *Context) WantsAck() bool { return c.in != nil && c.in.WantsAck() }

// Ack answers the event. It does nothing if the client has not asked for an answer.
// A second answer to the same event fails with [ErrAckSent].
func (c *Context) Ack(v ...any) error {
	if c.in == nil {
		return nil
	}
	return c.socket.Ack(c.in, v...)
}

// Emit sends an event to the client, and does not wait for the network. See
// [socketio.Socket.Emit].
func (c *Context) Emit(event string, args ...any) error { return c.socket.Emit(event, args...) }

// EmitContext sends an event to the client after waiting until most of what was
// emitted before has been sent, or ctx ends. It is for handlers that have much to
// send. See [socketio.Socket.EmitContext].
func (c *Context) EmitContext(ctx context.Context, event string, args ...any) error {
	return c.socket.EmitContext(ctx, event, args...)
}

// EmitWithAck sends an event to the client, waits for its answer and returns that.
// It fails with the cause of ctx if that ends first, and with [ErrClosed] if the
// client leaves. In the connect handler, while the client can't answer yet, it fails
// with [ErrConnecting]: ask in OnConnected. See [socketio.Socket.EmitWithAck].
func (c *Context) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	return c.socket.EmitWithAck(ctx, event, args...)
}

// Volatile returns an [Emission] whose events are dropped if they can't be sent at
// once.
func (c *Context) Volatile() Emission { return c.socket.Volatile() }

// Compress returns an [Emission] whose events are not compressed if on is false,
// whatever [Options].Compression and HTTPCompressionThreshold say.
func (c *Context) Compress(on bool) Emission { return c.socket.Compress(on) }

// Timeout returns an [Emission] whose EmitWithAck waits no longer than d, whatever
// its context allows.
func (c *Context) Timeout(d time.Duration) Emission { return c.socket.Timeout(d) }

// Join adds the client to rooms. It fails with [ErrTooManyRooms] when the client
// would be in more than [Options].MaxRooms, an error that a handler can return as it
// is. See [socketio.Socket.Join].
func (c *Context) Join(rooms ...string) error { return c.socket.Join(rooms...) }

// Leave removes the client from rooms.
func (c *Context) Leave(rooms ...string) { c.socket.Leave(rooms...) }

// Rooms returns the rooms that the client is in, in no particular order. In
// OnDisconnecting these are the rooms that it was in; afterwards there are none.
func (c *Context) Rooms() []string { return c.socket.Rooms() }

// To returns the [Target] of the sockets in any of the rooms, without this one. An
// empty list of rooms addresses nobody.
func (c *Context) To(rooms ...string) Target { return c.socket.To(rooms...) }

// In is another name for [Context.To].
func (c *Context) In(rooms ...string) Target { return c.socket.To(rooms...) }

// Except returns the [Target] of all other sockets of the namespace that are in none
// of the rooms.
func (c *Context) Except(rooms ...string) Target { return c.socket.Broadcast().Except(rooms...) }

// Broadcast returns the [Target] of all other sockets of the namespace.
func (c *Context) Broadcast() Target { return c.socket.Broadcast() }

// Local returns the [Target] of all other sockets of the namespace that are
// connected to this server, not to others of a cluster.
func (c *Context) Local() Target { return c.socket.Local() }

// Disconnect makes the client leave the namespace. Disconnect(true) makes it leave
// all of its namespaces and closes the connection. Official clients do not reconnect
// by themselves after that.
func (c *Context) Disconnect(closeConn ...bool) { c.socket.Disconnect(closeConn...) }

// ExpireAt closes the connection at t, such as when the client's token expires. The
// client sees "transport close" (Python's client "transport error"), reconnects by
// itself, and passes the HTTP middlewares and the connect handler again. Of several
// calls the last one counts. The zero time cancels it.
func (c *Context) ExpireAt(t time.Time) { c.socket.ExpireAt(t) }

// Get returns the value that Set has stored for the client, or nil. A [Key] is typed.
func (c *Context) Get(key string) any { return c.socket.Value(key) }

// Set stores a value for the client, for as long as it is connected. It fails as
// [socketio.Socket.SetValue] does: only if the value is to follow the client to other servers,
// and can't be encoded.
func (c *Context) Set(key string, v any) error { return c.socket.SetValue(key, v) }

// Value returns the value that SetValue has stored for the client under key, or nil.
// With SetValue it makes a Context a [Store] for a [Key].
func (c *Context) Value(key any) any { return c.socket.Value(key) }

// SetValue stores a value for the client under a key of any comparable type. It fails as Set
// does.
func (c *Context) SetValue(key, v any) error { return c.socket.SetValue(key, v) }
