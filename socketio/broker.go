package socketio

import "context"

// A Broker carries what is addressed to the sockets of one namespace. [Local] is the one
// for the sockets of this process. The broker of a cluster has a Local: it hands each call
// to that, and carries it to the other nodes as well unless [Selector.Local] is set. What
// it gets from other nodes it hands to its Local, too. Errors of the Local are about what
// was to be encoded.
//
// The methods may be called from any goroutine, and must not wait for clients. Those with
// a context wait for answers until it ends.
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
	// there. If ctx ends first, it returns its cause beside the answers that are
	// there. See [Target.EmitWithAck]. A node that is asked by another one calls
	// [Local.Inquire].
	BroadcastWithAck(ctx context.Context, b *Broadcast) ([]Answer, error)
	// Join, Leave and Disconnect act upon all sockets that sel selects. What
	// the same caller broadcasts afterwards goes by the rooms that they have then.
	// If Join fails for some sockets, the others are in the rooms.
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
	// the last one leaves it, for brokers that route by interest. It is called
	// even if that last one can be recovered, so that such a broker has to bring
	// a recovery of its own. Calls for one room come in order, and under the
	// Local's lock: Interest must neither block nor call back into the Local.
	Interest(room string, joined bool)
}

// A Broadcast is an event for many sockets. Nobody changes it any more, so that it may be
// kept.
type Broadcast struct {
	Event string
	Args  []any
	Selector
	Volatile bool
	Plain    bool // not to be compressed
}
