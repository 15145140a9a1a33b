package presence

import (
	"math"
	"math/rand/v2"
	"time"
	"unicode/utf8"
)

const (
	maxNodes = 1024 // other servers
	maxName  = 1024 // of a room, in bytes
	maxNsp   = 256
	// maxTime is when claims are made at the latest: beyond it JSON has no exact numbers.
	maxTime = 1 << 53
	// listPatience is how long the next part of a list is waited for.
	listPatience = time.Second
)

// A node is another server.
type node struct {
	id     string
	seen   time.Time
	state  state
	rev    uint64    // the last change that is known, unless nothing is
	round  uint32    // counts its lists
	part   int       // of its list, the next
	partAt time.Time // when the last part came
	askAt  time.Time // when it is asked for what is missing; zero: nothing is
	bye    time.Time // when its members go, since it has ended; zero: it has not
}

type state uint8

const (
	unknown state = iota // what it says is not known
	filling              // its list is coming
	known                // up to rev
)

// hear takes a report of another server.
func (c *core) hear(data []byte) error {
	r, err := parse(data)
	if err != nil || r.From == c.self {
		return err
	}
	claims := c.claimsOf(r) // without the lock: decoding is the application's
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return nil
	}
	n := c.nodes[r.From]
	if n == nil {
		if len(c.nodes) == maxNodes || r.Kind == kindBye {
			return nil
		}
		n = &node{id: r.From}
		c.nodes[r.From] = n
		nudge(c.wake) // it is to be expired in time
	}
	if !n.bye.IsZero() {
		return nil
	}
	n.seen = now
	switch r.Kind {
	case kindBeat:
		if n.state == unknown && r.Rev == 0 {
			n.state, n.rev = known, 0
		}
		c.expectLocked(n, r.Rev, now)
	case kindDiff:
		if n.state == unknown && r.Rev == 1 {
			n.state, n.rev = known, 0
		}
		if n.state != unknown && r.Rev == n.rev+1 {
			n.rev = r.Rev
			c.applyLocked(n, r, claims)
		} else {
			c.expectLocked(n, r.Rev, now)
		}
	case kindList:
		c.fillLocked(n, r, claims, now)
	case kindAsk:
		c.heedLocked(r.Ask, now)
	case kindBye:
		c.expectLocked(n, r.Rev, now)
		n.bye = now.Add(c.opts.Grace)
		nudge(c.wake)
	}
	return nil
}

// expectLocked sees to it that what is missing is asked for, if a server has made changes up
// to rev.
func (c *core) expectLocked(n *node, rev uint64, now time.Time) {
	if n.state == filling && (rev > n.rev || now.Sub(n.partAt) > listPatience) {
		n.state = unknown
	}
	missing := n.state == unknown || n.state == known && rev > n.rev
	if missing && n.askAt.IsZero() {
		n.askAt = now.Add(rand.N(jitter))
		nudge(c.wake)
	} else if !missing {
		n.askAt = time.Time{}
	}
}

// fillLocked takes a part of a list. Who knows all passes over it.
func (c *core) fillLocked(n *node, r *report, claims map[ref]*claim, now time.Time) {
	switch {
	case n.state == known && r.Rev <= n.rev:
		return
	case r.Part == 0:
		n.state, n.rev, n.part, n.askAt = filling, r.Rev, 0, time.Time{}
		n.round++
	case n.state != filling || r.Part != n.part || r.Rev != n.rev:
		c.expectLocked(n, math.MaxUint64, now)
		return
	}
	n.part++
	n.partAt = now
	c.applyLocked(n, r, claims)
	if r.Last {
		n.state = known
		c.sweepLocked(n, n.round)
	}
}

// applyLocked takes what a server says.
func (c *core) applyLocked(n *node, r *report, claims map[ref]*claim) {
	for at, cl := range claims {
		cl.node, cl.round = n, n.round
		c.claimLocked(at.place, cl)
	}
	for _, rr := range r.Rooms {
		p := c.placeOf(&rr)
		for _, key := range rr.Del {
			c.disclaimLocked(p, key, n)
		}
	}
}

func (c *core) placeOf(r *roomReport) place {
	if c.name != "" {
		return place{c.name, r.Room}
	}
	return place{r.Nsp, r.Room}
}

// claimsOf returns what a report says of members who are there, without what makes no sense.
func (c *core) claimsOf(r *report) map[ref]*claim {
	claims := make(map[ref]*claim)
	for _, rr := range r.Rooms {
		p := c.placeOf(&rr)
		if len(p.room) > maxName || len(p.nsp) > maxNsp || p.nsp == "" || !utf8.ValidString(p.room) {
			continue
		}
		for _, s := range rr.Set {
			if s.Key == "" || len(s.Key) > maxKey || len(s.Value) == 0 || len(s.Value) > c.opts.MaxValue || s.At > maxTime {
				continue
			}
			if v, err := c.decode(s.Value); err == nil {
				claims[ref{p, s.Key}] = &claim{entry: entry{s.Key, v, s.Value}, at: s.At}
			}
		}
	}
	return claims
}

// sweepLocked makes claims of a server go that it has not made since a round of its lists. It does
// so in a goroutine, which ends soon: it may be all that there is, and a few go at a time.
func (c *core) sweepLocked(n *node, round uint32) {
	c.wg.Go(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		budget := atOnce
		for _, r := range c.rooms {
			for key, m := range r.members {
				for _, cl := range m.claims {
					if cl.node == n && cl.round < round {
						c.disclaimLocked(r.place, key, n)
						break
					}
				}
				if budget--; budget == 0 {
					budget = atOnce
					c.mu.Unlock() // maps may change while they are walked, but not at the same time
					c.mu.Lock()
				}
			}
		}
	})
}

// forgetLocked makes a server's claims go.
func (c *core) forgetLocked(n *node) {
	delete(c.nodes, n.id)
	c.sweepLocked(n, math.MaxUint32)
}

// expire forgets servers that have ended or are silent, and returns when it is to be called
// again.
func (c *core) expire(now time.Time) (next time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next = now.Add(time.Hour)
	for _, n := range c.nodes {
		due := n.seen.Add(c.opts.Timeout)
		if !n.bye.IsZero() {
			due = n.bye
		}
		if now.Before(due) {
			next = earliest(next, due)
		} else {
			c.forgetLocked(n)
		}
	}
	return next
}

// refresh takes all servers for alive.
func (c *core) refresh(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.nodes {
		n.seen = now
	}
}

// ask asks servers for what is missing of theirs, and returns when it is to be called again.
func (c *core) ask(now time.Time) (next time.Time) {
	next = now.Add(time.Hour)
	asked := make(map[string]int64)
	c.mu.Lock()
	for _, n := range c.nodes {
		switch {
		case n.askAt.IsZero() || !n.bye.IsZero():
		case now.Before(n.askAt):
			next = earliest(next, n.askAt)
		default:
			asked[n.id] = -1
			if n.state == known {
				asked[n.id] = int64(n.rev)
			}
			n.askAt = now.Add(listPatience + rand.N(jitter)) // again, if nothing comes of it
			next = earliest(next, n.askAt)
		}
	}
	c.mu.Unlock()
	if len(asked) > 0 {
		c.emit(report{Kind: kindAsk, Ask: asked})
	}
	return next
}
