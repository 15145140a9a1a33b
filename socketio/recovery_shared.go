package socketio

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/fifo"
	"github.com/siokit/sio/internal/sid"
	"github.com/siokit/sio/socketio/recovery"
)

var errBinaryValue = errors.New("it has bytes in it, which have to be text, such as base64")

// A sharedRecovery is a recoverer by a [Journal]: clients may come back to any server. The
// numbers of events are their positions. What is known of a client that is away is in its
// record, and nowhere else.
//
// What this server emits takes place when it comes back from the journal: it is a ticket
// in the lane until then, which has whom it is for. What is sent to a client at once waits
// behind the tickets in front of it, so that it is in order, too.
type sharedRecovery struct {
	house    house
	journal  Journal
	nsp      string
	opts     Recovery
	queue    queueBounds
	patience time.Duration // with a client that has to show that it is there

	// turn is held by who takes tickets off the lane: the journal's goroutine, or who
	// does so early. Taken before mu.
	turn sync.Mutex

	mu       sync.Mutex              // protects the following, from an event's position to its queueing for all
	clients  map[string]*member      // those that are there, by pid
	deciding map[string]*sharedClaim // whose connect handler runs, by the pid of the client that it says it is
	leaving  map[string]*member      // those that have left, until their records are written

	back fifo.Queue[returned] // who has come back of late, in order
	next uint64               // the position of what is being delivered

	pos atomic.Uint64 // of the last event that was delivered; changed with mu and Local.mu held

	books sync.Mutex // protects what members remember of rooms; innermost

	lane lane
}

// A returned is a client that has come back, and when.
type returned struct {
	m  *member
	at time.Duration
}

// maxReturns bounds how many of those are remembered.
const maxReturns = 100_000

// never is the end of a span that has none yet.
const never = ^uint64(0)

// maxClosedSpans is how many rooms that a client has left its record tells of.
const maxClosedSpans = 64

// A member is what is known of a client that is there. It is what its socket has as standing.
type member struct {
	r          *sharedRecovery
	socket     *Socket
	pid, lease string

	claim   *sharedClaim // of who says that it is this client, until it is; changed with mu and Local.mu held
	vacated bool         // it is not among those that are there any more; protected by mu
	known   atomic.Bool  // the client has been told the pid
	written atomic.Bool  // a record has been
	got     uint64       // the last event that was sent to it; protected by mu
	ahead   uint64       // the number of the last that was before its turn, unless got is behind that; protected by mu
	aheadAt uint64       // the position when the first of these was; protected by mu
	lost    atomic.Bool  // it is another server's

	// What it was sent before its turn until it came back; set once, under Local.mu and books.
	had  map[string]uint64
	from uint64 // it waits for the turns of this server's events up to this one; changed under sharedRecovery.mu and books

	// protected by books
	born, added uint64
	spans       []recovery.Room
	ended       int    // how many of them are over
	parted      bool   // it has left its rooms
	end         uint64 // the last event before that
	values      map[string][]byte
	keys        map[string][]byte
	gone        bool // its record says that it has left
	remove      bool
}

func newSharedRecovery(h house, j Journal, namespace string, o *Options) *sharedRecovery {
	r := &sharedRecovery{
		house:    h,
		journal:  j,
		nsp:      namespace,
		opts:     *o.Recovery,
		queue:    queueBounds{o.Engine.QueueBytes, o.Engine.QueuePackets},
		patience: askPatience,
		clients:  make(map[string]*member),
		deciding: make(map[string]*sharedClaim),
		leaving:  make(map[string]*member),
	}
	r.lane.r = r
	r.pos.Store(j.Last())
	return r
}

func memberOf(s *Socket) *member {
	m, _ := s.standing().(*member)
	return m
}

func (r *sharedRecovery) newMember(s *Socket, pid string) *member {
	return &member{r: r, socket: s, pid: pid, lease: sid.New(), born: r.pos.Load(), added: never}
}

// begin implements [recoverer].
func (r *sharedRecovery) begin(s *Socket) bool {
	if pid, offset, ok := shown(s.payload()); pid != "" {
		result := RecoveryMissed
		if ok {
			result = r.claimFor(s, pid, offset)
		}
		if result == RecoveryDone {
			return true
		}
		r.house.anew(s, result)
	}
	if s.Reason() != "" {
		return false
	}
	m := r.newMember(s, sid.New())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clients[m.pid] = m
	s.stand(m)
	return true
}

// size implements [recoverer]: the journal keeps it.
func (r *sharedRecovery) size() (away, bytes int) { return 0, 0 }

// answered implements [recoverer].
func (r *sharedRecovery) answered(s *Socket) {
	m := memberOf(s)
	m.known.Store(true)
	r.journal.Save(m, nil)
}

