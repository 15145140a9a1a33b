package socketio

import (
	"slices"
	"sync"
	"time"

	"github.com/siokit/sio/internal/roster"
)

// A Local knows the sockets and rooms of a namespace in this process. It is a
// [Broker] by itself.
//
// No section under its lock takes longer because there are many members, many rooms,
// or many rooms of one socket: clients choose how many.
type Local struct {
	nsp *Namespace

	mu    sync.RWMutex       // protects the following, and the rooms of the sockets
	ids   map[string]*Socket // and of those that have left and may be recovered, until that is noted
	rooms map[string]*room   //
	all   roster.Set[Socket] // every socket that is connected
}

func newLocal(n *Namespace) *Local {
	return &Local{nsp: n, ids: make(map[string]*Socket), rooms: make(map[string]*room)}
}

// Namespace returns the namespace that l belongs to.
func (l *Local) Namespace() *Namespace { return l.nsp }

// Broadcast implements [Broker] for the sockets of this process. The event is
// encoded once.
func (l *Local) Broadcast(b *Broadcast) error {
	if r := l.nsp.recovery; r != nil {
		return r.broadcast(b)
	}
	var to selection
	if b.Data != nil { // which is known to be valid
		if err := l.nsp.srv.allows(b.Attachments); err != nil {
			return err
		}
		if to = l.pick(b.Selector); to.found.Len() == 0 {
			return nil
		}
	}
	e, err := l.nsp.encodeBroadcast(b, 0, false, nil)
	if err != nil {
		return err
	}
	if b.Data == nil {
		to = l.pick(b.Selector)
	}
	outgoing := l.nsp.listeners()
	if outgoing.any() {
		b = l.nsp.decoded(b)
	}
	var batch delivery
	for s := range to.each {
		outgoing.tell(s, b.Event, b.Args)
		_ = s.sendLater(&batch, e, b.Volatile) // that a client is slow, or gone, is no error
	}
	batch.Flush()
	return nil
}

// Join implements [Broker]. If sockets can't be in so many rooms, it returns the first of
// their errors, and has added the others.
func (l *Local) Join(sel Selector, rooms []string) error {
	var first error
	to := l.pick(sel)
	for s := range to.each {
		if err := l.join(s, rooms); first == nil && err != ErrClosed { // one that has left needs no room
			first = err
		}
	}
	return first
}

// Leave implements [Broker].
func (l *Local) Leave(sel Selector, rooms []string) error {
	to := l.pick(sel)
	for s := range to.each {
		l.leave(s, rooms)
	}
	return nil
}

// Disconnect implements [Broker].
func (l *Local) Disconnect(sel Selector, closeConn bool) error {
	to := l.pick(sel)
	for s := range to.each {
		s.Disconnect(closeConn)
	}
	return nil
}

// RecoveryWindow returns how long a socket that has left may be recovered, with its rooms.
// It is 0 without recovery.
func (l *Local) RecoveryWindow() time.Duration {
	if r := l.nsp.srv.opts.Recovery; r != nil {
		return r.Window
	}
	return 0
}

// Interest implements [Broker]: a process alone has nobody to tell.
func (l *Local) Interest(string, bool) {}

// Select returns the sockets of this process that sel selects.
func (l *Local) Select(sel Selector) []*Socket {
	to := l.pick(sel)
	return to.list()
}

func (l *Local) socket(id string) *Socket {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.socketLocked(id)
}

// socketLocked returns the connected socket of that id, or nil.
func (l *Local) socketLocked(id string) *Socket {
	if s := l.ids[id]; s != nil && !s.gone {
		return s
	}
	return nil
}

func (l *Local) len() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.all.Len()
}

// add makes a socket one of the namespace.
func (l *Local) add(s *Socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.gone {
		return
	}
	l.addLocked(s)
	if s.rec != nil {
		s.rec.addedLocked()
	}
}

func (l *Local) addLocked(s *Socket) {
	l.nameLocked(s)
	if s.place == 0 {
		s.place = int32(l.all.Add(s)) + 1
	}
}

// nameLocked makes s the one of its id.
func (l *Local) nameLocked(s *Socket) {
	if l.ids[s.id] == nil && l.rooms[s.id] == nil {
		l.nsp.broker.Interest(s.id, true)
	}
	l.ids[s.id] = s
}

// part takes a socket that has left out of the namespace, at once, and out of some of
// its rooms. It reports false when it is in none any more: the poller, which may be
// the first to call, has no time for a thousand.
func (l *Local) part(s *Socket, rec standing) (more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !s.gone {
		s.gone = true
		s.rooms = slices.Clip(s.rooms)
		if s.place > 0 {
			if moved := l.all.Remove(int(s.place) - 1); moved != nil {
				moved.place = s.place
			}
			s.place = 0
			if rec == nil {
				l.dropIDLocked(s) // and not before it is there: its id may be about to be another one
			}
		}
		if rec != nil {
			rec.partedLocked()
		}
	}
	for range roomsAtOnce {
		last := len(s.rooms) - 1
		if last < 0 {
			return false
		}
		l.quitLocked(s.rooms[last])
		s.rooms = s.rooms[:last]
	}
	return len(s.rooms) > 0
}

// drop forgets where a socket was that has parted.
func (l *Local) drop(s *Socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.rooms = nil
	if a := s.asideLocked(); a != nil {
		a.clear()
	}
}

func (l *Local) dropID(s *Socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropIDLocked(s)
}

func (l *Local) dropIDLocked(s *Socket) {
	if l.ids[s.id] == s { // and not the next one of its client
		delete(l.ids, s.id)
		if l.rooms[s.id] == nil {
			l.nsp.broker.Interest(s.id, false)
		}
	}
}
