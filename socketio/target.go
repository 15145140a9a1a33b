package socketio

import "slices"

// A Selector says which sockets of a namespace are meant.
type Selector struct {
	Rooms  []string // in any of these; empty: all. A socket's id is a room that only it is in
	Except []string // and in none of these
}

// A Target is a set of sockets, to be emitted to or acted upon. It is
// immutable: each method returns another one, and it may be kept and shared.
type Target struct {
	nsp      *Namespace
	sel      Selector
	volatile bool
}

// To adds rooms: a socket is meant if it is in any of those named.
func (t Target) To(rooms ...string) Target {
	t.sel.Rooms = slices.Concat(t.sel.Rooms, rooms)
	return t
}

// In is To.
func (t Target) In(rooms ...string) Target { return t.To(rooms...) }

// Except leaves out the sockets in any of the rooms.
func (t Target) Except(rooms ...string) Target {
	t.sel.Except = slices.Concat(t.sel.Except, rooms)
	return t
}

// Volatile marks what is emitted as something that may be dropped: it does not
// wait for a connection that can't take it now.
func (t Target) Volatile() Target {
	t.volatile = true
	return t
}

// Emit sends an event to every socket that is meant. It never blocks on the
// network, and a client that does not keep up is a matter of its own: an error
// says that the event can't be encoded, or that the broker failed.
func (t Target) Emit(event string, args ...any) error {
	return t.nsp.broker.Broadcast(&Broadcast{Event: event, Args: args, Selector: t.sel, Volatile: t.volatile})
}

// Join adds the sockets to rooms.
func (t Target) Join(rooms ...string) error { return t.nsp.broker.Join(t.sel, rooms) }

// Leave removes the sockets from rooms.
func (t Target) Leave(rooms ...string) error { return t.nsp.broker.Leave(t.sel, rooms) }

// Disconnect is [Socket.Disconnect] for every socket that is meant.
func (t Target) Disconnect(closeConn ...bool) error {
	return t.nsp.broker.Disconnect(t.sel, slices.Contains(closeConn, true))
}
