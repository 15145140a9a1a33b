package socketio

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/siokit/sio/internal/roster"
	"github.com/siokit/sio/internal/share"
)

// A Handler is told what happens in a namespace. For one socket, one method runs at a
// time. The methods may block, and must recover from their own panics.
type Handler interface {
	// Connect accepts a socket by returning nil, or refuses it. What anybody emits
	// to the socket meanwhile is sent behind the answer to the CONNECT, and
	// dropped if that is a refusal.
	Connect(s *Socket) *Refusal
	// Event handles an event.
	Event(s *Socket, e *Event)
	// Disconnecting is called when an accepted socket has left. It is in no room any
	// more, but its method Rooms returns those that it was in.
	Disconnecting(s *Socket, reason Reason)
	// Disconnect is called behind Disconnecting, when Rooms returns none.
	Disconnect(s *Socket, reason Reason)
}

// A ConnectedHandler is a [Handler] that is told of the sockets that it has accepted.
type ConnectedHandler interface {
	Handler
	// Connected is called when the CONNECT has been answered, before the first Event,
	// unless the socket has left. From then on the client can be asked for an ack.
	Connected(s *Socket)
}

// An UpgradeHandler is a [Handler] that can be told when a client has moved from polling
// to WebSocket, which a connection does at most once.
type UpgradeHandler interface {
	Handler
	// WantsUpgrades reports whether Upgraded is to be called. It must not block.
	WantsUpgrades() bool
	// Upgraded is called for an accepted socket, in order with its events.
	Upgraded(s *Socket)
}

// A Namespace is a set of sockets, with a [Handler] and rooms of its own. A client has one
// socket in each namespace that it joins, all of them over the same connection.
type Namespace struct {
	srv     *Server
	name    string
	handler Handler
	events  EventMaker       // the handler, or nil
	upgrade UpgradeHandler   // likewise
	greeter ConnectedHandler // likewise
	local   *Local
	broker  Broker

	traffic  atomic.Pointer[traffic] // its parent's, if it has one; nil without observers
	acks     atomic.Uint64           // that have been asked for
	outgoing atomic.Pointer[Outgoing]
	left     atomic.Pointer[func(s *Socket, rooms []string)]
	match    func(string) bool           // of a parent of dynamic namespaces
	parent   *Namespace                  // of a dynamic one
	children *roster.Set[Namespace]      // of a parent. Protected by srv.dynamic.mu, as is all to recovery
	users    int                         // of a dynamic one: sockets, and calls
	place    int                         // likewise, among its parent's
	holder   *share.Holder[[]*Namespace] // likewise, whose it is
	heldAt   int                         // likewise, among those
	ending   bool                        // likewise: everybody has been made to leave
	recovery recoverer                   // nil unless clients can be recovered
	shared   sharer                      // the same, if it goes by a journal
}

func newNamespace(s *Server, parent *Namespace, name string, h Handler) *Namespace {
	n := &Namespace{srv: s, name: name, handler: h, parent: parent}
	if parent != nil {
		n.traffic.Store(parent.traffic.Load())
	} else {
		n.traffic.Store(s.newTraffic())
	}
	n.events, _ = h.(EventMaker)
	n.upgrade, _ = h.(UpgradeHandler)
	n.greeter, _ = h.(ConnectedHandler)
	n.local = newLocal(n)
	n.broker = s.opts.Broker(n.local)
	if s.opts.Recovery != nil && n.recovery == nil {
		n.recovery = newLocalRecovery(n.local, name, &s.opts)
	}
	return n
}

// settle waits until what has been emitted is sent.
func (n *Namespace) settle(ctx context.Context) error {
	if n.shared == nil {
		return nil
	}
	return n.shared.settle(ctx)
}

// Name returns the namespace's name, such as "/" or "/chat".
func (n *Namespace) Name() string { return n.name }

// RegisteredName returns the name that the namespace was registered by: its own, or that of
// what it comes from if it is a dynamic one. Whatever clients send, there are no more of
// these than registrations.
func (n *Namespace) RegisteredName() string { return n.handlers().name }

// Handler returns the namespace's handler.
func (n *Namespace) Handler() Handler { return n.handler }

// Socket returns the connected socket with the given id, or nil.
func (n *Namespace) Socket(id string) *Socket {
	if !n.isDynamic() {
		return n.local.socket(id)
	}
	for _, l := range n.living() {
		if s := l.local.socket(id); s != nil {
			return s
		}
	}
	return nil
}

// Len returns the number of sockets of this process.
func (n *Namespace) Len() int {
	if !n.isDynamic() {
		return n.local.len()
	}
	sum := 0
	for _, l := range n.living() {
		sum += l.local.len()
	}
	return sum
}

// Rooms returns the rooms that sockets of this process are in, in no particular order. The
// sockets' own ids are not among them.
func (n *Namespace) Rooms() []string {
	if !n.isDynamic() {
		return n.local.roomNames()
	}
	names := make(map[string]struct{})
	for _, l := range n.living() {
		for _, name := range l.local.roomNames() {
			names[name] = struct{}{}
		}
	}
	return slices.Collect(maps.Keys(names))
}

// OnLeft has f called when a socket has been taken out of rooms, by whomever: these are the
// rooms that were named, whether it was in them or not. It is not called for one that
// leaves the namespace. F is called by who has named them, and must neither block nor panic.
// It takes the place of an earlier f.
func (n *Namespace) OnLeft(f func(s *Socket, rooms []string)) { n.left.Store(&f) }

// handlers returns the namespace at which functions are registered: dynamic ones have their
// parent's.
func (n *Namespace) handlers() *Namespace {
	if n.parent != nil {
		return n.parent
	}
	return n
}

func (n *Namespace) newEvent(size int) *Event {
	if n.events == nil {
		return &Event{data: make([]byte, 0, size)}
	}
	return n.events.NewEvent(size)
}

// All returns the [Target] of all sockets of the namespace.
func (n *Namespace) All() Target { return Target{nsp: n} }
