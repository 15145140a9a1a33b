package socketio

// A Broker carries what is addressed to the sockets of one namespace. [Local]
// is the one that knows those of this process; a broker for a cluster has a
// Local, and carries everything to the other nodes as well. Its methods may be
// called from any goroutine and do not block on clients.
type Broker interface {
	// Broadcast sends an event to the sockets that it selects. What one
	// goroutine broadcasts arrives in order.
	Broadcast(b *Broadcast) error
	// Join, Leave and Disconnect act upon all sockets that sel selects. What
	// is broadcast afterwards by the same caller finds them done.
	Join(sel Selector, rooms []string) error
	Leave(sel Selector, rooms []string) error
	Disconnect(sel Selector, closeConn bool) error
	// Interest is called when the first local socket joins a room, and when
	// the last one leaves it, for routing by interest. Calls for one room come
	// in order, and under the Local's lock: it must neither block nor call back
	// into the Local.
	Interest(room string, joined bool)
}

// A Broadcast is an event for many. It is not changed any more, and safe to
// keep.
type Broadcast struct {
	Event string
	Args  []any
	Selector
	Volatile bool
}
