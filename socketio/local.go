package socketio

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/siokit/sio/engineio"
)

// A Local knows the sockets and rooms of a namespace in this process. It is a
// [Broker] by itself.
type Local struct {
	nsp *Namespace

	mu    sync.RWMutex // protects the following, and the rooms of the sockets
	ids   map[string]*Socket
	rooms map[string]*room
	all   atomic.Pointer[[]*Socket] // every socket that is connected; nil after a change
}

// A room holds its members, and a snapshot of them that broadcasts walk
// without a lock.
type room struct {
	name    string
	members map[*Socket]int           // the index of the room in the socket's rooms
	list    atomic.Pointer[[]*Socket] // nil after a change
}

// snapshot is called with the Local's mu held, if only for reading: two at the
// same time make the same. The slice is never changed.
func (r *room) snapshot() []*Socket {
	if l := r.list.Load(); l != nil {
		return *l
	}
	l := slices.AppendSeq(make([]*Socket, 0, len(r.members)), maps.Keys(r.members))
	r.list.Store(&l)
	return l
}

// allLocked is the same for the namespace.
func (l *Local) allLocked() []*Socket {
	if all := l.all.Load(); all != nil {
		return *all
	}
	all := slices.AppendSeq(make([]*Socket, 0, len(l.ids)), maps.Values(l.ids))
	l.all.Store(&all)
	return all
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
	e, err := l.nsp.encodeEvent(b.Event, b.Args, 0, false)
	if err != nil {
		return err
	}
	e = e.flagged(b.Plain)
	var room [2]*Socket
	sockets, skip := l.pick(b.Selector, room[:0])
	outgoing := l.nsp.listener()
	var batch engineio.Batch
	for _, s := range sockets {
		if !slices.Contains(skip, s) {
			outgoing.tell(s, b.Event, b.Args)
			_ = s.sendLater(&batch, e, b.Volatile) // a slow or closed client is its own affair
		}
	}
	batch.Flush()
	return nil
}

// Join implements [Broker].
func (l *Local) Join(sel Selector, rooms []string) error {
	for _, s := range l.Select(sel) {
		_ = l.join(s, rooms) // one that has left needs no room
	}
	return nil
}

// Leave implements [Broker].
func (l *Local) Leave(sel Selector, rooms []string) error {
	for _, s := range l.Select(sel) {
		l.leave(s, rooms)
	}
	return nil
}

// Disconnect implements [Broker].
func (l *Local) Disconnect(sel Selector, closeConn bool) error {
	for _, s := range l.Select(sel) {
		s.Disconnect(closeConn)
	}
	return nil
}

// Interest implements [Broker]: a process alone has nobody to tell.
func (l *Local) Interest(string, bool) {}

// Select returns the sockets of this process that sel selects. The slice must
// not be changed.
func (l *Local) Select(sel Selector) []*Socket {
	return without(l.pick(sel, nil))
}

// without returns the sockets that are not among those to skip.
func without(sockets, skip []*Socket) []*Socket {
	if len(skip) == 0 {
		return sockets
	}
	kept := make([]*Socket, 0, len(sockets))
	for _, s := range sockets {
		if !slices.Contains(skip, s) {
			kept = append(kept, s)
		}
	}
	return kept
}

// pick returns the sockets that sel selects, but for those in skip, which are
// named by id, and are appended to what is given.
func (l *Local) pick(sel Selector, skip []*Socket) (_, _ []*Socket) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.pickLocked(sel, skip)
}

func (l *Local) pickLocked(sel Selector, skip []*Socket) (_, _ []*Socket) {
	var found []*Socket
	switch len(sel.Rooms) {
	case 0:
		found = l.allLocked()
	case 1:
		found = l.membersLocked(sel.Rooms[0])
	default:
		seen := make(map[*Socket]struct{})
		for _, name := range sel.Rooms {
			for _, s := range l.membersLocked(name) {
				if _, dup := seen[s]; !dup {
					seen[s] = struct{}{}
					found = append(found, s)
				}
			}
		}
	}
	var except []*room
	for _, name := range sel.Except {
		s, r := l.ids[name], l.rooms[name]
		if s != nil {
			skip = append(skip, s)
		}
		if r != nil {
			except = append(except, r)
		}
		if s == nil && r == nil { // perhaps one that is being decided on, and is in rooms already
			if i := slices.IndexFunc(found, func(s *Socket) bool { return s.id == name }); i >= 0 {
				skip = append(skip, found[i])
			}
		}
	}
	if len(except) > 0 {
		kept := make([]*Socket, 0, len(found))
		for _, s := range found {
			if !s.inAnyLocked(except) {
				kept = append(kept, s)
			}
		}
		found = kept
	}
	return found, skip
}

