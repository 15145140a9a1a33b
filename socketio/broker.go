package socketio

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/socketio/parser"
)

// A Broker carries what is addressed to the sockets of one namespace. [Local] is the one
// for the sockets of this process. The broker of a cluster has a Local: it hands each call
// to that, and carries it to the other nodes as well unless [Selector.Local] is set. What
// it gets from other nodes it hands to its Local, too. Errors of the Local are about what
// was to be encoded. Package brokertest has the suite that the broker of a cluster passes.
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
	// the last one leaves it, for brokers that route by interest. The id of a socket is
	// such a room, too, from when it is there until it is gone and can't be recovered.
	// Other rooms are left by sockets that may be recovered: see [Local.RecoveryWindow].
	// Calls for one room come in order, joined and not in turns, and under the Local's
	// lock: Interest must neither block nor call back into the Local.
	Interest(room string, joined bool)
}

// A Broadcast is an event for many sockets. Nobody changes it any more, so that it may be
// kept.
type Broadcast struct {
	Event string
	Args  []any
	// Data, if it is set, is the event as [parser.AppendEvent] has encoded it, with its
	// Attachments: a valid array whose first element is the name. It takes the place of
	// Event and Args, so that a node need not decode what comes from another one. These may
	// be there as well, for who listens to what goes out.
	Data        []byte
	Attachments [][]byte
	Selector
	Volatile bool
	Plain    bool // not to be compressed
}

// encodeBroadcast encodes the event of b, with an argument behind its own unless last is nil.
func (n *Namespace) encodeBroadcast(b *Broadcast, id uint64, wantsAck bool, last any) (encoded, error) {
	e, err := n.srv.encode(parser.TypeEvent, n.name, id, wantsAck, func(dst []byte) ([]byte, [][]byte, error) {
		if b.Data == nil {
			args := b.Args
			if last != nil {
				args = append(slices.Clip(args), last)
			}
			return parser.AppendEvent(n.srv.opts.Codec, dst, b.Event, args)
		}
		dst = append(dst, b.Data...)
		if last == nil {
			return dst, b.Attachments, nil
		}
		dst, attachments, err := n.srv.opts.Codec.Append(append(dst[:len(dst)-1], ','), last, slices.Clip(b.Attachments))
		return append(dst, ']'), attachments, err
	})
	if err != nil {
		return e, err
	}
	return e.flagged(b.Plain), nil
}

// encodeKept encodes an event with its Data, and its offset behind the arguments.
func (n *Namespace) encodeKept(b *Broadcast, offset string) (encoded, error) {
	e, err := n.srv.encode(parser.TypeEvent, n.name, 0, false, func(dst []byte) ([]byte, [][]byte, error) {
		dst = append(append(dst, b.Data[:len(b.Data)-1]...), `,"`...)
		return append(append(dst, offset...), `"]`...), b.Attachments, nil
	})
	if err != nil {
		return e, err
	}
	return e.flagged(b.Plain), nil
}

// decoded returns b with its Event and Args. Those that the codec can't decode stay nil. What
// another server has sent is decoded here, where nobody else contains a panic of the codec.
func (n *Namespace) decoded(b *Broadcast) (d *Broadcast) {
	if b.Data == nil || b.Event != "" {
		return b
	}
	c := *b
	d = &c
	if name, err := parser.EventName(b.Data); err == nil {
		c.Event = string(name)
	}
	args := parser.NewArgs(n.srv.opts.Codec, b.Data, b.Attachments, 1)
	c.Args = make([]any, args.Len())
	ptrs := make([]any, len(c.Args))
	for i := range c.Args {
		ptrs[i] = &c.Args[i]
	}
	defer func() {
		if v := recover(); v != nil {
			n.srv.log.Sparse(zerolog.ErrorLevel, "", "codec").Str("nsp", loggable(n.name)).Str("panic", fmt.Sprintf("%T", v)).Bytes("stack", debug.Stack()).Msg("the codec panicked")
		}
	}()
	_ = args.Bind(ptrs...)
	return d
}
