package sio

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siokit/sio/socketio"
)

// A Namespace routes the events of its clients and addresses them. Handlers
// may be registered at any time, though clients notice those that came late.
type Namespace struct {
	group
	srv   *Server
	name  string
	io    *socketio.Namespace
	table atomic.Pointer[table] // replaced as a whole under regMu
	regMu sync.Mutex

	pattern *pattern   // if the name is one
	of      *Namespace // whose handlers it has, if it is one that comes and goes
}

func newNamespace(s *Server, name string) *Namespace {
	n := &Namespace{srv: s, name: name}
	n.group.n = n
	n.table.Store(&table{})
	n.io = s.io.Of(name, dispatcher{n})
	return n
}

// Name returns the namespace's name, such as "/chat".
func (n *Namespace) Name() string { return n.name }

// Len is the number of clients that are connected.
func (n *Namespace) Len() int { return n.io.Len() }

// Rooms returns the rooms that clients of this server are in, in no order. [Target]
// counts who is in one: srv.In("room").Count(ctx).
func (n *Namespace) Rooms() []string { return n.io.Rooms() }

// Socket returns the connected socket of that id, or nil.
func (n *Namespace) Socket(id string) *Socket { return n.io.Socket(id) }

// Emit sends an event to every client of the namespace.
func (n *Namespace) Emit(event string, args ...any) error { return n.io.All().Emit(event, args...) }

// EmitWithAck sends an event to every client and waits for their answers. See
// [socketio.Target.EmitWithAck].
func (n *Namespace) EmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error) {
	return n.All().EmitWithAck(ctx, event, args...)
}

// All addresses every client of the namespace.
func (n *Namespace) All() Target { return n.io.All() }

// To addresses the sockets in any of the rooms. A socket's id is a room too. An empty
// list of rooms addresses nobody.
func (n *Namespace) To(rooms ...string) Target { return n.io.All().To(rooms...) }

// In is To.
func (n *Namespace) In(rooms ...string) Target { return n.To(rooms...) }

// Except addresses the sockets that are in none of the rooms.
func (n *Namespace) Except(rooms ...string) Target { return n.io.All().Except(rooms...) }

// Local addresses the clients of this server, not those of others of a cluster.
func (n *Namespace) Local() Target { return n.All().Local() }

// Volatile addresses every client with what may be dropped.
func (n *Namespace) Volatile() Target { return n.io.All().Volatile() }

// Compress(false) addresses every client with what is not to be compressed.
func (n *Namespace) Compress(on bool) Target { return n.All().Compress(on) }

// Timeout addresses every client, with a bound of what waits for them.
func (n *Namespace) Timeout(d time.Duration) Target { return n.All().Timeout(d) }

// Sockets describes every client, those on other servers of a cluster as well.
// See [socketio.Target.Sockets].
func (n *Namespace) Sockets(ctx context.Context) ([]RemoteSocket, error) {
	return n.All().Sockets(ctx)
}

// Count is the number of clients, those on other servers of a cluster included.
// Len counts those of this one.
func (n *Namespace) Count(ctx context.Context) (int, error) { return n.All().Count(ctx) }

// Join adds every client to rooms.
func (n *Namespace) Join(rooms ...string) error { return n.All().Join(rooms...) }

// Leave removes every client from rooms.
func (n *Namespace) Leave(rooms ...string) error { return n.All().Leave(rooms...) }

// Disconnect makes every client leave the namespace; Disconnect(true) closes
// their connections, too.
func (n *Namespace) Disconnect(closeConn ...bool) error { return n.io.All().Disconnect(closeConn...) }

// ServerSideEmit sends an event to the other servers of the cluster, where
// OnServerEvent has handlers for it. With one server it does nothing.
func (n *Namespace) ServerSideEmit(event string, args ...any) error {
	return n.io.ServerSideEmit(event, args...)
}

// ServerSideEmitWithAck does the same and returns what each of the others
// answered. It fails with the cause of ctx, beside the answers that have come,
// if ctx ends before all have. With one server there are none.
func (n *Namespace) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error) {
	return n.io.ServerSideEmitWithAck(ctx, event, args...)
}
