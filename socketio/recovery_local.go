package socketio

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siokit/sio/internal/sid"
	"github.com/siokit/sio/socketio/internal/ledger"
	"github.com/siokit/sio/socketio/recovery"
)

// A localRecovery is what is known of clients of this process that may come back: what is
// in the log of events, and who has got what of them. The events, and what is known of a
// client that is away, are with the store.
//
// They get events in the order of their numbers. What is sent to one has its number, and is
// queued, in one section of mu. What is sent to many is queued for some at a time; nothing
// else that is for many is begun meanwhile, and whoever sends to one of them lets it have
// that first: see underway.
type localRecovery struct {
	house    house
	opts     Recovery
	queue    queueBounds
	patience time.Duration // with a client that has to show that it is there
	proof    time.Duration // what was sent so long before a loss was noticed has arrived: a ping behind it was answered
	filler   any           // stands for the offset while an event is encoded: a string
	atOnce   int           // is sendAtOnce, but for tests
	rest     func()        // is runtime.Gosched, likewise: between sections

	walking sync.Mutex // held while the log is walked: who emits waits for one step of one client. Taken before mu
	turn    sync.Mutex // held while an event is queued for many. Taken before mu

	mu       sync.Mutex // protects the following, but for the rooms, which may be used without
	store    recovery.Store
	log      *ledger.Log
	rooms    *ledger.Rooms
	away     *ledger.Away
	clients  map[string]*recoverable  // those that are there, by pid
	waiting  map[string]chan struct{} // who waits for what comes of a client, by its pid; closed for who has to give way
	deciding map[string]*claim        // whose connect handler runs, by the pid of the client that it says it is
	underway underway                 // is being queued for many, if it has a number
	timer    *time.Timer              // nil, or runs, while something is kept
	closed   bool
	failure  error         // of the store, to be logged when mu is released
	quiet    time.Duration // until when others are not
}

// queueBounds are those of what may wait to be sent to a client.
type queueBounds struct{ bytes, packets int }

// A recoverable is what is known of a client beyond its connection, until it has left.
// Its fields are protected by localRecovery.mu, but for what the client's is of rooms.
type recoverable struct {
	ledger.Client
	r      *localRecovery
	socket *Socket
	claim  *claim          // of who says that it is this client, and has not been accepted; changed with Local.mu held, too
	away   *ledger.Absence // what it has left, until its disconnect handlers have run

	since    time.Duration // when the CONNECT was answered, or 0
	answered time.Duration // when it has shown last that it is there, or 0
	closedAt atomic.Int64  // when its socket left

	known   bool // the client has been told the pid
	vacated bool // it has been told from those that are there
}

func newLocalRecovery(h house, namespace string, o *Options) *localRecovery {
	r := &localRecovery{
		house:    h,
		opts:     *o.Recovery,
		queue:    queueBounds{o.Engine.QueueBytes, o.Engine.QueuePackets},
		patience: askPatience,
		atOnce:   sendAtOnce,
		rest:     runtime.Gosched,
		proof:    o.Engine.PingInterval + 2*o.Engine.PingTimeout,
		clients:  make(map[string]*recoverable),
		waiting:  make(map[string]chan struct{}),
		deciding: make(map[string]*claim),
	}
	if r.store = r.opts.Store(namespace); r.store == nil {
		panic("socketio: Recovery.Store has no store for the namespace " + namespace)
	}
	r.log = ledger.NewLog(r, r.opts.Window+r.proof)
	r.rooms = ledger.NewRooms(r.log)
	r.away = ledger.NewAway(r, r.rooms)
	r.filler = r.log.Offset(0)
	return r
}

// recoverableOf returns what is known of a socket, or nil.
func recoverableOf(s *Socket) *recoverable {
	c, _ := s.standing().(*recoverable)
	return c
}

func (c *recoverable) secret() string            { return c.PID }
func (c *recoverable) keep(any, any) error       { return nil }
func (c *recoverable) kept(NamedKey) (any, bool) { return nil, false }
func (c *recoverable) closed()                   { c.closedAt.Store(int64(c.r.house.now())) }
func (c *recoverable) addedLocked()              { c.r.rooms.Add(&c.Client) }
func (c *recoverable) partedLocked()             { c.r.rooms.Part(&c.Client) }
func (c *recoverable) joinedLocked(name string)  { c.r.rooms.Join(&c.Client, name) }
func (c *recoverable) leftLocked(name string)    { c.r.rooms.Leave(&c.Client, name) }

// leftAt returns when the client left.
func (c *recoverable) leftAt() time.Duration {
	if at := c.closedAt.Load(); at != 0 {
		return time.Duration(at)
	}
	return c.r.house.now() // before it was recoverable
}

