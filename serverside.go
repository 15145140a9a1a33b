package sio

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"

	"github.com/siokit/sio/socketio"
)

// A ServerHandler handles an event of another server of a cluster, for the
// namespace n, and returns the answer for it. It runs beside other handlers, of
// the same event too. The context ends when nobody waits any more, as far as the
// broker knows.
type ServerHandler func(ctx context.Context, n *Namespace, args Args) (any, error)

// OnServerEvent registers the handler of an event that another server of the
// cluster emits with ServerSideEmit. It panics if there is one already.
// Middlewares are for events of clients, and not around it.
func (g *group) OnServerEvent(event string, h ServerHandler) {
	where := fmt.Sprintf("OnServerEvent(%q) in namespace %s", event, g.n.Name())
	switch {
	case h == nil:
		panic("sio: " + where + ": nil handler")
	case socketio.IsReserved(event):
		panic("sio: " + where + ": the name is reserved")
	}
	g.n.register(func(t *table) {
		if t.server[event] != nil {
			panic("sio: " + where + ": the event has a handler already")
		}
		t.server = maps.Clone(t.server)
		if t.server == nil {
			t.server = make(map[string]ServerHandler)
		}
		t.server[event] = h
	})
}

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

// ServerEvent implements [socketio.ServerHandler].
func (d dispatcher) ServerEvent(ctx context.Context, io *socketio.Namespace, event string, args Args) (answer any, err error) {
	h := d.n.table.Load().server[event]
	if h == nil {
		d.n.srv.log.Debug().Str("nsp", d.n.Name()).Str("event", event).Msg("no handler of a server's event")
		return nil, socketio.ErrNoHandler
	}
	defer func() {
		if v := recover(); v != nil {
			p := &PanicError{v, debug.Stack()}
			answer, err = nil, p
			d.n.srv.log.Error().Str("nsp", d.n.Name()).Str("event", event).Bytes("stack", p.Stack).Msg("handler of a server's event panicked")
		}
	}()
	n := d.n
	if io.Name() != n.Name() { // one of a pattern
		n = n.srv.Of(io.Name())
	}
	answer, err = h(ctx, n, args)
	if err != nil { // not everybody who emits is told
		d.n.srv.log.Error().Str("nsp", d.n.Name()).Str("event", event).Err(err).Msg("handler of a server's event failed")
	}
	return answer, err
}
