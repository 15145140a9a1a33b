package cluster

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/siokit/sio/internal/fifo"
	"github.com/siokit/sio/socketio"
)

const (
	// minLinger is how long messages for a room are received after the last member has
	// left it, so that rooms that are left and joined again cost nothing.
	minLinger = time.Second
	// maxLingering bounds the rooms for which that is so.
	maxLingering = 1 << 16
	// expireAtOnce is how many end in one section, for which all that is received waits.
	expireAtOnce = 512
)

// lingerOf returns how long a namespace is interested in rooms that have been left: those
// of clients that may come back get what they miss.
func lingerOf(l *socketio.Local) time.Duration { return minLinger + l.RecoveryWindow() }

// channels are those that this server has subscribed to, and what for.
type channels struct {
	c *Cluster

	mu      sync.RWMutex // protects the following, and the order of calls of the engine
	subs    map[string]*sub
	brokers map[string]*broker    // by namespace
	left    fifo.Queue[lingering] // the subs that linger, in the order in which they were left; some are joined again
	timer   *time.Timer           // of the first of these
	last    uint64                // the number of the last of these
}

// A sub is a channel that is subscribed to.
type sub struct {
	nsp   string // what it is for; "" if the messages tell
	mixed bool   // it is for several namespaces
	uses  int    // rooms, and namespaces that it is one of the channels of
	left  uint64 // the number of the lingering, while there are no uses
}

// A lingering is the end of a sub, unless it is used again or lingers anew.
type lingering struct {
	channel string
	number  uint64
	end     time.Time
}

func (h *channels) init(c *Cluster) {
	h.c, h.subs, h.brokers = c, make(map[string]*sub), make(map[string]*broker)
}

// open adds a namespace.
func (h *channels) open(b *broker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.brokers[b.nsp] != nil {
		panic(fmt.Sprintf("cluster: a Cluster serves one Server, and has a namespace %q already", b.nsp))
	}
	h.brokers[b.nsp] = b
	for _, channel := range h.c.format.Channels(b.nsp, h.c.uid) {
		h.useLocked(channel, b.nsp)
	}
}

// shut removes a namespace.
func (h *channels) shut(b *broker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.brokers[b.nsp] != b {
		return
	}
	delete(h.brokers, b.nsp)
	for _, channel := range h.c.format.Channels(b.nsp, h.c.uid) {
		h.dropLocked(channel, minLinger)
	}
}

// discount has this server counted no more among those that have a namespace: who has heard
// that it leaves does not wait for it.
func (h *channels) discount() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for nsp := range h.brokers {
		h.c.engine.Unsubscribe(h.c.format.Counted(nsp))
	}
}

// all returns the brokers of all namespaces.
func (h *channels) all() []*broker {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.Collect(maps.Values(h.brokers))
}

// broker returns that of a namespace, or nil.
func (h *channels) broker(nsp string) *broker {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.brokers[nsp]
}

// find returns which namespace a message is for that came by a subscription, or "" if the
// message tells, and its broker, if there is one.
func (h *channels) find(channel string) (nsp string, b *broker, ok bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	s := h.subs[channel]
	if s == nil {
		return "", nil, false
	}
	if s.mixed {
		return "", nil, true
	}
	return s.nsp, h.brokers[s.nsp], true
}

// use subscribes to a channel, once for all uses.
func (h *channels) use(channel, nsp string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.useLocked(channel, nsp)
}

func (h *channels) useLocked(channel, nsp string) {
	s := h.subs[channel]
	if s == nil {
		s = &sub{nsp: nsp}
		h.subs[channel] = s
		h.c.engine.Subscribe(channel)
	}
	s.uses++
	s.mixed = s.mixed || s.nsp != nsp
}

// drop takes a use back.
func (h *channels) drop(channel string, linger time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dropLocked(channel, linger)
}

func (h *channels) dropLocked(channel string, linger time.Duration) {
	s := h.subs[channel]
	if s == nil {
		return
	}
	if s.uses--; s.uses > 0 {
		return
	}
	h.last++
	s.left = h.last
	h.left.Push(lingering{channel, s.left, time.Now().Add(linger)})
	for h.left.Len() > maxLingering {
		h.endLocked(h.left.Pop())
	}
	if h.timer == nil && h.c.ctx.Err() == nil {
		h.timer = time.AfterFunc(linger, h.expire)
	}
}

// expire ends what has lingered long enough.
func (h *channels) expire() {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	for n := 0; n < expireAtOnce && h.left.Len() > 0 && !h.left.All()[0].end.After(now); n++ {
		h.endLocked(h.left.Pop())
	}
	if h.left.Len() == 0 || h.c.ctx.Err() != nil {
		h.left, h.timer = fifo.Queue[lingering]{}, nil
		return
	}
	wait := h.left.All()[0].end.Sub(now)
	if wait > 0 { // some together
		wait = max(wait, minLinger/4)
	}
	h.timer.Reset(wait)
}

func (h *channels) endLocked(l lingering) {
	if s := h.subs[l.channel]; s != nil && s.uses == 0 && s.left == l.number {
		delete(h.subs, l.channel)
		h.c.engine.Unsubscribe(l.channel)
	}
}
