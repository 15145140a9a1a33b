package sio

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/siokit/sio/socketio/parser"
)

// A Handler handles an event, or a client that connects or leaves. The error that it
// returns goes to OnError. The client is told if it waits for an answer, to its event
// or its CONNECT: the message and data of an [Error], and of any other error only
// that there was one.
type Handler func(c *Context) error

// An ErrorHandler is called with every error that a handler returns, and with a
// [PanicError] for every panic.
type ErrorHandler func(c *Context, err error)

// An Outgoing is called for every event that goes out to a client of this server,
// once for each socket, wherever in a cluster the event was emitted. The goroutine
// that emits calls it, just before the event is queued for the socket, or just after
// it for an event to many with [Options].Recovery. It must not block, and must not
// change the arguments.
//
// An event may still be dropped after that: a volatile one, one for a client that
// does not keep up, and one for a client that the connect handler then refuses. An
// Outgoing is not called for acks, nor again for the events that a client has missed
// when it comes back. It is called for events that it emits to the namespace itself.
type Outgoing func(s *Socket, event string, args []any)

// A ServerHandler handles an event that another server of a cluster has emitted in
// the namespace n, and returns the answer. It may run at the same time as other
// handlers, even of the same event. The context ends when nobody waits for the
// answer any more, if the broker knows.
type ServerHandler func(ctx context.Context, n *Namespace, args Args) (any, error)

// A Router registers handlers and middlewares. A [Server], a [Namespace] and the
// argument of a function passed to Group are Routers, and a struct in which one is
// embedded. Mistakes panic, such as a second handler for one event.
type Router interface {
	// Use adds middlewares around the handlers that are registered afterwards. It
	// panics once there is a handler, including those of a Group.
	Use(mw ...Middleware)
	// On registers the handler of an event, with middlewares for it alone. It
	// panics if the name is reserved, such as "connect", or has a handler already.
	On(event string, h Handler, mw ...Middleware)
	// OnConnect registers the handler that decides about a client that connects.
	// An error refuses the client.
	OnConnect(h Handler, mw ...Middleware)
	// OnConnected registers the handler that runs after a client has been accepted
	// and its answer is on the way, before the client's first event. EmitWithAck
	// works there. An error does not disconnect the client. The handler is not
	// called for a client that has left by then.
	OnConnected(h Handler, mw ...Middleware)
	// OnUpgrade registers the handler that runs when the connection of a client
	// has moved from polling to WebSocket, in turn with the client's events.
	OnUpgrade(h Handler, mw ...Middleware)
	// OnDisconnecting registers the handler that runs when a client has left. The
	// client is no longer in any room or list of sockets, but its Rooms still
	// returns those that it was in.
	OnDisconnecting(h Handler, mw ...Middleware)
	// OnDisconnect registers the handler that runs after OnDisconnecting.
	OnDisconnect(h Handler, mw ...Middleware)
	// OnAny registers the handler of events that have no handler of their own.
	OnAny(h Handler, mw ...Middleware)
	// OnAnyOutgoing registers a function that is called for every event that goes
	// out to a client of this server. See [Outgoing].
	OnAnyOutgoing(h Outgoing)
	// OnServerEvent registers the handler of an event that another server of the
	// cluster emits with ServerSideEmit. Middlewares are not around it.
	OnServerEvent(event string, h ServerHandler)
	// OnError registers a function that is called with the errors of handlers.
	OnError(h ErrorHandler)
	// Declare adds to the [Contract] of the namespace what the server sends: events,
	// and the data of errors. It panics if something is declared twice. Emit sends
	// any event, whether it is declared or not.
	Declare(all ...Declaration)
	// Group calls fn with a Router that has the middlewares of this one, and can
	// add others for the handlers registered with it.
	Group(fn func(r Router))

	checkArg(where string, t reflect.Type)
	typed(event string, types eventTypes, register func())
	typedConnect(auth reflect.Type)
}

// A Route is an event that has a handler.
type Route struct {
	Namespace string
	Event     string
}

