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

// A Context is what a handler gets: one event, and the socket that it came
// from. It is made for that event, never reused, safe to keep and to use from
// any goroutine.
type Context struct {
	n      *Namespace
	socket *socketio.Socket
	in     *socketio.Event // nil but for events
	event  string
	next   Handler // inside of the socket's own middlewares
}

// Event returns the event's name; "connect", "connected", "upgrade", "disconnecting"
// or "disconnect" in the handlers of these.
func (c *Context) Event() string { return c.event }

// Namespace returns the name of the namespace, such as "/chat". Where that is
// one of a pattern, the client has chosen it: up to 256 bytes, without control
// characters.
func (c *Context) Namespace() string { return c.socket.Namespace().Name() }

// Param returns what the client's namespace has in place of a part of its
// pattern: of "/tenant-{id}" and a client in "/tenant-42", Param("id") is "42".
// It is as the client sent it: not empty, without a slash, and otherwise not
// to be trusted. Without such a part it is "".
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

// Context returns a context that ends when the client leaves, its cause being
// the [Reason]. It has the values of the handshake request's context.
func (c *Context) Context() context.Context { return c.socket.Context() }

// Request returns the request that opened the connection, detached from the
// handler that served it: without its body, with a context that ends with the
// connection. It is nil with Options.ForgetRequest, and must not be changed.
func (c *Context) Request() *http.Request {
	if v, ok := c.socket.Session().Value().(*captured); ok {
		return v.req
	}
	return nil
}

// Handshake returns what is known of the request that opened the connection:
// less with Options.ForgetRequest.
func (c *Context) Handshake() Handshake { return c.socket.Handshake() }

// Captured returns what an adapter has captured of the request that opened the
// connection, or nil.
func (c *Context) Captured() any {
	if v, ok := c.socket.Session().Value().(*captured); ok {
		return v.value
	}
	return nil
}

// Captured returns what an adapter's typed capture function has returned for
// the connection, or false.
func Captured[T any](c *Context) (T, bool) {
	v, ok := c.Captured().(T)
	return v, ok
}

// RemoteAddr returns the client's address as the HTTP server saw it.
func (c *Context) RemoteAddr() string { return c.socket.Session().RemoteAddr() }

// Transport returns the transport now in use: "polling" or "websocket".
func (c *Context) Transport() string { return c.socket.Session().Transport() }

// Recovered tells, in the connect handler and later, whether the client has come
// back with [Options.Recovery]: its id, its rooms and what Set has stored are
// those of its last connection, which may be there still and stays as it is until the
// connect handler accepts. Then what the client has missed is sent.
func (c *Context) Recovered() bool { return c.socket.Recovered() }

// Reason returns why the client left, or "" while it has not.
func (c *Context) Reason() Reason { return c.socket.Reason() }

// Cause returns what the transport knows about why the client left: a network
// error, or the rule that the client broke, as an [engineio.ProtocolError] or
// [parser.Error]. It is nil where [Context.Reason] says all. Its text
// quotes nothing that the client sent, but may hold addresses.
func (c *Context) Cause() error { return c.socket.Cause() }

// Logger returns the server's logger.
func (c *Context) Logger() *zerolog.Logger { return &c.n.srv.log }

// Args returns the event's arguments.
func (c *Context) Args() Args {
	if c.in == nil {
		return Args{}
	}
	return c.in.Args()
}

// Bind decodes the event's arguments, one into each pointer; nil passes over
// one. Further arguments are ignored. The error, which a handler may just
// return, tells the client which argument is missing or invalid. Only events have
// arguments: what a client sends when it connects is for [Context.BindAuth].
func (c *Context) Bind(ptrs ...any) error {
	if c.in == nil && len(ptrs) > 0 {
		return fmt.Errorf("sio: Bind in the handler of %q, which has no arguments; the payload of a connect is for BindAuth", c.event)
	}
	if err := c.Args().Bind(ptrs...); err != nil {
		return badArgument(err)
	}
	return nil
}

