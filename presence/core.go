package presence

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/fifo"
)

const (
	maxKey   = 256
	maxValue = 32 << 10 // so that one fits into a part
	// minTimeout has servers tell each other ten times a second that they are there.
	minTimeout = 300 * time.Millisecond
	// atOnce bounds how many members are gone through in one section of core.mu.
	atOnce = 1024
)

func (o *Options) withDefaults(name string) Options {
	var out Options
	if o != nil {
		out = *o
	}
	for option, value := range map[string]int64{
		"Timeout": int64(out.Timeout), "MaxValue": int64(out.MaxValue), "MaxMembers": int64(out.MaxMembers), "MaxRooms": int64(out.MaxRooms),
	} {
		if value < 0 {
			panic(fmt.Sprintf("presence: of namespace %s: %s is negative (%d)", name, option, value))
		}
	}
	if out.MaxValue > maxValue {
		panic(fmt.Sprintf("presence: of namespace %s: MaxValue is over %d (%d)", name, maxValue, out.MaxValue))
	}
	if out.Timeout > 0 && out.Timeout < minTimeout {
		panic(fmt.Sprintf("presence: of namespace %s: Timeout is under %v (%v)", name, minTimeout, out.Timeout))
	}
	out.Grace = max(0, cmp.Or(out.Grace, 5*time.Second))
	out.Timeout = cmp.Or(out.Timeout, 3*time.Second)
	out.MaxValue = cmp.Or(out.MaxValue, 1024)
	out.MaxMembers = cmp.Or(out.MaxMembers, 100_000)
	out.MaxRooms = cmp.Or(out.MaxRooms, 100)
	return out
}

// A core is a Presence without the type of its values.
type core struct {
	via    *sio.Namespace                   // whose events servers tell each other by: there is always one
	name   string                           // of the namespace; "" for those of a pattern
	live   func(name string) *sio.Namespace // nil if it has no clients here
	event  string                           // that of the servers
	opts   Options
	self   string // this server, since it was started
	decode func(json.RawMessage) (any, error)

	ctx    context.Context // ends with Shutdown
	cancel context.CancelFunc
	wg     sync.WaitGroup
	wake   chan struct{} // there is something to report
	tell   chan struct{} // there is something to tell of

	mu      sync.RWMutex // protects the following
	rooms   map[place]*room
	changed map[*room]struct{} // what is to be told of
	told    []func(diff)       // of changes
	sockets map[*sio.Socket]*seats
	broken  fifo.Queue[*departure] // in the order of time
	away    map[string]*departure  // those, by the ids of their sockets
	own     map[ref]*claim         // what this server says
	nodes   map[string]*node       // the others
	reports                        // what they are told
}

// A place is a room of a namespace.
type place struct{ nsp, room string }

// A ref is a member of one.
type ref struct {
	place
	key string
}

// A room is there while it has members, or something is to be told of it.
type room struct {
	place
	members map[string]*member
	was     map[string]entry         // members that have changed, as they were when it was last told of them
	fresh   map[*sio.Socket]struct{} // to be sent the list
	listAt  time.Time                // when that may be sent next
}

// A member is whom at least one server claims to be there. Its entry is that of the latest
// claim.
type member struct {
	entry
	claims []*claim
}

// An entry is a key, and what it stands for at some time. Without raw it is nobody.
type entry struct {
	key   string
	value any
	raw   json.RawMessage
}

// A claim is what one server says of a member.
type claim struct {
	entry
	at      uint64 // when it was given its value, in milliseconds or later, so that the latest wins
	node    *node  // whose it is; nil: this server's
	round   uint32 // of the node's lists, in which it was last told
	sockets int    // who are this member, if it is this server's
}

// newer tells which of two claims counts, the same on all servers.
func (c *claim) newer(o *claim) bool {
	if c.at != o.at {
		return c.at > o.at
	}
	return bytes.Compare(c.raw, o.raw) > 0
}

