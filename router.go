package sio

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/siokit/sio/socketio/parser"
)

// A Handler handles a connect, an event or a disconnect. What it returns goes
// to OnError, and, as far as it is an [Error], to the client.
type Handler func(c *Context) error

// An ErrorHandler sees every error that a handler returned, or panicked with.
type ErrorHandler func(c *Context, err error)

// An Outgoing hears the events that go out: once for each socket of this
// process, wherever it was emitted. It is called by the goroutine that emits,
// when the event is queued for the socket: just before, or, of what goes to many
// with [Options.Recovery], just behind. It must not block. What is volatile, or
// for a client that does not keep up, may be dropped, and what is for one whose
// connect handler runs, when that refuses. Acks are not events, and what a client
// that comes back has missed is not heard again. What it emits to the namespace it
// hears, too. The arguments must not be changed.
type Outgoing func(s *Socket, event string, args []any)

// A ServerHandler handles an event of another server of a cluster, for the
// namespace n, and returns the answer for it. It runs beside other handlers, of
// the same event too. The context ends when nobody waits any more, as far as the
// broker knows.
type ServerHandler func(ctx context.Context, n *Namespace, args Args) (any, error)

// A Router registers handlers. A [Server], a [Namespace] and what
// [Namespace.Group] hands to its function are Routers. Mistakes, such as a
// second handler for one event, panic.
type Router interface {
	// Use adds middlewares to what is registered afterwards. It panics behind
	// the first handler, be it one of a Group.
	Use(mw ...Middleware)
	// On registers the handler of an event, and middlewares for it alone.
	On(event string, h Handler, mw ...Middleware)
	// OnConnect registers what decides on a client: an error refuses it.
	OnConnect(h Handler, mw ...Middleware)
	// OnConnected registers what runs once a client has been accepted, and the answer is
	// on its way, before its first event: there, EmitWithAck works. An error does not
	// disconnect the client. One that has left by then is passed over.
	OnConnected(h Handler, mw ...Middleware)
	// OnUpgrade registers what runs when the connection of a client has moved
	// from polling to WebSocket, in turn with the client's events.
	OnUpgrade(h Handler, mw ...Middleware)
	// OnDisconnecting registers what runs when a client has left, and nobody finds it
	// any more: only its Rooms are those that it was in.
	OnDisconnecting(h Handler, mw ...Middleware)
	// OnDisconnect registers what runs afterwards.
	OnDisconnect(h Handler, mw ...Middleware)
	// OnAny registers the handler of events that have none.
	OnAny(h Handler, mw ...Middleware)
	// OnAnyOutgoing registers what hears every event that goes out to a client
	// of this process. See [Outgoing].
	OnAnyOutgoing(h Outgoing)
	// OnServerEvent registers the handler of an event of other servers.
	OnServerEvent(event string, h ServerHandler)
	// OnError registers what sees the errors of handlers.
	OnError(h ErrorHandler)
	// Group calls fn with a Router that has this one's middlewares, and may
	// add some of its own.
	Group(fn func(r Router))
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
}

type route struct {
	name string
	h    Handler
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

// Routes returns the events that have handlers, sorted.
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

// Use adds middlewares. See [Router].
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
		t.events[event] = &route{event, h}
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

// OnConnect registers what decides on a client. See [Router].
func (g *group) OnConnect(h Handler, mw ...Middleware) {
	g.single("OnConnect", h, mw, func(t *table) *Handler { return &t.connect })
}

// OnConnected registers what runs once a client has been accepted. See [Router].
func (g *group) OnConnected(h Handler, mw ...Middleware) {
	g.single("OnConnected", h, mw, func(t *table) *Handler { return &t.connected })
}

// OnUpgrade registers what runs when the transport has changed. See [Router].
func (g *group) OnUpgrade(h Handler, mw ...Middleware) {
	g.single("OnUpgrade", h, mw, func(t *table) *Handler { return &t.upgrade })
}

// OnDisconnecting registers what runs before OnDisconnect. See [Router].
func (g *group) OnDisconnecting(h Handler, mw ...Middleware) {
	g.single("OnDisconnecting", h, mw, func(t *table) *Handler { return &t.disconnecting })
}

// OnDisconnect registers what runs when a client has left. See [Router].
func (g *group) OnDisconnect(h Handler, mw ...Middleware) {
	g.single("OnDisconnect", h, mw, func(t *table) *Handler { return &t.disconnect })
}

// OnAny registers the handler of events that have none. See [Router].
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

// OnAnyOutgoing registers what hears every event that goes out. See [Outgoing].
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
// Middlewares are for events of clients, and not around it.
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

// OnError registers what sees the errors of handlers. See [Router].
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

// Group calls fn with a Router of its own middlewares. See [Router].
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
