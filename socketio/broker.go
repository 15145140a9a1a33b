package socketio

import "context"

// A Broker carries what is addressed to the sockets of one namespace. [Local]
// is the one that knows those of this process; a broker for a cluster has a
// Local, and carries everything to the other nodes as well, unless
// [Selector.Local] is set: it hands each call to its Local, whose errors are
// about what was to be encoded, and what it gets from other nodes too. Its
// methods may be called from any goroutine and do not block on clients; those
// with a context wait until it ends.
//
// The broker of a dynamic namespace is made when the namespace is, and dropped
// with it. If it is an [io.Closer], it is closed then; another one of the same
// name is made only afterwards. Both happen under a lock: neither what makes
// brokers nor Close may block, or emit. What was broadcast before still goes out.
type Broker interface {
	// Broadcast sends an event to the sockets that it selects. What one
	// goroutine broadcasts arrives in order.
	Broadcast(b *Broadcast) error
	// BroadcastWithAck does the same, and returns the answers when all are
	// there, or when ctx ends, whose cause it then returns beside those that
	// are. See [Target.EmitWithAck]. A node that was asked by another one
	// answers by way of [Local.Inquire].
	BroadcastWithAck(ctx context.Context, b *Broadcast) ([]Answer, error)
	// Join, Leave and Disconnect act upon all sockets that sel selects. What
	// is broadcast afterwards by the same caller finds them done. An error of Join
	// may be about some of them.
	Join(sel Selector, rooms []string) error
	Leave(sel Selector, rooms []string) error
	Disconnect(sel Selector, closeConn bool) error
	// Sockets describes the sockets that sel selects, and Count counts them.
	// If a node fails, what the others say comes with the error.
	Sockets(ctx context.Context, sel Selector) ([]RemoteSocket, error)
	Count(ctx context.Context, sel Selector) (int, error)
	// ServerSideEmit sends an event to the other nodes, not to this one. They
	// hand it to [Local.ServerEvent].
	ServerSideEmit(event string, args []any) error
	// ServerSideEmitWithAck does the same, and returns an answer for each of
	// the others, as BroadcastWithAck does for sockets.
	ServerSideEmitWithAck(ctx context.Context, event string, args []any) ([]Answer, error)
	// Interest is called when the first local socket joins a room, and when
	// the last one leaves it, for routing by interest; also when that one can
	// be recovered, so that such a broker has to bring a recovery of its own.
	// Calls for one room come in order, and under the Local's lock: it must
	// neither block nor call back into the Local.
	Interest(room string, joined bool)
}

// A Broadcast is an event for many. It is not changed any more, and safe to
// keep.
type Broadcast struct {
	Event string
	Args  []any
	Selector
	Volatile bool
	Plain    bool // not to be compressed
}
