package socketio

import (
	"bytes"
	"context"
	"fmt"

	"github.com/siokit/sio/socketio/parser"
)

// An ackWaiter is told what came of an ack that it waits for, once for each
// socket, by goroutines that others wait for: it must not block.
type ackWaiter interface {
	answered(s *Socket, args parser.Args, err error)
}

// A pendingAck waits for one socket.
type pendingAck struct {
	done chan struct{} // closed when the fields below stand
	args parser.Args
	err  error
}

func (a *pendingAck) answered(_ *Socket, args parser.Args, err error) {
	a.args, a.err = args, err
	close(a.done)
}

// ackID returns an id for an ack. No other one of the namespace has it.
func (n *Namespace) ackID() uint64 { return n.acks.Add(1) - 1 }

// EmitWithAck sends an event and waits for the client's answer. It fails when
// ctx ends, with its cause, and at once when the socket leaves, with
// [ErrClosed] and the [Reason], or while the connect handler runs, with
// [ErrConnecting], whoever calls it: the event would be held back until that returns.
//
// Every other handler may wait for its own socket. If the client sends more events than
// [Options.EventQueue] before its answer, that is not read until a handler returns: ctx
// should have a deadline.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (parser.Args, error) {
	return s.ask(ctx, modifiers{}, event, args)
}

func (s *Socket) ask(ctx context.Context, m modifiers, event string, args []any) (parser.Args, error) {
	if s.deciding() {
		return parser.Args{}, ErrConnecting
	}
	ctx, cancel := m.bound(ctx)
	defer cancel()
	id := s.nsp.ackID()
	e, err := s.nsp.encodeEvent(event, args, id, true)
	if err != nil {
		return parser.Args{}, err
	}
	if err := s.nsp.settle(ctx); err != nil {
		return parser.Args{}, err
	}
	s.tell(event, args)
	a := &pendingAck{done: make(chan struct{})}
	s.await(nil, e.flagged(m.plain), id, a, m.volatile)
	select {
	case <-a.done:
	case <-ctx.Done():
		if s.takeAck(id) != nil {
			return parser.Args{}, context.Cause(ctx)
		}
		<-a.done // it has come at the same time
	}
	return a.args, a.err
}

// deciding tells whether the connect handler has the socket still. Nobody waits for an
// answer that it holds up.
func (s *Socket) deciding() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == stateConnecting && !s.decided
}

// await sends an event with an id, whose answer, or the failure to get one, w
// is told. It leaves the writing to b, unless that is nil.
func (s *Socket) await(b *delivery, e encoded, id uint64, w ackWaiter, volatile bool) {
	s.mu.Lock()
	if s.state == stateClosed {
		reason := s.reason
		s.mu.Unlock()
		w.answered(s, parser.Args{}, closedBy(reason))
		return
	}
	if s.acks == nil {
		s.acks = make(map[uint64]ackWaiter)
	}
	s.acks[id] = w
	s.mu.Unlock()
	if volatile {
		b = nil // it does not tell what is dropped
	}
	err := s.sendLater(b, e, volatile)
	if err == nil || err == ErrClosed { // of that the socket will hear, with the reason
		return
	}
	if s.takeAck(id) != nil {
		w.answered(s, parser.Args{}, err)
	}
}

func closedBy(reason Reason) error { return fmt.Errorf("%w: %w", ErrClosed, reason) }

// PendingAcks returns how many answers of the client are waited for.
func (s *Socket) PendingAcks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acks)
}

// takeAck returns who waits for the ack, at most once.
func (s *Socket) takeAck(id uint64) ackWaiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.acks[id]
	delete(s.acks, id)
	if len(s.acks) == 0 {
		s.acks = nil
	}
	return w
}

// resolve takes an ACK packet, whose data may be kept or not. One that nobody waits for is
// ignored.
func (s *Socket) resolve(p *parser.Packet, owned bool) {
	w := s.takeAck(p.ID)
	if w == nil {
		return
	}
	data := p.Data
	if p.Attachments == nil && !owned {
		data = bytes.Clone(data)
	}
	w.answered(s, parser.NewArgs(s.nsp.srv.opts.Codec, data, p.Attachments, 0), nil)
}