// membersLocked returns who is in the room of that name, a socket being in the
// one of its id too.
func (l *Local) membersLocked(name string) []*Socket {
	r, self := l.rooms[name], l.ids[name]
	switch {
	case self == nil && r == nil:
		return nil
	case self == nil:
		return r.snapshot()
	case r == nil:
		return []*Socket{self}
	}
	list := r.snapshot()
	if _, dup := r.members[self]; dup {
		return list
	}
	return append(slices.Clone(list), self)
}

func (s *Socket) inAnyLocked(rooms []*room) bool {
	for _, r := range rooms {
		if _, ok := r.members[s]; ok {
			return true
		}
	}
	return false
}

func (l *Local) socket(id string) *Socket {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.ids[id]
}

func (l *Local) len() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.ids)
}

// add makes a socket one of the namespace.
func (l *Local) add(s *Socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.gone {
		return
	}
	l.addLocked(s)
	if s.rec != nil && s.rec.added == never {
		s.rec.added = l.nsp.recovery.seq.Load()
	}
}

func (l *Local) addLocked(s *Socket) {
	l.ids[s.id] = s
	l.all.Store(nil)
}

func (l *Local) join(s *Socket, names []string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.gone {
		return ErrClosed
	}
	claim := s.claimed()
	for _, name := range names {
		switch {
		case claim != nil:
			claim.join(l.nsp.recovery, name)
		case l.joinLocked(s, name) && s.rec != nil:
			l.nsp.recovery.joined(s.rec, name)
		}
	}
	return nil
}

// joinLocked reports false if the socket was in the room already.
func (l *Local) joinLocked(s *Socket, name string) bool {
	r := l.rooms[name]
	if r == nil {
		r = &room{name: name, members: make(map[*Socket]int)}
		l.rooms[name] = r
		l.nsp.broker.Interest(name, true)
	}
	if _, ok := r.members[s]; ok {
		return false
	}
	r.members[s] = len(s.rooms)
	r.list.Store(nil)
	s.rooms = append(s.rooms, r)
	return true
}

func (l *Local) leave(s *Socket, names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	claim := s.claimed()
	for _, name := range names {
		if claim != nil {
			claim.leave(l.nsp.recovery, name)
		} else if r := l.rooms[name]; r != nil && l.leaveLocked(s, r) && s.rec != nil {
			l.nsp.recovery.parted(s.rec, name)
		}
	}
}

// leaveLocked reports false if the socket was not in the room.
func (l *Local) leaveLocked(s *Socket, r *room) bool {
	i, ok := r.members[s]
	if !ok {
		return false
	}
	last := len(s.rooms) - 1
	moved := s.rooms[last]
	s.rooms[i], s.rooms[last] = moved, nil
	s.rooms = s.rooms[:last]
	moved.members[s] = i
	delete(r.members, s)
	r.list.Store(nil)
	if len(r.members) == 0 {
		delete(l.rooms, r.name)
		l.nsp.broker.Interest(r.name, false)
	}
	return true
}

// removeAll takes a socket out of everything, for good.
func (l *Local) removeAll(s *Socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.gone = true
	for len(s.rooms) > 0 {
		l.leaveLocked(s, s.rooms[len(s.rooms)-1])
	}
	s.rooms = nil
	if l.ids[s.id] == s { // and not the next one of a client of Engine.IO 3
		delete(l.ids, s.id)
		l.all.Store(nil)
	}
}

func (l *Local) roomNames() []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Collect(maps.Keys(l.rooms))
}

func (l *Local) roomsOf(s *Socket) []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if claim := s.claimed(); claim != nil {
		return slices.Collect(maps.Keys(claim.rooms))
	}
	names := make([]string, 0, len(s.rooms))
	for _, r := range s.rooms {
		names = append(names, r.name)
	}
	return names
}
