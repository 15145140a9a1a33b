package socketio

import (
	"bytes"
	"context"
	"fmt"
)

// A pendingAck is an answer that is waited for.
type pendingAck struct {
	done chan struct{} // closed when the fields below stand
	args Args
	err  error
}

func (a *pendingAck) fail(reason Reason) {
	a.err = fmt.Errorf("%w: %w", ErrClosed, reason)
	close(a.done)
}

// EmitWithAck sends an event and waits for the client's answer. It fails when
// ctx ends, with its cause, and at once when the socket leaves, with
// [ErrClosed] and the [Reason]. A handler may wait for its own socket; its
// connect handler may not, since the event is held back until it returns. A
// client that sends more events than [Options.EventQueue] before its answer is
// not read that far until a handler returns: ctx should have a deadline.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	a := &pendingAck{done: make(chan struct{})}
	s.mu.Lock()
	if s.state == stateClosed {
		s.mu.Unlock()
		return Args{}, fmt.Errorf("%w: %w", ErrClosed, s.reason)
	}
	id := s.lastAck
	s.lastAck++
	if s.acks == nil {
		s.acks = make(map[uint64]*pendingAck)
	}
	s.acks[id] = a
	s.mu.Unlock()

	e, err := s.nsp.encodeEvent(event, args, id, true)
	if err == nil {
		err = s.send(e, false)
	}
	if err != nil && err != ErrClosed { // that one the socket will hear of, with the reason
		s.takeAck(id)
		return Args{}, err
	}
	select {
	case <-a.done:
	case <-ctx.Done():
		if s.takeAck(id) != nil {
			return Args{}, context.Cause(ctx)
		}
		<-a.done // it has come at the same time
	}
	return a.args, a.err
}

// takeAck returns the pending ack, at most once.
func (s *Socket) takeAck(id uint64) *pendingAck {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.acks[id]
	delete(s.acks, id)
	if len(s.acks) == 0 {
		s.acks = nil
	}
	return a
}

// resolve takes an ACK packet. One that nobody waits for is ignored.
func (s *Socket) resolve(p *Packet) {
	a := s.takeAck(p.ID)
	if a == nil {
		return
	}
	data := p.Data
	if p.Attachments == nil {
		data = bytes.Clone(data)
	}
	a.args = NewArgs(s.nsp.srv.opts.Codec, data, p.Attachments, 0)
	close(a.done)
}
