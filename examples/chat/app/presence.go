package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/siokit/sio"
)

// Each server knows who is in which room on each of them. It tells the others who is
// there on its own: the rooms that have changed, at once, and that it is there, on every
// beat. Who finds that it has missed something asks for all of it. So all lists become
// right again whatever is lost, and whichever server comes or goes.
const (
	beat     = time.Second
	deadline = 3 * beat // so long a server may be silent before its users count as gone
)

// A report is what a server tells the others.
type report struct {
	Server string              `json:"server"`
	Rev    int                 `json:"rev"`   // of Rooms; the same again if nothing has changed
	All    bool                `json:"all"`   // Rooms are all of its rooms, rather than those that have changed
	Gone   bool                `json:"gone"`  // it ends
	Rooms  map[string][]member `json:"rooms"` // its users
}

var (
	presenceReport = sio.NewEvent[report]("presence:report")
	presenceAsk    = sio.NewEvent[string]("presence:ask") // for a report of all, of one server or, if "", of each
)

// A presence knows who is in which room.
type presence struct {
	ns   *sio.Namespace
	self string
	wake chan struct{} // there is something to report

	mu      sync.Mutex // protects the following
	rev     int        // of the last list for the page
	own     place
	others  map[string]*place // by server
	changed map[string]bool   // own rooms that are to be reported
	asked   bool              // all of them are
}

// A place is who is on one server.
type place struct {
	rev   int // of the last report
	seen  time.Time
	rooms map[string][]member // those with somebody in them
}

func newPresence(ns *sio.Namespace) *presence {
	p := &presence{
		ns:      ns,
		self:    rand.Text(),
		wake:    make(chan struct{}, 1),
		own:     place{rooms: make(map[string][]member)},
		others:  make(map[string]*place),
		changed: make(map[string]bool),
	}
	ns.OnServerEvent(presenceReport.Name(), func(_ context.Context, _ *sio.Namespace, args sio.Args) (any, error) {
		var r report
		if err := args.Bind(&r); err != nil {
			return nil, err
		}
		return nil, p.hear(r)
	})
	ns.OnServerEvent(presenceAsk.Name(), func(_ context.Context, _ *sio.Namespace, args sio.Args) (any, error) {
		var server string
		if err := args.Bind(&server); err != nil {
			return nil, err
		}
		if server == "" || server == p.self {
			p.mu.Lock()
			p.asked = true
			p.mu.Unlock()
			p.soon()
		}
		return nil, nil
	})
	return p
}

// start tells the other servers who is here. It returns a function that ends it.
func (p *presence) start() (leave func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { p.run(ctx) }) // until leave
	return func() { cancel(); wg.Wait() }
}

func (p *presence) run(ctx context.Context) {
	_ = p.ns.ServerSideEmit(presenceAsk.Name(), "")
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		p.tell(p.report())
		select {
		case <-p.wake:
		case <-ticker.C:
			p.expire()
		case <-ctx.Done():
			p.tell(report{Server: p.self, Gone: true})
			return
		}
	}
}

// soon has what is to be reported reported.
func (p *presence) soon() {
	select {
	case p.wake <- struct{}{}:
	default: // it will be
	}
}

// tell reports to the other servers. If that fails, the next beat shows them that
// something is missing.
func (p *presence) tell(r report) { _ = p.ns.ServerSideEmit(presenceReport.Name(), r) }

func (p *presence) report() report {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.changed) > 0 {
		p.own.rev++
	}
	r := report{Server: p.self, Rev: p.own.rev, All: p.asked, Rooms: make(map[string][]member)}
	if p.asked {
		for room, ms := range p.own.rooms {
			r.Rooms[room] = slices.Clone(ms)
		}
	} else {
		for room := range p.changed {
			r.Rooms[room] = slices.Clone(p.own.rooms[room])
		}
	}
	clear(p.changed)
	p.asked = false
	return r
}

// hear takes the report of another server, and tells the page what it changes.
func (p *presence) hear(r report) error {
	p.mu.Lock()
	s := p.others[r.Server]
	if s == nil {
		s = &place{rev: -1, rooms: make(map[string][]member)}
	}
	next := s.rev
	if len(r.Rooms) > 0 {
		next++
	}
	var changed []string
	missed := false
	switch {
	case r.Gone:
		delete(p.others, r.Server)
		changed = slices.Collect(maps.Keys(s.rooms))
	case r.All && r.Rev >= s.rev:
		changed = s.set(r)
	case r.Rev == next && s.rev >= 0:
		changed = s.set(r)
	default: // nothing is missed by a report that another one has overtaken
		missed = r.Rev > s.rev
	}
	if s.rev >= 0 && !r.Gone {
		s.seen = time.Now()
		p.others[r.Server] = s
	}
	lists := p.listsLocked(changed)
	p.mu.Unlock()
	p.show(lists)
	if missed {
		return p.ns.ServerSideEmit(presenceAsk.Name(), r.Server)
	}
	return nil
}

// set takes the rooms of a report, and returns those that are not as they were.
func (s *place) set(r report) (changed []string) {
	s.rev = r.Rev
	put := func(room string, ms []member) {
		if s.put(room, ms) {
			changed = append(changed, room)
		}
	}
	for room := range s.rooms {
		if r.All && len(r.Rooms[room]) == 0 {
			put(room, nil)
		}
	}
	for room, ms := range r.Rooms {
		put(room, ms)
	}
	return changed
}

func (s *place) put(room string, ms []member) (changed bool) {
	if slices.Equal(s.rooms[room], ms) {
		return false
	}
	if len(ms) == 0 {
		delete(s.rooms, room)
	} else {
		s.rooms[room] = ms
	}
	return true
}

// expire forgets servers that are silent.
func (p *presence) expire() {
	p.mu.Lock()
	var changed []string
	for id, s := range p.others {
		if time.Since(s.seen) > deadline {
			delete(p.others, id)
			changed = slices.AppendSeq(changed, maps.Keys(s.rooms))
		}
	}
	lists := p.listsLocked(changed)
	p.mu.Unlock()
	p.show(lists)
}

// add returns the members of a room, m among them, who is on this server.
func (p *presence) add(room string, m member) members {
	return p.change(room, func(ms []member) []member {
		if slices.Contains(ms, m) {
			return ms
		}
		return append(ms, m)
	})
}

// remove returns the members who are left.
func (p *presence) remove(room, id string) members {
	return p.change(room, func(ms []member) []member {
		return slices.DeleteFunc(ms, func(m member) bool { return m.ID == id })
	})
}

func (p *presence) change(room string, f func([]member) []member) members {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.own.put(room, f(p.own.rooms[room]))
	p.changed[room] = true
	p.soon()
	return p.listLocked(room)
}

// listLocked returns who is in a room, on whichever server.
func (p *presence) listLocked(room string) members {
	p.rev++
	list := append([]member{}, p.own.rooms[room]...)
	for _, s := range p.others {
		list = append(list, s.rooms[room]...)
	}
	slices.SortFunc(list, func(a, b member) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return members{room, p.rev, list}
}

func (p *presence) listsLocked(rooms []string) []members {
	slices.Sort(rooms)
	var lists []members
	for _, room := range slices.Compact(rooms) {
		lists = append(lists, p.listLocked(room))
	}
	return lists
}

// show tells the users on this server who is in their rooms. The other servers tell
// theirs.
func (p *presence) show(lists []members) {
	for _, list := range lists {
		_ = roomMembers.Emit(p.ns.To(key(list.Room)).Local(), list) // it can be encoded
	}
}
