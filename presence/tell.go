package presence

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/siokit/sio"
)

// tellPause is how long changes are gathered after others were told of: a client that comes
// and goes a thousand times a second costs others twenty events.
const tellPause = 50 * time.Millisecond

// listPace is how long a room's list is not sent again, for each of its members: 10,000 have half
// a second, and a client that enters over and over does not keep busy who tells of all rooms.
const listPace = 50 * time.Microsecond

// A diff is what has changed in a room since it was last told of.
type diff struct {
	place
	joined, updated, left []entry
}

// A greeting is a list, and whom it is for.
type greeting struct {
	place
	list []entry
	to   []*sio.Socket
}

// told and line are a Change as it is sent. Its values are encoded.
type (
	told struct {
		Room    string `json:"room"`
		Members []line `json:"members,omitzero"`
		Joined  []line `json:"joined,omitzero"`
		Updated []line `json:"updated,omitzero"`
		Left    []line `json:"left,omitzero"`
	}
	line struct {
		Key   string          `json:"key"`
		Value json.RawMessage `json:"value"`
	}
)

func (c *core) onChange(f func(diff)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, f)
}

func (c *core) sendList(s *sio.Socket, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.roomLocked(place{s.Namespace().Name(), name})
	c.greetLocked(r, s)
	c.dropLocked(r)
}

func (c *core) greetLocked(r *room, s *sio.Socket) {
	if c.opts.Event == "" || c.ctx.Err() != nil {
		return
	}
	if r.fresh == nil {
		r.fresh = make(map[*sio.Socket]struct{})
	}
	r.fresh[s] = struct{}{}
	c.changed[r] = struct{}{}
	nudge(c.tell)
}

// tellOfThem tells of changes. It alone does, so that a list and what follows it arrive in
// order.
func (c *core) tellOfThem() {
	for {
		select {
		case <-c.tell:
		case <-c.ctx.Done():
			return
		}
		for more := true; more && c.ctx.Err() == nil; {
			var diffs []diff
			var greetings []greeting
			var handlers []func(diff)
			diffs, greetings, handlers, more = c.take(time.Now())
			for _, d := range diffs {
				for _, f := range handlers {
					f(d)
				}
				c.sendDiff(d)
			}
			for _, g := range greetings {
				c.send(g)
			}
		}
		select {
		case <-time.After(tellPause):
			c.tellAgain()
		case <-c.ctx.Done():
			return
		}
	}
}

// tellAgain sees to lists that had to wait.
func (c *core) tellAgain() {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if len(c.changed) > 0 {
		nudge(c.tell)
	}
}

// take returns some of what is to be told of, and whether there may be more. A list has all that
// is told of before it, and nothing else.
func (c *core) take(now time.Time) (diffs []diff, greetings []greeting, handlers []func(diff), more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := atOnce
	for r := range c.changed {
		d := diff{place: r.place}
		for key, was := range r.was {
			if left--; left < 0 {
				more = true
				break
			}
			delete(r.was, key)
			m := r.members[key]
			switch {
			case m == nil && was.raw != nil:
				d.left = append(d.left, was)
			case m != nil && was.raw == nil:
				d.joined = append(d.joined, m.entry)
			case m != nil && string(m.raw) != string(was.raw):
				d.updated = append(d.updated, m.entry)
			}
		}
		if len(d.left)+len(d.joined)+len(d.updated) > 0 {
			diffs = append(diffs, diff{d.place, byKey(d.joined), byKey(d.updated), byKey(d.left)})
		}
		if more {
			break
		}
		if len(r.fresh) > 0 && !now.Before(r.listAt) {
			g := greeting{place: r.place, list: make([]entry, 0, len(r.members)), to: slices.Collect(maps.Keys(r.fresh))}
			for _, m := range r.members {
				g.list = append(g.list, m.entry)
			}
			greetings = append(greetings, g)
			left -= len(g.list)
			r.fresh, r.listAt = nil, now.Add(time.Duration(len(g.list))*listPace)
		}
		r.was = nil
		if len(r.fresh) == 0 {
			delete(c.changed, r)
			c.dropLocked(r)
		}
		if left <= 0 {
			more = true
			break
		}
	}
	return diffs, greetings, c.told, more
}

// sendDiff tells the clients of this server that are in the room.
func (c *core) sendDiff(d diff) {
	if c.opts.Event == "" {
		return
	}
	if n := c.live(d.nsp); n != nil {
		_ = n.To(d.room).Local().Emit(c.opts.Event, told{Room: d.room, Joined: lines(d.joined), Updated: lines(d.updated), Left: lines(d.left)}) // it can be encoded
	}
}

func (c *core) send(g greeting) {
	list := lines(byKey(g.list))
	if list == nil {
		list = []line{}
	}
	data, err := json.Marshal(told{Room: g.room, Members: list})
	if err != nil {
		return // values are valid
	}
	for _, s := range g.to {
		if !slices.Contains(s.Rooms(), g.room) { // it has left meanwhile
			continue
		}
		_ = s.Emit(c.opts.Event, json.RawMessage(data)) // it may have gone, or not keep up
	}
}

func lines(list []entry) []line {
	if len(list) == 0 {
		return nil
	}
	out := make([]line, len(list))
	for i, e := range list {
		out[i] = line{e.key, e.raw}
	}
	return out
}
