package socketio

import (
	"slices"
	"strings"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/roster"
)

// A room holds its members. It is there while there is one.
type room struct {
	name    string
	members roster.Set[Socket]
}

// A seat is a room that a socket is in, and where. A socket has them in the order of the
// names.
type seat struct {
	*room
	place int // of the socket in the room
}

const (
	// roomsAtOnce is how many rooms are joined or left in one section of Local.mu:
	// a tenth of a millisecond, if each of them has many members.
	roomsAtOnce = 64
	// namesAtOnce is how many names are looked up, or told, in one.
	namesAtOnce = 1024
	// maxRoomName is far above what any application needs, and keeps a thousand
	// names that clients have chosen below a megabyte.
	maxRoomName = 1024
)

func findRoom(rooms []seat, name string) (int, bool) {
	return slices.BinarySearchFunc(rooms, name, func(m seat, name string) int {
		return strings.Compare(m.name, name)
	})
}

// join adds a socket to rooms, or to those before the first that is too much.
func (l *Local) join(s *Socket, names []string) error {
	defer s.changed()
	for len(names) > 0 {
		n, err := l.joinSome(s, names)
		if err != nil {
			if err == ErrTooManyRooms {
				l.nsp.srv.watch.limited(s.conn.sess, engineio.LimitRooms)
			}
			return err
		}
		names = names[n:]
	}
	return nil
}

// atOnceLocked is how many of so many rooms of a socket are joined or left in one
// section: fewer, where many have to make way for each.
func (s *Socket) atOnceLocked(names []string) int {
	return min(len(names), max(1, roomsAtOnce*1000/max(1000, len(s.rooms))))
}

// joinSome returns how many of the rooms the socket is in then.
func (l *Local) joinSome(s *Socket, names []string) (n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.gone {
		return 0, ErrClosed
	}
	aside := s.asideLocked()
	n = s.atOnceLocked(names)
	for _, name := range names[:n] {
		if aside != nil {
			if err := aside.join(name); err != nil {
				return 0, err
			}
			continue
		}
		i, in := findRoom(s.rooms, name)
		if in {
			continue
		}
		if err := l.roomFor(len(s.rooms), name); err != nil {
			return 0, err
		}
		l.enterLocked(s, name, i)
		if s.rec != nil {
			s.rec.joinedLocked(name)
		}
	}
	return n, nil
}

// roomFor tells whether who is in so many rooms may be in another one.
func (l *Local) roomFor(rooms int, name string) error {
	switch {
	case len(name) > maxRoomName:
		return ErrRoomName
	case rooms >= l.nsp.srv.opts.MaxRooms:
		return ErrTooManyRooms
	}
	return nil
}

// enterLocked adds a socket to a room. It becomes its i-th.
func (l *Local) enterLocked(s *Socket, name string, i int) {
	r := l.rooms[name]
	if r == nil {
		r = &room{name: name}
		l.rooms[name] = r
		if l.ids[name] == nil {
			l.nsp.broker.Interest(name, true)
		}
	}
	s.rooms = slices.Insert(s.rooms, i, seat{r, r.members.Add(s)})
}

func (l *Local) leave(s *Socket, names []string) {
	for rest := names; len(rest) > 0; {
		rest = rest[l.leaveSome(s, rest):]
	}
	if left := l.nsp.handlers().left.Load(); left != nil {
		(*left)(s, slices.Clone(names)) // so that the caller's need not be on the heap
	}
	s.changed()
}

// leaveSome returns of how many of the rooms the socket is out then.
func (l *Local) leaveSome(s *Socket, names []string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	aside := s.asideLocked()
	n = s.atOnceLocked(names)
	for _, name := range names[:n] {
		if aside != nil {
			if !s.gone {
				aside.leave(name)
			}
			continue
		}
		rooms, in := s.roomsLocked(), len(s.rooms)
		i, ok := findRoom(rooms, name)
		if !ok {
			continue
		}
		if i < in {
			l.quitLocked(rooms[i])
			in--
		}
		if rooms = slices.Delete(rooms, i, i+1); s.gone {
			rooms = slices.Clip(rooms)
		}
		s.rooms = rooms[:in]
		if s.rec != nil {
			s.rec.leftLocked(name)
		}
	}
	return n
}

// roomsLocked returns the rooms of a socket. Of one that has left they are those that
// it was in, until its handler has been told.
func (s *Socket) roomsLocked() []seat {
	if s.gone {
		return s.rooms[:cap(s.rooms)] // part takes them off the end
	}
	return s.rooms
}

// quitLocked takes a room's member out of it.
func (l *Local) quitLocked(m seat) {
	if moved := m.members.Remove(m.place); moved != nil {
		i, _ := findRoom(moved.rooms, m.name)
		moved.rooms[i].place = m.place
	}
	if m.members.Len() == 0 {
		delete(l.rooms, m.name)
		if l.ids[m.name] == nil {
			l.nsp.broker.Interest(m.name, false)
		}
	}
}

// roomNames tells of rooms that come or go meanwhile, or not.
func (l *Local) roomNames() []string {
	l.mu.RLock()
	n := len(l.rooms)
	l.mu.RUnlock()
	names := make([]string, 0, n)
	l.mu.RLock()
	defer l.mu.RUnlock()
	for name := range l.rooms {
		if names = append(names, name); len(names)%namesAtOnce == 0 {
			l.mu.RUnlock() // a map may change while it is walked, but not at the same time
			l.mu.RLock()
		}
	}
	return names
}

func (l *Local) roomsOf(s *Socket) []string {
	l.mu.RLock()
	if aside := s.asideLocked(); aside != nil {
		defer l.mu.RUnlock()
		return aside.names()
	}
	rooms := slices.Clone(s.roomsLocked())
	l.mu.RUnlock()
	names := make([]string, len(rooms))
	for i, r := range rooms {
		names[i] = r.name
	}
	return names
}
