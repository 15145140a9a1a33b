package cluster

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/siokit/sio/socketio"
)

const (
	// minLinger is how long messages for a room are received after the last member has
	// left it, so that rooms that are left and joined again cost nothing.
	minLinger = time.Second
	// maxLingering bounds the rooms for which that is so.
	maxLingering = 1 << 16
)

// lingerOf returns how long a namespace is interested in rooms that have been left: those
// of clients that may come back get what they miss.
func lingerOf(l *socketio.Local) time.Duration { return minLinger + l.RecoveryWindow() }

// channels are those that this server has subscribed to, and what for.
type channels struct {
	c *Cluster

	mu      sync.RWMutex // protects the following, and the order of calls of the engine
	subs    map[string]*sub
	brokers map[string]*broker // by namespace
	left    []lingering        // the subs that linger, in the order in which they end; some are joined again
	timer   *time.Timer        // of the first of these
}

// A sub is a channel that is subscribed to.
type sub struct {
	broker *broker // of the room; nil if it is no room's
	uses   int     // if it is no room's
	left   uint64  // the number of the lingering; 0 while there are members
}

// A lingering is the end of a sub, unless it is another one's then.
type lingering struct {
	channel string
	number  uint64
	end     time.Time
}

func (h *channels) init(c *Cluster) {
	h.c, h.subs, h.brokers = c, make(map[string]*sub), make(map[string]*broker)
}

// use subscribes to a channel that is no room's, once.
func (h *channels) use(channel string, b *broker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.useLocked(channel, b)
}

func (h *channels) useLocked(channel string, b *broker) {
	s := h.subs[channel]
	if s == nil {
		s = &sub{broker: b}
		h.subs[channel] = s
		h.c.engine.Subscribe(channel)
	}
	if s.uses++; s.broker != b {
		s.broker = nil // several namespaces: the message tells which
	}
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
		h.useLocked(channel, b)
	}
}

// shut removes a namespace. Its rooms are empty, and linger.
func (h *channels) shut(b *broker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.brokers[b.nsp] != b {
		return
	}
	delete(h.brokers, b.nsp)
	for _, channel := range h.c.format.Channels(b.nsp, h.c.uid) {
		if s := h.subs[channel]; s != nil {
			if s.uses--; s.uses == 0 {
				delete(h.subs, channel)
				h.c.engine.Unsubscribe(channel)
			}
		}
	}
}

// broker returns that of a namespace, or nil.
func (h *channels) broker(nsp string) *broker {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.brokers[nsp]
}

// find returns whom a message is for that came by a subscription, as far as that tells.
func (h *channels) find(channel string) (b *broker, ok bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	s := h.subs[channel]
	if s == nil {
		return nil, false
	}
	return s.broker, true
}

// join subscribes to the channel of a room.
func (h *channels) join(channel string, b *broker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.subs[channel]
	if s == nil {
		h.subs[channel] = &sub{broker: b}
		h.c.engine.Subscribe(channel)
		return
	}
	s.left, s.broker = 0, b // or that of a namespace that is gone
}

// leave has the subscription linger.
func (h *channels) leave(channel string, b *broker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.subs[channel]
	if s == nil || s.uses > 0 {
		return
	}
	number := uint64(1)
	if n := len(h.left); n > 0 {
		number = h.left[n-1].number + 1
	}
	s.left = number
	h.left = append(h.left, lingering{channel, number, time.Now().Add(b.linger)})
	for len(h.left) > maxLingering {
		h.endLocked(h.left[0])
		h.left = h.left[1:]
	}
	if h.timer == nil && h.c.ctx.Err() == nil {
		h.timer = time.AfterFunc(b.linger, h.expire)
	}
}

// expire ends what has lingered long enough.
func (h *channels) expire() {
	h.mu.Lock()
	defer h.mu.Unlock()
	now, n := time.Now(), 0
	for n < len(h.left) && !h.left[n].end.After(now) {
		h.endLocked(h.left[n])
		n++
	}
	if h.left = slices.Clone(h.left[n:]); len(h.left) == 0 || h.c.ctx.Err() != nil {
		h.left, h.timer = nil, nil
		return
	}
	h.timer.Reset(max(minLinger/4, h.left[0].end.Sub(now)))
}

func (h *channels) endLocked(l lingering) {
	if s := h.subs[l.channel]; s != nil && s.left == l.number {
		delete(h.subs, l.channel)
		h.c.engine.Unsubscribe(l.channel)
	}
}
