package adminui

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/siokit/sio"
)

const (
	// maxChanges is about how many messages about sockets all pages are sent at a time, every
	// quarter of a second. What is left waits; meanwhile it may change again, and is told of
	// as it is then.
	maxChanges = 100
	// maxGreeted is how many sockets those are sent at a time who have just come.
	maxGreeted = 100
	// maxList is how many bytes of sockets are sent at once to a page that comes. It takes them
	// better together than one by one.
	maxList = 4 << 20
	// usual is up to how many bytes of a socket are a message. More count as several: clients
	// choose what their handshake has.
	usual = 4 << 10
	// returnAfter is when a socket is told of that has come back, from a server that tells of
	// little; returnAgain, of one where all have left at once.
	returnAfter = 2 * flushEvery
	returnAgain = beat
	// maxRounds bounds how many pages are told at a time of what was there before them.
	maxRounds = 2 * maxPages
)

// A feed tells the pages of sockets and events, in development. It knows which sockets they
// list, and tells them what is different, so that nothing piles up however fast that changes.
type feed struct {
	u     *ui
	tap   *sio.Tap
	untap func() // while it is open

	// Of the goroutine:
	rounds   []*round
	returned []returned

	events events

	mu      sync.Mutex // protects the following
	entries map[*sio.Socket]*entry
	changed []*entry // in the order in which they are told of
	limit   int      // of entries
}

// A round tells one page of sockets that were there before it.
type round struct {
	greeting
	left []*entry
}

// A returned is a socket that has come back, perhaps from another server, with the id that it had
// there. That server may yet have to tell that it has left.
type returned struct {
	*entry
	due   time.Time
	again bool // they are told once more
}

func newFeed(u *ui) *feed {
	f := &feed{u: u}
	f.tap = &sio.Tap{Changed: f.note, Received: f.received, Sent: f.sent}
	return f
}

// open begins. Of what is there already, who is greeted is told.
func (f *feed) open(limit int) {
	f.mu.Lock()
	f.entries = make(map[*sio.Socket]*entry)
	f.mu.Unlock()
	f.rounds, f.returned = nil, nil
	f.events.begin()
	f.untap = f.u.srv.Tap(f.tap)
	f.fill(f.u.srv.Stats(), limit)
	for e := f.next(); e != nil; e = f.next() {
		if e.socket.Connected() {
			e.known, e.told = f.u.look(e.socket), true
		} else {
			f.forget(e)
		}
	}
}

// retell tells all pages of what is there. They pass over what they know.
func (f *feed) retell() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.entries {
		if e.told {
			e.again = true
			f.queueLocked(e)
		}
	}
}

func (f *feed) close() {
	f.untap()
	f.mu.Lock()
	f.entries, f.changed, f.limit = nil, nil, 0 // calls that are under way find nothing
	f.mu.Unlock()
	f.events.clear()
}

// note is the tap's Changed.
func (f *feed) note(s *sio.Socket) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noteLocked(s)
}

// noteLocked has the pages told of a socket, if they list it, or have room for it.
func (f *feed) noteLocked(s *sio.Socket) {
	e := f.entries[s]
	if e == nil {
		if len(f.entries) >= f.limit || !s.Connected() {
			return
		}
		e = &entry{socket: s}
		f.entries[s] = e
	}
	f.queueLocked(e)
}

func (f *feed) queueLocked(e *entry) {
	if !e.queued {
		e.queued = true
		f.changed = append(f.changed, e)
	}
}

// next returns an entry that is to be told of.
func (f *feed) next() *entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.changed) == 0 {
		f.changed = nil
		return nil
	}
	e := f.changed[0]
	f.changed = f.changed[1:]
	e.queued = false
	return e
}

func (f *feed) forget(e *entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.entries[e.socket] == e {
		delete(f.entries, e.socket)
	}
}

// fill lists sockets that are there, while there is room. If there are more than limit, the
// others are listed no more.
func (f *feed) fill(st sio.Stats, limit int) {
	f.mu.Lock()
	f.limit = limit
	excess := len(f.entries) - limit
	if excess > 0 {
		f.trimLocked(excess)
	}
	f.mu.Unlock()
	if excess >= 0 {
		return
	}
	for _, n := range st.Namespaces {
		if n.Sockets == 0 {
			continue
		}
		for _, s := range f.u.srv.Of(n.Name).Local().LocalSockets() {
			f.mu.Lock()
			if f.entries[s] == nil {
				f.noteLocked(s)
			}
			full := len(f.entries) >= f.limit
			f.mu.Unlock()
			if full {
				return
			}
		}
	}
}

// trimLocked has the pages told that so many sockets are listed no more, counting those that
// are about to be.
func (f *feed) trimLocked(excess int) {
	for _, e := range f.entries {
		if e.trimmed {
			excess--
		}
	}
	for _, e := range f.entries {
		if excess <= 0 {
			return
		}
		if !e.trimmed {
			e.trimmed = true
			f.queueLocked(e)
			excess--
		}
	}
}

