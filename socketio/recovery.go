package socketio

import (
	"crypto/rand"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/fifo"
	"github.com/siokit/sio/internal/sid"
)

// Recovery lets a client whose connection broke come back as the socket it was:
// with its id, its rooms and its values, and with the events that it has missed.
//
// Every event that may not be dropped and wants no ack then has an offset as its
// last argument, and is kept. An event is sent again only to who was meant by it
// when it was emitted. What is emitted to a [Socket] that has left fails as
// ever; what is addressed to its id or its rooms waits for it. With
// Engine.KeepSlow, what did not fit into a client's queue is not sent again if
// something later did.
//
// The connect handler decides as always, also on a client that comes back, which
// is among the sockets of the namespace meanwhile: a refusal is the end of it. Should
// the connection break again between what was missed and the answer to the CONNECT,
// the official clients hear that twice: they keep what they get before the answer.
//
// It costs some 300 bytes for each client. The zero value has the reference
// server's window.
type Recovery struct {
	// Window is how long a client may be away. Default 2 minutes.
	Window time.Duration
	// MaxBytes bounds the events kept for the clients of one namespace, and
	// sixteen times as many, but for a moment, those of all dynamic ones. Who has
	// missed one that had to go begins anew. Who comes back looks through all of
	// them, while nobody can emit: 64 MiB of small events take milliseconds.
	// Default 2 MiB, half of what may wait to be sent to a client.
	MaxBytes int
	// MaxSessions bounds the clients of one namespace that are away; of more
	// the first to leave begins anew. Default 10,000.
	MaxSessions int
	// Store makes the store of a namespace, which keeps the events and the
	// clients that are away, within these bounds. For a dynamic namespace it
	// is called under a lock: it must neither block nor emit. Default: a
	// [MemoryStore].
	Store func(namespace string) RecoveryStore
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
		out.Store = func(string) RecoveryStore { return new(MemoryStore) }
	}
	return &out, errors.Join(errs...)
}

// takeoverTimeout bounds how long a client that is back waits for the disconnect
// handlers of the socket that it was.
const takeoverTimeout = 5 * time.Second

// A recovery is what a namespace knows of clients that may come back: what is in
// its log of events, and who has got what of them. The events, and what is known
// of a client that is away, are with the store.
//
// An event's place in the log is its number, seq. Who is meant by it is picked
// in the same section of Local.mu in which it gets the number, and rooms are
// joined and left under that lock: so the numbers between which a socket was in
// a room tell exactly what it was sent. Its mu, which is taken before Local.mu
// and Socket.mu, is held until the event is queued for all of them: they get
// events in the order of their numbers.
type recovery struct {
	local *Local
	opts  Recovery
	proof time.Duration // what was sent so long before a loss was noticed has arrived: a ping behind it was answered
	born  time.Time     // the server's
	epoch [epochLen]byte
	blank string // stands for the offset while an event is encoded
	seed  maphash.Seed

	seq  atomic.Uint64     // of the last event; changed with mu held
	head atomic.Uint64     // events up to here are not in the log any more; likewise
	room map[string]*trail // what is remembered of rooms; protected by Local.mu

	mu          sync.Mutex // protects the following
	store       RecoveryStore
	log         fifo.Queue[entry]
	bytes       int                     // that the log holds
	lost        uint64                  // the last event for everybody that was too much for MaxBytes
	gap         uint64                  // the last event that the store has failed to keep, whoever it was for
	clients     map[string]*recoverable // those that are there, or whose disconnect handlers run, by pid
	absent      map[string]*absence     // those that are away, or will be then, by pid
	away        map[string]*absence     // likewise, by the socket's id
	first, last *absence                // likewise, by when they left
	timer       *time.Timer             // nil, or runs, while something is kept
	closed      bool
	failure     error         // of the store, to be logged when mu is released
	quiet       time.Duration // until when others are not
}

// A recoverable is what is known of a client beyond its connection, until its
// disconnect handlers have run. Its fields are protected by recovery.mu, but for
// the last ones.
type recoverable struct {
	pid    string // the secret that the client shows
	id     string // of its sockets
	socket *Socket
	exit   *exit // nil until it leaves, or somebody comes back for it

	marks *marks

	base   uint64 // the number up to which the client had events when its connection began
	origin uint64 // the hash of the offset that it showed then, or 0
	got    uint64 // the last event that was sent to it
	floor  uint64 // the last event for it alone that was too much for MaxBytes
	waited uint64 // the first event that had to wait for the answer to the CONNECT
	late   uint64 // the last one that did, if it may not have arrived

	missed []*engineio.Message // to be sent in front of the answer
	since  time.Duration       // when that was sent, or 0
	known  bool                // the client has been told the pid

	closedAt atomic.Int64 // when its socket left

	forged bool // an argument of the application's looked like an offset

	closed int32  // how many spans are over; protected by Local.mu, as is all below
	added  uint64 // the last event before it was one of the namespace
	spans  []span
	forgot uint64 // as floor, for spans that are not remembered
}

func newRecovery(l *Local, o *Options) *recovery {
	r := &recovery{
		local:   l,
		opts:    *o.Recovery,
		proof:   o.Engine.PingInterval + 2*o.Engine.PingTimeout,
		born:    l.nsp.srv.born,
		seed:    maphash.MakeSeed(),
		room:    make(map[string]*trail),
		clients: make(map[string]*recoverable),
		absent:  make(map[string]*absence),
		away:    make(map[string]*absence),
	}
	if r.store = r.opts.Store(l.nsp.name); r.store == nil {
		panic("socketio: Recovery.Store has no store for the namespace " + l.nsp.name)
	}
	rand.Read(r.epoch[:]) // never fails
	r.blank = r.offset(0)
	return r
}

