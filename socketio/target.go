package socketio

import (
	"context"
	"slices"
	"time"
)

// A Selector says which sockets of a namespace are addressed.
type Selector struct {
	Rooms  []string // those in any of these; empty: all. A socket's id is a room that only it is in. A Target of nobody asks no broker
	Except []string // but for those in any of these
	Local  bool     // those of this process alone, not of a whole cluster
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

// A Target addresses a set of sockets: it emits to them, or acts upon them. Which ones
// they are is decided by each call. A Target is immutable, and may be kept and used from
// any goroutine: the methods that modify it return another one.
type Target struct {
	nsp *Namespace
	sel Selector
	mod modifiers
	to  bool // rooms have been asked for
}

// To returns a Target of the sockets in any of the rooms, or in any that were named before.
// An empty list of rooms addresses nobody, unless another To names some.
func (t Target) To(rooms ...string) Target {
	t.sel.Rooms, t.to = slices.Concat(t.sel.Rooms, rooms), true
	return t
}

func (t Target) nobody() bool { return t.to && len(t.sel.Rooms) == 0 }

// In is another name for [Target.To].
func (t Target) In(rooms ...string) Target { return t.To(rooms...) }

// Except returns a Target without the sockets in any of the rooms. An empty list leaves
// out nobody.
func (t Target) Except(rooms ...string) Target {
	t.sel.Except = slices.Concat(t.sel.Except, rooms)
	return t
}

// Local returns a Target without the sockets of other servers of a cluster.
func (t Target) Local() Target {
	t.sel.Local = true
	return t
}

// Volatile returns a Target whose events are dropped for a client to which they can't be
// sent at once.
func (t Target) Volatile() Target {
	t.mod.volatile = true
	return t
}

// Compress returns a Target whose events are not compressed if on is false, neither by
// per-message deflate nor in the answer to a poll. Compress(true) takes that back.
func (t Target) Compress(on bool) Target {
	t.mod.plain = !on
	return t
}

// Timeout returns a Target whose EmitWithAck, Sockets and Count wait no longer than d,
// whatever their context allows, and then fail with [context.DeadlineExceeded]. A d of 0
// takes that back.
func (t Target) Timeout(d time.Duration) Target {
	t.mod.timeout = d
	return t
}

// Emit sends an event to the sockets. It does not wait for the network. The error says
// that the event can't be encoded, or that the broker has failed; that a client does not
// keep up is no error.
func (t Target) Emit(event string, args ...any) error {
	if t.nobody() {
		return t.check(event, args)
	}
	n := t.nsp.acquire()
	defer n.release()
	return n.broker.Broadcast(t.broadcast(event, args))
}

// EmitWithAck sends an event to the sockets, waits for their answers, and returns these in
// the order in which they came. A socket that leaves before it answers, or has not been
// accepted yet, or can't be sent to, has an [Answer] with an Err at once.
//
// The error says that the event can't be encoded or that the broker has failed, or is the
// cause of ctx if that ends before everybody has answered. Those who have not are then
// among the answers, with that error as their Err; sockets of other servers may be missing.
//
// Unless ctx ends or there is a Timeout, one client that stays and does not answer makes
// it wait for ever.
func (t Target) EmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error) {
	if t.nobody() {
		return nil, t.check(event, args)
	}
	n := t.nsp.acquire()
	defer n.release()
	ctx, cancel := t.mod.bound(ctx)
	defer cancel()
	if err := n.settle(ctx); err != nil {
		return nil, err
	}
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

// Join adds the sockets to rooms. It fails with [ErrTooManyRooms] if one of them can't be
// in so many rooms, after it has added the others.
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

// Disconnect makes the sockets leave the namespace, as [Socket.Disconnect] does.
func (t Target) Disconnect(closeConn ...bool) error {
	if t.nobody() {
		return nil
	}
	n := t.nsp.acquire()
	defer n.release()
	return n.broker.Disconnect(t.sel, slices.Contains(closeConn, true))
}

// Sockets describes the sockets, with those of other servers of a cluster. If one of these
// fails, it returns the sockets of the others beside the error.
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

// Count returns the number of the sockets that [Target.Sockets] describes. It costs much
// less than that.
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

// LocalSockets returns those of the sockets that are in this process.
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
