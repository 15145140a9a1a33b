package ledger

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/siokit/sio/internal/share"
	"github.com/siokit/sio/socketio/recovery"
)

// Away is the clients that are away.
type Away struct {
	rooms *Rooms
	k     Keeper
	pids  map[string]*Absence // by pid
	ids   map[string]*Absence // by the socket's id
	line  line                // of all
	held  share.Table[line]   // by the addresses of the clients
}

// An Absence is what has to be known of a client that is away without asking the store.
// It begins when the client has left its rooms.
type Absence struct {
	PID, ID string

	record  *recovery.Session   // nil while the store has it
	values  func() map[any]any  // a copy of what its disconnect handlers set still, or nil
	expires time.Duration       // as Keeper.Now
	left    uint64              // the last event of all when it left
	floor   uint64              // as Client.floor, since then
	trails  []*trail            // of its spans
	holder  *share.Holder[line] // those that came from the same address
	in      [2]neighbors        // its places: inAll and inHolder
}

// A line is absences in the order in which they left. Each stands in two.
type line struct{ first, last *Absence }

const (
	inAll    = iota // the line of all who are away
	inHolder        // that of those who came from the same address
)

type neighbors struct{ prev, next *Absence }

// push adds an absence at the end. Which is the kind of line.
func (l *line) push(a *Absence, which int) {
	a.in[which].prev = l.last
	if l.last == nil {
		l.first = a
	} else {
		l.last.in[which].next = a
	}
	l.last = a
}

func (l *line) remove(a *Absence, which int) {
	at := a.in[which]
	if at.prev == nil {
		l.first = at.next
	} else {
		at.prev.in[which].next = at.next
	}
	if at.next == nil {
		l.last = at.prev
	} else {
		at.next.in[which].prev = at.prev
	}
}

// NewAway returns a list of nobody.
func NewAway(k Keeper, rooms *Rooms) *Away {
	return &Away{k: k, rooms: rooms, pids: make(map[string]*Absence), ids: make(map[string]*Absence)}
}

// Len returns how many clients are away.
func (w *Away) Len() int { return len(w.pids) }

// First returns who has left first of those that are away, or nil.
func (w *Away) First() *Absence { return w.line.first }

// Get returns the absence of the client with that pid, or nil if it is not away.
func (w *Away) Get(pid string) *Absence { return w.pids[pid] }

// ByID does so for the client whose socket had that id.
func (w *Away) ByID(id string) *Absence { return w.ids[id] }

// Add makes a client one that is away until a time. Values is called for its values until
// Settle is.
func (w *Away) Add(c *Client, id string, expires time.Duration, who netip.Prefix, values func() map[any]any) *Absence {
	a := &Absence{PID: c.PID, ID: id, values: values, expires: expires, left: c.left}
	a.record = &recovery.Session{
		PID:     c.PID,
		ID:      id,
		Expires: w.k.Time(expires),
		Progress: recovery.Progress{
			Base:   c.base,
			Origin: c.origin,
			Got:    c.got,
			Left:   a.left,
			Floor:  c.floor,
			Waited: c.waited,
			Late:   c.late,
			Forged: c.forged,
		},
	}
	p := &a.record.Progress
	p.Strings, p.Older = c.marks.record()
	a.trails = w.rooms.depart(c, a.record)
	w.pids[a.PID], w.ids[a.ID] = a, a
	w.line.push(a, inAll)
	a.holder = w.held.Add(who)
	a.holder.Value.push(a, inHolder)
	return a
}

// TooMany returns who has to go, as there are too many: of the address that most are away
// from, the first to leave; the first of all, if none has more than that one's.
func (w *Away) TooMany() *Absence {
	first := w.line.first
	if most := w.held.Most(); first.holder.Len() < most.Len() {
		return most.Value.first
	}
	return first
}

// Expired yields those whose time is over, in the order in which they left, up to the
// first whose time is not. Each may be removed meanwhile.
func (w *Away) Expired() iter.Seq[*Absence] {
	return func(yield func(*Absence) bool) {
		now := w.k.Now()
		for a := w.line.first; a != nil && a.expires <= now; {
			next := a.in[inAll].next
			if !yield(a) {
				return
			}
			a = next
		}
	}
}

// IsOver tells whether the client has been away for too long: whose handlers went on
// after it had left is not the last of the list.
func (w *Away) IsOver(a *Absence) bool { return a.expires <= w.k.Now() }

// Remove takes a client off the list.
func (w *Away) Remove(a *Absence) {
	delete(w.pids, a.PID)
	delete(w.ids, a.ID)
	w.rooms.releaseAll(a.trails)
	a.holder.Value.remove(a, inHolder)
	w.held.Remove(a.holder)
	w.line.remove(a, inAll)
}

// Settle notes that the disconnect handlers have run: the values are what they are.
func (a *Absence) Settle() { a.record.Data, a.values = a.Values(), nil }

// Idle tells whether the store should have what is known of the client, and has not.
func (a *Absence) Idle() bool { return a.values == nil && a.record != nil }

// Values returns a copy of the client's values: a store may still be writing those that
// it has, and the old socket be referred to. The record must be here.
func (a *Absence) Values() map[any]any {
	if a.values == nil {
		return maps.Clone(a.record.Data)
	}
	return a.values()
}

// Missed notes that an event for the client alone had to go.
func (a *Absence) Missed(seq uint64) { a.floor = seq }

// Save hands what is known of a client to the store. If that fails, it is known no more.
func (w *Away) Save(a *Absence) error {
	err := w.k.Store().Save(*a.record)
	a.record = nil
	return err
}

// Load takes what is known of a client from the store, if it is there. It fails if it is
// of another absence, too.
func (w *Away) Load(a *Absence) error {
	if a.record != nil {
		return nil
	}
	saved, err := w.k.Store().Take(a.PID)
	if err == nil && !a.is(&saved) {
		err = errOther
	}
	if err == nil {
		a.record = &saved
	}
	return err
}

// Drop has the store forget what it knows of a client.
func (w *Away) Drop(a *Absence) error {
	if a.record != nil {
		return nil
	}
	return w.k.Store().Remove(a.PID)
}

func (a *Absence) is(saved *recovery.Session) bool {
	return saved.PID == a.PID && saved.ID == a.ID && saved.Progress.Left == a.left &&
		slices.EqualFunc(saved.Rooms, a.trails, func(room recovery.Room, t *trail) bool { return room.Name == t.name })
}

// Membership returns that of a client whose record is here, with what has changed aside.
func (a *Absence) Membership(changes Changes) *Membership {
	return newMembership(a.client(), a.ID, a.left, changed(a.spans(), changes))
}

// client returns the client as it was, but for its rooms.
func (a *Absence) client() *Client {
	p := &a.record.Progress
	return &Client{
		PID:    a.PID,
		base:   p.Base,
		origin: p.Origin,
		got:    p.Got,
		floor:  max(p.Floor, a.floor),
		waited: p.Waited,
		late:   p.Late,
		forged: p.Forged,
		marks:  marksOf(p),
		added:  p.Added,
		forgot: p.Forgot,
	}
}

// spans returns when the client was in which room.
func (a *Absence) spans() []span {
	all := make([]span, len(a.trails))
	for i, room := range a.record.Rooms {
		all[i] = span{a.trails[i], room.From, room.To}
	}
	return all
}
