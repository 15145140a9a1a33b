package ledger

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"sync/atomic"
	"time"

	"github.com/siokit/sio/internal/fifo"
	"github.com/siokit/sio/socketio/recovery"
)

// A Log tells of the events that the store has, and of those that are gone.
type Log struct {
	offsets
	k   Keeper
	age time.Duration // how long events are kept

	seq  atomic.Uint64 // of the last event
	head atomic.Uint64 // events up to here are not in the log any more

	entries fifo.Queue[entry]
	bytes   int    // that the log holds
	lost    uint64 // the last event for everybody that was too much
	gap     uint64 // the last event that the store has failed to keep, whoever it was for
}

// A Keeper is whose events a [Log] tells of. Its methods are called under the caller's
// lock.
type Keeper interface {
	Store() recovery.Store
	// Now returns the time since some time in the past, and Time the date of that.
	Now() time.Duration
	Time(at time.Duration) time.Time
	// Most returns how many bytes of events may be kept now. Hold is told of bytes that
	// have come, or, if negative, gone.
	Most() int
	Hold(bytes int)
	// Missed is told of an event that had to go although somebody may miss it: one of
	// those in a room, or the one client.
	Missed(e recovery.Event)
	// Failed is told what a method of the store has returned, which may be nil.
	Failed(method string, err error)
}

// An entry tells of an event that the store has.
type entry struct {
	seq  uint64
	at   time.Duration
	size int
	only uint64 // the hash of the one client or room that it is for; 0 if there are more
}

// NewLog returns a log without events, which keeps them for as long as age says.
func NewLog(k Keeper, age time.Duration) *Log {
	return &Log{offsets: newOffsets(), k: k, age: age}
}

// Seq returns the number of the last event.
func (l *Log) Seq() uint64 { return l.seq.Load() }

// Next gives an event its number.
func (l *Log) Next() uint64 { return l.seq.Add(1) }

// Len returns how many events the log has.
func (l *Log) Len() int { return l.entries.Len() }

// Bytes returns how many bytes they take.
func (l *Log) Bytes() int { return l.bytes }

// Keep adds an event, the last that has got a number.
func (l *Log) Keep(e recovery.Event) {
	at := l.k.Now()
	e.Time = l.k.Time(at)
	if err := l.k.Store().Append(e); err != nil {
		l.k.Failed("Append", err)
		l.gap = e.Seq
	} else {
		size := sizeOf(&e)
		l.entries.Push(entry{e.Seq, at, size, l.only(&e)})
		l.hold(size)
	}
	l.Evict()
}

// only returns the hash of the client or the room that alone an event is for, or 0.
func (o *offsets) only(e *recovery.Event) uint64 {
	switch {
	case e.PID != "":
		return o.Hash(e.PID)
	case len(e.Rooms) == 1:
		return o.Hash(e.Rooms[0])
	}
	return 0
}

// dropAtOnce is how many events that are too old are dropped in one section: thousands
// may be so at once, before a busy namespace is quiet for long.
const dropAtOnce = 1024

// Evict drops what is too old for anybody who may come back, or too much. The latter
// some may miss, which is remembered; of the former it leaves some for the next time if
// they are many, and reports that.
func (l *Log) Evict() (more bool) {
	oldest := l.k.Now() - l.age
	before, most := l.entries.Len(), l.k.Most()
	for l.entries.Len() > 0 {
		e := l.entries.All()[0]
		tooOld := e.at <= oldest
		if !tooOld && l.bytes <= most {
			break
		}
		if more = tooOld && l.bytes <= most && before-l.entries.Len() >= dropAtOnce; more {
			break
		}
		l.head.Store(e.seq)
		l.hold(-e.size)
		if !tooOld {
			l.miss(e)
		}
		l.entries.Pop()
	}
	if l.entries.Len() < before {
		l.k.Failed("Drop", l.k.Store().Drop(l.head.Load()))
	}
	return more
}

// Clear drops everything, when nobody may come back any more.
func (l *Log) Clear() {
	seq := l.seq.Load()
	l.k.Failed("Drop", l.k.Store().Drop(seq)) // of what it has failed to drop before, too
	l.hold(-l.bytes)
	l.entries = fifo.Queue[entry]{}
	l.head.Store(seq)
}

func (l *Log) hold(bytes int) {
	l.bytes += bytes
	l.k.Hold(bytes)
}

// miss remembers that an event is gone that some may have missed.
func (l *Log) miss(gone entry) {
	e, err := l.event(gone)
	switch {
	case err != nil:
		l.gap = max(l.gap, gone.seq)
	case e.PID == "" && len(e.Rooms) == 0:
		l.lost = e.Seq
	default:
		l.k.Missed(e)
	}
}

// errOther says that a store has returned something else than was stored.
var errOther = errors.New("socketio: another record than was stored")

// event returns an event that the store has. One of another size is another one, or a
// part of it.
func (l *Log) event(k entry) (recovery.Event, error) {
	e, err := l.k.Store().Event(k.seq)
	if err == nil && (e.Seq != k.seq || sizeOf(&e) != k.size) {
		err = errOther
	}
	l.k.Failed("Event", err)
	return e, err
}

// Behind returns how many events there are behind the one of that number.
func (l *Log) Behind(seq uint64) int {
	i, _ := l.find(seq + 1)
	return l.entries.Len() - i
}

// After yields the events behind the one of that number, in order, or why one can't be
// read, but for those that are for one other client or room only: they are not read, since
// of a namespace with many clients they are most. The log must not change meanwhile.
func (l *Log) After(seq uint64, m *Membership) iter.Seq2[recovery.Event, error] {
	return func(yield func(recovery.Event, error) bool) {
		i, _ := l.find(seq + 1)
		var concerned map[uint64]struct{}
		for _, k := range l.entries.All()[i:] {
			if k.only != 0 {
				if concerned == nil {
					concerned = l.concerned(m)
				}
				if _, ok := concerned[k.only]; !ok {
					continue
				}
			}
			if !yield(l.event(k)) {
				return
			}
		}
	}
}

// concerned returns the hashes of the client and of all rooms in which it has been.
func (o *offsets) concerned(m *Membership) map[uint64]struct{} {
	all := make(map[uint64]struct{}, 2+len(m.rooms))
	all[o.Hash(m.client.PID)], all[o.Hash(m.id)] = struct{}{}, struct{}{}
	for name := range m.rooms {
		all[o.Hash(name)] = struct{}{}
	}
	return all
}

// find returns the index in the log of the first event from seq on, and tells whether
// that is the one.
func (l *Log) find(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(l.entries.All(), seq, func(e entry, seq uint64) int {
		return cmp.Compare(e.seq, seq)
	})
}

// eventSize is about what an event holds beside its packet.
const eventSize = 256

// sizeOf is never that of a store's mistake, which is 0.
func sizeOf(e *recovery.Event) int {
	if e.Message == nil || slices.Contains(e.Rest, nil) {
		return 0
	}
	n := eventSize + e.Message.Size()
	for _, m := range e.Rest {
		n += m.Size()
	}
	for _, names := range [][]string{e.Rooms, e.Except} {
		for _, name := range names {
			n += len(name) + 16
		}
	}
	return n
}
