package sio

import (
	"context"
	"time"
)

// Handshake returns what is known of the request that opened the connection:
// less with Options.ForgetRequest.
func (c *Context) Handshake() Handshake { return c.socket.Handshake() }

// Compress(false) returns what emits to the client without compression.
func (c *Context) Compress(on bool) Emission { return c.socket.Compress(on) }

// Timeout returns what emits to the client with a bound of EmitWithAck, beside
// its context.
func (c *Context) Timeout(d time.Duration) Emission { return c.socket.Timeout(d) }

// Local addresses every other socket of the namespace that is on this server,
// not on others of a cluster.
func (c *Context) Local() Target { return c.socket.Local() }

// All addresses every client of the namespace.
func (n *Namespace) All() Target { return n.io.All() }

// Local addresses the clients of this server, not those of others of a cluster.
func (n *Namespace) Local() Target { return n.All().Local() }

// Compress(false) addresses every client with what is not to be compressed.
func (n *Namespace) Compress(on bool) Target { return n.All().Compress(on) }

// Timeout addresses every client, with a bound of what waits for them.
func (n *Namespace) Timeout(d time.Duration) Target { return n.All().Timeout(d) }

// EmitWithAck sends an event to every client and waits for their answers. See
// [socketio.Target.EmitWithAck].
func (n *Namespace) EmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error) {
	return n.All().EmitWithAck(ctx, event, args...)
}

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
