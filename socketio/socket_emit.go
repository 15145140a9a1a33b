package socketio

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/siokit/sio/socketio/parser"
)

// An Emission is a [Socket] with modifiers for what is emitted to it, or, by To
// and the like, to others. It is immutable: each method returns another one.
type Emission struct {
	s   *Socket
	mod modifiers
}

// Volatile returns the socket for emitting what may be dropped: it is, without
// an error, when the connection can't take it now.
func (s *Socket) Volatile() Emission { return Emission{s: s}.Volatile() }

// Compress(false) returns the socket for emitting what is not to be compressed,
// by per-message deflate or in the answer to a poll.
func (s *Socket) Compress(on bool) Emission { return Emission{s: s}.Compress(on) }

// Timeout returns the socket with a bound of EmitWithAck, beside its context.
func (s *Socket) Timeout(d time.Duration) Emission { return Emission{s: s}.Timeout(d) }

// Volatile marks what is emitted as something that may be dropped. An
// EmitWithAck that is dropped fails with [ErrDropped].
func (e Emission) Volatile() Emission {
	e.mod.volatile = true
	return e
}

// Compress is [Target.Compress].
func (e Emission) Compress(on bool) Emission {
	e.mod.plain = !on
	return e
}

// Timeout makes EmitWithAck fail with [context.DeadlineExceeded] when d has
// passed; 0 takes it back.
func (e Emission) Timeout(d time.Duration) Emission {
	e.mod.timeout = d
	return e
}

// Emit is [Socket.Emit] with the modifiers.
func (e Emission) Emit(event string, args ...any) error { return e.s.emit(e.mod, event, args) }

// EmitContext is [Socket.EmitContext] with the modifiers. What is volatile does
// not wait.
func (e Emission) EmitContext(ctx context.Context, event string, args ...any) error {
	return e.s.emitContext(ctx, e.mod, event, args)
}

// EmitWithAck is [Socket.EmitWithAck] with the modifiers.
func (e Emission) EmitWithAck(ctx context.Context, event string, args ...any) (parser.Args, error) {
	return e.s.ask(ctx, e.mod, event, args)
}

// To is [Socket.To] with the modifiers.
func (e Emission) To(rooms ...string) Target { return e.Broadcast().To(rooms...) }

// In is To.
func (e Emission) In(rooms ...string) Target { return e.To(rooms...) }

// Except is [Socket.Except] with the modifiers.
func (e Emission) Except(rooms ...string) Target { return e.Broadcast().Except(rooms...) }

// Local is [Socket.Local] with the modifiers.
func (e Emission) Local() Target { return e.Broadcast().Local() }

// Broadcast is [Socket.Broadcast] with the modifiers.
func (e Emission) Broadcast() Target {
	t := e.s.Broadcast()
	t.mod = e.mod
	return t
}

// emit sends an event to the client.
func (s *Socket) emit(m modifiers, event string, args []any) error {
	sent, kept := args, s.rec != nil && !m.volatile
	if kept {
		sent = append(slices.Clip(args), s.nsp.recovery.blank())
	}
	e, err := s.nsp.encodeEvent(event, sent, 0, false)
	if err != nil {
		return err
	}
	if !m.told {
		s.tell(event, args)
	}
	e = e.flagged(m.plain)
	e.soon = m.soon
	switch {
	case kept:
		return s.nsp.recovery.emit(s, e)
	case s.rec != nil:
		return notDropped(s.nsp.recovery.emitVolatile(s, e, takenForOffset(event, args)))
	}
	return notDropped(s.send(e, m.volatile))
}

// errCrowded says that a packet had better wait.
var errCrowded = errors.New("socketio: too much waits")

// emitContext emits when there is room.
func (s *Socket) emitContext(ctx context.Context, m modifiers, event string, args []any) error {
	m.soon = !m.volatile
	for {
		if m.soon {
			if err := s.awaitRoom(ctx); err != nil {
				return err
			}
		}
		if err := s.emit(m, event, args); err != errCrowded { // by others that have waited
			return err
		}
		m.told = true
	}
}

// awaitRoom waits until the client has taken most of what it was sent, in whatever
// namespace.
func (s *Socket) awaitRoom(ctx context.Context) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		room := s.conn.sess.Room()
		if room == nil {
			return nil
		}
		select {
		case <-room:
		case <-ctx.Done():
		case <-s.Context().Done():
			return ErrClosed
		}
	}
}

// notDropped makes no error of what is only no delivery.
func notDropped(err error) error {
	if err == ErrDropped {
		return nil
	}
	return err
}

// flagged is called for each event that has been encoded, before it is sent:
// with plain, it is not to be compressed.
func (e encoded) flagged(plain bool) encoded {
	if plain {
		_ = e.first.Plain()
		for _, m := range e.rest {
			_ = m.Plain()
		}
	}
	return e
}
