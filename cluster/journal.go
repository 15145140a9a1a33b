package cluster

import (
	"context"
	"time"

	"github.com/siokit/sio/cluster/wire"
)

// A Journal is an [Engine] that keeps part of what it carries for a while: the messages
// that clients may miss, in one order that is the same on all servers, and what is known of
// clients, so that they may come back to any server.
//
// The methods may be called from any goroutine. Those with a context block until there is
// an answer or it ends; none of the others does.
type Journal interface {
	Engine

	// Append adds an entry behind those of all servers. Every server is told of it, by
	// [JournalReceiver.Appended], this one too. What one server appends keeps its order. It
	// reports false, and does nothing, if the queue is full or the engine is closed.
	//
	// While the engine is away entries wait. When a connection was lost, the journal is
	// read up to its end, and what of this server's is not there is appended again:
	// each entry is there once, whatever happens. One that can't be appended at all is
	// told by [JournalReceiver.Refused], and need not be told as lost.
	Append(e wire.Entry) bool

	// Offset returns how a client knows the entry at a position: a short string without
	// characters that JSON escapes. Position is its inverse, and reports false for any
	// other string.
	Offset(pos uint64) string
	Position(offset string) (pos uint64, ok bool)

	// Find returns the record of a client, or nil if there is none.
	Find(ctx context.Context, pid string) ([]byte, error)
	// Replace writes a record in the place of the one that Find has returned, if that is
	// still there, and reports whether it was: of several servers that do so, one does.
	// The same again does no harm.
	Replace(ctx context.Context, old []byte, by Record) (bool, error)
	// Save writes records, and reports of each whether it was written. If it fails, any
	// of them may have been: the same again does no harm.
	Save(ctx context.Context, records []Record) ([]bool, error)
}

// A Record is what [Journal.Save] is to write of a client.
type Record struct {
	PID string
	// Data begins with the lease of who writes it, [wire.LeaseLen] bytes, and is valid
	// UTF-8. It is saved only in the place of a record with the same lease, and, if New is
	// set, also where there is none.
	Data []byte
	New  bool
	// Remove says that the record is to go. One that is not there was written, then.
	Remove bool
	TTL    time.Duration // how long it stays, from when it is written, also if it was there
}

// A JournalReceiver is a [Receiver] that is told what a Journal has: a [Journal] finds out
// whether it is one when it is started. Appended, Refused and Gap are called by one
// goroutine at a time, which may be another one than that of Receive.
type JournalReceiver interface {
	Receiver
	// Appended tells of the entry at a position, in order. From within Start it is called
	// with what is there already, as far as the journal goes back: then past is true, as it
	// is for nothing else.
	Appended(pos uint64, e wire.Entry, past bool)
	// Refused tells that an entry of this server, by its Number, will not be appended.
	Refused(number uint64, err error)
	// Gap tells that this server will not be told of entries up to a position, but of all
	// behind it. The first call of all, from within Start, is with where the journal begins;
	// others are when entries are gone that were not read.
	Gap(upTo uint64)
}