// begin implements [recoverer].
func (r *localRecovery) begin(s *Socket) bool {
	pid, offset, ok := shown(s.payload())
	result := RecoveryMissed
	if ok {
		result = r.claim(s, pid, offset)
	}
	if result == RecoveryDone {
		return true
	}
	if pid != "" {
		r.house.anew(s, result)
	}
	r.mu.Lock()
	defer r.unlock()
	if s.Reason() != "" {
		return false
	}
	c := &recoverable{Client: r.log.NewClient(sid.New(), offset), r: r, socket: s}
	r.clients[c.PID] = c
	s.stand(c)
	return true
}

func (r *localRecovery) claim(s *Socket, pid, offset string) RecoveryResult {
	r.mu.Lock()
	defer r.unlock()
	return r.claimLocked(s, pid, offset)
}

// size implements [recoverer].
func (r *localRecovery) size() (away, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.away.Len(), r.log.Bytes()
}

// answered implements [recoverer].
func (r *localRecovery) answered(s *Socket) {
	c := recoverableOf(s)
	r.mu.Lock()
	defer r.mu.Unlock()
	c.known, c.since = true, r.house.now()
	c.Late(false)
}

// unsendable implements [recoverer]. The client begins anew, or it never comes back.
func (r *localRecovery) unsendable(s *Socket) {
	c := recoverableOf(s)
	r.mu.Lock()
	defer r.mu.Unlock()
	c.known = false
}

// expireAtOnce is how many clients are forgotten in one section: thousands may leave at
// once, and be back, or not, before a busy namespace is quiet for long.
const expireAtOnce = 64

// expireLocked forgets some of the clients that have been away for too long, but for
// those that may be back. It reports whether there may be more.
func (r *localRecovery) expireLocked() (more bool) {
	n := 0
	for a := range r.away.Expired() {
		if n++; n > expireAtOnce {
			return true
		}
		if r.deciding[a.PID] == nil {
			r.dropLocked(a)
		}
	}
	return false
}

// armLocked sees to it that what is too old goes, even if nothing happens. It
// may stay for a quarter of the window longer: whoever asks looks at the time.
func (r *localRecovery) armLocked() {
	if r.timer == nil && !r.closed {
		r.timer = time.AfterFunc(r.opts.Window/4+1, r.tick)
	}
}

func (r *localRecovery) disarmLocked() {
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
}

func (r *localRecovery) tick() {
	r.mu.Lock()
	defer r.unlock()
	if r.timer == nil { // stopped too late
		return
	}
	for before := -1; before != r.away.Len()+r.log.Len(); {
		before = r.away.Len() + r.log.Len()
		more := r.expireLocked()
		if more = r.log.Evict() || more; !more {
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
	if r.away.Len()+r.log.Len() > 0 {
		r.armLocked()
	}
}

// stop implements [recoverer].
func (r *localRecovery) stop() {
	r.mu.Lock()
	defer r.unlock()
	r.closed = true
	r.disarmLocked()
	for a := r.away.First(); a != nil; a = r.away.First() {
		r.dropLocked(a)
	}
}

// clearLocked gives up the log when there is nobody any more.
func (r *localRecovery) clearLocked() {
	if len(r.clients)+r.away.Len() == 0 {
		r.log.Clear()
		r.disarmLocked()
	}
}

// What follows implements [ledger.Keeper]; mu is held.

func (r *localRecovery) Store() recovery.Store           { return r.store }
func (r *localRecovery) Now() time.Duration              { return r.house.now() }
func (r *localRecovery) Time(at time.Duration) time.Time { return r.house.date(at) }
func (r *localRecovery) Most() int                       { return r.house.share(r.opts.MaxBytes) }
func (r *localRecovery) Hold(bytes int)                  { r.house.hold(bytes) }

func (r *localRecovery) Missed(e recovery.Event) {
	if e.PID != "" {
		if a := r.away.Get(e.PID); a != nil {
			a.Missed(e.Seq)
		} else if c := r.clients[e.PID]; c != nil {
			c.Missed(e.Seq)
		}
		return
	}
	r.rooms.Missed(e.Rooms, e.Seq)
	for _, name := range e.Rooms {
		if c, ok := r.house.standing(name).(*recoverable); ok {
			c.Missed(e.Seq)
		} else if a := r.away.ByID(name); a != nil {
			a.Missed(e.Seq)
		}
	}
}

// failureLog is how often the store's failures are logged: a store that is down
// fails with every event.
const failureLog = time.Minute

func (r *localRecovery) Failed(method string, err error) {
	if err != nil && r.failure == nil && r.house.now() >= r.quiet {
		r.failure = fmt.Errorf("%s: %w", method, err)
	}
}

// unlock releases mu, and logs a failure of the store, which may emit.
func (r *localRecovery) unlock() {
	err := r.failure
	if err != nil {
		r.failure, r.quiet = nil, r.house.now()+failureLog
	}
	r.mu.Unlock()
	if err != nil {
		r.house.failed(err)
	}
}
