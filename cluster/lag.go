package cluster

import (
	"context"
	"sync"
	"time"
)

// A RoundTripper is an [Engine] from which nothing comes back that this server has published.
// It tells how long messages take in another way.
type RoundTripper interface {
	// RoundTrip returns when what has been published before has got to the engine, and the
	// answer to that has come.
	RoundTrip(ctx context.Context) error
}

// A lag is how long messages are on their way: what this server tells all others it hears
// itself, by the same connections.
type lag struct {
	mu   sync.Mutex // protects the following
	sent time.Time  // the first that has not come back; zero if all have
	last time.Duration
	ever bool // something has come back
}

func (l *lag) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sent.IsZero() {
		l.sent = time.Now()
	}
}

func (l *lag) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sent.IsZero() {
		return
	}
	l.last, l.sent, l.ever = time.Since(l.sent), time.Time{}, true
}

func (l *lag) get() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ever && !l.sent.IsZero() {
		return max(l.last, time.Since(l.sent))
	}
	return l.last
}

// heardItself is called with what this server has told all.
func (c *Cluster) heardItself() {
	if _, asked := c.engine.(RoundTripper); !asked {
		c.lag.end()
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
		c.lag.begin()
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