// A table holds the handlers of a namespace, their middlewares around them.
type table struct {
	events        map[string]*route
	connect       Handler
	connected     Handler
	upgrade       Handler
	disconnecting Handler
	disconnect    Handler
	any           Handler
	onError       ErrorHandler
	outgoing      Outgoing
	server        map[string]ServerHandler
	watchers      []Watcher

	// the rest of the Contract
	auth     reflect.Type
	refusal  reflect.Type
	failures map[string]reflect.Type // by event, "" for all others
	sent     map[string]SentEvent
}

type route struct {
	name  string
	h     Handler
	types *eventTypes // nil for a handler that is not typed
}

// register changes a copy of the table.
func (n *Namespace) register(change func(t *table)) {
	n.regMu.Lock()
	defer n.regMu.Unlock()
	n.ownLocked()
	t := *n.table.Load()
	t.events = maps.Clone(t.events)
	if t.events == nil {
		t.events = make(map[string]*route)
	}
	change(&t)
	n.table.Store(&t)
}

// Routes returns the events that have handlers, sorted by name.
func (n *Namespace) Routes() []Route {
	if n.of != nil {
		return n.of.Routes()
	}
	names := slices.Sorted(maps.Keys(n.table.Load().events))
	routes := make([]Route, len(names))
	for i, name := range names {
		routes[i] = Route{n.Name(), name}
	}
	return routes
}

// A group is a Router with middlewares of its own.
type group struct {
	n      *Namespace
	outer  *group // nil for the namespace itself
	mw     []Middleware
	sealed bool // it has a handler: no more middlewares. Protected by n.regMu
}

// seal is called with a handler, and with n.regMu held. It seals the groups
// around g too: what they added afterwards would not be around the handler.
func (g *group) seal() {
	for ; g != nil; g = g.outer {
		g.sealed = true
	}
}

// Use adds middlewares around the handlers registered afterwards. See [Router].
func (g *group) Use(mw ...Middleware) {
	g.n.regMu.Lock()
	defer g.n.regMu.Unlock()
	g.n.ownLocked()
	if g.sealed {
		panic("sio: Use behind the first handler, in namespace " + g.n.Name())
	}
	for _, m := range mw {
		if m == nil {
			panic("sio: Use: nil middleware, in namespace " + g.n.Name())
		}
	}
	g.mw = append(slices.Clip(g.mw), mw...)
}

// On registers the handler of an event. See [Router].
func (g *group) On(event string, h Handler, mw ...Middleware) {
	where := fmt.Sprintf("On(%q) in namespace %s", event, g.n.Name())
	if why := noEvent(event); why != "" {
		panic("sio: " + where + ": " + why)
	}
	h = g.wrap(where, h, slices.Concat([]Middleware{withOwn}, mw))
	g.n.register(func(t *table) {
		g.seal()
		if t.events[event] != nil {
			panic("sio: " + where + ": the event has a handler already")
		}
		t.events[event] = &route{event, h, nil}
	})
}

// noEvent tells why a name is none that an event has, and what is there instead. No
// client can emit the reserved ones; "connection" and "*" are what Node's API and
// other ones call something else.
func noEvent(name string) (why string) {
	switch name {
	case "connection":
		return "clients that connect are no event: use OnConnect"
	case "connect":
		return "the name is reserved: use OnConnect"
	case "connect_error":
		return "the name is reserved: the client hears of it when OnConnect returns an error"
	case "disconnect":
		return "the name is reserved: use OnDisconnect"
	case "disconnecting":
		return "the name is reserved: use OnDisconnecting"
	case "*":
		return "it stands for no other event: use OnAny"
	}
	if parser.IsReserved(name) {
		return "the name is reserved"
	}
	return ""
}

// OnConnect registers the handler that decides about a client. See [Router].
func (g *group) OnConnect(h Handler, mw ...Middleware) {
	g.single("OnConnect", h, mw, func(t *table) *Handler { return &t.connect })
}

// OnConnected registers the handler that runs after a client has been accepted. See
// [Router].
func (g *group) OnConnected(h Handler, mw ...Middleware) {
	g.single("OnConnected", h, mw, func(t *table) *Handler { return &t.connected })
}

