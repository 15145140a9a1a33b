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
// ever; what is addressed to its id or its rooms waits for it.
//
// It costs some 300 bytes for each client. The zero value has the reference
// server's window.
type Recovery struct {
	// Window is how long a client may be away. Default 2 minutes.
	Window time.Duration
	// MaxBytes bounds the events kept for the clients of one namespace. Who
	// has missed one that had to go begins anew. Default 2 MiB, half of what
	// may wait to be sent to a client.
	MaxBytes int
	// MaxSessions bounds the clients of one namespace that are away; of more
	// the first to leave begins anew. Default 10,000.
	MaxSessions int
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
	return &out, errors.Join(errs...)
}

// takeoverTimeout bounds how long a client that is back waits for the disconnect
// handlers of the socket that it was.
const takeoverTimeout = 5 * time.Second

// A recovery is what a namespace knows of clients that may come back: its log
// of events, and who has got what of them.
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
	born  time.Time
	epoch [epochLen]byte
	blank string // stands for the offset while an event is encoded
	seed  maphash.Seed

	seq  atomic.Uint64     // of the last event; changed with mu held
	head atomic.Uint64     // events up to here are not in the log any more; likewise
	room map[string]*trail // what is remembered of rooms; protected by Local.mu

	mu          sync.Mutex // protects the following
	log         fifo.Queue[entry]
	bytes       int                     // that the log holds
	lost        uint64                  // the last event for everybody that was too much for MaxBytes
	clients     map[string]*recoverable // by pid
	away        map[string]*recoverable // those that are saved, by the socket's id
	first, last *recoverable            // likewise, by when they left
	timer       *time.Timer             // nil, or runs, while something is kept
	closed      bool
}

// A recoverable is what is known of a client beyond its connection. Its fields
// are protected by recovery.mu, but for the last ones.
type recoverable struct {
	pid    string  // the secret that the client shows
	id     string  // of its sockets
	socket *Socket // until its disconnect handlers have run
	data   map[any]any

	done   chan struct{} // if somebody waits for that; closed then
	claims int32         // how many came back for it: the last one gets it

	known  bool // the client has been told the pid
	saved  bool // in recovery.away
	forged bool // an argument of the application's looked like an offset
	marks  *marks

	base   uint64 // the number up to which the client had events when its connection began
	origin uint64 // the hash of the offset that it showed then, or 0
	got    uint64 // the last event that was sent to it
	left   uint64 // the last event of all when it left
	floor  uint64 // the last event for it alone that was too much for MaxBytes
	waited uint64 // the first event that had to wait for the answer to the CONNECT
	late   uint64 // the last one that did, if it may not have arrived

	missed     []*engineio.Message // to be sent in front of the answer
	since      time.Duration       // when that was sent, or 0
	expires    time.Duration       // while away
	prev, next *recoverable        // likewise, in the order in which they left

	added  uint64 // the last event before it was one of the namespace; protected by Local.mu, as is all below
	spans  []span
	closed int32  // how many of them are over
	forgot uint64 // as floor, for spans that are not remembered
}

