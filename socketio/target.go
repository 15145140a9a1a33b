package socketio

import (
	"context"
	"slices"
	"time"
)

// A Selector says which sockets of a namespace are meant.
type Selector struct {
	Rooms  []string // in any of these; empty: all. A socket's id is a room that only it is in. A Target of nobody asks no broker
	Except []string // and in none of these
	Local  bool     // of this process alone, not of a whole cluster
}

// modifiers say how something is emitted.
type modifiers struct {
	volatile bool
	plain    bool          // not to be compressed
	soon     bool          // see encoded
	told     bool          // the listener has heard of it
	timeout  time.Duration // of what waits; 0: none
}

// bound returns the context for what waits.
func (m modifiers) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if m.timeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, m.timeout)
}

// A Target is a set of sockets, to be emitted to or acted upon. It is
// immutable: each method returns another one, and it may be kept and shared.
type Target struct {
	nsp *Namespace
	sel Selector
	mod modifiers
	to  bool // rooms have been asked for
}

// To adds rooms: a socket is meant if it is in any of those named. To an empty list of
// rooms, nobody is, unless rooms have been added before or are behind it.
func (t Target) To(rooms ...string) Target {
	t.sel.Rooms, t.to = slices.Concat(t.sel.Rooms, rooms), true
	return t
}

func (t Target) nobody() bool { return t.to && len(t.sel.Rooms) == 0 }

// In is To.
func (t Target) In(rooms ...string) Target { return t.To(rooms...) }

// Except leaves out the sockets in any of the rooms, of an empty list nobody.
func (t Target) Except(rooms ...string) Target {
	t.sel.Except = slices.Concat(t.sel.Except, rooms)
	return t
}

// Local leaves out the sockets of other servers of a cluster.
func (t Target) Local() Target {
	t.sel.Local = true
	return t
}

// Volatile marks what is emitted as something that may be dropped: it does not
// wait for a connection that can't take it now.
func (t Target) Volatile() Target {
	t.mod.volatile = true
	return t
}

// Compress(false) keeps what is emitted from being compressed, by per-message
// deflate or in the answer to a poll. Compress(true) takes that back.
func (t Target) Compress(on bool) Target {
	t.mod.plain = !on
	return t
}

// Timeout bounds EmitWithAck, Sockets and Count, beside their context. It makes
// them fail with [context.DeadlineExceeded]; 0 takes it back.
func (t Target) Timeout(d time.Duration) Target {
	t.mod.timeout = d
	return t
}

// Emit sends an event to every socket that is meant. It never blocks on the
// network, and a client that does not keep up is a matter of its own: an error
// says that the event can't be encoded, or that the broker failed.
func (t Target) Emit(event string, args ...any) error {
	if t.nobody() {
		return t.check(event, args)
	}
	n := t.nsp.acquire()
	defer n.release()
	return n.broker.Broadcast(t.broadcast(event, args))
}

// EmitWithAck sends an event to every socket that is meant and waits for their
// answers, which it returns in the order in which they came. A socket that
// leaves before it answers, or is not accepted yet, or can't be sent to, has an [Answer] with an Err at
// once, and is no reason for an error: that says that the event can't be
// encoded, that the broker failed, or, being the cause of ctx, that ctx ended
// before everybody had answered. Those who have not are then among the answers,
// with that error; sockets of other servers may be missing.
//
// Without an end of ctx or a Timeout, one client that stays and does not answer
// makes it wait for ever.
func (t Target) EmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error) {
	if t.nobody() {
		return nil, t.check(event, args)
	}
	n := t.nsp.acquire()
	defer n.release()
	ctx, cancel := t.mod.bound(ctx)
	defer cancel()
	return n.broker.BroadcastWithAck(ctx, t.broadcast(event, args))
}

// check tells whether the event could be encoded for anybody.
func (t Target) check(event string, args []any) error {
	_, err := t.nsp.encodeEvent(event, args, 0, false)
	return err
}

func (t Target) broadcast(event string, args []any) *Broadcast {
	return &Broadcast{Event: event, Args: args, Selector: t.sel, Volatile: t.mod.volatile, Plain: t.mod.plain}
}

// Join adds the sockets to rooms. If one of them can't be in so many, [ErrTooManyRooms]
// says so when the others are.
func (t Target) Join(rooms ...string) error {
	if t.nobody() {
		return nil
	}
	n := t.nsp.acquire()
	defer n.release()
	return n.broker.Join(t.sel, rooms)
}

// Leave removes the sockets from rooms.
func (t Target) Leave(rooms ...string) error {
	if t.nobody() {
		return nil
	}
	n := t.nsp.acquire()
	defer n.release()
	return n.broker.Leave(t.sel, rooms)
}

// Disconnect is [Socket.Disconnect] for every socket that is meant.
func (t Target) Disconnect(closeConn ...bool) error {
	if t.nobody() {
		return nil
	}
	n := t.nsp.acquire()
	defer n.release()
	return n.broker.Disconnect(t.sel, slices.Contains(closeConn, true))
}

// Sockets describes the sockets that are meant, those of other servers as well.
// If some server of a cluster fails, the others' sockets come with the error.
func (t Target) Sockets(ctx context.Context) ([]RemoteSocket, error) {
	if t.nobody() {
		return nil, nil
	}
	n := t.nsp.acquire()
	defer n.release()
	ctx, cancel := t.mod.bound(ctx)
	defer cancel()
	sockets, err := n.broker.Sockets(ctx, t.sel)
	for i := range sockets {
		if sockets[i].nsp == nil {
			sockets[i].nsp = t.nsp
		}
	}
	return sockets, err
}

// Count is the number of sockets that are meant: those that Sockets would
// describe, for much less.
func (t Target) Count(ctx context.Context) (int, error) {
	if t.nobody() {
		return 0, nil
	}
	n := t.nsp.acquire()
	defer n.release()
	ctx, cancel := t.mod.bound(ctx)
	defer cancel()
	return n.broker.Count(ctx, t.sel)
}

// LocalSockets returns the sockets of this process that are meant.
func (t Target) LocalSockets() []*Socket {
	if t.nobody() {
		return nil
	}
	if !t.nsp.isDynamic() {
		return t.nsp.local.Select(t.sel)
	}
	var all []*Socket
	for _, n := range t.nsp.living() {
		all = append(all, n.local.Select(t.sel)...)
	}
	return all
}
