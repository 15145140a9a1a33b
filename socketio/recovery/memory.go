package recovery

import (
	"cmp"
	"errors"
	"slices"

	"github.com/siokit/sio/internal/fifo"
)

var errNoRecord = errors.New("socketio: no such record")

// A MemoryStore is the [Store] that keeps everything as it is, in the
// memory of this process. Its zero value is empty. Like any store it is for one
// namespace, which bounds it.
type MemoryStore struct {
	events   fifo.Queue[Event]
	sessions map[string]Session // by pid
}

// Append implements [Store].
func (m *MemoryStore) Append(e Event) error {
	m.events.Push(e)
	return nil
}

// Event implements [Store].
func (m *MemoryStore) Event(seq uint64) (Event, error) {
	all := m.events.All()
	i, ok := slices.BinarySearchFunc(all, seq, func(e Event, seq uint64) int {
		return cmp.Compare(e.Seq, seq)
	})
	if !ok {
		return Event{}, errNoRecord
	}
	return all[i], nil
}

// Drop implements [Store].
func (m *MemoryStore) Drop(upTo uint64) error {
	if all := m.events.All(); len(all) > 0 && all[len(all)-1].Seq <= upTo {
		m.events = fifo.Queue[Event]{} // at once, however many they are
	}
	for m.events.Len() > 0 && m.events.All()[0].Seq <= upTo {
		m.events.Pop()
	}
	if m.events.Len() == 0 {
		m.events.Free()
	}
	return nil
}

// Save implements [Store].
func (m *MemoryStore) Save(s Session) error {
	if m.sessions == nil {
		m.sessions = make(map[string]Session)
	}
	m.sessions[s.PID] = s
	return nil
}

// Take implements [Store].
func (m *MemoryStore) Take(pid string) (Session, error) {
	s, ok := m.sessions[pid]
	if !ok {
		return s, errNoRecord
	}
	delete(m.sessions, pid)
	return s, nil
}

// Remove implements [Store].
func (m *MemoryStore) Remove(pid string) error {
	delete(m.sessions, pid)
	return nil
}
