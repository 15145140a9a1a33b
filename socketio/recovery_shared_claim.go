package socketio

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/siokit/sio/socketio/recovery"
)

// A sharedClaim is that of a socket to be a client which has been there, perhaps on another
// server, from when its record was found until its connect handler has decided. What the
// socket does meanwhile takes place when it is accepted. Its fields are protected by
// sharedRecovery.mu, but for those of rooms.
type sharedClaim struct {
	r      *sharedRecovery
	socket *Socket
	was    *Client

	start  uint64 // the position up to which it has everything
	at     uint64 // that up to which what it has missed is known
	missed missed
	last   uint64
	held   []*Broadcast // what was emitted to the socket
	taking bool         // it is accepted, and about to be the client
	asked  []func(bool) // who wants to know meanwhile whether that is here

	// protected by books
	in      map[string]bool // the rooms
	changes []roomChange
}

// A roomChange is a room that has been joined or left.
type roomChange struct {
	name   string
	joined bool
	at     uint64 // the last event before
}

func (c *sharedClaim) join(room string) error {
	c.r.books.Lock()
	defer c.r.books.Unlock()
	if c.in[room] {
		return nil
	}
	if err := c.r.house.roomFor(len(c.in), room); err != nil {
		return err
	}
	c.in[room] = true
	c.changes = append(c.changes, roomChange{room, true, c.r.pos.Load()})
	return nil
}

func (c *sharedClaim) leave(room string) {
	c.r.books.Lock()
	defer c.r.books.Unlock()
	if c.in[room] {
		delete(c.in, room)
		c.changes = append(c.changes, roomChange{room, false, c.r.pos.Load()})
	}
}

func (c *sharedClaim) names() []string {
	c.r.books.Lock()
	defer c.r.books.Unlock()
	return slices.Collect(maps.Keys(c.in))
}

func (c *sharedClaim) clear() {
	c.r.books.Lock()
	defer c.r.books.Unlock()
	c.in = make(map[string]bool)
}

// claimFor gives a socket what the client with that pid has, for the connect handler to
// decide, and returns [RecoveryDone]. It does not if there is no such client, if it is there,
// or if it can't be told what it has missed.
func (r *sharedRecovery) claimFor(s *Socket, pid, offset string) RecoveryResult {
	ctx, cancel := context.WithTimeout(s.Context(), sharedClaimTimeout)
	defer cancel()
	was, result := r.find(ctx, s, pid)
	if was == nil {
		return result
	}
	at, ok := r.start(ctx, was, offset)
	if !ok {
		return RecoveryMissed
	}
	if other, ok := r.house.standing(was.ID).(*member); ok && other.pid != pid {
		return RecoveryUnknown // the record is wrong
	}
	c := &sharedClaim{r: r, socket: s, was: was, start: at, at: at, in: make(map[string]bool)}
	for _, p := range was.Spans {
		if p.To != never || c.in[p.Name] {
			continue
		}
		if r.house.roomFor(len(c.in), p.Name) != nil { // by another limit
			return RecoveryMissed
		}
		c.in[p.Name] = true
	}
	if !c.walk(r.pos.Load()) {
		return RecoveryMissed
	}
	m := r.newMember(s, pid)
	m.claim, m.values, m.keys = c, maps.Clone(was.Values), maps.Clone(was.Keys)
	r.mu.Lock()
	defer r.mu.Unlock()
	if other := r.deciding[pid]; other != nil && other.socket.Reason() == "" {
		return RecoveryPresent // be it accepted or not, there is somebody
	}
	r.deciding[pid] = c
	s.assume(was.ID, r.decodedValues(was), m)
	return RecoveryDone
}

// find returns the record of a client that is not there, or nil and why there is none.
func (r *sharedRecovery) find(ctx context.Context, s *Socket, pid string) (*Client, RecoveryResult) {
	asked := "" // for which lease
	for {
		was, err := r.lookUp(ctx, pid)
		if err != nil || was == nil || was.Nsp != "" && was.Nsp != r.nsp {
			return nil, RecoveryUnknown
		}
		if was.Server == "" || was.Gone || was.Lease == asked {
			return was, ""
		}
		asked = was.Lease // another server may take it meanwhile
		var alive bool
		if was.Server == r.journal.Server() {
			alive, err = r.yieldHere(ctx, s, pid)
		} else if alive, err = r.journal.Yield(ctx, was.Server, pid); err != nil {
			return was, "" // its server is dead, or as good as that
		}
		if alive || err != nil {
			return nil, RecoveryPresent
		}
	}
}

