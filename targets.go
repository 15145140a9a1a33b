package sio

import (
	"context"
	"time"
)

// What the client, and those beside it, are addressed with.

// Volatile returns what emits to the client, or drops what can't be sent now.
func (c *Context) Volatile() Emission { return c.socket.Volatile() }

// Compress(false) returns what emits to the client without compression, where
// per-message deflate is on.
func (c *Context) Compress(on bool) Emission { return c.socket.Compress(on) }

// Timeout returns what emits to the client with a bound of EmitWithAck, beside
// its context.
func (c *Context) Timeout(d time.Duration) Emission { return c.socket.Timeout(d) }

// To addresses the sockets in any of the rooms, this one left out.
func (c *Context) To(rooms ...string) Target { return c.socket.To(rooms...) }

// In is To.
func (c *Context) In(rooms ...string) Target { return c.socket.To(rooms...) }

// Except addresses every other socket of the namespace that is in none of the
// rooms.
func (c *Context) Except(rooms ...string) Target { return c.socket.Except(rooms...) }

// Local addresses every other socket of the namespace that is on this server,
// not on others of a cluster.
func (c *Context) Local() Target { return c.socket.Local() }

// Broadcast addresses every other socket of the namespace.
func (c *Context) Broadcast() Target { return c.socket.Broadcast() }

// All addresses every client of the namespace: what the methods below do for
// it, they do for all of these.
func (n *Namespace) All() Target { return n.io.All() }

// To addresses the sockets in any of the rooms. A socket's id is a room too.
func (n *Namespace) To(rooms ...string) Target { return n.io.All().To(rooms...) }

// In is To.
func (n *Namespace) In(rooms ...string) Target { return n.To(rooms...) }

// Except addresses the sockets that are in none of the rooms.
func (n *Namespace) Except(rooms ...string) Target { return n.io.All().Except(rooms...) }

// Local addresses the sockets of this server, not those of others of a cluster.
func (n *Namespace) Local() Target { return n.io.All().Local() }

// Volatile addresses every client with what may be dropped.
func (n *Namespace) Volatile() Target { return n.io.All().Volatile() }

// Compress(false) addresses every client with what is not to be compressed,
// where per-message deflate is on.
func (n *Namespace) Compress(on bool) Target { return n.io.All().Compress(on) }

// Timeout addresses every client, with a bound of what waits for them.
func (n *Namespace) Timeout(d time.Duration) Target { return n.io.All().Timeout(d) }

// Emit sends an event to every client of the namespace.
func (n *Namespace) Emit(event string, args ...any) error { return n.io.All().Emit(event, args...) }

// EmitWithAck sends an event to every client and waits for their answers. See
// [socketio.Target.EmitWithAck].
func (n *Namespace) EmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error) {
	return n.io.All().EmitWithAck(ctx, event, args...)
}

// Sockets describes every client, those on other servers of a cluster as well.
// See [socketio.Target.Sockets].
func (n *Namespace) Sockets(ctx context.Context) ([]RemoteSocket, error) {
	return n.io.All().Sockets(ctx)
}

// Count is the number of clients, those on other servers of a cluster included.
func (n *Namespace) Count(ctx context.Context) (int, error) { return n.io.All().Count(ctx) }

// Join adds every client to rooms.
func (n *Namespace) Join(rooms ...string) error { return n.io.All().Join(rooms...) }

// Leave removes every client from rooms.
func (n *Namespace) Leave(rooms ...string) error { return n.io.All().Leave(rooms...) }

// Disconnect makes every client leave the namespace; Disconnect(true) closes
// their connections, too.
func (n *Namespace) Disconnect(closeConn ...bool) error { return n.io.All().Disconnect(closeConn...) }
