package socketio

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/siokit/sio/socketio/parser"
)

// An Emission emits to a [Socket], or by To and the like to others, with modifiers. It is
// immutable, and may be used from any goroutine: the methods that modify it return another
// one.
type Emission struct {
	s   *Socket
	mod modifiers
}

// Volatile returns an [Emission] whose events are dropped, without an error, if they can't
// be sent at once.
func (s *Socket) Volatile() Emission { return Emission{s: s}.Volatile() }

// Compress returns an [Emission] whose events are not compressed if on is false, neither by
// per-message deflate nor in the answer to a poll.
func (s *Socket) Compress(on bool) Emission { return Emission{s: s}.Compress(on) }

// Timeout returns an [Emission] whose EmitWithAck waits no longer than d, whatever its
// context allows.
func (s *Socket) Timeout(d time.Duration) Emission { return Emission{s: s}.Timeout(d) }

// Volatile returns an Emission whose events are dropped if they can't be sent at once.
// EmitWithAck then fails with [ErrDropped]; the other methods do not fail.
func (e Emission) Volatile() Emission {
	e.mod.volatile = true
	return e
}

// Compress returns an Emission whose events are not compressed if on is false, as
// [Target.Compress] does.
func (e Emission) Compress(on bool) Emission {
	e.mod.plain = !on
	return e
}

// Timeout returns an Emission whose EmitWithAck fails with [context.DeadlineExceeded] when
// d has passed. A d of 0 takes that back.
func (e Emission) Timeout(d time.Duration) Emission {
	e.mod.timeout = d
	return e
}

// Emit sends an event to the client, as [Socket.Emit] does.
func (e Emission) Emit(event string, args ...any) error { return e.s.emit(e.mod, event, args) }

// EmitContext sends an event to the client, as [Socket.EmitContext] does. If the Emission
// is volatile, it does not wait.
func (e Emission) EmitContext(ctx context.Context, event string, args ...any) error {
	return e.s.emitContext(ctx, e.mod, event, args)
}

// EmitWithAck sends an event and waits for the client's answer, as [Socket.EmitWithAck]
// does.
func (e Emission) EmitWithAck(ctx context.Context, event string, args ...any) (parser.Args, error) {
	return e.s.ask(ctx, e.mod, event, args)
}

// To returns the Target of [Socket.To], with the modifiers.
func (e Emission) To(rooms ...string) Target { return e.Broadcast().To(rooms...) }

// In is another name for [Emission.To].
func (e Emission) In(rooms ...string) Target { return e.To(rooms...) }

// Except returns the Target of [Socket.Except], with the modifiers.
func (e Emission) Except(rooms ...string) Target { return e.Broadcast().Except(rooms...) }

// Local returns the Target of [Socket.Local], with the modifiers.
func (e Emission) Local() Target { return e.Broadcast().Local() }

// Broadcast returns the Target of [Socket.Broadcast], with the modifiers.
func (e Emission) Broadcast() Target {
	t := e.s.Broadcast()
	t.mod = e.mod
	return t
}

// emit sends an event to the client.
func (s *Socket) emit(m modifiers, event string, args []any) error {
	sent, kept := args, s.rec != nil && !m.volatile
	if kept && s.nsp.shared != nil {
		return s.post(m, event, args)
	}
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

// post emits by the journal.
func (s *Socket) post(m modifiers, event string, args []any) error {
	data, attachments, err := parser.AppendEvent(s.nsp.srv.opts.Codec, nil, event, args)
	if err == nil {
		err = s.nsp.srv.allows(attachments)
	}
	if err != nil {
		return err
	}
	if s.Reason() != "" {
		return ErrClosed
	}
	return s.nsp.shared.emitOne(s, &Broadcast{
		Event: event, Args: slices.Clone(args), Data: data, Attachments: attachments, // so that the caller's need not be on the heap
		Selector: Selector{Rooms: []string{s.id}}, Plain: m.plain,
	})
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
