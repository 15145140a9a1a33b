package socketio

// An Outgoing is told of the events that go out to the sockets of a namespace.
type Outgoing func(s *Socket, event string, args []any)

// OnOutgoing has f called with every event that is emitted to a socket of this process, once
// for each socket, when the event is queued. A volatile one, or one for a client that does
// not keep up, may still be dropped. Acks are not events. F is called for what it emits
// itself, too. It is called on the goroutine that emits, or that receives what other servers
// of a cluster emit, and must not block, panic or change the arguments. It takes the place of an earlier f; nil stands for none.
func (n *Namespace) OnOutgoing(f Outgoing) {
	if f == nil {
		n.outgoing.Store(nil)
		return
	}
	n.outgoing.Store(&f)
}
