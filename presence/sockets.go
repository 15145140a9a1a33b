package presence

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/siokit/sio"
	"github.com/siokit/sio/socketio"
)

// stored is under which name the seats of a socket are stored with it, so that they are
// recovered with it.
const stored = "sio:presence"

// The seats of a socket are the members that it is. They are there from the first Enter until the
// socket ends, so that what is saved last is what was changed last.
type seats struct {
	at     map[string]seat // by room
	saving sync.Mutex      // taken before core.mu
}

type seat struct {
	*claim // of this server
	ref
	head string // of its JSON, as it is stored
}

// A departure is what a socket was whose connection has broken, unless it has come back.
type departure struct {
	id    string // of the socket
	seats []seat
	due   time.Time
}

// saved is a seat as it is stored.
type saved struct {
	Key   string          `json:"k"`
	At    uint64          `json:"t"`
	Value json.RawMessage `json:"v"`
}

func (c *core) enter(s *sio.Socket, room, key string, raw json.RawMessage, value any) error {
	if key == "" {
		key = s.ID()
	}
	if nsp := s.Namespace().Name(); c.name != "" && nsp != c.name {
		return fmt.Errorf("presence: of namespace %s: a socket of %s enters", c.name, nsp)
	}
	if !utf8.ValidString(key) || !utf8.ValidString(room) {
		return ErrName
	}
	if len(key) > maxKey || len(raw) > c.opts.MaxValue {
		return ErrTooLarge
	}
	if err := s.Join(room); err != nil {
		return err
	}
	c.recover(s)
	if err := c.sit(s, room, &claim{entry: entry{key, value, raw}}); err != nil {
		return err
	}
	if !slices.Contains(s.Rooms(), room) { // it was told to leave meanwhile, or has gone
		c.leave(s, []string{room})
	}
	return nil
}

// sit makes a socket a member, as cl says, which has no time if that is now.
func (c *core) sit(s *sio.Socket, room string, cl *claim) error {
	mine, err := c.seat(s, room, cl)
	if err == nil {
		c.save(s, mine)
	}
	return err
}

func (c *core) seat(s *sio.Socket, room string, cl *claim) (*seats, error) {
	p := place{s.Namespace().Name(), room}
	c.mu.Lock()
	defer c.mu.Unlock()
	mine := c.sockets[s]
	if mine == nil {
		mine = &seats{at: make(map[string]seat)}
		c.sockets[s] = mine
		context.AfterFunc(s.Context(), func() { c.gone(s) })
	}
	before, again := mine.at[room]
	r := c.roomLocked(p)
	defer c.dropLocked(r)
	m := r.members[cl.key]
	switch {
	case !again && len(mine.at) >= c.opts.MaxRooms:
		return nil, ErrTooMany
	case m == nil && len(r.members) >= c.opts.MaxMembers:
		return nil, ErrTooMany
	}
	if cl.at == 0 {
		cl.at = c.nowLocked(m)
	}
	at := ref{p, cl.key}
	if own := c.own[at]; own != nil {
		if cl.newer(own) {
			own.entry, own.at = cl.entry, cl.at
		}
		cl = own
	} else {
		c.own[at] = cl
	}
	cl.sockets++
	mine.at[room] = seat{cl, at, headOf(at)}
	c.claimLocked(p, cl)
	c.reportLocked(at)
	if again {
		c.standLocked(before)
	} else {
		c.greetLocked(r, s)
	}
	return mine, nil
}

// nowLocked is when something is said of a member: later than all that was, but for the end of
// time, where what is said last need not win.
func (c *core) nowLocked(m *member) uint64 {
	now := uint64(time.Now().UnixMilli())
	if m != nil {
		for _, cl := range m.claims {
			now = max(now, min(cl.at+1, maxTime))
		}
	}
	return now
}

// standLocked takes a seat back: the last one makes the member leave, as far as this
// server knows.
func (c *core) standLocked(s seat) {
	if s.claim.sockets--; s.claim.sockets > 0 {
		return
	}
	delete(c.own, s.ref)
	c.disclaimLocked(s.place, s.ref.key, nil)
	c.reportLocked(s.ref)
}

func (c *core) update(s *sio.Socket, room string, raw json.RawMessage, value any) error {
	if len(raw) > c.opts.MaxValue {
		return ErrTooLarge
	}
	c.mu.Lock()
	mine := c.sockets[s]
	if mine == nil || mine.at[room].claim == nil {
		c.mu.Unlock()
		return ErrNotMember
	}
	at := mine.at[room]
	cl := at.claim
	cl.at = c.nowLocked(c.rooms[at.place].members[at.ref.key])
	cl.value, cl.raw = value, raw
	c.claimLocked(at.place, cl)
	c.reportLocked(at.ref)
	c.mu.Unlock()
	c.save(s, mine)
	return nil
}

