package cluster

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/siokit/sio/cluster/wire"
)

// A RoundTripper is an [Engine] from which nothing comes back that this server has published.
// It tells how long messages take in another way.
type RoundTripper interface {
	// RoundTrip returns when what has been published before has got to the engine, and the
	// answer to that has come.
	RoundTrip(ctx context.Context) error
}

// maxGreetings bounds the greetings whose way is measured at a time: minutes of them.
const maxGreetings = 64

// A lag is how long messages are on their way: what this server tells all others it hears
// itself, by the same connections and in the same order.
type lag struct {
	mu      sync.Mutex  // protects the following
	sent    []time.Time // those that have not come back, the oldest first
	skipped int         // sent behind these, when there were too many
	last    time.Duration
	ever    bool // something has come back
}

func (l *lag) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sent) == maxGreetings || l.skipped > 0 {
		l.skipped++
		return
	}
	l.sent = append(l.sent, time.Now())
}

func (l *lag) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(l.sent) > 0:
		l.last, l.ever = time.Since(l.sent[0]), true
		l.sent = slices.Delete(l.sent, 0, 1)
	case l.skipped > 0:
		l.skipped--
	}
}

// forget is called when some may be lost: one that never comes back would make all others
// late. Those under way that were not lost come back for later ones, so that a lag above a
// heartbeat is then told as less than it is, by whole heartbeats.
func (l *lag) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent, l.skipped = nil, 0
}

func (l *lag) get() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ever && len(l.sent) > 0 {
		return max(l.last, time.Since(l.sent[0]))
	}
	return l.last
}

// waits tells whether something has not come back.
func (l *lag) waits() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.sent) > 0
}

// tellsItself is called when this server greets the others. What an engine is told that is
// away may not come back, and is not measured.
func (c *Cluster) tellsItself() {
	if _, asked := c.engine.(RoundTripper); !asked && c.away.Load() == nil {
		c.lag.begin()
	}
}

// heardItself is called with what this server has told all. With some formats that is more
// than greetings.
func (c *Cluster) heardItself(channel string, data []byte) {
	if _, asked := c.engine.(RoundTripper); asked {
		return
	}
	var m wire.Message
	if c.format.Decode(channel, data, &m) == nil && (m.Type == wire.TypeHello || m.Type == wire.TypeHeartbeat) {
		c.lag.end()
	}
}

// doubtLag is called when messages were lost, which greetings may be among.
func (c *Cluster) doubtLag() {
	if _, asked := c.engine.(RoundTripper); !asked {
		c.lag.forget()
	}
}

// measureLag does so where nothing comes back by itself.
func (c *Cluster) measureLag() {
	engine, ok := c.engine.(RoundTripper)
	if !ok || !c.measuring.CompareAndSwap(false, true) {
		return
	}
	c.house.Go(func() { // until Close
		defer c.measuring.Store(false)
		if !c.lag.waits() { // else the last one has failed
			c.lag.begin()
		}
		if engine.RoundTrip(c.ctx) == nil {
			c.lag.end()
		}
	})
}

// silence returns for how long the other server that has been quiet for longest has not been
// heard of.
func (h *members) silence() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	var longest time.Duration
	for _, m := range h.byUID {
		longest = max(longest, time.Since(m.Seen))
	}
	return longest
}
