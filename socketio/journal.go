package socketio

import (
	"context"
	"errors"
	"time"

	"github.com/siokit/sio/socketio/recovery"
)

// A Journal is a [Broker] that gives the events of a namespace one order for all servers of
// a cluster, keeps them for a while, and knows the clients of all servers, so that with
// [Options.Recovery] they may come back to any of them. Who makes it calls [Local.Share].
//
// An event that is not volatile and wants no answers is appended; when it is its turn, every
// server is told by [Local.Appended], and its clients get it with its offset, those of the
// server that has emitted it, too. All else goes as with any Broker.
//
// The methods may be called from any goroutine. Those without a context must not block.
type Journal interface {
	Broker

	// Append appends an event with its Data. It returns the number by which
	// [Local.Appended] or [Local.Refused] will tell of it. Numbers rise. It fails with
	// [ErrJournalFull] if there is no room: then only the clients of this server get the
	// event. Any other error is about what was to be encoded. It must not call the
	// Local.
	Append(b *Broadcast) (number uint64, err error)
	// Offset returns what a client is told of a position; Position is its inverse, and
	// reports false for what is none.
	Offset(pos uint64) string
	Position(offset string) (pos uint64, ok bool)
	// At returns the event of the namespace at a position, if it is still known.
	At(pos uint64) (Kept, bool)
	// After returns some of the events of the namespace behind a position, in order, up to
	// another one: none if there are none. It reports false if some of them are not known any
	// more.
	After(pos, upTo uint64) ([]Kept, bool)
	// Head returns a position behind which all events are known, and Last that of the
	// last entry of which this server has been told, whatever the namespace.
	Head() uint64
	Last() uint64
	// Await waits until Last is at a position.
	Await(ctx context.Context, pos uint64) error

	// Server returns the name of this server in records.
	Server() string
	// Find returns what is known of a client, or nil.
	Find(ctx context.Context, pid string) (*Client, error)
	// Yield asks another server, by its name, for a client that it may have: it reports
	// true if the client is there. See [Local.Yield]. It fails if that server is
	// gone, or does not answer.
	Yield(ctx context.Context, server, pid string) (alive bool, err error)
	// Take writes the record of a client of this server in the place of the one that Find has
	// returned. It reports false if that has been taken or changed since.
	Take(ctx context.Context, c *Client, by Recordable) (bool, error)
	// Save has the record of a client written, soon. If done is not nil, it is called
	// then, by any goroutine.
	Save(r Recordable, done func())
}

// ErrJournalFull says that a [Journal] has no room for more that waits to be appended.
var ErrJournalFull = errors.New("socketio: the queue of the journal is full")

// Kept is an event that a [Journal] knows.
type Kept struct {
	Pos    uint64
	Server string // the name of the server that has emitted it
	Number uint64 // its number there
	*Broadcast
}

// A Recordable is a client of this server, whose record is to be written.
type Recordable interface {
	// Record returns what is known of the client now. It may be called from any goroutine.
	Record() *Client
	// Written is called when a record has been written.
	Written()
	// Lost is called if another server has taken the client.
	Lost()
}

// A Client is the record of a client that may come back.
type Client struct {
	PID    string // the secret that the client shows
	Nsp    string // the namespace; "" if that is not known
	ID     string // of its socket
	Server string // that it is, or was, connected to; "" if that is written in JavaScript
	Lease  string // of this connection of the client: another one for each
	New    bool   // nothing has been written of this lease
	Gone   bool   // the client has left; it may come back
	Remove bool   // or not: the record is to go
	Window time.Duration

	Rooms  []string          // that it is in
	Spans  []recovery.Room   // when it has been in which rooms, by positions; nil if that is not known
	Values map[string][]byte // what SetValue has stored under strings, encoded
	Keys   map[string][]byte // the same under [NamedKey]s
	Born   uint64            // the last entry before it had its id
	Added  uint64            // the last entry before it was one of the namespace
	At     uint64            // up to which entry it was sent all: the last when this was written, or where it is to go on
	Got    uint64            // the last entry that it has been sent, or 0

	// Ahead is the number of the last event of its server that it was sent before its turn, or 0
	// if Got is behind all those. AheadAt is the last entry when the first of them was.
	Ahead, AheadAt uint64

	// Early are the servers whose events it has been sent before their turn, and up to which
	// number.
	Early map[string]uint64

	Raw []byte // as it was found; the journal's
}

// A NamedKey is a key for [Socket.SetValue] that is known by its name on all servers.
type NamedKey interface {
	KeyName() string
	// DecodeValue decodes a value that was stored on another server.
	DecodeValue(decode func(ptr any) error) (any, error)
}

// Share has the namespace work by a Journal, if it recovers clients. Who makes the Journal
// calls it before the journal can tell of anything.
func (l *Local) Share(j Journal) {
	if l.nsp.srv.opts.Recovery != nil {
		l.nsp.shared = newSharedRecovery(l, j, l.nsp.name, &l.nsp.srv.opts)
		l.nsp.recovery = l.nsp.shared
	}
}

// Shares reports whether the namespace works by a Journal.
func (l *Local) Shares() bool { return l.nsp.shared != nil }

// Appended tells of an event at its turn. Number is that of [Journal.Append] if the event is
// this server's, and 0 otherwise. It is called by one goroutine at a time, in order, behind
// what makes the event known to [Journal.After].
func (l *Local) Appended(pos, number uint64, b *Broadcast) { l.nsp.shared.appended(pos, number, b) }

// Refused tells that an event of this server will not be appended.
func (l *Local) Refused(number uint64) { l.nsp.shared.refused(number) }

// Away tells that what is appended will wait for long, and that it does so no more.
// Meanwhile the clients of this server get events at once, with provisional offsets.
func (l *Local) Away(away bool) { l.nsp.shared.setAway(away) }

// Yield is called on behalf of another server to which a client has come that says it is one
// of this server's. F is told, by any goroutine, whether that client is here; if it does not
// answer within seconds, it is not, and its record is written before.
func (l *Local) Yield(pid string, f func(alive bool)) { l.nsp.shared.yield(pid, f) }