// left takes back the seats of a socket that was told to leave rooms, and is not in them.
func (c *core) left(s *sio.Socket, rooms []string) {
	c.mu.RLock()
	mine := c.sockets[s]
	some := mine != nil && slices.ContainsFunc(rooms, func(r string) bool { return mine.at[r].claim != nil })
	c.mu.RUnlock()
	if !some {
		return
	}
	in := s.Rooms()
	c.leave(s, slices.DeleteFunc(slices.Clone(rooms), func(r string) bool { return slices.Contains(in, r) }))
}

func (c *core) leave(s *sio.Socket, rooms []string) {
	c.mu.Lock()
	mine := c.sockets[s]
	if mine == nil {
		c.mu.Unlock()
		return
	}
	for _, room := range rooms {
		if at, ok := mine.at[room]; ok {
			delete(mine.at, room)
			c.standLocked(at)
		}
	}
	c.mu.Unlock()
	c.save(s, mine)
}

// save stores what a socket is with it, as the JSON of a map of saved. It does so without
// core.mu: where clients are recovered by other servers, it is encoded.
func (c *core) save(s *sio.Socket, mine *seats) {
	mine.saving.Lock() // who comes last stores the last
	defer mine.saving.Unlock()
	c.mu.RLock()
	size := 2
	for _, at := range mine.at {
		size += len(at.head) + len(at.raw) + 32
	}
	text := append(make([]byte, 0, size), '{')
	for _, at := range mine.at {
		text = append(text, at.head...)
		text = strconv.AppendUint(text, at.claim.at, 10)
		text = append(append(append(text, `,"v":`...), at.raw...), "},"...)
	}
	c.mu.RUnlock()
	_ = s.SetValue(stored, string(append(bytes.TrimSuffix(text, []byte(",")), '}'))) // a string can be encoded
}

// headOf is a member as it is stored, up to its time.
func headOf(at ref) string {
	room, _ := json.Marshal(at.room) // strings have JSON
	key, _ := json.Marshal(at.key)
	return fmt.Sprintf(`%s:{"k":%s,"t":`, room, key)
}

// recover enters a socket that has come back into what it was a member of, unless that has
// been done.
func (c *core) recover(s *sio.Socket) {
	if !s.Recovered() {
		return
	}
	text, _ := s.Value(stored).(string)
	c.mu.RLock()
	done := c.sockets[s] != nil
	c.mu.RUnlock()
	if done || text == "" {
		return
	}
	var list map[string]saved
	_ = json.Unmarshal([]byte(text), &list) // it is what saveLocked has stored
	for _, room := range s.Rooms() {
		if was, ok := list[room]; ok {
			if v, err := c.decode(was.Value); err == nil {
				_ = c.sit(s, room, &claim{entry: entry{was.Key, v, was.Value}, at: was.At}) // who is one too many is none
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.away[s.ID()]; d != nil {
		delete(c.away, d.id)
		c.standAllLocked(d.seats)
		d.seats = nil
	}
}

// gone is called when a socket has ended.
func (c *core) gone(s *sio.Socket) {
	onPurpose := s.Reason() == socketio.ReasonClientDisconnect || s.Reason() == socketio.ReasonServerDisconnect
	c.mu.Lock()
	defer c.mu.Unlock()
	mine := c.sockets[s]
	if mine == nil {
		return
	}
	delete(c.sockets, s)
	var all []seat
	for _, at := range mine.at {
		all = append(all, at)
	}
	if onPurpose || c.opts.Grace == 0 || len(all) == 0 {
		c.standAllLocked(all)
		return
	}
	d := &departure{s.ID(), all, time.Now().Add(c.opts.Grace)}
	c.broken.Push(d)
	c.away[d.id] = d
	nudge(c.wake)
}

func (c *core) standAllLocked(all []seat) {
	for _, at := range all {
		c.standLocked(at)
	}
}

// depart takes back the seats of those who have not come back in time, and returns when it
// is to be called again.
func (c *core) depart(now time.Time) (next time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range atOnce {
		if c.broken.Len() == 0 {
			return now.Add(time.Hour)
		}
		if due := c.broken.All()[0].due; due.After(now) {
			return due
		}
		d := c.broken.Pop()
		if c.away[d.id] == d {
			delete(c.away, d.id)
		}
		c.standAllLocked(d.seats)
	}
	return now
}
