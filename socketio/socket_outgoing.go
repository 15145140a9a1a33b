package socketio

import "slices"

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

// listener returns what hears the events that go out, or nil.
func (n *Namespace) listener() *Outgoing { return n.handlers().outgoing.Load() }

// tell is for what is emitted to s alone.
func (s *Socket) tell(event string, args []any) {
	if f := s.nsp.listener(); f != nil {
		f.tell(s, event, slices.Clone(args)) // so that the caller's need not be on the heap
	}
}

// tell calls f, if it is not nil, for a socket that has not left.
func (f *Outgoing) tell(s *Socket, event string, args []any) {
	if f != nil && s.Reason() == "" {
		(*f)(s, event, args)
	}
}
