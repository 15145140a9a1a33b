package socketio

import (
	"slices"
	"sync"
	"sync/atomic"
)

// A Tap shows what the sockets of a server do, in all namespaces, to somebody who looks on: see
// [Server.Tap]. Fields that are nil are passed over.
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

// Tap has t told from now on, beside others, until stop is called. Calls that are under way then
// may still come. Without a Tap, nothing is paid for.
func (s *Server) Tap(t *Tap) (stop func()) {
	s.taps.change(func(all []*Tap) []*Tap { return append(all, t) })
	return sync.OnceFunc(func() {
		s.taps.change(func(all []*Tap) []*Tap {
			i := slices.Index(all, t)
			return slices.Delete(all, i, i+1)
		})
	})
}

// taps are those that there are, and one in which they are all.
type taps struct {
	mu  sync.Mutex
	all []*Tap
	one atomic.Pointer[Tap] // nil: there is none
}

func (ts *taps) change(how func(all []*Tap) []*Tap) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.all = how(slices.Clone(ts.all))
	switch len(ts.all) {
	case 0:
		ts.one.Store(nil)
	case 1:
		ts.one.Store(ts.all[0])
	default:
		ts.one.Store(together(ts.all))
	}
}

// together returns a Tap that tells all of them. None of its fields is nil.
func together(all []*Tap) *Tap {
	return &Tap{
		Changed: func(s *Socket) {
			for _, t := range all {
				if t.Changed != nil {
					t.Changed(s)
				}
			}
		},
		Received: func(s *Socket, e *Event) {
			for _, t := range all {
				if t.Received != nil {
					t.Received(s, e)
				}
			}
		},
		Sent: func(s *Socket, event string, args []any) {
			for _, t := range all {
				if t.Sent != nil {
					t.Sent(s, event, args)
				}
			}
		},
	}
}

func (s *Socket) changed() {
	if t := s.nsp.srv.taps.one.Load(); t != nil && t.Changed != nil {
		t.Changed(s)
	}
}

func (s *Socket) received(e *Event) {
	if t := s.nsp.srv.taps.one.Load(); t != nil && t.Received != nil {
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
	if t := n.srv.taps.one.Load(); t != nil {
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