func newRecovery(l *Local, o *Options) *recovery {
	r := &recovery{
		local:   l,
		opts:    *o.Recovery,
		proof:   o.Engine.PingInterval + 2*o.Engine.PingTimeout,
		born:    time.Now(),
		seed:    maphash.MakeSeed(),
		room:    make(map[string]*trail),
		clients: make(map[string]*recoverable),
		away:    make(map[string]*recoverable),
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
	defer r.mu.Unlock()
	if c := r.claimLocked(s, pid); c != nil {
		if ok && r.restoreLocked(s, c, offset) {
			return true
		}
		r.dropLocked(c) // a pid is good for one attempt
	}
	if s.Reason() != "" {
		return false
	}
	seq := r.seq.Load()
	s.rec = &recoverable{pid: sid.New(), id: s.id, socket: s, base: seq, got: seq, waited: seq + 1, origin: r.hash(offset), added: never}
	r.clients[s.rec.pid] = s.rec
	return true
}

// claimLocked returns the client that left with the given pid, or nil. If that
// one is still there its connection must be dead: it is ended, and its disconnect
// handlers are waited for. It may release r.mu meanwhile.
func (r *recovery) claimLocked(s *Socket, pid string) *recoverable {
	r.expireLocked()
	c := r.clients[pid]
	if c == nil || c.socket != nil && c.socket.conn == s.conn {
		return nil
	}
	c.claims++
	mine := c.claims
	if c.socket != nil {
		if c.done == nil {
			c.done = make(chan struct{})
		}
		done, sess := c.done, c.socket.conn.sess
		r.mu.Unlock()
		sess.Abort(engineio.ReasonTransportClose)
		timer := time.NewTimer(takeoverTimeout)
		select {
		case <-done:
		case <-timer.C:
		case <-s.Context().Done():
		}
		timer.Stop()
		r.mu.Lock()
		if c.claims != mine || s.Reason() != "" {
			return nil
		}
		r.expireLocked()
		if c.socket != nil || r.clients[pid] != c { // its handlers take too long, or it need not come back
			return nil
		}
	}
	return c
}

// restoreLocked makes s the socket that the client was, unless events that it
// has missed are gone or it does not say which. From then on it is sent what it
// would have been; that is held back behind the answer.
func (r *recovery) restoreLocked(s *Socket, c *recoverable, offset string) bool {
	m := r.membershipOf(c)
	pos, ok := r.positionLocked(&m, offset)
	if !ok || !r.completeLocked(&m, pos) {
		return false
	}
	missed, first, last, ok := r.missedLocked(&m, pos)
	if !ok {
		return false
	}
	r.unsaveLocked(c)
	c.socket, c.missed, c.since = s, missed, 0
	c.base, c.origin, c.got = pos, r.hash(offset), max(pos, last)
	if c.waited = r.seq.Load() + 1; first > 0 {
		c.waited = first
	}
	c.forged, c.marks = false, nil

	s.mu.Lock()
	s.data = c.data
	s.mu.Unlock()
	c.data = nil
	s.id, s.rec, s.recovered = c.id, c, true
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

// recoverableReasons are the ends that a client did not ask for, nor the
// application: the reference server's, and that of a client that did not keep up.
var recoverableReasons = map[Reason]bool{
	engineio.ReasonTransportError: true,
	engineio.ReasonTransportClose: true,
	engineio.ReasonForcedClose:    true,
	engineio.ReasonPingTimeout:    true,
	engineio.ReasonSlowConsumer:   true,
	ReasonForcedServerClose:       true,
}

// vacate takes a socket that has left out of everything, for good. What may come
// back stays in its rooms as far as the log goes.
func (s *Socket) vacate() {
	if s.rec == nil {
		s.nsp.local.removeAll(s)
		return
	}
	r, c := s.nsp.recovery, s.rec
	r.mu.Lock()
	defer r.mu.Unlock()
	s.nsp.local.removeAll(s)
	c.left, c.missed = r.seq.Load(), nil
	now := r.now()
	switch {
	case c.since == 0:
		c.late = c.got
	case now-c.since >= r.proof:
		c.late = 0
	}
	c.expires = now + r.opts.Window
	if r.closed || !c.known || !recoverableReasons[s.reason] {
		r.dropLocked(c)
		return
	}
	r.saveLocked(c)
}

// departed is called when the disconnect handlers of a socket have run.
func (r *recovery) departed(s *Socket) {
	c := s.rec
	if c == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s.mu.Lock()
	if c.saved {
		c.data = maps.Clone(s.data) // the old socket may still be referred to
	}
	s.mu.Unlock()
	c.socket = nil
	if c.done != nil {
		close(c.done)
		c.done = nil
	}
}

func (r *recovery) saveLocked(c *recoverable) {
	if len(r.away) == r.opts.MaxSessions {
		r.dropLocked(r.first)
	}
	r.away[c.id] = c
	c.saved = true
	r.local.nsp.acquire() // a dynamic one stays; its socket has not released it yet
	if c.prev = r.last; c.prev == nil {
		r.first = c
	} else {
		c.prev.next = c
	}
	r.last = c
	r.armLocked()
}

func (r *recovery) unsaveLocked(c *recoverable) {
	if !c.saved {
		return
	}
	c.saved = false
	defer r.local.nsp.release()
	delete(r.away, c.id)
	if c.prev == nil {
		r.first = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		r.last = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
}

// dropLocked forgets a client; with the last one goes the log.
func (r *recovery) dropLocked(c *recoverable) {
	r.unsaveLocked(c)
	c.data = nil
	delete(r.clients, c.pid)
	r.local.forget(c)
	if len(r.clients) == 0 {
		r.log, r.bytes = fifo.Queue[entry]{}, 0
		r.head.Store(r.seq.Load())
	}
}

// expireLocked forgets the clients that have been away for too long.
func (r *recovery) expireLocked() {
	for now := r.now(); r.first != nil && r.first.expires <= now; {
		r.dropLocked(r.first)
	}
}

// now is never 0.
func (r *recovery) now() time.Duration { return time.Since(r.born) + 1 }

// armLocked sees to it that what is too old goes, even if nothing happens. It
// may stay for a quarter of the window longer: whoever asks looks at the time.
func (r *recovery) armLocked() {
	if r.timer == nil && !r.closed {
		r.timer = time.AfterFunc(r.opts.Window/4+1, r.tick)
	}
}

func (r *recovery) tick() {
	r.mu.Lock()
	defer r.mu.Unlock()
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
	defer r.mu.Unlock()
	r.closed = true
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
	for r.first != nil {
		r.dropLocked(r.first)
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
