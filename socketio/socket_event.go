package socketio

import (
	"sync/atomic"

	"github.com/siokit/sio/socketio/parser"
)

// An Event is an event that a client has emitted. It owns its bytes, and may be kept.
type Event struct {
	socket   *Socket
	name     []byte
	data     []byte // the JSON array, the name being its first element
	binary   [][]byte
	id       uint64
	wantsAck bool
	upgrade  bool // no event: the transport has changed
	acked    atomic.Bool
	next     *Event // in the socket's queue
	owner    any
}

// An EventMaker is a [Handler] that allocates each Event together with what it needs for
// that itself, which saves an allocation.
type EventMaker interface {
	// NewEvent returns an Event with room for size bytes of data, or more; see
	// [Event.Init]. It must not block.
	NewEvent(size int) *Event
}

// Init prepares an Event that is part of owner. Room is a buffer for its data.
func (e *Event) Init(owner any, room []byte) {
	e.owner = owner
	e.data = room[:0]
}

// Owner returns the owner that Init was given, or nil.
func (e *Event) Owner() any { return e.owner }

// An eventQueue is a queue of events that allocates nothing.
type eventQueue struct{ first, last *Event }

func (q *eventQueue) push(e *Event) {
	if q.first == nil {
		q.first = e
	} else {
		q.last.next = e
	}
	q.last = e
}

// pop returns nil if there is none.
func (q *eventQueue) pop() *Event {
	e := q.first
	if e != nil {
		q.first, e.next = e.next, nil
		if q.first == nil {
			q.last = nil // an idle socket keeps no event
		}
	}
	return e
}

// Name returns the event's name.
func (e *Event) Name() string { return string(e.name) }

// NameBytes returns the event's name without copying it, for look-ups. It must not be
// changed.
func (e *Event) NameBytes() []byte { return e.name }

// Args returns the arguments.
func (e *Event) Args() parser.Args {
	return parser.NewArgs(e.socket.nsp.srv.opts.Codec, e.data, e.binary, 1)
}

// WantsAck reports whether the client has asked for an ack.
func (e *Event) WantsAck() bool { return e.wantsAck }

// Acked reports whether the event has been answered.
func (e *Event) Acked() bool { return e.acked.Load() }

// size is what the event holds while it waits.
func (e *Event) size() int {
	n := len(e.data)
	for _, b := range e.binary {
		n += len(b)
	}
	return n
}

// Ack answers e, which s has received, once: the second call returns
// [ErrAckSent]. It does nothing if the peer did not ask.
func (s *Socket) Ack(e *Event, args ...any) error {
	if !e.wantsAck {
		return nil
	}
	if e.acked.Swap(true) {
		return ErrAckSent
	}
	encoded := false
	defer func() {
		if !encoded { // an error, or a panic of the codec: another answer may follow
			e.acked.Store(false)
		}
	}()
	p, err := s.nsp.encodeAck(e.id, args)
	if err != nil {
		return err
	}
	encoded = true
	if s.nsp.shared != nil {
		s.nsp.shared.behind(func() { _ = s.send(p, false) }) // if it fails the socket has left, or does so
		return nil
	}
	return s.send(p, false)
}