// flush tells the pages what has changed, and what has happened.
func (f *feed) flush(now time.Time) {
	f.tellReturned(now)
	for sent := 0; sent < maxChanges; {
		e := f.next()
		if e == nil {
			break
		}
		sent += f.tellOf(e, now)
	}
	f.greet()
	f.events.flush(f.u, now)
}

// tellOf tells all pages what has changed of a socket, and returns how many messages that took,
// or is worth.
func (f *feed) tellOf(e *entry, now time.Time) (sent int) {
	nsp, id, at := f.u.namespace(e.socket), f.u.id(e.socket), iso(now)
	tell := func(event string, args ...any) {
		_ = f.u.nsp.Emit(event, args...) // a broker that is away is reported elsewhere
		sent++
	}
	was := e.known
	if connected := e.socket.Connected(); !connected || e.trimmed {
		f.forget(e)
		if e.told {
			reason := notShown
			if !connected {
				reason = string(e.socket.Reason())
			}
			for _, room := range was.rooms {
				tell("room_left", nsp, room, id, at)
			}
			tell("socket_disconnected", nsp, id, reason, at)
		}
		e.told = false
		return sent
	}
	if !e.told && f.hold(e, now) {
		return 0
	}
	fresh := !e.told
	if fresh {
		e.known, e.told = f.u.look(e.socket), true
	}
	if fresh || e.again {
		e.again = false
		b := f.encode(e) // as those know it who do
		tell("socket_connected", b, at)
		sent += len(b) / usual
	}
	if fresh {
		return sent
	}
	e.known = f.u.look(e.socket)
	for _, room := range was.rooms {
		if _, in := slices.BinarySearch(e.rooms, room); !in {
			tell("room_left", nsp, room, id, at)
		}
	}
	for _, room := range e.rooms {
		if _, in := slices.BinarySearch(was.rooms, room); !in {
			tell("room_joined", nsp, room, id, at)
		}
	}
	if was.transport != e.transport {
		tell("socket_updated", map[string]any{"id": id, "nsp": nsp, "transport": e.transport})
	}
	if !bytes.Equal(was.data, e.data) {
		tell("socket_updated", map[string]any{"id": id, "nsp": nsp, "data": json.RawMessage(e.data)})
	}
	return sent
}

// hold puts off telling of a socket that has come back, until it is due.
func (f *feed) hold(e *entry, now time.Time) bool {
	if e.socket.Recovered() && !e.seen {
		e.seen, e.held = true, true
		f.returned = append(f.returned, returned{e, now.Add(returnAfter), false}, returned{e, now.Add(returnAgain), true})
	}
	return e.held
}

// tellReturned has those told of that are due.
func (f *feed) tellReturned(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.returned = slices.DeleteFunc(f.returned, func(r returned) bool {
		if now.Before(r.due) {
			return false
		}
		if f.entries[r.socket] == r.entry {
			r.held, r.entry.again = false, r.again
			f.queueLocked(r.entry)
		}
		return true
	})
}

// encode returns what the pages are told of a socket that they get to know.
func (f *feed) encode(e *entry) json.RawMessage {
	b, _ := json.Marshal(f.u.socket(e.socket, e.known)) // never fails
	return b
}

// welcome tells a page of what all know. For a page of this server that replaces what it knew.
func (f *feed) welcome(g greeting) {
	f.mu.Lock()
	all := make([]*entry, 0, len(f.entries))
	for _, e := range f.entries {
		all = append(all, e)
	}
	f.mu.Unlock()
	all = slices.DeleteFunc(all, func(e *entry) bool { return !e.told })
	if g.page != nil {
		list, size := []json.RawMessage{}, 0
		for len(all) > 0 && size < maxList {
			b := f.encode(all[0])
			list, size, all = append(list, b), size+len(b), all[1:]
		}
		_ = g.page.Emit("all_sockets", list) // or it has left
	}
	if len(all) > 0 && len(f.rounds) < maxRounds {
		f.rounds = append(f.rounds, &round{g, all})
	}
}

// greet goes on with the rounds.
func (f *feed) greet() {
	room := maxGreeted
	for _, r := range f.rounds {
		if r.page != nil && !r.page.Connected() {
			r.left = nil
		}
		for len(r.left) > 0 && room > 0 && (r.page == nil || r.page.Session().Room() == nil) { // it keeps up
			e := r.left[0]
			r.left = r.left[1:]
			if !e.told {
				continue
			}
			b := f.encode(e)
			_ = f.u.nsp.To(r.id).Emit("socket_connected", b, iso(e.socket.Session().Opened()))
			room -= 1 + len(b)/usual
		}
	}
	f.rounds = slices.DeleteFunc(f.rounds, func(r *round) bool { return len(r.left) == 0 })
}
