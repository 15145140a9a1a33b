package presence

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// What servers tell each other. The changes of a server have numbers: who knows all up to one
// is told the next, and who misses some asks.

const (
	// reportPause is how long changes are gathered after some were reported.
	reportPause = 50 * time.Millisecond
	// maxPart is about how many bytes a report has at most, far below what any engine bounds
	// messages by, and so few that nobody waits for who reads it.
	maxPart = 48 << 10
	// partPause is between the parts of a list: five megabytes a second.
	partPause = 10 * time.Millisecond
	// keptReports and keptBytes bound what is kept for who misses something.
	keptReports = 128
	keptBytes   = 256 << 10
	// jitter is how long who asks, and who answers with a list, waits at most: others may do so
	// for all.
	jitter = 200 * time.Millisecond
)

// A report is what a server tells the others.
type report struct {
	From  string           `json:"from"`
	Kind  kind             `json:"kind"`
	Rev   uint64           `json:"rev"`            // of the changes of From, with this one
	Part  int              `json:"part,omitempty"` // of a list, counted from 0
	Last  bool             `json:"last,omitempty"` // it is its last one
	Rooms []roomReport     `json:"rooms,omitempty"`
	Ask   map[string]int64 `json:"ask,omitempty"` // servers, and up to which change theirs are known; -1: none are
}

type kind string

const (
	kindBeat kind = "beat" // From is there
	kindDiff kind = "diff" // a change
	kindList kind = "list" // part of all that it says
	kindAsk  kind = "ask"
	kindBye  kind = "bye" // it ends
)

// everyone is asked by who is new.
const everyone = "*"

type roomReport struct {
	Nsp  string        `json:"nsp,omitempty"` // if there are several
	Room string        `json:"room"`
	Set  []claimReport `json:"set,omitempty"`
	Del  []string      `json:"del,omitempty"`
}

type claimReport struct {
	Key   string          `json:"k"`
	At    uint64          `json:"t"`
	Value json.RawMessage `json:"v"`
}

// reports is what there is to report. It is protected by core.mu.
type reports struct {
	out     map[ref]struct{} // what has changed
	rev     uint64           // of the last change that was reported
	kept    []json.RawMessage
	bytes   int       // of those
	toList  []ref     // what is still to be told of a list
	part    int       // of that, the next
	listing bool      // one is under way
	listAt  time.Time // when one is due; zero: none is
	resend  []json.RawMessage
}

func (r *reports) init() { r.out = make(map[ref]struct{}) }

// reportLocked has others told of what this server says of a member.
func (c *core) reportLocked(at ref) {
	c.out[at] = struct{}{}
	nudge(c.wake)
}

// report tells the others, until the server is shut down.
func (c *core) report() {
	beat := c.opts.Timeout / 3
	c.emit(report{Kind: kindAsk, Ask: map[string]int64{everyone: -1}})
	var nextBeat, nextDiff, nextPart time.Time
	last := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		if now.Sub(last) > 2*beat { // it is this process that stood still, and has yet to read what came
			c.refresh(now)
		}
		last = now
		if !now.Before(nextBeat) {
			c.emit(report{Kind: kindBeat, Rev: c.revision()})
			nextBeat = now.Add(beat)
		}
		next := earliest(nextBeat, c.depart(now), c.expire(now), c.ask(now))
		if !now.Before(nextDiff) {
			if c.emitChanges() {
				nextDiff = now.Add(reportPause)
			}
		} else {
			next = earliest(next, nextDiff)
		}
		if !now.Before(nextPart) {
			if c.emitPart(now) {
				nextPart = now.Add(partPause)
			}
		}
		if at := c.nextList(); !at.IsZero() {
			if at.Before(nextPart) {
				at = nextPart
			}
			next = earliest(next, at)
		}
		timer.Reset(time.Until(next))
		select {
		case <-c.wake:
		case <-timer.C:
		case <-c.ctx.Done():
			c.emitChanges()
			c.emit(report{Kind: kindBye, Rev: c.revision()})
			return
		}
	}
}

func earliest(times ...time.Time) time.Time {
	first := times[0]
	for _, t := range times[1:] {
		if t.Before(first) {
			first = t
		}
	}
	return first
}

func (c *core) revision() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.rev
}

// emit sends a report. Who misses one finds out by the next.
func (c *core) emit(r report) {
	r.From = c.self
	data, err := json.Marshal(r)
	if err == nil {
		c.emitRaw(data)
	}
}

func (c *core) emitRaw(data json.RawMessage) { _ = c.via.ServerSideEmit(c.event, data) }