// unsendable implements [recoverer].
func (r *sharedRecovery) unsendable(s *Socket) {
	memberOf(s).known.Store(false)
}

// vacate implements [recoverer].
func (r *sharedRecovery) vacate(s *Socket) {
	if m := memberOf(s); m != nil {
		r.vacateMember(m, nil)
	}
}

// vacateMember has a client that has left leave its record. Done is called when that is
// written.
func (r *sharedRecovery) vacateMember(m *member, done func()) {
	s := m.socket
	r.house.part(s, m) // if who closes it has not done so yet
	r.house.dropID(s)
	r.mu.Lock()
	if m.vacated {
		r.mu.Unlock()
		r.journal.Save(m, done)
		return
	}
	m.vacated = true
	if claim := m.claim; claim != nil { // it has never been the client
		r.giveBackLocked(claim)
		r.mu.Unlock()
		if done != nil {
			done()
		}
		return
	}
	stays := m.known.Load() && (recoverableReasons[s.Reason()] || s.Reason() == engineio.ReasonShutdown)
	if r.clients[m.pid] == m {
		delete(r.clients, m.pid)
	}
	known := m.known.Load()
	if known {
		r.leaving[m.pid] = m
	}
	r.mu.Unlock()
	r.books.Lock()
	m.gone, m.remove = true, !stays
	r.books.Unlock()
	if known {
		r.journal.Save(m, func() { r.leftBehind(m, done) })
	} else if done != nil {
		done()
	}
}

// leftBehind notes that the last record of a client has been written.
func (r *sharedRecovery) leftBehind(m *member, done func()) {
	r.mu.Lock()
	if r.leaving[m.pid] == m {
		delete(r.leaving, m.pid)
	}
	r.mu.Unlock()
	if done != nil {
		done()
	}
}

// departed implements [recoverer]: handlers may have set values since.
func (r *sharedRecovery) departed(s *Socket) {
	if m := memberOf(s); m != nil && m.claim == nil && m.known.Load() {
		r.journal.Save(m, nil)
	}
}

// giveUp implements [recoverer]: nobody is away.
func (r *sharedRecovery) giveUp() bool { return false }

// stop implements [recoverer]. Clients that are away come back to other servers.
func (r *sharedRecovery) stop() {
	r.lane.stop()
}

// What follows implements [standing].

func (m *member) secret() string { return m.pid }
func (m *member) closed()        {}

func (m *member) addedLocked() {
	m.r.books.Lock()
	defer m.r.books.Unlock()
	if m.added == never {
		m.added = m.r.pos.Load()
	}
}

// partedLocked notes up to where the socket was sent what was for it.
func (m *member) partedLocked() {
	m.r.books.Lock()
	defer m.r.books.Unlock()
	m.parted, m.end = true, m.r.pos.Load()
}

func (m *member) joinedLocked(name string) {
	m.r.books.Lock()
	m.spans = append(m.spans, recovery.Room{Name: name, From: m.r.pos.Load(), To: never})
	m.r.books.Unlock()
	m.changed()
}

// leftLocked ends the time in a room behind what this server has emitted before.
func (m *member) leftLocked(name string) { m.r.lane.behind(func() { m.leave(name) }) }

func (m *member) leave(name string) {
	m.r.books.Lock()
	for i := range m.spans { // it may have joined again since
		if p := &m.spans[i]; p.Name == name && p.To == never {
			p.To = m.r.pos.Load()
			m.ended++
			break
		}
	}
	if m.ended > maxClosedSpans {
		m.shorten()
	}
	m.r.books.Unlock()
	m.changed()
}

// shorten forgets rooms that were left before all that is known, and then half of the others.
func (m *member) shorten() {
	head := m.r.journal.Head()
	over := m.ended - maxClosedSpans/2
	m.spans = slices.DeleteFunc(m.spans, func(p recovery.Room) bool {
		if p.To == never || p.To > head && over <= 0 {
			return false
		}
		over--
		m.ended--
		return true
	})
}

func (m *member) asideLocked() aside {
	if m.claim == nil {
		return nil
	}
	return m.claim
}

// changed has the record written again, if there is one.
func (m *member) changed() {
	if m.known.Load() {
		m.r.journal.Save(m, nil)
	}
}

// keep implements [standing].
func (m *member) keep(key, v any) error {
	name, named := "", false
	switch k := key.(type) {
	case string:
		name = k
	case NamedKey:
		name, named = k.KeyName(), true
	default:
		return fmt.Errorf("socketio: a value under a key of type %T can't follow its client to another server: take a string, or a key with a name", key)
	}
	data, attachments, err := m.r.house.Codec().Append(nil, v, nil)
	if err == nil && len(attachments) > 0 {
		err = errBinaryValue
	}
	if err != nil {
		return fmt.Errorf("socketio: the value %q (%T) can't follow its client to another server: %w", name, v, err)
	}
	m.r.books.Lock()
	to := &m.values
	if named {
		to = &m.keys
	}
	if *to == nil {
		*to = make(map[string][]byte)
	}
	(*to)[name] = data
	m.r.books.Unlock()
	m.changed()
	return nil
}

