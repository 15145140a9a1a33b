package socketio

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/logline"
	"github.com/siokit/sio/socketio/parser"
)

type state uint8

const (
	stateConnecting state = iota // the handler decides; what is emitted is held back
	stateConnected
	stateClosed
)

// A Socket is one client in one namespace. It may be used from any goroutine,
// and kept: once the client has left, its methods fail with [ErrClosed].
type Socket struct {
	id    string
	nsp   *Namespace
	conn  *conn
	rooms []seat  // protected by nsp.local.mu, as are place and gone
	next  *Socket // in the crew's queue; the crew's
	place int32   // in the namespace, counted from 1; 0: not there
	gone  bool    // not there, nor in any room but those that it is being taken out of; for good
	left  bool    // the handler has been told that the socket is gone, or is; of who runs it

	told      bool     // observers have been; of who runs it
	recovered bool     // set before the handler hears of the socket
	rec       standing // likewise; nil unless the namespace recovers clients

	mu        sync.Mutex          // protects the following
	reason    Reason              // once closed
	auth      []byte              // the CONNECT payload, until it is decided
	queue     eventQueue          // waits for the handler
	state     state               //
	running   bool                // a goroutine runs the handler, or will
	decided   bool                // Connect has returned
	accepted  bool                // and returned nil
	part      uint8               // of what is counted; never changed
	kick      func()              // what a Disconnect during Connect asked for
	held      []*engineio.Message // emitted while connecting
	heldBytes int
	acks      map[uint64]ackWaiter
	ctx       context.Context // nil until somebody asks
	cancel    context.CancelCauseFunc
	data      map[any]any
	expiry    *time.Timer // from ExpireAt

	owned atomic.Pointer[any] // the handler's
}

func newSocket(n *Namespace, c *conn, auth []byte) *Socket {
	id := c.newID(n.name)
	return &Socket{id: id, nsp: n, conn: c, auth: auth, part: id[len(id)-1] % trafficParts}
}

// ID returns the socket's id. It is not that of the session, but for clients that
// [engineio.Options.AllowEIO3] lets in.
func (s *Socket) ID() string { return s.id }

// LogID returns what stands for the socket in logs: its id, with which nobody can act for
// the client. Where the id is made of the session's, which is a credential, as for clients
// that [engineio.Options.AllowEIO3] lets in, the session's LogID stands in its place.
func (s *Socket) LogID() string {
	secret := s.conn.sess.ID()
	if head, ok := strings.CutSuffix(s.id, secret); ok {
		return head + s.conn.sess.LogID()
	}
	return s.id
}

// logged adds to a line of the log whom it is about.
func (s *Socket) logged(line *zerolog.Event) *zerolog.Event {
	if line == nil { // below the logger's level
		return nil
	}
	sess := s.conn.sess
	return line.Str("sid", sess.LogID()).Str("addr", sess.LogAddr()).Str("nsp", loggable(s.nsp.name)).Str("socket", s.LogID())
}

// Namespace returns the namespace that the socket is in.
func (s *Socket) Namespace() *Namespace { return s.nsp }

// Session returns the Engine.IO session of the connection. The client's sockets in other
// namespaces have the same one.
func (s *Socket) Session() *engineio.Session { return s.conn.sess }

// Context returns a context that ends when the socket leaves. Its cause is the [Reason].
func (s *Socket) Context() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil {
		base := s.conn.base
		if s.state == stateClosed {
			base = context.WithoutCancel(base) // it may have ended for a reason of its own
		}
		s.ctx, s.cancel = context.WithCancelCause(base)
	}
	if s.state == stateClosed {
		s.cancel(s.reason) // close does so when nobody finds the socket any more
	}
	return s.ctx
}

// Connected reports whether the socket has been accepted and has not left.
func (s *Socket) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == stateConnected
}

// Reason returns why the socket left, or "" while it has not.
func (s *Socket) Reason() Reason {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}

// Cause returns the error behind the [Reason]: that of a read or write, an
// [engineio.ProtocolError], or a [parser.Error]. It returns nil if there is none, if the
// client left the namespace or was made to, and while the socket has not left.
func (s *Socket) Cause() error {
	switch s.Reason() {
	case "", ReasonClientDisconnect, ReasonServerDisconnect:
		return nil
	}
	return s.conn.sess.Cause()
}

