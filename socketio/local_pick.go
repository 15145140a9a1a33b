package socketio

import (
	"slices"

	"github.com/siokit/sio/internal/roster"
)

// A selection is who was meant at one time. It needs no lock.
type selection struct {
	found roster.View[Socket]
	skip  [2]*Socket // of those, not meant
	skips []*Socket  // if there are more
	names []string   // likewise, by the ids of sockets that are being decided on, and in rooms already

	more   []roster.View[Socket] // found beside those, perhaps again; until it is settled
	except []roster.View[Socket] // likewise, not meant
}

// pick returns the sockets that sel selects.
func (l *Local) pick(sel Selector) selection {
	var to selection
	rooms, except := sel.Rooms, sel.Except
	for {
		r, e := min(len(rooms), namesAtOnce), min(len(except), namesAtOnce)
		l.mu.RLock()
		if len(sel.Rooms) == 0 && to.found.Len() == 0 {
			to.found = l.all.View()
		}
		to = to.addedLocked(l, rooms[:r], except[:e])
		l.mu.RUnlock()
		if rooms, except = rooms[r:], except[e:]; len(rooms)+len(except) == 0 {
			break
		}
	}
	return to.settled()
}

// pickLocked does so in one section. The selection is to be settled.
func (l *Local) pickLocked(sel Selector) selection {
	var to selection
	if len(sel.Rooms) == 0 {
		to.found = l.all.View()
	}
	return to.addedLocked(l, sel.Rooms, sel.Except)
}

// addedLocked adds those in rooms, a socket being in the one of its id, too, and takes
// others out. Of clients that were away [ledger.Membership] says the same.
func (to selection) addedLocked(l *Local, rooms, except []string) selection {
	for _, name := range rooms {
		if r := l.rooms[name]; r != nil {
			to = to.added(r.members.View())
		}
		if s := l.socketLocked(name); s != nil {
			to = to.added(roster.ViewOf([]*Socket{s}))
		}
	}
	for _, name := range except {
		s, r := l.ids[name], l.rooms[name]
		switch {
		case s == nil:
		case to.skip[0] == nil:
			to.skip[0] = s
		case to.skip[1] == nil:
			to.skip[1] = s
		default:
			to.skips = append(to.skips, s)
		}
		if r != nil {
			to.except = append(to.except, r.members.View())
		}
		if s == nil && r == nil {
			to.names = append(to.names, name)
		}
	}
	return to
}

func (to selection) added(v roster.View[Socket]) selection {
	if to.found.Len() == 0 {
		to.found = v
	} else {
		to.more = append(to.more, v)
	}
	return to
}

// fewSkipped is how many are looked for among those found one by one.
const fewSkipped = 8

type socketSet map[*Socket]struct{}

func (set socketSet) has(s *Socket) bool {
	_, ok := set[s]
	return ok
}

// unsettled tells whether something is left that takes as long as there are members.
func (to selection) unsettled() bool {
	return len(to.more) > 0 || len(to.except) > 0 || len(to.skips)+len(to.names) > fewSkipped
}

// settled does that.
func (to selection) settled() selection {
	if len(to.more) > 0 {
		seen := make(socketSet, to.found.Len())
		var list []*Socket
		for _, v := range append(to.more, to.found) {
			for s := range v.Each {
				if !seen.has(s) {
					seen[s] = struct{}{}
					list = append(list, s)
				}
			}
		}
		to.found, to.more = roster.ViewOf(list), nil
	}
	if !to.unsettled() {
		return to
	}
	n := len(to.skips)
	for _, v := range to.except {
		n += v.Len()
	}
	out := make(socketSet, min(n, to.found.Len()))
	var in socketSet // what is found, if that is less to remember
	if n > to.found.Len() {
		in = make(socketSet, to.found.Len())
		for s := range to.found.Each {
			in[s] = struct{}{}
		}
	}
	for _, v := range to.except {
		for s := range v.Each {
			if in == nil || in.has(s) {
				out[s] = struct{}{}
			}
		}
	}
	for _, s := range to.skips {
		out[s] = struct{}{}
	}
	names := make(map[string]struct{}, len(to.names))
	for _, name := range to.names {
		names[name] = struct{}{}
	}
	kept := make([]*Socket, 0, max(0, to.found.Len()-len(out)))
	for s := range to.found.Each {
		if _, named := names[s.id]; !named && !out.has(s) {
			kept = append(kept, s)
		}
	}
	return selection{found: roster.ViewOf(kept), skip: to.skip}
}

// each calls yield with each of the sockets, until it returns false.
func (to *selection) each(yield func(*Socket) bool) {
	for s := range to.found.Each {
		switch {
		case s == to.skip[0] || s == to.skip[1]:
		case len(to.skips) > 0 && slices.Contains(to.skips, s):
		case len(to.names) > 0 && slices.Contains(to.names, s.id):
		default:
			if !yield(s) {
				return
			}
		}
	}
}

// list returns the sockets.
func (to *selection) list() []*Socket {
	list := make([]*Socket, 0, to.found.Len())
	for s := range to.each {
		list = append(list, s)
	}
	return list
}
