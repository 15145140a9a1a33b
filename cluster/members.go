package cluster

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siokit/sio/cluster/wire"
)

const (
	// maxMembers bounds what is remembered of servers that others claim to be.
	maxMembers = 10_000
	// maxName bounds how they call themselves.
	maxName = 256
	// leftFor is how long it is remembered that a server has left. What it has said before
	// may arrive later, as an answer that was just being sent.
	leftFor = time.Minute
)

// A Member is another server of the cluster that tells its name. Those written in
// JavaScript do not.
type Member struct {
	Name string
	UID  string
	Seen time.Time // when it was last heard of

	addr string // where it takes requests of its clients; or ""
	lost bool   // such a request did not get there
}

type members struct {
	awaited atomic.Bool // they are who answers requests: the engine can't count servers
	hello   atomic.Bool // the next greeting asks others to answer

	mu       sync.Mutex // protects the following
	byUID    map[string]Member
	byNumber map[uint32]string    // the same by serverNumber
	more     chan struct{}        // closed when there is another one
	last     time.Time            // when a new one was heard of
	left     map[string]time.Time // those that have said that they leave, and when: a UID does not come back
}

func (h *members) init() {
	h.byUID, h.byNumber, h.left = make(map[string]Member), make(map[uint32]string), make(map[string]time.Time)
	h.more = make(chan struct{})
}

// Members returns the other servers, by their names.
func (c *Cluster) Members() []Member {
	all := c.members.all()
	return slices.SortedFunc(maps.Values(all), func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.UID, b.UID))
	})
}

func (h *members) all() map[string]Member {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.byUID)
}

// joinTime is how long a server may take from the first that is heard of it to when it has
// subscribed to what it serves.
const joinTime = time.Second

// joining reports whether one may be doing that.
func (h *members) joining() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Since(h.last) < joinTime
}

func (h *members) has(uid string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.byUID[uid]
	return ok
}

func (h *members) get(uid string) (m Member, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m, ok = h.byUID[uid]
	return m, ok
}

// numbered returns the UID of the server that has a number, or "", and what is closed when
// there are more servers.
func (h *members) numbered(n uint32) (uid string, more <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.byNumber[n], h.more
}

// unreachable notes whether requests of its clients get to a server, and returns what was
// noted before.
func (h *members) unreachable(uid string, lost bool) (m Member, was bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m, ok := h.byUID[uid]
	if was = m.lost; ok && was != lost {
		m.lost = lost
		h.byUID[uid] = m
	}
	return m, was
}

// len returns how many there are.
func (h *members) len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.byUID)
}

// hail has housekeeping tell the other servers of this one, soon: all at once may be new, or
// back, and each then answers once to many of them.
func (c *Cluster) hail(t wire.Type) {
	if t == wire.TypeHello {
		c.members.hello.Store(true)
	}
	select {
	case c.hailed <- struct{}{}:
	default:
	}
}

// greeting returns what hail has asked for.
func (h *members) greeting() wire.Type {
	if h.hello.Swap(false) {
		return wire.TypeHello
	}
	return wire.TypeHeartbeat
}

// pause returns how long after a greeting there is no other one: a millisecond for each
// server, so that answers are about a thousand a second for each, however many there are.
func (h *members) pause() time.Duration {
	return min(time.Duration(h.len())*time.Millisecond, time.Second)
}

// greet tells the other servers of this one.
func (c *Cluster) greet(t wire.Type) {
	if t != wire.TypeClose {
		c.tellsItself()
	}
	c.try(&wire.Message{Type: t, Name: c.opts.Name, Addr: c.relays.addr})
}

// heard notes what a server tells of itself.
func (c *Cluster) heard(m *wire.Message) {
	if m.UID == "" || m.UID == wire.EmitterUID || max(len(m.UID), len(m.Name), len(m.Addr)) > maxName {
		c.counts.malformed.Add(1)
		return
	}
	h := &c.members
	if m.Type == wire.TypeClose {
		h.leave(m.UID)
		c.forget(m.UID, "has left")
		c.tunnels.Gone(m.UID)
		return
	}
	if h.hasLeft(m.UID) { // messages come one after the other
		return
	}
	h.mu.Lock()
	was, known := h.byUID[m.UID]
	room := known || len(h.byUID) < maxMembers
	if room {
		now := time.Now()
		h.byUID[m.UID] = Member{Name: m.Name, UID: m.UID, Seen: now, addr: m.Addr, lost: was.lost && was.addr == m.Addr}
		if !known {
			h.last = now
			h.byNumber[serverNumber(m.UID)] = m.UID
			close(h.more)
			h.more = make(chan struct{})
		}
	}
	h.mu.Unlock()
	if !room {
		c.counts.malformed.Add(1)
		return
	}
	if !known {
		c.log.Info().Str("server", m.Name).Msg("a server has joined the cluster")
		c.requests.joined(m.UID)
		c.relays.try(m)
	}
	if m.Type == wire.TypeHello {
		c.hail(wire.TypeHeartbeat)
	}
}

// leave notes that a server has left.
func (h *members) leave(uid string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.left) < maxMembers {
		h.left[uid] = time.Now()
	}
}

func (h *members) hasLeft(uid string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, left := h.left[uid]
	return left
}

// met notes a server that answers. It may be one that had told that it is there before this
// one could hear of it, or was given up for dead: if members are what is awaited, the next
// request must wait for it.
func (c *Cluster) met(uid string) {
	if !c.members.awaited.Load() || uid == "" || c.members.has(uid) {
		return
	}
	c.heard(&wire.Message{Type: wire.TypeHeartbeat, UID: uid, Name: uid})
	c.hail(wire.TypeHello) // it answers with its name
}

// forget drops a server, and waits no longer for what it was asked.
func (c *Cluster) forget(uid, why string) {
	h := &c.members
	h.mu.Lock()
	m, known := h.byUID[uid]
	delete(h.byUID, uid)
	if n := serverNumber(uid); h.byNumber[n] == uid {
		delete(h.byNumber, n)
	}
	h.mu.Unlock()
	c.wg.Go(func() { c.relays.client.Gone(uid) }) // it may wait for TLS, for seconds
	if known {
		c.log.Info().Str("server", m.Name).Msg("a server " + why)
	}
	c.requests.gone(Member{Name: m.Name, UID: uid})
	c.serving.stopInquiries(uid)
	if c.journal != nil {
		c.journal.asked.gone(uid)
	}
}

// expireMembers drops those that have not been heard of.
func (c *Cluster) expireMembers() {
	c.members.expireLeft()
	if c.away.Load() != nil {
		return // nobody can be heard
	}
	before := time.Now().Add(-2*c.opts.Heartbeat - c.opts.Heartbeat/2)
	for uid, m := range c.members.all() {
		if m.Seen.Before(before) {
			c.forget(uid, "is not heard of any more")
			c.tunnels.GiveUp(uid)
		}
	}
}

func (h *members) expireLeft() {
	h.mu.Lock()
	defer h.mu.Unlock()
	maps.DeleteFunc(h.left, func(_ string, at time.Time) bool { return time.Since(at) > leftFor })
}

// refresh has all servers count as just heard of.
func (h *members) refresh() {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	for uid, m := range h.byUID {
		m.Seen = now
		h.byUID[uid] = m
	}
}