// BindAuth decodes the payload of the CONNECT into what ptr points to, and leaves that as
// it is if there was none. It works only while the connect handler runs, and fails with
// [ErrAuthGone] afterwards: credentials are not kept.
func (s *Socket) BindAuth(ptr any) error {
	if err := parser.CheckPointer(ptr, "the auth payload"); err != nil {
		return err
	}
	s.mu.Lock()
	auth, decided, state := s.auth, s.decided, s.state
	s.mu.Unlock()
	switch {
	case decided:
		return ErrAuthGone
	case state == stateClosed:
		return ErrClosed
	}
	if len(auth) == 0 {
		return nil
	}
	return s.nsp.srv.opts.Codec.Unmarshal(auth, nil, ptr)
}

// Value returns the value that [Socket.SetValue] has stored under key, or nil.
func (s *Socket) Value(key any) any {
	s.mu.Lock()
	v, ok := s.data[key]
	s.mu.Unlock()
	if named, is := key.(NamedKey); is && !ok && s.rec != nil {
		if v, ok = s.rec.kept(named); ok {
			s.store(key, v)
		}
	}
	return v
}

// SetValue stores v under key, of any comparable type, for as long as the Socket is
// referred to.
//
// With [Options.Recovery] and a [Journal] the value follows the client to other servers,
// encoded by [Options.Codec]. Then the key is a string, under which a client that comes back
// has what the Codec makes of any JSON, or a [NamedKey]. SetValue fails, and stores nothing,
// if the key is none of these or the value can't be encoded. Otherwise it never fails.
func (s *Socket) SetValue(key, v any) error {
	if s.rec != nil {
		if err := s.rec.keep(key, v); err != nil {
			s.conn.sparse(zerolog.ErrorLevel, "value").Str("nsp", loggable(s.nsp.name)).Str("socket", s.LogID()).Err(logline.Error(err)).Msg("value not stored")
			return err
		}
	}
	s.store(key, v)
	return nil
}

func (s *Socket) store(key, v any) {
	s.mu.Lock()
	if s.data == nil {
		s.data = make(map[any]any)
	}
	s.data[key] = v
	s.mu.Unlock()
	s.changed()
}

// Owned returns what [Socket.Own] keeps, or nil. It costs next to nothing.
func (s *Socket) Owned() any {
	if v := s.owned.Load(); v != nil {
		return *v
	}
	return nil
}

// Own keeps v with the socket, unless something is kept already, and returns what is kept.
// It is for the [Handler], such as that of package sio. Applications use
// [Socket.SetValue].
func (s *Socket) Own(v any) any {
	s.owned.CompareAndSwap(nil, &v)
	return *s.owned.Load()
}

// Emit sends an event to the client. It does not wait for the network. It fails with
// [ErrClosed] if the socket has left, with [engineio.ErrQueueFull] if the client does not
// keep up, or with an error that names the argument that can't be encoded.
func (s *Socket) Emit(event string, args ...any) error { return s.emit(modifiers{}, event, args) }

// EmitContext sends an event as [Socket.Emit] does, after it has waited until no more than
// half of QueueBytes and QueuePackets waits to be sent to the client. It is for those who
// have much to send. It fails with the cause of ctx if that ends first, and with
// [ErrClosed] if the socket leaves, as that of a client that takes nothing does after
// WriteTimeout, or when it has missed a heartbeat.
//
// Handlers may call it: it waits for nobody but the client. In the connect handler, where
// all that is emitted is held back, it does not wait.
func (s *Socket) EmitContext(ctx context.Context, event string, args ...any) error {
	return s.emitContext(ctx, modifiers{}, event, args)
}

// Join adds the socket to rooms. It fails with [ErrClosed] if the socket has left. It fails
// with [ErrTooManyRooms] or [ErrRoomName] at the first room that is one too many, or whose
// name is too long; the socket is then in the rooms before that.
func (s *Socket) Join(rooms ...string) error {
	if s.Reason() != "" {
		return ErrClosed
	}
	return s.nsp.local.join(s, rooms)
}

// Leave removes the socket from rooms.
func (s *Socket) Leave(rooms ...string) { s.nsp.local.leave(s, rooms) }

// Rooms returns the rooms that the socket is in, in no particular order. If it has left,
// they are those that it was in until Disconnecting of its [Handler] has returned, and none
// afterwards.
func (s *Socket) Rooms() []string { return s.nsp.local.roomsOf(s) }

