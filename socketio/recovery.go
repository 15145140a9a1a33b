package socketio

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio/parser"
	"github.com/siokit/sio/socketio/recovery"
)

// Recovery stands behind a line, and all that passes through is in this file.
//
// A namespace has a [recoverer], which it tells what happens; what that knows of a socket
// is the socket's [standing], which is told what happens to it. It may ask the namespace,
// by way of its Local, what is in [house], and a socket what is in [guest]; their answers
// are in recovery_host.go. The files recovery_*.go behind the line use nothing else of the
// other ones, and these nothing of theirs; a test sees to that.
//
// The line goes by these rules:
//
//   - Numbers. An event gets its number in the section of Local.mu in which its recipients
//     are picked (numberLocked), and rooms are joined and left in sections of the same
//     lock: so the numbers between which a socket was in a room tell exactly what it was
//     sent. Whoever gives the numbers is behind the line: here it is a counter, with a
//     cluster it may be the stream that the event has come from.
//   - Locks. The recoverer's own are taken before Local.mu and Socket.mu. What ends in
//     Locked is called under Local.mu and must take none but innermost ones.
//   - Coming back. Who says that it is a client is told that client's id, rooms and values,
//     and its connect handler decides; until that has accepted, nothing of the client's
//     changes. begin and takeOver run on a goroutine of the socket's own: they may wait, for
//     the client that is said to be there, or for a network. What a client takes along
//     (pid, id, rooms, values, where it stood) fits into a record: nothing here needs the
//     old socket, which may have been another process's.
//   - Offsets. What is sent to a client that may come back has room for one, whatever that
//     is (blank). A socket that has no standing, as without the option and with Engine.IO 3,
//     costs a nil check.
//
// Behind it stands localRecovery, which counts the events of this process by itself. Its
// bookkeeping is the package internal/ledger, which knows of no socket; its records are
// with a recovery.Store. In a cluster with a [Journal] sharedRecovery stands there, whose
// numbers, events and records are the journal's (recovery_shared.go and what begins so).
//
// A package for all of it was not to be had: claims and takeovers are about states of
// sockets, which would have to be exported for that. And sockets are passed as they are,
// not as interfaces, so that what is queued for each of a thousand recipients needs
// neither a call through a table nor a batch on the heap.

// missed is what a client gets that comes back.
type missed struct {
	messages []*engineio.Message
	events   uint64
	size     int // in bytes
}

// A recoverer brings clients of a namespace back. Its methods may be called from any
// goroutine.
type recoverer interface {
	// begin gives a socket a standing before its connect handler runs: that of a
	// client that has been there, if it shows one, or of a new one. It reports false if
	// the connection has ended meanwhile.
	begin(s *Socket) bool
	// takeOver makes a socket that has been accepted the client that it says it is,
	// and returns what that has missed, which goes in front of the answer. It reports
	// false if that can't be done any more. It is called if the socket is recovered.
	takeOver(s *Socket) (m missed, ok bool)
	// giveBack is called when a socket with a standing is not accepted.
	giveBack(s *Socket)
	// answered is called when the CONNECT is to be answered, and unsendable when what
	// has been missed did not fit into what may wait for the client.
	answered(s *Socket)
	unsendable(s *Socket)
	// vacate is called when a socket has left all of its rooms, and departed when its
	// disconnect handlers have run, even if it has no standing.
	vacate(s *Socket)
	departed(s *Socket)

	// broadcast is [Local.Broadcast].
	broadcast(b *Broadcast) error
	// numberLocked gives an event for rooms, or for all, the next number, and reports
	// whether it has to have one. It is called by pickNumbered.
	numberLocked(rooms []string) bool
	// blank returns the argument that stands for the offset of an event while that is
	// encoded.
	blank() any
	// emit sends an event, which has a blank, to a socket with a standing, and keeps it
	// unless that fails.
	emit(s *Socket, e encoded) error
	// emitVolatile sends an event that has none, and is not kept. If taken is a string,
	// an official client takes it for an offset.
	emitVolatile(s *Socket, e encoded, taken any) error

	// giveUp forgets clients that are away from a namespace where nobody else is. It
	// reports whether those were all: of many, it forgets some.
	giveUp() bool
	// stop forgets everybody who is away: nobody can come back any more.
	stop()
	// size returns how many clients are away, and how many bytes of events are kept, by
	// this process.
	size() (away, bytes int)
}

