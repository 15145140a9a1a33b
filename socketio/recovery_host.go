package socketio

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/logline"
	"github.com/siokit/sio/internal/roster"
	"github.com/siokit/sio/internal/share"
)

// What a recoverer may ask, on this side of the line; see recovery.go.

func (s *Server) now() time.Duration { return time.Since(s.born) + 1 }

// stopRecovery ends what the namespaces do on behalf of clients that are away.
func (s *Server) stopRecovery() {
	if s.opts.Recovery == nil {
		return
	}
	s.mu.RLock()
	all := slices.Collect(maps.Values(s.namespaces))
	s.mu.RUnlock()
	s.dynamic.mu.Lock()
	all = slices.AppendSeq(all, maps.Values(s.dynamic.live))
	s.dynamic.mu.Unlock()
	for _, n := range all {
		n.recovery.stop()
	}
}

func (l *Local) now() time.Duration { return l.nsp.srv.now() }

func (l *Local) date(now time.Duration) time.Time { return l.nsp.srv.born.Add(now) }

func (l *Local) failed(err error) {
	l.nsp.srv.log.Sparse(zerolog.ErrorLevel, "", "store").Str("nsp", loggable(l.nsp.name)).Err(logline.Error(err)).Msg("recovery store failed")
}

func (l *Local) stalled(long bool) {
	log := l.nsp.srv.log.With().Str("nsp", loggable(l.nsp.name)).Logger()
	if long {
		log.Warn().Msg("the journal takes long: clients of this server get what it emits before others do")
	} else {
		log.Info().Msg("the journal goes on")
	}
}

func (l *Local) allowsV3() bool { return l.nsp.srv.opts.Engine.AllowEIO3 }

func (l *Local) acquire() { l.nsp.acquire() }
func (l *Local) release() { l.nsp.release() }

func (l *Local) alone(away int) bool {
	d := &l.nsp.srv.dynamic
	d.mu.Lock()
	defer d.mu.Unlock()
	return l.nsp.users <= away
}

// dynamicShare bounds what all dynamic namespaces keep together, since clients
// choose how many there are. Beyond what so many others may keep, each of them gets
// its part of as much again.
const dynamicShare = 8

func (l *Local) share(most int) int {
	d := &l.nsp.srv.dynamic
	if l.nsp.parent == nil || d.kept.Load() <= int64(dynamicShare)*int64(most) {
		return most
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return min(most, dynamicShare*most/max(1, len(d.live)))
}

func (l *Local) hold(bytes int) {
	if l.nsp.parent != nil {
		l.nsp.srv.dynamic.kept.Add(int64(bytes))
	}
}

func (l *Local) encode(b *Broadcast, last any) (encoded, error) {
	return l.nsp.encodeBroadcast(b, 0, false, last)
}

func (l *Local) decoded(b *Broadcast) *Broadcast {
	return l.nsp.decoded(b)
}

func (l *Local) tell(b *Broadcast, to selection) {
	if outgoing := l.nsp.listeners(); outgoing.any() {
		b = l.nsp.decoded(b)
		for s := range to.each {
			outgoing.tell(s, b.Event, b.Args)
		}
	}
}

func (l *Local) pickNumbered(sel Selector) (to selection, kept bool) {
	l.mu.RLock()
	kept = l.nsp.recovery.numberLocked(sel.Rooms)
	to = l.pickLocked(sel)
	l.mu.RUnlock()
	return to, kept
}

func (l *Local) number() {
	l.mu.RLock()
	defer l.mu.RUnlock()
	l.nsp.recovery.numberLocked(nil)
}

func (l *Local) only(s *Socket) selection { return selection{found: roster.ViewOf([]*Socket{s})} }

func (l *Local) encodeKept(b *Broadcast, offset string) (encoded, error) {
	return l.nsp.encodeKept(b, offset)
}

func (l *Local) standing(id string) standing {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.standingLocked(id)
}

func (l *Local) standingLocked(id string) standing {
	if s := l.ids[id]; s != nil {
		return s.rec
	}
	return nil
}

func (l *Local) readmit(s *Socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range s.rec.returnLocked(s.gone) {
		if i, in := findRoom(s.rooms, name); !in && !s.gone {
			l.enterLocked(s, name, i)
		}
	}
	if s.gone {
		l.nameLocked(s)
		return
	}
	l.addLocked(s)
}

func (l *Local) shut(s *Socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.gone = true
}

func (l *Local) anew(s *Socket, why RecoveryResult) { l.nsp.srv.watch.recovered(s, why) }

// An eventName is an argument that is none.
type eventName string

// takenForOffset returns what an official client takes for the offset of an event if it is
// a string: the last argument, or the name where there is none.
func takenForOffset(event string, args []any) any {
	if len(args) == 0 {
		return eventName(event)
	}
	return args[len(args)-1]
}

// Recovered reports whether the client has come back as the socket that it was before its
// connection broke, with the id, the rooms and the values of that.
func (s *Socket) Recovered() bool { return s.recovered }

// asideLocked returns the rooms of a socket that is not the client yet that it says it
// is, or nil.
func (s *Socket) asideLocked() aside {
	if s.rec == nil {
		return nil
	}
	return s.rec.asideLocked()
}

func (s *Socket) payload() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.auth
}

func (s *Socket) values() map[any]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.data)
}

func (s *Socket) address() netip.Prefix { return share.Of(s.conn.sess.RemoteAddr()) }

func (s *Socket) with(other *Socket) bool { return s.conn == other.conn }

func (s *Socket) stand(rec standing) {
	s.mu.Lock() // who closes it looks for it
	defer s.mu.Unlock()
	s.rec = rec
}

func (s *Socket) assume(id string, values map[any]any, rec standing) {
	s.id, s.recovered = id, true
	s.mu.Lock() // as above
	defer s.mu.Unlock()
	s.data = values
	s.rec = rec
}

func (s *Socket) standing() standing { return s.rec }

func (s *Socket) alive(patience time.Duration, f func(alive bool)) { s.conn.sess.Alive(patience, f) }

func (s *Socket) unanswered() bool { return s.conn.sess.Unanswered() }

// unproven: while a connection is not read, or any bytes are a sign of life, nobody has
// to answer pings.
func (s *Socket) unproven() bool {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.srv.opts.Engine.LenientHeartbeat || c.halted
}

func (s *Socket) bury() {
	s.conn.sess.Abort(engineio.ReasonTransportClose)
	s.close(engineio.ReasonTransportClose) // if somebody else is just ending the session
	s.partAll()                            // who sees the one does not see the other
}
