package sio

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siokit/sio/socketio"
)

// A Namespace routes the events of its clients to handlers, and addresses the
// clients. Handlers may be registered at any time, but a client that is already
// connected has passed the connect handler by then.
type Namespace struct {
	group
	srv   *Server
	name  string
	io    *socketio.Namespace
	table atomic.Pointer[table] // replaced as a whole under regMu
	regMu sync.Mutex

	pattern *pattern   // if the name is one
	rank    int        // of a pattern or function, from 1 in the order of registration
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

// Len returns the number of clients of this server that are connected to the
// namespace.
func (n *Namespace) Len() int { return n.io.Len() }

// Rooms returns the rooms that clients of this server are in, in no particular order.
// To count the clients in a room, use srv.In("room").Count(ctx).
func (n *Namespace) Rooms() []string { return n.io.Rooms() }

// Socket returns the socket with the given id that is connected to this server, or
// nil.
func (n *Namespace) Socket(id string) *Socket { return n.io.Socket(id) }

// Emit sends an event to every client of the namespace.
func (n *Namespace) Emit(event string, args ...any) error { return n.io.All().Emit(event, args...) }

// EmitWithAck sends an event to every client, waits for their answers and returns
// them. See [socketio.Target.EmitWithAck].
func (n *Namespace) EmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error) {
	return n.All().EmitWithAck(ctx, event, args...)
}

// All returns the [Target] of every client of the namespace.
func (n *Namespace) All() Target { return n.io.All() }

// To returns the [Target] of the sockets in any of the rooms. A socket's id is a room
// as well. An empty list of rooms addresses nobody.
func (n *Namespace) To(rooms ...string) Target { return n.io.All().To(rooms...) }

// In is another name for [Namespace.To].
func (n *Namespace) In(rooms ...string) Target { return n.To(rooms...) }

// Except returns the [Target] of the sockets that are in none of the rooms.
func (n *Namespace) Except(rooms ...string) Target { return n.io.All().Except(rooms...) }

// Local returns the [Target] of the clients of this server, without those of other
// servers of a cluster.
func (n *Namespace) Local() Target { return n.All().Local() }

// Volatile returns the [Target] of every client, for events that are dropped where
// they can't be sent at once.
func (n *Namespace) Volatile() Target { return n.io.All().Volatile() }

// Compress returns the [Target] of every client, for events that are not compressed
// if on is false.
func (n *Namespace) Compress(on bool) Target { return n.All().Compress(on) }

// Timeout returns the [Target] of every client, whose EmitWithAck, Sockets and Count
// wait no longer than d, whatever their context allows.
func (n *Namespace) Timeout(d time.Duration) Target { return n.All().Timeout(d) }

// Sockets returns a description of every client, including those of other servers
// of a cluster. See [socketio.Target.Sockets].
func (n *Namespace) Sockets(ctx context.Context) ([]RemoteSocket, error) {
	return n.All().Sockets(ctx)
}

// Count returns the number of clients, including those of other servers of a
// cluster. [Namespace.Len] counts those of this server.
func (n *Namespace) Count(ctx context.Context) (int, error) { return n.All().Count(ctx) }

// Join adds every client to rooms.
func (n *Namespace) Join(rooms ...string) error { return n.All().Join(rooms...) }

// Leave removes every client from rooms.
func (n *Namespace) Leave(rooms ...string) error { return n.All().Leave(rooms...) }

// Disconnect makes every client leave the namespace. Disconnect(true) also closes
// their connections.
func (n *Namespace) Disconnect(closeConn ...bool) error { return n.io.All().Disconnect(closeConn...) }

// ServerSideEmit sends an event to the other servers of the cluster, which handle it
// where OnServerEvent has registered a handler. Without a cluster it does nothing.
func (n *Namespace) ServerSideEmit(event string, args ...any) error {
	return n.io.ServerSideEmit(event, args...)
}

// ServerSideEmitWithAck sends an event to the other servers of the cluster, waits
// for their answers and returns them. If ctx ends first, it returns the answers that
// have come, and the cause of ctx as the error. Without a cluster there are none.
func (n *Namespace) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error) {
	return n.io.ServerSideEmitWithAck(ctx, event, args...)
}