// To returns the [Target] of the sockets in any of the rooms, without this one.
func (s *Socket) To(rooms ...string) Target { return s.Broadcast().To(rooms...) }

// In is another name for [Socket.To].
func (s *Socket) In(rooms ...string) Target { return s.To(rooms...) }

// Except returns the [Target] of all other sockets of the namespace that are in none of
// the rooms.
func (s *Socket) Except(rooms ...string) Target { return s.Broadcast().Except(rooms...) }

// Local returns the [Target] of all other sockets of the namespace in this process.
func (s *Socket) Local() Target { return s.Broadcast().Local() }

// Broadcast returns the [Target] of all other sockets of the namespace.
func (s *Socket) Broadcast() Target { return s.nsp.All().Except(s.id) }

// Disconnect makes the client leave the namespace. Disconnect(true) makes it leave all of
// its namespaces, and closes the connection after what was emitted has been sent. Official
// clients do not reconnect by themselves then. Called while the connect handler runs, it
// takes effect behind the answer to the CONNECT.
func (s *Socket) Disconnect(closeConn ...bool) {
	all := slices.Contains(closeConn, true)
	s.mu.Lock()
	if s.state == stateConnecting {
		if s.kick == nil || all {
			s.kick = func() { s.disconnect(all) }
		}
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	if s.nsp.shared != nil {
		s.nsp.shared.behind(func() { s.disconnect(all) })
		return
	}
	s.disconnect(all)
}

func (s *Socket) disconnect(closeConn bool) {
	sockets := []*Socket{s}
	if closeConn {
		sockets = s.conn.all()
	}
	for _, s := range sockets {
		if s.close(ReasonServerDisconnect) {
			s.conn.tell(s.nsp.srv.encodeDisconnect(s.nsp.name))
		}
	}
	if closeConn {
		s.conn.sess.Dismiss()
	}
}

// ExpireAt closes the connection at t, such as when the client's token expires. No
// DISCONNECT is sent, so that the client reconnects by itself, with fresh credentials; see
// [engineio.Session.Close]. Of several calls the last one counts. The zero time cancels it.
func (s *Socket) ExpireAt(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.expiry != nil {
		s.expiry.Stop()
		s.expiry = nil
	}
	if !t.IsZero() && s.state != stateClosed {
		s.expiry = time.AfterFunc(time.Until(t), s.conn.sess.Close)
	}
}

// close ends the socket: it gets and sends nothing any more, nobody finds it, its
// context ends, acks that are awaited fail, and its handler is told behind the events
// that have come before. It reports false if the socket had ended.
func (s *Socket) close(reason Reason) bool {
	s.mu.Lock()
	if s.state == stateClosed {
		if s.cancel != nil {
			s.cancel(s.reason) // before the connection's context ends, for a reason of its own
		}
		s.mu.Unlock()
		return false
	}
	s.state = stateClosed
	s.reason = reason
	if s.rec != nil {
		s.rec.closed()
	}
	s.auth = nil
	s.held, s.heldBytes = nil, 0
	acks := s.acks
	s.acks = nil
	if s.expiry != nil {
		s.expiry.Stop()
	}
	rec := s.rec
	s.startLocked()
	s.nsp.srv.wg.Add(1) // under the connection's own
	s.mu.Unlock()
	if s.nsp.local.part(s, rec) {
		go func() { // ends when it is in no room
			defer s.nsp.srv.wg.Done()
			s.partAll()
		}()
	} else {
		s.nsp.srv.wg.Done()
	}
	s.mu.Lock() // who waits for the context finds it gone
	if s.cancel != nil {
		s.cancel(reason)
	}
	s.mu.Unlock()
	s.conn.hold(0) // until the handler knows
	if len(acks) > 0 {
		err := closedBy(reason)
		for _, w := range acks {
			w.answered(s, parser.Args{}, err)
		}
	}
	s.conn.remove(s, reason == ReasonServerDisconnect)
	s.changed()
	return true
}

// partAll takes the socket out of what is left of its rooms, or out of everything, if
// it comes before who closes it.
func (s *Socket) partAll() {
	s.mu.Lock()
	rec := s.rec
	s.mu.Unlock()
	for s.nsp.local.part(s, rec) {
	}
}