// BindAuth decodes the payload of the client's CONNECT, its auth option. If
// there was none, what ptr points to stays as it is. It works only while the
// connect handler runs, and fails with [ErrAuthGone] afterwards, or with [ErrClosed]
// if the client has left meanwhile: credentials are not kept.
func (c *Context) BindAuth(ptr any) error {
	err := c.socket.BindAuth(ptr)
	if err != nil && err != ErrAuthGone && err != ErrClosed && !errors.Is(err, parser.ErrNoPointer) {
		return &Error{Message: "auth payload is invalid", Err: parser.NewDecodeError(err, ptr)}
	}
	return err
}

// WantsAck tells whether the client waits for an answer.
func (c *Context) WantsAck() bool { return c.in != nil && c.in.WantsAck() }

// Ack answers the event, once: the second call returns [ErrAckSent]. It does
// nothing if the client did not ask.
func (c *Context) Ack(v ...any) error {
	if c.in == nil {
		return nil
	}
	return c.socket.Ack(c.in, v...)
}

// Emit sends an event to the client. See [socketio.Socket.Emit].
func (c *Context) Emit(event string, args ...any) error { return c.socket.Emit(event, args...) }

// EmitContext is Emit that waits until most of what was emitted has been sent, or
// ctx ends: for a handler with much to send. See [socketio.Socket.EmitContext].
func (c *Context) EmitContext(ctx context.Context, event string, args ...any) error {
	return c.socket.EmitContext(ctx, event, args...)
}

// EmitWithAck sends an event to the client and waits for its answer. See
// [socketio.Socket.EmitWithAck]. In the connect handler, where the client does not
// hear anything, it fails with [ErrConnecting]; in OnConnected it works.
func (c *Context) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	return c.socket.EmitWithAck(ctx, event, args...)
}

// Volatile returns what emits to the client, or drops what can't be sent now.
func (c *Context) Volatile() Emission { return c.socket.Volatile() }

// Compress(false) returns what emits to the client without compression.
func (c *Context) Compress(on bool) Emission { return c.socket.Compress(on) }

// Timeout returns what emits to the client with a bound of EmitWithAck, beside
// its context.
func (c *Context) Timeout(d time.Duration) Emission { return c.socket.Timeout(d) }

// Join adds the client to rooms. It fails with [ErrTooManyRooms] beyond
// Options.MaxRooms, which a handler may just return. See [socketio.Socket.Join].
func (c *Context) Join(rooms ...string) error { return c.socket.Join(rooms...) }

// Leave removes the client from rooms.
func (c *Context) Leave(rooms ...string) { c.socket.Leave(rooms...) }

// Rooms returns the rooms that the client is in, in no order. When it has left they are
// those that it was in, until OnDisconnecting is done.
func (c *Context) Rooms() []string { return c.socket.Rooms() }

// To addresses the sockets in any of the rooms, this one left out.
func (c *Context) To(rooms ...string) Target { return c.socket.To(rooms...) }

// In is To.
func (c *Context) In(rooms ...string) Target { return c.socket.To(rooms...) }

// Except addresses every other socket of the namespace that is in none of the
// rooms.
func (c *Context) Except(rooms ...string) Target { return c.socket.Broadcast().Except(rooms...) }

// Broadcast addresses every other socket of the namespace.
func (c *Context) Broadcast() Target { return c.socket.Broadcast() }

// Local addresses every other socket of the namespace that is on this server,
// not on others of a cluster.
func (c *Context) Local() Target { return c.socket.Local() }

// Disconnect makes the client leave the namespace; Disconnect(true) makes it
// leave all of them and closes the connection. It does not reconnect by itself.
func (c *Context) Disconnect(closeConn ...bool) { c.socket.Disconnect(closeConn...) }

// ExpireAt closes the connection at t, as when a token ends that the client has
// shown: it sees "transport close" (Python's client "transport error"), reconnects
// by itself, and passes the HTTP middlewares and the connect handler anew. The last
// call counts; the zero time takes it back.
func (c *Context) ExpireAt(t time.Time) { c.socket.ExpireAt(t) }

// Get returns what Set has stored for the client, or nil. [Key] is typed.
func (c *Context) Get(key string) any { return c.socket.Value(key) }

// Set stores v for as long as the client is connected.
func (c *Context) Set(key string, v any) { c.socket.SetValue(key, v) }

// Value and SetValue make a Context something that a [Key] can be kept in.
func (c *Context) Value(key any) any { return c.socket.Value(key) }

// SetValue is the other half of Value.
func (c *Context) SetValue(key, v any) { c.socket.SetValue(key, v) }