// A sharer is a recoverer by a [Journal]. What it keeps is encoded when its turn has come.
type sharer interface {
	recoverer
	// emitOne sends an event, which has its Data, to one socket with a standing.
	emitOne(s *Socket, b *Broadcast) error
	// behind calls f, which must not block, behind what has been emitted before; settle
	// waits for that.
	behind(f func())
	settle(ctx context.Context) error
	// Those of [Local] with these names call the following.
	appended(pos, number uint64, b *Broadcast)
	refused(number uint64)
	setAway(away bool)
	yield(pid string, f func(alive bool))
}

// A standing is what a recoverer knows of a socket.
type standing interface {
	// secret returns what the client is to show when it comes back.
	secret() string
	// keep is called with a value that is to be stored with the socket. If it can't follow
	// the client, it fails. kept returns one that has followed, under a key of which the
	// socket knows nothing.
	keep(key, v any) error
	kept(key NamedKey) (any, bool)
	// closed is called when the socket has ended, under Socket.mu.
	closed()
	// addedLocked is called when the socket is one of the namespace, and partedLocked when
	// it is no more: its id stays until vacate.
	addedLocked()
	partedLocked()
	// joinedLocked and leftLocked tell of its rooms.
	joinedLocked(room string)
	leftLocked(room string)
	// asideLocked returns the rooms of a socket that says it is a client, until it is
	// that: it is in none of the maps. Otherwise it returns nil.
	asideLocked() aside
	// returnLocked tells that it is the client now, and returns the rooms that it is in.
	// If it is gone again already, it is away from here on.
	returnLocked(gone bool) (rooms []string)
}

// An aside is the rooms of a socket that is not the client yet that it says it is. Its
// methods are called under Local.mu.
type aside interface {
	join(room string) error
	leave(room string)
	names() []string
	clear() // it has left
}

// A RecoveryResult says what has come of a client's wish to come back.
type RecoveryResult string

const (
	RecoveryDone    RecoveryResult = "recovered"
	RecoveryUnknown RecoveryResult = "unknown" // nobody is known by that pid: it has been away for too long, or on a server that does not share it
	RecoveryPresent RecoveryResult = "present" // the client is there, or somebody else comes back as it
	RecoveryMissed  RecoveryResult = "missed"  // what it has missed is not kept any more, or too much
	RecoveryRefused RecoveryResult = "refused" // the connect handler has refused it, or it has left before
	RecoveryFailed  RecoveryResult = "failed"  // it was accepted, and could not be the client any more
)

// A house is a namespace as its recoverer sees it: [Local].
type house interface {
	// Of the server and its clock.
	now() time.Duration // since born, and never 0
	date(now time.Duration) time.Time
	failed(err error)  // is logged, which may emit, like the following
	stalled(long bool) // that a journal takes long, or does so no more
	Codec() parser.Codec
	allowsV3() bool

	// Of the namespace: a dynamic one stays from acquire to release. alone tells whether
	// only so many who are away use it.
	acquire()
	release()
	alone(away int) bool
	// share returns which part of so many bytes the namespace may keep, and hold counts
	// them: dynamic ones have some in common.
	share(most int) int
	hold(bytes int)

	// Of events. tell tells who listens to what goes out, which may emit.
	encode(b *Broadcast, last any) (encoded, error)
	encodeKept(b *Broadcast, offset string) (encoded, error)
	decoded(b *Broadcast) *Broadcast
	tell(b *Broadcast, to selection)
	pick(sel Selector) selection
	// pickNumbered picks in one section in which the event gets its number, too, if it
	// is to be kept. The selection is to be settled.
	pickNumbered(sel Selector) (to selection, kept bool)
	// number has an event get its number that is for nobody here, or has been picked.
	number()
	// only selects one socket.
	only(s *Socket) selection

	// Of sockets and rooms. standing returns that of the socket with an id, or nil.
	standing(id string) standing
	standingLocked(id string) standing
	roomFor(rooms int, name string) error
	// part takes a socket that has left out of the namespace, if it is there still, and
	// dropID forgets its id, unless another one has that.
	part(s *Socket, rec standing) (more bool)
	dropID(s *Socket)
	// readmit makes a socket that is its client now one of the namespace; see
	// returnLocked. Nothing is in between.
	readmit(s *Socket)
	// shut makes a socket that has never been one of the namespace one that can't join.
	shut(s *Socket)
	// anew is told of a socket that has to begin anew, though its client shows a pid.
	anew(s *Socket, why RecoveryResult)
}

