// Package recovery defines the records by which clients come back as the sockets that they
// were, and the [Store] that keeps them.
//
// An application that keeps them in the memory of the process needs none of it: the default
// of the option Recovery.Store is a [MemoryStore].
package recovery

import (
	"time"

	"github.com/siokit/sio/engineio"
)

// A Store keeps what a namespace needs for clients that come back: the events that may
// have to be sent again, and the sessions of the clients that are away. [MemoryStore]
// does so in this process.
//
// A store only keeps records. The namespace decides what is still of use, and whom an
// event is for. It stores no more than the option Recovery allows, and takes the rest out
// by Drop and Remove: a store needs no bounds of its own, although it may go by the times
// in the records, too. When a dynamic namespace ends, or the server has been shut down,
// everything has been taken out.
//
// The methods are called one at a time, under a lock that every emit to the namespace
// waits for. They must not wait for a network, panic, or call back into the server. What
// is read has to be near, as in an embedded database; what is to go elsewhere goes when
// the method has returned. Neither side changes a record once it is handed over.
//
// An error costs clients no more than their recovery: one that may need what the store
// failed with starts anew, and no client gets an event twice, or misses one without being
// told. Errors are logged, at most one a minute; their text should not contain a PID.
//
// The numbers in the records are those of the process that made them. It counts the
// events, and knows what has been lost of them. So a store moves the memory elsewhere, but
// does not carry clients over a restart or to another server: what it has from before is
// never asked for.
type Store interface {
	// Append keeps an event. Its number is higher than those of all before.
	Append(e Event) error
	// Event returns the event of a number. It is called for those that Append
	// has kept and Drop has not dropped, in any order.
	Event(seq uint64) (Event, error)
	// Drop drops the events up to a number.
	Drop(upTo uint64) error

	// Save keeps the session of a client that has left, or came back and was not
	// let in.
	Save(s Session) error
	// Take returns a session that has been saved, and drops it.
	Take(pid string) (Session, error)
	// Remove drops a session, if it is there.
	Remove(pid string) error
}

// An Event is an event in a [Store]. It can be encoded as JSON or by encoding/gob, as a
// [Session] can but for its values.
type Event struct {
	Seq  uint64    // its number
	Time time.Time // when it was emitted

	// What was sent: a message, and those that follow it directly. Messages
	// are immutable and can be kept as they are.
	Message *engineio.Message
	Rest    []*engineio.Message

	PID    string   // of the one client that it is for, or ""
	Rooms  []string // it is for who is in any of these; empty: for all
	Except []string // and in none of these. A socket's id is a room that only it is in
}

// A Session is what a [Store] keeps of a client that is away.
type Session struct {
	PID     string // the secret by which the client makes itself known
	ID      string // of its socket
	Expires time.Time
	Rooms   []Room
	// Data is a copy of the map that SetValue of the socket fills. The keys and
	// values are the application's own, of any type, and may be in use: a store
	// that encodes sessions has to say which ones it can, and do so in Save.
	Data map[any]any `json:"-"`
	// Progress is for the namespace only.
	Progress Progress
}

// A Room is the time that a client has been in a room, by the numbers of
// the events. It may have been there more than once.
type Room struct {
	Name string
	From uint64 // the last event before
	To   uint64 // the last one of them; 1<<64 - 1, if it is there still
}

// Progress tells what of the events a client had when it left. Beside
// numbers of events it has hashes of strings, with a seed of the process.
type Progress struct {
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
	Strings []String
	Older   []uint64 // the bits of a Bloom filter of strings before those
}

// A String is a string that the client may take for an offset.
type String struct {
	Hash uint64
	Got  uint64 // the last event that had been sent
}