// emitChanges reports what has changed, and what others have missed. It reports false if
// there was nothing.
func (c *core) emitChanges() (any bool) {
	c.mu.Lock()
	again := c.resend
	c.resend = nil
	c.mu.Unlock()
	for _, data := range again {
		any = true
		c.emitRaw(data)
	}
	for {
		data := c.nextChange()
		if data == nil {
			return any
		}
		any = true
		c.emitRaw(data)
	}
}

// nextChange returns a report of some of what has changed, or nil.
func (c *core) nextChange() json.RawMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.out) == 0 {
		return nil
	}
	p := newPart(c)
	for at := range c.out {
		if !p.addLocked(at, true) {
			break
		}
		delete(c.out, at)
	}
	c.rev++
	data, err := json.Marshal(report{From: c.self, Kind: kindDiff, Rev: c.rev, Rooms: p.rooms})
	if err != nil {
		panic(err) // values are valid
	}
	c.kept = append(c.kept, data)
	c.bytes += len(data)
	for len(c.kept) > keptReports || c.bytes > keptBytes {
		c.bytes -= len(c.kept[0])
		c.kept[0] = nil
		c.kept = c.kept[1:]
	}
	return data
}

// nextList returns when a part of a list is due, or zero.
func (c *core) nextList() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.listing {
		return time.Now()
	}
	return c.listAt
}

// emitPart sends a part of a list, if one is due.
func (c *core) emitPart(now time.Time) bool {
	c.mu.Lock()
	if !c.listing && (c.listAt.IsZero() || now.Before(c.listAt)) {
		c.mu.Unlock()
		return false
	}
	if !c.listing {
		c.listing, c.listAt, c.part = true, time.Time{}, 0
		c.toList = make([]ref, 0, len(c.own))
		for at := range c.own {
			c.toList = append(c.toList, at)
		}
	}
	p := newPart(c)
	for len(c.toList) > 0 && p.addLocked(c.toList[0], false) {
		c.toList = c.toList[1:]
	}
	r := report{Kind: kindList, Rev: c.rev, Part: c.part, Last: len(c.toList) == 0, Rooms: p.rooms}
	c.part++
	if r.Last {
		c.listing, c.toList = false, nil
	}
	c.mu.Unlock()
	c.emit(r)
	return true
}

// A part gathers what is told of members, by rooms.
type part struct {
	c     *core
	rooms []roomReport
	index map[place]int
	size  int
}

func newPart(c *core) *part { return &part{c: c, index: make(map[place]int)} }

// addLocked adds what this server says of a member, or, if gone is set, that it says nothing.
// It reports false if there is no room.
func (p *part) addLocked(at ref, gone bool) bool {
	cl := p.c.own[at]
	if cl == nil && !gone {
		return true
	}
	if p.size > 0 && p.size >= maxPart {
		return false
	}
	i, ok := p.index[at.place]
	if !ok {
		i = len(p.rooms)
		p.index[at.place] = i
		r := roomReport{Room: at.room}
		if p.c.name == "" {
			r.Nsp = at.nsp
		}
		p.rooms = append(p.rooms, r)
		p.size += len(at.room) + len(r.Nsp) + 40
	}
	r := &p.rooms[i]
	p.size += len(at.key) + 40
	if cl == nil {
		r.Del = append(r.Del, at.key)
		return true
	}
	p.size += len(cl.raw)
	r.Set = append(r.Set, claimReport{at.key, cl.at, cl.raw})
	return true
}

// heedLocked answers who has asked, soon.
func (c *core) heedLocked(ask map[string]int64, now time.Time) {
	since, ok := ask[c.self]
	if !ok {
		since, ok = ask[everyone]
	}
	missed := int64(c.rev) - since
	switch {
	case !ok, c.rev == 0, since >= 0 && missed <= 0: // a beat says so
	case since >= 0 && missed <= int64(len(c.kept)):
		if again := c.kept[len(c.kept)-int(missed):]; len(again) > len(c.resend) {
			c.resend = slices.Clone(again)
		}
		nudge(c.wake)
	case c.listAt.IsZero():
		c.listAt = now.Add(rand.N(jitter))
		nudge(c.wake)
	}
}

var errReport = errors.New("presence: malformed report")

// parse returns a report of another server, or an error if it is none.
func parse(data []byte) (*report, error) {
	var r report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("%w: %w", errReport, err)
	}
	if r.From == "" || len(r.From) > maxKey || len(r.Ask) > maxNodes {
		return nil, errReport
	}
	return &r, nil
}