// Recovered tells whether the socket has been there before its connection, and
// has its id, rooms and values from then.
func (s *Socket) Recovered() bool { return s.recovered }

// begin makes a socket the one that it has been, or a new one. It reports false
// if the connection has ended meanwhile.
func (r *recovery) begin(s *Socket) bool {
	var auth map[string]any
	_ = s.BindAuth(&auth) // that the payload makes no sense is for the handler to say
	pid, _ := auth["pid"].(string)
	shown, present := auth["offset"]
	offset, ok := shown.(string)
	ok = ok && offset != "" || !present

	r.mu.Lock()
	defer r.unlock()
	if a := r.claimLocked(s, pid); a != nil {
		if c, saved := r.takeLocked(s, a); c != nil { // a pid is good for one attempt
			if ok && r.restoreLocked(c, saved, offset) {
				return true
			}
			r.forgetLocked(c)
		}
	}
	if s.Reason() != "" {
		return false
	}
	seq := r.seq.Load()
	rec := &recoverable{pid: sid.New(), id: s.id, socket: s, base: seq, got: seq, waited: seq + 1, origin: r.hash(offset), added: never}
	r.clients[rec.pid] = rec
	s.mu.Lock() // who closes it looks for it
	s.rec = rec
	s.mu.Unlock()
	return true
}

// restoreLocked makes a socket the one that its client had, unless events that it
// has missed are gone or it does not say which. From then on it is sent what it
// would have been; that is held back behind the answer.
func (r *recovery) restoreLocked(c *recoverable, saved *RecoverySession, offset string) bool {
	m := r.membershipOf(c, saved.Progress.Left)
	pos, ok := r.positionLocked(&m, offset)
	if !ok || !r.completeLocked(&m, pos) {
		return false
	}
	missed, first, last, ok := r.missedLocked(&m, pos)
	if !ok {
		return false
	}
	c.missed = missed
	c.base, c.origin, c.got = pos, r.hash(offset), max(pos, last)
	if c.waited = r.seq.Load() + 1; first > 0 {
		c.waited = first
	}
	c.forged, c.marks = false, nil

	s := c.socket
	s.mu.Lock()
	s.data = maps.Clone(saved.Data) // the store may still be writing it
	s.rec = c
	s.mu.Unlock()
	s.id, s.recovered = c.id, true
	r.local.readmit(s)
	return true
}

// answered is called when the CONNECT is to be answered. It returns what is to
// be sent in front of that.
func (r *recovery) answered(s *Socket) (missed []*engineio.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := s.rec
	c.known, c.since, c.late = true, r.now(), c.got
	missed, c.missed = c.missed, nil
	return missed
}

// expireLocked forgets the clients that have been away for too long.
func (r *recovery) expireLocked() {
	for now := r.now(); r.first != nil && r.first.expires <= now; {
		r.dropLocked(r.first)
	}
}

// now is never 0.
func (r *recovery) now() time.Duration { return r.local.nsp.srv.now() }

func (s *Server) now() time.Duration { return time.Since(s.born) + 1 }

// leftAt returns when the client left.
func (r *recovery) leftAt(c *recoverable) time.Duration {
	if at := c.closedAt.Load(); at != 0 {
		return time.Duration(at)
	}
	return r.now() // before it was recoverable
}

// unsendable is called when what a client has missed did not fit into what may wait
// for it, because of its other namespaces: it begins anew, or it never comes back.
func (r *recovery) unsendable(s *Socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.rec.known = false
}

// armLocked sees to it that what is too old goes, even if nothing happens. It
// may stay for a quarter of the window longer: whoever asks looks at the time.
func (r *recovery) armLocked() {
	if r.timer == nil && !r.closed {
		r.timer = time.AfterFunc(r.opts.Window/4+1, r.tick)
	}
}

func (r *recovery) tick() {
	r.mu.Lock()
	defer r.unlock()
	if r.timer == nil { // stopped too late
		return
	}
	r.expireLocked()
	r.evictLocked()
	r.timer = nil
	if r.first != nil || r.log.Len() > 0 {
		r.armLocked()
	}
}

// stop forgets everybody who is away, and saves nobody any more.
func (r *recovery) stop() {
	r.mu.Lock()
	defer r.unlock()
	r.closed = true
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
	for r.first != nil {
		r.dropLocked(r.first)
	}
}

// failureLog is how often the store's failures are logged: a store that is down
// fails with every event.
const failureLog = time.Minute

// failedLocked is told what a method of the store has returned.
func (r *recovery) failedLocked(method string, err error) {
	if err != nil && r.failure == nil && r.now() >= r.quiet {
		r.failure = fmt.Errorf("%s: %w", method, err)
	}
}

// unlock releases mu, and logs a failure of the store, which may emit.
func (r *recovery) unlock() {
	err := r.failure
	if err != nil {
		r.failure, r.quiet = nil, r.now()+failureLog
	}
	r.mu.Unlock()
	if err != nil {
		r.local.nsp.srv.log.Error().Str("nsp", loggable(r.local.nsp.name)).Err(err).Msg("recovery store failed")
	}
}

// stopRecovery ends what the namespaces do on behalf of clients that are away.
func (s *Server) stopRecovery() {
	if s.opts.Recovery == nil {
		return
	}
	s.mu.RLock()
	all := slices.Collect(maps.Values(s.namespaces))
	s.mu.RUnlock()
	s.dynamic.mu.Lock()
	all = slices.AppendSeq(all, maps.Values(s.dynamic.live))
	s.dynamic.mu.Unlock()
	for _, n := range all {
		n.recovery.stop()
	}
}
