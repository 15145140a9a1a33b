package sio

import (
	"fmt"
	"runtime/debug"
)

// An Outgoing hears the events that go out: once for each socket of this
// process, wherever it was emitted. It is called by the goroutine that emits,
// when the event is queued for the socket: just before, or, of what goes to many
// with [Options.Recovery], just behind. It must not block. What is volatile, or
// for a client that does not keep up, may be dropped, and what is for one whose
// connect handler runs, when that refuses. Acks are not events, and what a client
// that comes back has missed is not heard again. What it emits to the namespace it
// hears, too. The arguments must not be changed.
type Outgoing func(s *Socket, event string, args []any)

// OnAnyOutgoing registers what hears every event that goes out. See [Outgoing].
func (g *group) OnAnyOutgoing(h Outgoing) {
	where := "OnAnyOutgoing in namespace " + g.n.Name()
	if h == nil {
		panic("sio: " + where + ": nil handler")
	}
	g.n.register(func(t *table) {
		if t.outgoing != nil {
			panic("sio: " + where + ": there is a handler already")
		}
		t.outgoing = h
		g.n.io.OnOutgoing(g.n.outgoing)
	})
}

// outgoing calls the handler that there is, and contains its panic.
func (n *Namespace) outgoing(s *Socket, event string, args []any) {
	h := n.table.Load().outgoing
	if h == nil { // it is being registered
		return
	}
	defer func() {
		if v := recover(); v != nil {
			n.srv.log.Error().Str("nsp", n.Name()).Str("event", event).Str("panic", fmt.Sprintf("%T", v)).Bytes("stack", debug.Stack()).Msg("OnAnyOutgoing panicked")
		}
	}()
	h(s, event, args)
}
