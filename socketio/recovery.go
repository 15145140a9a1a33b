package socketio

import (
	"crypto/rand"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siokit/sio/internal/fifo"
	"github.com/siokit/sio/internal/share"
	"github.com/siokit/sio/internal/sid"
	"github.com/siokit/sio/socketio/recovery"
)

// Recovery lets a client whose connection broke come back as the socket that it
// was. What that means for clients and handlers is in the comment of
// [github.com/siokit/sio.Recovery].
type Recovery struct {
	// Window is how long a client may be away. Default 2 minutes.
	Window time.Duration
	// MaxBytes bounds the events that are kept for the clients of one namespace.
	// For all dynamic namespaces together the bound is sixteen times as much, which
	// can be exceeded for a moment. A client that has missed an event that is gone
	// starts anew. A client that comes back looks through all events, one client
	// at a time, which holds up emits to the namespace for half a millisecond.
	// Default 2 MiB, half of what may wait to be sent to a client.
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

// A localRecovery is what a namespace knows of clients that may come back: what is in
// its log of events, and who has got what of them. The events, and what is known
// of a client that is away, are with the store.
//
// An event's place in the log is its number, seq. Who is meant by it is picked
// in the same section of Local.mu in which it gets the number, and rooms are
// joined and left under that lock: so the numbers between which a socket was in
// a room tell exactly what it was sent. Its mu, which is taken before Local.mu
// and Socket.mu, is held until the event is queued for all of them: they get
// events in the order of their numbers.
type localRecovery struct {
	local    *Local
	opts     Recovery
	patience time.Duration // with a client that has to show that it is there
	proof    time.Duration // what was sent so long before a loss was noticed has arrived: a ping behind it was answered
	born     time.Time     // the server's
	epoch    [epochLen]byte
	blank    string // stands for the offset while an event is encoded
	seed     maphash.Seed

	seq  atomic.Uint64     // of the last event; changed with mu held
	head atomic.Uint64     // events up to here are not in the log any more; likewise
	room map[string]*trail // what is remembered of rooms; protected by Local.mu

	walking sync.Mutex // held while the log is walked: who emits waits for one step of one client. Taken before mu

	mu          sync.Mutex // protects the following
	store       recovery.Store
	log         fifo.Queue[entry]
	bytes       int                      // that the log holds
	lost        uint64                   // the last event for everybody that was too much for MaxBytes
	gap         uint64                   // the last event that the store has failed to keep, whoever it was for
	clients     map[string]*recoverable  // those that are there, by pid
	absent      map[string]*absence      // those that are away, by pid
	away        map[string]*absence      // likewise, by the socket's id
	waiting     map[string]chan struct{} // who waits for what comes of a client, by its pid; closed for who has to give way
	deciding    map[string]*claim        // whose connect handler runs, by the pid of the client that it says it is
	first, last *absence                 // likewise, by when they left
	held        share.Table[absences]    // likewise, by the addresses of the clients
	timer       *time.Timer              // nil, or runs, while something is kept
	closed      bool
	failure     error         // of the store, to be logged when mu is released
	quiet       time.Duration // until when others are not
}

// A recoverable is what is known of a client beyond its connection, until it has
// left. Its fields are protected by recovery.mu, but for the last ones.
type recoverable struct {
	pid    string // the secret that the client shows
	id     string // of its sockets
	socket *Socket
	claim  *claim   // of who says that it is this client, and has not been accepted; changed with Local.mu held, too
	away   *absence // what it has left, until its disconnect handlers have run

	marks *marks

	base   uint64 // the number up to which the client had events when its connection began
	origin uint64 // the hash of the offset that it showed then, or 0
	got    uint64 // the last event that was sent to it
	floor  uint64 // the last event for it alone that was too much for MaxBytes
	waited uint64 // the first event that had to wait for the answer to the CONNECT
	late   uint64 // the last one that did, if it may not have arrived

	since    time.Duration // when the CONNECT was answered, or 0
	answered time.Duration // when it has shown last that it is there, or 0
	closedAt atomic.Int64  // when its socket left

	known   bool // the client has been told the pid
	forged  bool // an argument of the application's looked like an offset
	vacated bool // it has been told from those that are there

	closed int32  // how many spans are over; protected by Local.mu, as is all below
	added  uint64 // the last event before it was one of the namespace
	left   uint64 // the last event before it was one no more
	spans  []span
	forgot uint64 // as floor, for spans that are not remembered
}

func newLocalRecovery(l *Local, o *Options) *localRecovery {
	r := &localRecovery{
		local:    l,
		opts:     *o.Recovery,
		patience: askPatience,
		proof:    o.Engine.PingInterval + 2*o.Engine.PingTimeout,
		born:     l.nsp.srv.born,
		seed:     maphash.MakeSeed(),
		room:     make(map[string]*trail),
		clients:  make(map[string]*recoverable),
		absent:   make(map[string]*absence),
		away:     make(map[string]*absence),
		waiting:  make(map[string]chan struct{}),
		deciding: make(map[string]*claim),
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

// begin makes a socket one that says it is a client that has been there, or a new
// one. It reports false if the connection has ended meanwhile.
func (r *localRecovery) begin(s *Socket) bool {
	s.mu.Lock()
	auth := s.auth
	s.mu.Unlock()
	pid, offset, ok := shown(auth)

	r.mu.Lock()
	defer r.unlock()
	if ok && r.claimLocked(s, pid, offset) {
		return true
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

// answered is called when the CONNECT is to be answered.
func (r *localRecovery) answered(s *Socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := s.rec
	c.known, c.since, c.late = true, r.now(), c.got
}

const (
	// expireAtOnce is how many clients are forgotten in one section, and dropAtOnce
	// how many events that are too old: thousands may leave at once, and be back, or
	// not, before a busy namespace is quiet for long.
	expireAtOnce = 64
	dropAtOnce   = 1024
)

// expireLocked forgets some of the clients that have been away for too long, but for
// those that may be back. It reports whether there may be more.
func (r *localRecovery) expireLocked() (more bool) {
	now, n := r.now(), 0
	for a := r.first; a != nil && a.expires <= now; {
		if n++; n > expireAtOnce {
			return true
		}
		next := a.next
		if r.deciding[a.pid] == nil {
			r.dropLocked(a)
		}
		a = next
	}
	return false
}

// now is never 0.
func (r *localRecovery) now() time.Duration { return r.local.nsp.srv.now() }

func (s *Server) now() time.Duration { return time.Since(s.born) + 1 }

// leftAt returns when the client left.
func (r *localRecovery) leftAt(c *recoverable) time.Duration {
	if at := c.closedAt.Load(); at != 0 {
		return time.Duration(at)
	}
	return r.now() // before it was recoverable
}

// unsendable is called when what a client has missed did not fit into what may wait
// for it, because of its other namespaces: it begins anew, or it never comes back.
func (r *localRecovery) unsendable(s *Socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.rec.known = false
}

// armLocked sees to it that what is too old goes, even if nothing happens. It
// may stay for a quarter of the window longer: whoever asks looks at the time.
func (r *localRecovery) armLocked() {
	if r.timer == nil && !r.closed {
		r.timer = time.AfterFunc(r.opts.Window/4+1, r.tick)
	}
}

func (r *localRecovery) tick() {
	r.mu.Lock()
	defer r.unlock()
	if r.timer == nil { // stopped too late
		return
	}
	for before := -1; before != len(r.absent)+r.log.Len(); {
		before = len(r.absent) + r.log.Len()
		more := r.expireLocked()
		if more = r.evictLocked() || more; !more {
			break
		}
		r.unlock()
		runtime.Gosched() // to who emits
		r.mu.Lock()
		if r.timer == nil {
			return
		}
	}
	r.timer = nil
	if r.first != nil || r.log.Len() > 0 {
		r.armLocked()
	}
}

// stop forgets everybody who is away, and saves nobody any more.
func (r *localRecovery) stop() {
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
func (r *localRecovery) failedLocked(method string, err error) {
	if err != nil && r.failure == nil && r.now() >= r.quiet {
		r.failure = fmt.Errorf("%s: %w", method, err)
	}
}

// unlock releases mu, and logs a failure of the store, which may emit.
func (r *localRecovery) unlock() {
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
