package socketio

import "slices"

// A Tap shows what the sockets of a server do, in all namespaces, to somebody who looks on: see
// [Server.SetTap]. Fields that are nil are passed over.
//
// The functions are called by whoever does what they tell of, several at a time. They must not
// block, panic, act upon a socket, or change what they are given.
type Tap struct {
	// Changed is called when something about a socket has changed that the socket tells itself:
	// whether it is connected, its rooms, its values, its transport. It is also called when
	// something may have changed.
	Changed func(s *Socket)
	// Received is called with each event before its handler.
	Received func(s *Socket, e *Event)
	// Sent is called as an [Outgoing] is, for each socket.
	Sent Outgoing
}

// SetTap has t told from now on, in the place of an earlier one. Nil stands for none, and
// costs nothing.
func (s *Server) SetTap(t *Tap) { s.tap.Store(t) }

func (s *Socket) changed() {
	if t := s.nsp.srv.tap.Load(); t != nil && t.Changed != nil {
		t.Changed(s)
	}
}

func (s *Socket) received(e *Event) {
	if t := s.nsp.srv.tap.Load(); t != nil && t.Received != nil {
		t.Received(s, e)
	}
}

// listeners hear the events that go out to the sockets of a namespace.
type listeners struct {
	own *Outgoing // the namespace's
	tap Outgoing
}

func (n *Namespace) listeners() listeners {
	l := listeners{own: n.handlers().outgoing.Load()}
	if t := n.srv.tap.Load(); t != nil {
		l.tap = t.Sent
	}
	return l
}

// any tells whether there is one.
func (l listeners) any() bool { return l.own != nil || l.tap != nil }

// tell tells them of a socket that has not left.
func (l listeners) tell(s *Socket, event string, args []any) {
	if !l.any() || s.Reason() != "" {
		return
	}
	if l.own != nil {
		(*l.own)(s, event, args)
	}
	if l.tap != nil {
		l.tap(s, event, args)
	}
}

// tell is for what is emitted to s alone.
func (s *Socket) tell(event string, args []any) {
	if l := s.nsp.listeners(); l.any() {
		l.tell(s, event, slices.Clone(args)) // so that the caller's need not be on the heap
	}
}