// A guest is a [Socket] as a recoverer sees it.
type guest interface {
	ID() string
	Reason() Reason
	Context() context.Context
	payload() []byte         // of the CONNECT
	values() map[any]any     // a copy
	address() netip.Prefix   // whom its client's address stands for
	with(other *Socket) bool // they share a connection
	// stand gives a socket its standing, and assume that of a client with an id and
	// values.
	stand(rec standing)
	assume(id string, values map[any]any, rec standing)
	standing() standing

	// alive calls f, which must not block, when the client has shown that it is there,
	// or has not in time. unanswered tells whether it has not shown it since.
	alive(patience time.Duration, f func(alive bool))
	unanswered() bool
	// unproven tells whether what was sent long before the client left may not have
	// arrived though no loss was noticed.
	unproven() bool
	// bury ends the connection of a client that is not there.
	bury()

	// sendLater sends, and leaves the writing to the batch.
	sendLater(b *delivery, e encoded, volatile bool) error
}

var (
	_ house = (*Local)(nil)
	_ guest = (*Socket)(nil)
)

// Recovery lets a client whose connection broke come back as the socket that it
// was. What that means for clients and handlers is in the comment of
// [github.com/siokit/sio.Recovery].
type Recovery struct {
	// Window is how long a client may be away. Default 2 minutes.
	Window time.Duration

	// The following are for a server alone, or in a cluster without a journal. With one,
	// events and records are the journal's, and its limits bound them.

	// MaxBytes bounds the events that are kept for the clients of one namespace.
	// For all dynamic namespaces together the bound is sixteen times as much, which
	// can be exceeded for a moment. A client that has missed an event that is gone
	// starts anew. A client that comes back looks through all events but those for
	// one other client or room, one client at a time, which holds up emits to the
	// namespace for half a millisecond. Default 2 MiB, half of what may wait to be
	// sent to a client.
	MaxBytes int
	// MaxSessions bounds the clients of one namespace that are away. Beyond it, the
	// one that left first of the address that most of them come from (of IPv6, the
	// network of 64 bits) has to start anew. Default 10,000.
	MaxSessions int
	// Store makes the store of a namespace, which keeps the events and the clients
	// that are away, within these bounds. For a dynamic namespace it is called under
	// a lock: it must neither block nor emit. Default: a [recovery.MemoryStore].
	Store func(namespace string) recovery.Store
}

func (r *Recovery) withDefaults() (*Recovery, error) {
	if r == nil {
		return nil, nil
	}
	out := *r
	var errs []error
	if out.Window < 0 {
		errs = append(errs, fmt.Errorf("Recovery.Window is negative (%v)", out.Window))
	}
	if out.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("Recovery.MaxBytes is negative (%d)", out.MaxBytes))
	}
	if out.MaxSessions < 0 {
		errs = append(errs, fmt.Errorf("Recovery.MaxSessions is negative (%d)", out.MaxSessions))
	}
	if out.Window == 0 {
		out.Window = 2 * time.Minute
	}
	if out.MaxBytes == 0 {
		out.MaxBytes = 2 << 20
	}
	if out.MaxSessions == 0 {
		out.MaxSessions = 10_000
	}
	if out.Store == nil {
		out.Store = func(string) recovery.Store { return new(recovery.MemoryStore) }
	}
	return &out, errors.Join(errs...)
}
