package socketio

import (
	"github.com/siokit/sio/engineio"
)

// send gives a packet to the session, or holds it back while the connection is
// being decided.
func (s *Socket) send(e encoded, volatile bool) error { return s.sendLater(nil, e, volatile) }

// A delivery sends to many, and leaves the writing to other goroutines. Its zero value is
// ready to use. Flush has to be called at the end.
type delivery struct {
	engineio.Batch
	to   *Socket // one of them
	sent uint64
}

// Flush counts what has been sent, and has it written.
func (d *delivery) Flush() {
	if d.sent > 0 {
		d.to.nsp.traffic.Load()[d.to.part].out.events.Add(d.sent)
		d.sent = 0
	}
	d.Batch.Flush()
}

// sendLater leaves the writing to b, unless that is nil. What is volatile fails
// with ErrDropped if it is not sent, as far as b knows.
func (s *Socket) sendLater(b *delivery, e encoded, volatile bool) error {
	s.mu.Lock()
	switch s.state {
	case stateClosed:
		s.mu.Unlock()
		return ErrClosed
	case stateConnecting:
		if volatile {
			s.mu.Unlock()
			return ErrDropped
		}
		err := s.holdLocked(e)
		s.mu.Unlock()
		if err == nil {
			s.countOut(e)
			return nil
		}
		s.nsp.srv.watch.limited(s.conn.sess, engineio.LimitQueue)
		if !s.nsp.srv.opts.Engine.KeepSlow {
			s.conn.sess.Abort(engineio.ReasonSlowConsumer)
		}
		return err
	}
	s.mu.Unlock()
	var err error
	switch {
	case e.soon:
		err = s.sendSoon(b, e)
	case b != nil:
		err = b.Send(s.conn.sess, volatile, e.first, e.rest...)
	case volatile:
		if !s.conn.sess.TrySend(e.first, e.rest...) {
			err = ErrDropped
		}
	default:
		err = s.conn.sess.Send(e.first, e.rest...)
	}
	switch {
	case err == nil && b != nil && s.nsp.traffic.Load() != nil:
		b.to = s
		b.sent++
	case err == nil:
		s.countOut(e)
	case err == engineio.ErrClosed:
		return ErrClosed
	}
	return err
}

// sendSoon fails with errCrowded if the packet had better wait.
func (s *Socket) sendSoon(b *delivery, e encoded) error {
	send := s.conn.sess.SendSoon
	if b != nil {
		send = func(first *engineio.Message, rest ...*engineio.Message) (bool, error) {
			return b.SendSoon(s.conn.sess, first, rest...)
		}
	}
	sent, err := send(e.first, e.rest...)
	if !sent && err == nil {
		err = errCrowded
	}
	return err
}

// holdLocked keeps a packet until the CONNECT is answered, within the bounds of
// the send queue: for a client that could not take any of it yet.
func (s *Socket) holdLocked(e encoded) error {
	o := &s.nsp.srv.opts.Engine
	size, grace := e.size(), engineio.Grace
	if o.KeepSlow {
		grace = 1
	}
	if len(s.held) > 0 && ((s.heldBytes+size-1)/grace >= o.QueueBytes || (len(s.held)+len(e.rest))/grace >= o.QueuePackets) {
		return engineio.ErrQueueFull
	}
	s.held = append(append(s.held, e.first), e.rest...)
	s.heldBytes += size
	return nil
}
