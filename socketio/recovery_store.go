package socketio

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/fifo"
)

// A RecoveryStore keeps what a namespace needs for clients that come back: the
// events that may have to be sent again, and the sessions of the clients that are
// away. [MemoryStore] does so in this process.
//
// It only keeps: what may still be of use, and whom an event is for, is decided by
// the namespace. That stores no more than [Recovery] allows, and takes the rest out
// by Drop and Remove, so that a store needs no bounds of its own; it may go by the
// times in the records, too. When a dynamic namespace ends, or the server has been
// shut down, everything has been taken out.
//
// The methods are called one at a time, under a lock that everything waits for
// which is emitted to the namespace: they must not wait for a network, panic or call
// back. What is read has to be near, as in an embedded database; what is to go
// elsewhere goes when the method has returned. A record is not changed by either
// side once it is handed over.
//
// An error costs clients no more than their recovery: who may need what the store
// failed with begins anew, and nobody gets anything twice, or not at all. Errors are
// logged, at most one a minute; their text should not have a PID.
//
// The records say everything, but in terms of the process that made them: it counts
// the events, and knows what its clients' rooms have lost. So a store makes the
// memory somebody else's matter. It does not carry clients over a restart or to
// another server; what it has from before is never asked for.
type RecoveryStore interface {
	// Append keeps an event. Its number is higher than those of all before.
	Append(e RecoveryEvent) error
	// Event returns the event of a number. It is called for those that Append
	// has kept and Drop has not dropped, in any order.
	Event(seq uint64) (RecoveryEvent, error)
	// Drop drops the events up to a number.
	Drop(upTo uint64) error

	// Save keeps the session of a client that has left, or came back and was not
	// let in.
	Save(s RecoverySession) error
	// Take returns a session that has been saved, and drops it.
	Take(pid string) (RecoverySession, error)
	// Remove drops a session, if it is there.
	Remove(pid string) error
}

// A RecoveryEvent is an event in a [RecoveryStore]. It can be encoded as JSON or by
// encoding/gob, as a [RecoverySession] can but for its values.
type RecoveryEvent struct {
	Seq  uint64    // its number
	Time time.Time // when it was emitted

	// What was sent: a message, and those that follow it directly. Messages
	// are immutable and can be kept as they are.
	Message *engineio.Message
	Rest    []*engineio.Message

	PID    string   // of the one client that it is for, or ""
	Rooms  []string // as in a [Selector]
	Except []string
}

// A RecoverySession is what a [RecoveryStore] keeps of a client that is away.
type RecoverySession struct {
	PID     string // the secret by which the client makes itself known
	ID      string // of its socket
	Expires time.Time
	Rooms   []RecoveryRoom
	// Data is a copy of the map that [Socket.SetValue] fills. The keys and
	// values are the application's own, of any type, and may be in use: a store
	// that encodes sessions has to say which ones it can, and do so in Save.
	Data map[any]any `json:"-"`
	// Progress is for the namespace only.
	Progress RecoveryProgress
}

// A RecoveryRoom is the time that a client has been in a room, by the numbers of
// the events. It may have been there more than once.
type RecoveryRoom struct {
	Name string
	From uint64 // the last event before
	To   uint64 // the last one of them; 1<<64 - 1, if it is there still
}

// RecoveryProgress tells what of the events a client had when it left. Beside
// numbers of events it has hashes of strings, with a seed of the process.
type RecoveryProgress struct {
	Added   uint64 // the last event before it was one of the namespace
	Base    uint64 // the event up to which it had them when its connection began
	Origin  uint64 // the hash of the offset that it showed then, or 0
	Got     uint64 // the last event that was sent to it
	Left    uint64 // the last event of all
	Floor   uint64 // the last event for it alone that was too much for MaxBytes
	Forgot  uint64 // likewise, of rooms that are not in Rooms any more
	Waited  uint64 // the first event that had to wait for the answer to the CONNECT
	Late    uint64 // the last one that did, if it may not have arrived
	Forged  bool   // an argument of the application's looked like an offset
	Strings []RecoveryString
	Older   []uint64 // the bits of a Bloom filter of strings before those
}

// A RecoveryString is a string that the client may take for an offset.
type RecoveryString struct {
	Hash uint64
	Got  uint64 // the last event that had been sent
}

var errNoRecord = errors.New("socketio: no such record")

// A MemoryStore is the [RecoveryStore] that keeps everything as it is, in the
// memory of this process. Its zero value is empty. Like any store it is for one
// namespace, which bounds it.
type MemoryStore struct {
	events   fifo.Queue[RecoveryEvent]
	sessions map[string]RecoverySession // by pid
}

// Append implements [RecoveryStore].
func (m *MemoryStore) Append(e RecoveryEvent) error {
	m.events.Push(e)
	return nil
}

// Event implements [RecoveryStore].
func (m *MemoryStore) Event(seq uint64) (RecoveryEvent, error) {
	all := m.events.All()
	i, ok := slices.BinarySearchFunc(all, seq, func(e RecoveryEvent, seq uint64) int {
		return cmp.Compare(e.Seq, seq)
	})
	if !ok {
		return RecoveryEvent{}, errNoRecord
	}
	return all[i], nil
}

// Drop implements [RecoveryStore].
func (m *MemoryStore) Drop(upTo uint64) error {
	if all := m.events.All(); len(all) > 0 && all[len(all)-1].Seq <= upTo {
		m.events = fifo.Queue[RecoveryEvent]{} // at once, however many they are
	}
	for m.events.Len() > 0 && m.events.All()[0].Seq <= upTo {
		m.events.Pop()
	}
	if m.events.Len() == 0 {
		m.events.Free()
	}
	return nil
}

// Save implements [RecoveryStore].
func (m *MemoryStore) Save(s RecoverySession) error {
	if m.sessions == nil {
		m.sessions = make(map[string]RecoverySession)
	}
	m.sessions[s.PID] = s
	return nil
}

// Take implements [RecoveryStore].
func (m *MemoryStore) Take(pid string) (RecoverySession, error) {
	s, ok := m.sessions[pid]
	if !ok {
		return s, errNoRecord
	}
	delete(m.sessions, pid)
	return s, nil
}

// Remove implements [RecoveryStore].
func (m *MemoryStore) Remove(pid string) error {
	delete(m.sessions, pid)
	return nil
}
