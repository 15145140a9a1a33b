package socketio

import (
	"context"

	"github.com/siokit/sio/socketio/parser"
)

// A ServerHandler is a [Handler] that hears the events of other servers of a
// cluster.
type ServerHandler interface {
	// ServerEvent handles an event for a namespace and returns the answer. It returns
	// [ErrNoHandler] if nobody handles the event. It may block, may be called several
	// times at once, and must recover from its own panics. It may keep args.
	ServerEvent(ctx context.Context, n *Namespace, event string, args parser.Args) (answer any, err error)
}

// ServerSideEmit sends an event to the other servers of the cluster. With the
// broker of one process there are none.
func (n *Namespace) ServerSideEmit(event string, args ...any) error {
	if parser.IsReserved(event) {
		return parser.ErrReservedEvent
	}
	n = n.acquire()
	defer n.release()
	return n.broker.ServerSideEmit(event, args)
}

// ServerSideEmitWithAck sends an event to the other servers of the cluster, waits for an
// answer of each, and returns the answers. If ctx ends first, it returns its cause beside
// those that have come. An [Answer] has one argument, or an Err.
func (n *Namespace) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error) {
	if parser.IsReserved(event) {
		return nil, parser.ErrReservedEvent
	}
	n = n.acquire()
	defer n.release()
	return n.broker.ServerSideEmitWithAck(ctx, event, args)
}

// ServerSideEmit implements [Broker]: a process alone has nobody to tell.
func (l *Local) ServerSideEmit(string, []any) error { return nil }

// ServerSideEmitWithAck implements [Broker]: nobody answers.
func (l *Local) ServerSideEmitWithAck(context.Context, string, []any) ([]Answer, error) {
	return nil, nil
}

// ServerEvent is for brokers: it hands an event of another server to the
// handler, and returns what that answers, or [ErrNoHandler]. It blocks as long
// as the handler does.
func (l *Local) ServerEvent(ctx context.Context, event string, args parser.Args) (answer any, err error) {
	h, ok := l.nsp.handler.(ServerHandler)
	if !ok {
		return nil, ErrNoHandler
	}
	return h.ServerEvent(ctx, l.nsp, event, args)
}

// Codec returns the codec of arguments, for brokers to carry them.
func (l *Local) Codec() parser.Codec { return l.nsp.srv.opts.Codec }