// yieldHere is yield for a socket of this server, which may be one of the client's connection.
func (r *sharedRecovery) yieldHere(ctx context.Context, s *Socket, pid string) (alive bool, err error) {
	if r.sameConnection(s, pid) {
		return true, nil
	}
	answer := make(chan bool, 1)
	r.yield(pid, func(alive bool) { answer <- alive })
	select {
	case alive = <-answer:
		return alive, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// sharedClaimTimeout bounds how long who comes back waits until its connect handler is called,
// and once more behind that: a journal may elect a leader meanwhile.
const sharedClaimTimeout = 20 * time.Second

// lookAgain is how soon a record is looked for again if that has failed: a journal that is away
// may be back.
const lookAgain = 250 * time.Millisecond

func (r *sharedRecovery) lookUp(ctx context.Context, pid string) (*Client, error) {
	for {
		c, err := r.journal.Find(ctx, pid)
		if err == nil {
			return c, nil
		}
		timer := time.NewTimer(lookAgain)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		}
	}
}

// sameConnection tells whether a client that is here has the connection of s.
func (r *sharedRecovery) sameConnection(s *Socket, pid string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.clients[pid]
	return m != nil && m.socket.with(s)
}

// start returns the position up to which a client has all events, by the offset that it
// shows, or "". It reports false if that is none that the client can have.
func (r *sharedRecovery) start(ctx context.Context, was *Client, offset string) (at uint64, ok bool) {
	pos, ok := uint64(0), true
	offset, server, number := splitOffset(offset)
	if offset != "" {
		pos, ok = r.journal.Position(offset)
	}
	if !ok || r.journal.Await(ctx, max(pos, was.At)) != nil {
		return 0, false
	}
	if number > 0 {
		was.Early = maps.Clone(was.Early)
		if was.Early == nil {
			was.Early = make(map[string]uint64)
		}
		was.Early[server] = max(was.Early[server], number)
	}
	if was.Server != "" && (pos == was.Got || number > 0 && pos > was.Got) {
		if was.Ahead == 0 || server == was.Server && number >= was.Ahead {
			return max(pos, was.At), true // even if what lies before is known no more
		}
		return max(pos, was.Born, was.AheadAt), true // the first that it has not got has its turn behind that
	}
	if was.Server != "" && offset == "" { // it has heard nothing
		return was.Born, true
	}
	if number > 0 { // it may be behind an event that was not for the client
		return pos, true
	}
	e, ok := r.journal.At(pos)
	if !ok || !was.meant(&e) {
		return 0, false
	}
	return pos, true
}

// A provisional offset is that of a position, and tells that the client has, of this server,
// also what comes later, up to a number: it was sent that before its turn.
func (r *sharedRecovery) provisional(pos, number uint64) string {
	return r.journal.Offset(pos) + "~" + r.journal.Server() + "." + strconv.FormatUint(number, 36)
}

// splitOffset returns the offset that an offset begins with, and what makes it provisional, if
// it is.
func splitOffset(s string) (offset, server string, number uint64) {
	offset, rest, ok := strings.Cut(s, "~")
	if !ok {
		return s, "", 0
	}
	server, text, _ := strings.Cut(rest, ".")
	number, err := strconv.ParseUint(text, 36, 64)
	if err != nil || number == 0 || server == "" {
		return s, "", 0 // no journal has such an offset
	}
	return offset, server, number
}

// meant tells whether an event was for a client.
func (c *Client) meant(e *Kept) bool {
	switch {
	case within(c.Early, e):
		return false
	case len(e.Rooms) == 0 && e.Pos <= c.Added:
		return false
	case len(e.Rooms) > 0 && !c.inAny(e.Rooms, e.Pos):
		return false
	}
	return !c.inAny(e.Except, e.Pos)
}

// meant tells whether an event is for a client that is there.
func (m *member) meant(e *Kept) bool {
	m.r.books.Lock()
	c := Client{ID: m.socket.ID(), Born: m.born, Added: m.added, Spans: slices.Clone(m.spans), Early: m.had}
	m.r.books.Unlock()
	return c.meant(e)
}

// inAny tells whether the client was in any of the rooms at a position.
func (c *Client) inAny(names []string, pos uint64) bool {
	for _, name := range names {
		if name == c.ID && pos > c.Born {
			return true
		}
		for i := range c.Spans {
			if p := &c.Spans[i]; p.Name == name && p.From < pos && pos <= p.To {
				return true
			}
		}
	}
	return false
}

// walk adds what the client has missed up to a position. It reports false if some of that is
// not known any more, or it is more than may wait to be sent to a client.
func (c *sharedClaim) walk(upTo uint64) bool {
	r := c.r
	for c.at < upTo {
		some, ok := r.journal.After(c.at, upTo)
		if !ok || c.socket.Reason() != "" {
			return false
		}
		if len(some) == 0 {
			c.at = upTo
			break
		}
		for i := range some {
			e := &some[i]
			c.at = e.Pos
			if !c.was.meant(e) {
				continue
			}
			m, err := r.house.encodeKept(e.Broadcast, r.journal.Offset(e.Pos))
			if err != nil {
				return false
			}
			c.missed.add(m)
			c.last = e.Pos
			if c.missed.exceeds(r.queue) {
				return false
			}
		}
	}
	return true
}

// takeOver implements [recoverer].
func (r *sharedRecovery) takeOver(s *Socket) (_ missed, ok bool) {
	m := memberOf(s)
	c := m.claim
	r.mu.Lock()
	c.taking = r.deciding[m.pid] == c
	r.mu.Unlock()
	defer r.taken(m.pid, c)
	defer r.giveBack(s)
	ctx, cancel := context.WithTimeout(s.Context(), sharedClaimTimeout)
	defer cancel()
	c.apply()
	if !r.take(ctx, c, m) {
		return missed{}, false
	}
	// From here on the record is this socket's, and says of the client what it said before: if
	// nothing comes of this, the client may come back once more.
	walked := c.walk(r.pos.Load())
	r.mu.Lock()
	c.apply() // what has changed aside counts for what comes now
	walked = walked && r.deciding[m.pid] == c && c.walk(r.pos.Load())
	if !walked {
		r.mu.Unlock()
		return missed{}, false
	}
	r.becomeLocked(m)
	got, held := c.missed, c.held
	c.missed, c.held = missed{}, nil
	r.mu.Unlock()
	for _, b := range held {
		_ = r.post(r.ticketFor(s, b)) // it has been encoded
	}
	return got, true
}

// take writes the record of a client in the place of the one that was found, or of a later one by
// the same server, which may write it until its disconnect handler has returned.
func (r *sharedRecovery) take(ctx context.Context, c *sharedClaim, m *member) bool {
	for {
		if ok, err := r.journal.Take(ctx, c.was, m); err != nil || ok {
			return ok
		}
		later, err := r.journal.Find(ctx, m.pid)
		if err != nil || later == nil || later.Lease != c.was.Lease || later.Gone != c.was.Gone || bytes.Equal(later.Raw, c.was.Raw) {
			return false
		}
		c.was.Raw = later.Raw
	}
}

// taken tells who has asked whether a client is here what has become of a claim.
func (r *sharedRecovery) taken(pid string, c *sharedClaim) {
	r.mu.Lock()
	asked := c.asked
	c.taking, c.asked = false, nil
	r.mu.Unlock()
	for _, f := range asked {
		r.yield(pid, f)
	}
}

// apply adds what has changed aside to what is known of the client's rooms.
func (c *sharedClaim) apply() {
	c.r.books.Lock()
	defer c.r.books.Unlock()
	spans := slices.Clone(c.was.Spans)
	for _, change := range c.changes {
		if change.joined {
			spans = append(spans, recovery.Room{Name: change.name, From: change.at, To: never})
			continue
		}
		for i := range spans {
			if p := &spans[i]; p.Name == change.name && p.To == never {
				p.To = change.at
			}
		}
	}
	c.was.Spans, c.changes = spans, nil
}

// becomeLocked makes a socket the client that was away.
func (r *sharedRecovery) becomeLocked(m *member) {
	c := m.claim
	delete(r.deciding, m.pid)
	r.clients[m.pid] = m
	m.got = max(c.last, min(c.at, c.was.Got))
	m.known.Store(true)
	r.house.readmit(m.socket)
	r.back.Push(returned{m, r.house.now()})
	r.forgetReturnsLocked()
}

// returnLocked implements [standing]. It is called by readmit, with mu held, too.
func (m *member) returnLocked(bool) (rooms []string) {
	c := m.claim
	m.claim = nil
	from := m.r.lane.lastNumber()
	m.r.books.Lock()
	defer m.r.books.Unlock()
	m.had, m.from = few(c.was.Early), from
	m.born, m.added, m.spans = c.was.Born, c.was.Added, c.was.Spans
	for _, p := range m.spans {
		if p.To == never {
			rooms = append(rooms, p.Name)
		} else {
			m.ended++
		}
	}
	return rooms
}

// few returns what was early, unless that is more than can be carried along.
func few(early map[string]uint64) map[string]uint64 {
	if len(early) > maxEarly {
		return nil
	}
	return early
}

// giveBack implements [recoverer].
func (r *sharedRecovery) giveBack(s *Socket) {
	m := memberOf(s)
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.claim != nil {
		r.giveBackLocked(m.claim)
	} else if r.clients[m.pid] == m && !m.known.Load() {
		delete(r.clients, m.pid)
	}
}

// giveBackLocked ends a claim that has come to nothing: the client is what it was.
func (r *sharedRecovery) giveBackLocked(c *sharedClaim) {
	if r.deciding[c.was.PID] != c {
		return
	}
	delete(r.deciding, c.was.PID)
	c.missed, c.held = missed{}, nil
	r.house.shut(c.socket)
}

// yield tells whether a client is here. If it is not, its record is final before f is told.
func (r *sharedRecovery) yield(pid string, f func(alive bool)) {
	r.mu.Lock()
	m, left := r.clients[pid], r.leaving[pid]
	if c := r.deciding[pid]; m == nil && c != nil && c.taking {
		c.asked = append(c.asked, f)
		r.mu.Unlock()
		return
	}
	r.mu.Unlock()
	gone := func() { f(false) }
	switch {
	case m == nil && left != nil:
		r.journal.Save(left, gone)
	case m == nil:
		f(false)
	case m.socket.Reason() != "":
		r.vacateMember(m, gone)
	default:
		m.socket.alive(r.patience, func(alive bool) {
			if alive {
				f(true)
				return
			}
			go func() { // what follows takes locks that are held here
				m.socket.bury()
				r.vacateMember(m, gone)
			}()
		})
	}
}