// kept implements [standing].
func (m *member) kept(key NamedKey) (any, bool) {
	m.r.books.Lock()
	data, ok := m.keys[key.KeyName()]
	m.r.books.Unlock()
	if !ok {
		return nil, false
	}
	v, err := key.DecodeValue(func(ptr any) error { return m.r.house.Codec().Unmarshal(data, nil, ptr) })
	if err != nil {
		m.r.house.failed(fmt.Errorf("the value %q of a client that came back: %w", key.KeyName(), err))
		return nil, false
	}
	return v, true
}

// Record implements [Recordable].
func (m *member) Record() *Client {
	r := m.r
	r.mu.Lock()
	claim := m.claim
	at, got, ahead, aheadAt := r.pos.Load(), m.got, m.ahead, m.aheadAt // an event is sent with mu held
	r.mu.Unlock()
	c := &Client{
		PID: m.pid, Nsp: r.nsp, ID: m.socket.ID(), Server: r.journal.Server(), Lease: m.lease, New: !m.written.Load(),
		Window: r.opts.Window, At: at, Got: got, Ahead: ahead, AheadAt: aheadAt,
	}
	r.books.Lock()
	defer r.books.Unlock()
	if c.Early = m.had; m.parted {
		c.At = min(c.At, m.end)
	}
	c.Gone, c.Remove = m.gone, m.remove
	c.Born, c.Added = m.born, m.added
	c.Spans = slices.Clone(m.spans)
	if claim != nil { // it has got what the client had
		was := claim.was
		c.Born, c.Added, c.At, c.Got, c.Early = was.Born, was.Added, claim.start, was.Got, was.Early
		c.Spans = slices.Clone(was.Spans)
	}
	c.Values, c.Keys = maps.Clone(m.values), maps.Clone(m.keys)
	c.Rooms = append(c.Rooms, c.ID)
	for _, p := range c.Spans {
		if p.To == never {
			c.Rooms = append(c.Rooms, p.Name)
		}
	}
	return c
}

// awaits tells whether an event has to wait for its turn, though it is sent to others before:
// the client came back while others in front of it waited, which it has not been sent. The
// number is 0 if that alone is asked.
func (m *member) awaits(number uint64) bool {
	m.r.books.Lock()
	from := m.from
	m.r.books.Unlock()
	if from == 0 || from <= m.r.lane.toldNumber() {
		return false
	}
	m.r.books.Lock()
	defer m.r.books.Unlock()
	m.from = max(m.from, number)
	return true
}

// await has the client be sent an event at its turn, though others are sent it before.
func (m *member) await(number uint64) {
	m.r.books.Lock()
	m.from = max(m.from, number)
	m.r.books.Unlock()
}

// sentAheadLocked notes that the client is sent an event before its turn.
func (m *member) sentAheadLocked(number uint64) {
	if m.vacated { // its record is final
		return
	}
	if m.ahead == 0 {
		m.aheadAt = m.r.pos.Load()
	}
	m.ahead = number
}

// since returns the last event of this server that the client has not been sent early.
func (m *member) since() uint64 {
	m.r.books.Lock()
	defer m.r.books.Unlock()
	return m.from
}

// hadAt tells whether the client has been sent an event by another server that it was at, in
// front of its turn.
func (m *member) hadAt(pos uint64) bool {
	e, ok := m.r.journal.At(pos)
	return ok && within(m.had, &e)
}

// within tells whether an event is one of those of its server.
func within(early map[string]uint64, e *Kept) bool {
	return e.Number > 0 && e.Number <= early[e.Server]
}

// Written implements [Recordable].
func (m *member) Written() { m.written.Store(true) }

// Lost implements [Recordable].
func (m *member) Lost() {
	if !m.lost.Swap(true) {
		m.socket.bury()
	}
}

func (r *sharedRecovery) behind(f func())                  { r.lane.behind(f) }
func (r *sharedRecovery) settle(ctx context.Context) error { return r.lane.settle(ctx) }

// decodedValues returns the values of a client as they are stored with a socket.
func (r *sharedRecovery) decodedValues(c *Client) map[any]any {
	values := make(map[any]any, len(c.Values))
	for name, data := range c.Values {
		var v any
		if err := r.house.Codec().Unmarshal(data, nil, &v); err == nil {
			values[name] = v
		}
	}
	return values
}
