package socketio

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/siokit/sio/internal/roster"
	"github.com/siokit/sio/internal/share"
)

// A Handler is told what happens in a namespace. For one socket, one method
// runs at a time; they may block. A panic is theirs to recover.
type Handler interface {
	// Connect decides on a socket: nil accepts it. What is emitted to it
	// meanwhile, by anyone, reaches the client after the answer, and is
	// dropped if there is a refusal.
	Connect(s *Socket) *Refusal
	// Event handles an event.
	Event(s *Socket, e *Event)
	// Disconnecting is called when an accepted socket has left. Nobody finds it any
	// more, but its Rooms are those that it was in.
	Disconnecting(s *Socket, reason Reason)
	// Disconnect follows; it knows of no room any more.
	Disconnect(s *Socket, reason Reason)
}

// A ConnectedHandler is a [Handler] that is told of the sockets that it has accepted.
type ConnectedHandler interface {
	Handler
	// Connected is called when the CONNECT has been answered, before the first Event,
	// unless the socket has left. What is emitted reaches the client, and what it
	// answers comes.
	Connected(s *Socket)
}

// An UpgradeHandler is a [Handler] that may be told when a client has moved from
// polling to WebSocket, which happens once at most to a connection.
type UpgradeHandler interface {
	Handler
	// WantsUpgrades tells whether Upgraded is to be called. It is called on a
	// goroutine that others wait for.
	WantsUpgrades() bool
	// Upgraded is called in its turn among the events of an accepted socket.
	Upgraded(s *Socket)
}

// A Namespace is a set of sockets that share a connection with those of other
// namespaces, and nothing else.
type Namespace struct {
	srv     *Server
	name    string
	handler Handler
	events  EventMaker       // the handler, or nil
	upgrade UpgradeHandler   // likewise
	greeter ConnectedHandler // likewise
	local   *Local
	broker  Broker

	acks     atomic.Uint64 // that have been asked for
	outgoing atomic.Pointer[Outgoing]
	match    func(string) bool           // of a parent of dynamic namespaces
	parent   *Namespace                  // of a dynamic one
	children *roster.Set[Namespace]      // of a parent. Protected by srv.dynamic.mu, as is all to recovery
	users    int                         // of a dynamic one: sockets, and calls
	place    int                         // likewise, among its parent's
	holder   *share.Holder[[]*Namespace] // likewise, whose it is
	heldAt   int                         // likewise, among those
	ending   bool                        // likewise: everybody has been made to leave
	recovery recoverer                   // nil unless clients can be recovered
}

func newNamespace(s *Server, parent *Namespace, name string, h Handler) *Namespace {
	n := &Namespace{srv: s, name: name, handler: h, parent: parent}
	n.events, _ = h.(EventMaker)
	n.upgrade, _ = h.(UpgradeHandler)
	n.greeter, _ = h.(ConnectedHandler)
	n.local = newLocal(n)
	if s.opts.Recovery != nil {
		n.recovery = newLocalRecovery(n.local, name, &s.opts)
	}
	n.broker = s.opts.Broker(n.local)
	return n
}

// Name returns the namespace's name, such as "/" or "/chat".
func (n *Namespace) Name() string { return n.name }

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

// Len is the number of sockets that are connected here.
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

// Rooms returns the rooms of this process that somebody is in, in no order. The
// sockets' own ids are not listed.
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

func (n *Namespace) newEvent(size int) *Event {
	if n.events == nil {
		return &Event{data: make([]byte, 0, size)}
	}
	return n.events.NewEvent(size)
}

// All addresses every socket of the namespace.
func (n *Namespace) All() Target { return Target{nsp: n} }
