package presence

import (
	"encoding/json"
	"time"

	"github.com/siokit/sio"
)

// Options configure a [Presence]. The zero value has the defaults. All servers of a cluster
// are to have the same.
type Options struct {
	// Event, if set, is the event that tells clients of a room, as a [Change]: who has
	// entered gets its whole list in Members, and then all get what changes.
	Event string
	// Grace is how long a member stays whose connection has broken. Default 5 s; negative:
	// it leaves at once.
	Grace time.Duration
	// Timeout is how long another server may be silent until its members leave. Default 3 s;
	// at least 300 ms.
	Timeout time.Duration
	// MaxValue is how many bytes the JSON of a value may have. Default 1,024; at most 32 KiB.
	MaxValue int
	// MaxMembers is how many members a room may have. Servers that learn of each other's
	// members at the same time may go beyond it. Default 100,000.
	MaxMembers int
	// MaxRooms is in how many rooms a socket may be a member. Default 100.
	MaxRooms int
}

var (
	// ErrTooMany is returned by Enter for a room that is full, or a socket that is in too
	// many. The client is told if a handler returns it, as it is of ErrTooLarge.
	ErrTooMany = &sio.Error{Message: "too many members"}
	// ErrTooLarge is returned for a value beyond MaxValue, or a key of more than 256 bytes.
	ErrTooLarge = &sio.Error{Message: "the member is too large"}
	// ErrName is returned by Enter for a key or a room that is not UTF-8: other servers could
	// not be told of it.
	ErrName = &sio.Error{Message: "the name is not UTF-8"}
	// ErrNotMember is returned by Update if the socket is no member of the room.
	ErrNotMember = &sio.Error{Message: "not a member of the room"}
)

// A Member is one of a room.
type Member[T any] struct {
	Key   string `json:"key"`
	Value T      `json:"value"`
}

// A Change is what has happened in a room since the Change before, in 50 ms or more. Who came
// and went meanwhile is not told of.
type Change[T any] struct {
	Namespace string      `json:"-"`
	Room      string      `json:"room"`
	Members   []Member[T] `json:"members,omitzero"` // all, for a client who has entered; then nothing else is set
	Joined    []Member[T] `json:"joined,omitempty"`
	Updated   []Member[T] `json:"updated,omitempty"` // with their new values
	Left      []Member[T] `json:"left,omitempty"`    // with their last values
}

// A Presence knows who is in the rooms of a namespace, or of those of a pattern. T is the type
// of the members' values, anything that encoding/json encodes and decodes; values are not to
// be changed once they are handed over. Its methods may be called from any goroutine.
type Presence[T any] struct {
	c   *core
	nsp string // of the rooms
}

// New returns the presence of a namespace, or of the namespaces of a pattern. It is to be made
// before clients come, on every server of the cluster, and ends with the Shutdown of the
// server. There is one for each namespace or pattern: New panics for a second one, and if
// an option makes no sense.
func New[T any](n *sio.Namespace, o *Options) *Presence[T] {
	c := newCore(n, o, func(raw json.RawMessage) (any, error) {
		var v T
		err := json.Unmarshal(raw, &v)
		return v, err
	})
	return &Presence[T]{c, n.Name()}
}

// Of returns the presence of one of the namespaces of a pattern, for List and Count.
func (p *Presence[T]) Of(namespace string) *Presence[T] { return &Presence[T]{p.c, namespace} }

// Enter makes a socket a member of a room, which it joins. An empty key stands for the
// socket's id; sockets with the same key, on any server, are one member, with the value that
// was given last. To enter again changes the value, or the key.
//
// It fails with [ErrTooMany], when the socket is in the room nevertheless, with [ErrTooLarge] or
// [ErrName], or as Join of the socket does. A socket of another namespace is refused.
func (p *Presence[T]) Enter(s *sio.Socket, room, key string, value T) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return p.c.enter(s, room, key, raw, value)
}

// Update changes the value of the member that the socket is in a room.
func (p *Presence[T]) Update(s *sio.Socket, room string, value T) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return p.c.update(s, room, raw, value)
}

// Leave takes back Enter. The socket stays in the room, but hears of it only what all do; to
// leave the room is to leave its presence, too.
func (p *Presence[T]) Leave(s *sio.Socket, room string) { p.c.leave(s, []string{room}) }

// List returns the members of a room, ordered by their keys.
func (p *Presence[T]) List(room string) []Member[T] {
	return typed[T](p.c.list(place{p.nsp, room}))
}

// Count returns the number of members of a room.
func (p *Presence[T]) Count(room string) int { return p.c.count(place{p.nsp, room}) }

// Get returns the value of a member of a room. It reports false if there is no such member.
func (p *Presence[T]) Get(room, key string) (value T, ok bool) {
	e, ok := p.c.find(place{p.nsp, room}, key)
	if ok {
		value, _ = e.value.(T)
	}
	return value, ok
}

// SendList sends the list of a room to a socket that is in the room and has not entered, by
// the event that [Options] names. What the socket gets of it afterwards continues the list.
func (p *Presence[T]) SendList(s *sio.Socket, room string) { p.c.sendList(s, room) }

// OnChange has f called with each [Change], on every server, from then on. Calls come one
// after the other, and for a room in order; while f runs, what happens next is gathered. A
// panic in f is not caught.
func (p *Presence[T]) OnChange(f func(Change[T])) {
	p.c.onChange(func(d diff) {
		f(Change[T]{
			Namespace: d.nsp,
			Room:      d.room,
			Joined:    typed[T](d.joined),
			Updated:   typed[T](d.updated),
			Left:      typed[T](d.left),
		})
	})
}

func typed[T any](list []entry) []Member[T] {
	if len(list) == 0 {
		return nil
	}
	ms := make([]Member[T], len(list))
	for i, e := range list {
		v, _ := e.value.(T) // if T is an interface, it may be nil
		ms[i] = Member[T]{e.key, v}
	}
	return ms
}