// OnUpgrade registers the handler that runs when a client's connection has moved to
// WebSocket. See [Router].
func (g *group) OnUpgrade(h Handler, mw ...Middleware) {
	g.single("OnUpgrade", h, mw, func(t *table) *Handler { return &t.upgrade })
}

// OnDisconnecting registers the handler that runs when a client has left, before
// OnDisconnect. See [Router].
func (g *group) OnDisconnecting(h Handler, mw ...Middleware) {
	g.single("OnDisconnecting", h, mw, func(t *table) *Handler { return &t.disconnecting })
}

// OnDisconnect registers the handler that runs when a client has left. See [Router].
func (g *group) OnDisconnect(h Handler, mw ...Middleware) {
	g.single("OnDisconnect", h, mw, func(t *table) *Handler { return &t.disconnect })
}

// OnAny registers the handler of events that have no handler of their own. See
// [Router].
func (g *group) OnAny(h Handler, mw ...Middleware) {
	g.single("OnAny", h, slices.Concat([]Middleware{withOwn}, mw), func(t *table) *Handler { return &t.any })
}

func (g *group) single(what string, h Handler, mw []Middleware, slot func(t *table) *Handler) {
	where := what + " in namespace " + g.n.Name()
	h = g.wrap(where, h, mw)
	g.n.register(func(t *table) {
		g.seal()
		if *slot(t) != nil {
			panic("sio: " + where + ": there is a handler already")
		}
		*slot(t) = h
	})
}

// OnAnyOutgoing registers a function that is called for every event that goes out to
// a client of this server. It panics if there is one already. See [Outgoing].
func (g *group) OnAnyOutgoing(h Outgoing) {
	where := "OnAnyOutgoing in namespace " + g.n.Name()
	if h == nil {
		panic("sio: " + where + ": nil handler")
	}
	g.n.register(func(t *table) {
		if t.outgoing != nil {
			panic("sio: " + where + ": there is a handler already")
		}
		t.outgoing = h
		g.n.io.OnOutgoing(g.n.outgoing)
	})
}

// OnServerEvent registers the handler of an event that another server of the
// cluster emits with ServerSideEmit. It panics if there is one already.
// Middlewares are not around it: they are for events of clients.
func (g *group) OnServerEvent(event string, h ServerHandler) {
	where := fmt.Sprintf("OnServerEvent(%q) in namespace %s", event, g.n.Name())
	switch {
	case h == nil:
		panic("sio: " + where + ": nil handler")
	case parser.IsReserved(event):
		panic("sio: " + where + ": the name is reserved")
	}
	g.n.register(func(t *table) {
		if t.server[event] != nil {
			panic("sio: " + where + ": the event has a handler already")
		}
		t.server = maps.Clone(t.server)
		if t.server == nil {
			t.server = make(map[string]ServerHandler)
		}
		t.server[event] = h
	})
}

// OnError registers a function that is called with the errors of handlers. See
// [Router].
func (g *group) OnError(h ErrorHandler) {
	if h == nil {
		panic("sio: OnError in namespace " + g.n.Name() + ": nil handler")
	}
	g.n.register(func(t *table) {
		if t.onError != nil {
			panic("sio: OnError in namespace " + g.n.Name() + ": there is a handler already")
		}
		t.onError = h
	})
}

// Group calls fn with a Router that can have middlewares of its own. See [Router].
func (g *group) Group(fn func(r Router)) {
	g.n.regMu.Lock()
	inner := &group{n: g.n, outer: g, mw: slices.Clip(g.mw)}
	g.n.regMu.Unlock()
	fn(inner)
}

// wrap puts the middlewares around h, the first outermost.
func (g *group) wrap(where string, h Handler, mw []Middleware) Handler {
	if h == nil {
		panic("sio: " + where + ": nil handler")
	}
	g.n.regMu.Lock()
	chain := slices.Concat(g.mw, mw)
	g.n.regMu.Unlock()
	for _, m := range slices.Backward(chain) {
		if m == nil {
			panic("sio: " + where + ": nil middleware")
		}
		h = m(h)
	}
	return h
}