func newCore(n *sio.Namespace, o *Options, decode func(json.RawMessage) (any, error)) *core {
	c := &core{
		via:     n,
		name:    n.Name(),
		live:    func(string) *sio.Namespace { return n },
		event:   "presence:" + n.Name(),
		opts:    o.withDefaults(n.Name()),
		self:    rand.Text(),
		decode:  decode,
		wake:    make(chan struct{}, 1),
		tell:    make(chan struct{}, 1),
		rooms:   make(map[place]*room),
		changed: make(map[*room]struct{}),
		sockets: make(map[*sio.Socket]*seats),
		away:    make(map[string]*departure),
		own:     make(map[ref]*claim),
		nodes:   make(map[string]*node),
	}
	if n.IsPattern() { // what it stands for comes and goes
		c.via, c.name, c.live = n.Server().Of("/"), "", n.Live
	}
	c.reports.init()
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.via.OnServerEvent(c.event, func(_ context.Context, _ *sio.Namespace, args sio.Args) (any, error) {
		return nil, c.hear(args.Raw(0))
	})
	n.Watch(watcher{c})
	c.wg.Go(c.report)     // until Shutdown
	c.wg.Go(c.tellOfThem) // likewise
	return c
}

// A watcher is a core as the namespace sees it.
type watcher struct{ c *core }

func (w watcher) Connected(s *sio.Socket)            { w.c.recover(s) }
func (w watcher) Left(s *sio.Socket, rooms []string) { w.c.left(s, rooms) }
func (w watcher) Shutdown() {
	w.c.mu.Lock() // nothing is started any more
	w.c.cancel()
	w.c.mu.Unlock()
	w.c.wg.Wait()
}

func nudge(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default: // it has been
	}
}

func (c *core) list(p place) []entry {
	c.mu.RLock()
	var list []entry
	if r := c.rooms[p]; r != nil {
		list = make([]entry, 0, len(r.members))
		for _, m := range r.members {
			list = append(list, m.entry)
		}
	}
	c.mu.RUnlock()
	return byKey(list)
}

func byKey(list []entry) []entry {
	slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	return list
}

func (c *core) count(p place) int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if r := c.rooms[p]; r != nil {
		return len(r.members)
	}
	return 0
}

func (c *core) find(p place, key string) (entry, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if r := c.rooms[p]; r != nil && r.members[key] != nil {
		return r.members[key].entry, true
	}
	return entry{}, false
}

// roomLocked returns the room of that name, which is made if it has to be.
func (c *core) roomLocked(p place) *room {
	r := c.rooms[p]
	if r == nil {
		r = &room{place: p, members: make(map[string]*member)}
		c.rooms[p] = r
	}
	return r
}

// dropLocked forgets a room of which there is nothing to know.
func (c *core) dropLocked(r *room) {
	if len(r.members) == 0 && len(r.was) == 0 && len(r.fresh) == 0 {
		delete(c.rooms, r.place)
		delete(c.changed, r)
	}
}

// claimLocked has a server say of a member what cl says, instead of what it has said.
func (c *core) claimLocked(p place, cl *claim) {
	r := c.roomLocked(p)
	m := r.members[cl.key]
	if m == nil {
		m = new(member)
		r.members[cl.key] = m
	}
	if i := slices.IndexFunc(m.claims, func(o *claim) bool { return o.node == cl.node }); i >= 0 {
		m.claims[i] = cl
	} else {
		m.claims = append(m.claims, cl)
	}
	c.settleLocked(r, cl.key, m)
	if own := c.own[ref{p, cl.key}]; own != nil && cl.node != nil && cl.newer(own) { // it stays if that server goes
		own.entry, own.at = cl.entry, cl.at
		c.reportLocked(ref{p, cl.key})
	}
}

// disclaimLocked has a server, or this one, say no more that somebody is there.
func (c *core) disclaimLocked(p place, key string, n *node) {
	r := c.rooms[p]
	if r == nil || r.members[key] == nil {
		return
	}
	m := r.members[key]
	m.claims = slices.DeleteFunc(m.claims, func(o *claim) bool { return o.node == n })
	c.settleLocked(r, key, m)
}

// settleLocked makes a member what its claims say, and notes what it was.
func (c *core) settleLocked(r *room, key string, m *member) {
	was := m.entry
	was.key = key
	if len(m.claims) == 0 {
		delete(r.members, key)
		m.entry = entry{}
	} else {
		best := m.claims[0]
		for _, o := range m.claims[1:] {
			if o.newer(best) {
				best = o
			}
		}
		m.entry = best.entry
	}
	if !bytes.Equal(was.raw, m.raw) && (len(c.told) > 0 || c.opts.Event != "") {
		if r.was == nil {
			r.was = make(map[string]entry)
		}
		if _, noted := r.was[key]; !noted {
			r.was[key] = was
		}
		c.changed[r] = struct{}{}
		nudge(c.tell)
	}
	c.dropLocked(r)
}
