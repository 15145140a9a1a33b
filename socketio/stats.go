package socketio

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/siokit/sio/engineio"
)

// Stats are what a server has at one time, and what it has counted since it was made.
type Stats struct {
	Engine engineio.Stats
	// Namespaces are those that were registered, by their names. Dynamic ones count with what
	// they were registered by, such as a pattern.
	Namespaces []NamespaceStats
	// Waiting is how many events, and sockets that come or go, wait for a handler or have one
	// that runs, and WaitingBytes what the events hold.
	Waiting      int
	WaitingBytes int
}

// NamespaceStats are about a namespace, or about all those of a pattern or function.
type NamespaceStats struct {
	Name       string
	Namespaces int // how many there are; 1 but for those of a pattern
	Sockets    int // connected ones of this process
	Rooms      int // with such sockets
	// Away is how many clients may come back, and KeptBytes what is kept of events for them,
	// by this process: with a [Journal] both are 0.
	Away      int
	KeptBytes int
	// In and Out are traffic, which is counted only if there are Observers. An event for many
	// counts for each of them.
	In, Out Flow
}

// A Flow is traffic in one direction. What waits to be sent counts when it is emitted, even if
// it is dropped later, and so do volatile events of a broadcast that are dropped at once: how
// many that are is in [engineio.Stats].
type Flow struct {
	Events uint64
	Acks   uint64
}

// Stats returns what there is, and what was counted. It looks at each session, which takes
// some milliseconds for ten thousand, but holds nobody up.
func (s *Server) Stats() Stats {
	st := Stats{Engine: s.engine.Stats()}
	for h := range s.engine.Handlers() {
		var c *conn
		switch h := h.(type) {
		case *conn:
			c = h
		case *parserConn:
			c = &h.conn
		}
		c.mu.Lock()
		st.Waiting += c.waiting
		st.WaitingBytes += c.waitingBytes
		c.mu.Unlock()
	}
	for _, n := range s.registered() {
		st.Namespaces = append(st.Namespaces, n.stats())
	}
	slices.SortFunc(st.Namespaces, func(a, b NamespaceStats) int { return strings.Compare(a.Name, b.Name) })
	return st
}

// registered returns the namespaces, and the parents of dynamic ones.
func (s *Server) registered() []*Namespace {
	s.mu.RLock()
	all := slices.Collect(maps.Values(s.namespaces))
	s.mu.RUnlock()
	s.dynamic.mu.Lock()
	defer s.dynamic.mu.Unlock()
	return append(all, s.dynamic.parents...)
}

func (n *Namespace) stats() NamespaceStats {
	st := NamespaceStats{Name: n.name}
	living := []*Namespace{n}
	if n.isDynamic() {
		living = n.living()
	}
	for _, l := range living {
		l.local.mu.RLock()
		st.Sockets += l.local.all.Len()
		st.Rooms += len(l.local.rooms)
		l.local.mu.RUnlock()
		if l.recovery != nil {
			away, kept := l.recovery.size()
			st.Away += away
			st.KeptBytes += kept
		}
	}
	st.Namespaces = len(living)
	if all := n.traffic.Load(); all != nil {
		for i := range all {
			t := &all[i]
			st.In.add(&t.in)
			st.Out.add(&t.out)
		}
	}
	return st
}

func (f *Flow) add(c *flow) {
	f.Events += c.events.Load()
	f.Acks += c.acks.Load()
}

// A traffic counts what goes to and fro, for namespaces that are one in [Stats]. Several
// cores write at a time, so that there are several, each on a cache line of its own.
type traffic [trafficParts]struct {
	in, out flow
	_       [32]byte
}

const trafficParts = 8

type flow struct{ events, acks atomic.Uint64 }

// newTraffic returns nil if nobody wants to know.
func (s *Server) newTraffic() *traffic {
	if len(s.watch.All()) == 0 {
		return nil
	}
	return new(traffic)
}

func (s *Socket) countEventIn() {
	if t := s.nsp.traffic.Load(); t != nil {
		t[s.part].in.events.Add(1)
	}
}

func (s *Socket) countAckIn() {
	if t := s.nsp.traffic.Load(); t != nil {
		t[s.part].in.acks.Add(1)
	}
}

// countMissed counts events that a client gets that has come back.
func (s *Socket) countMissed(m missed) {
	if t := s.nsp.traffic.Load(); t != nil {
		t[s.part].out.events.Add(m.events)
	}
}

func (s *Socket) countOut(e encoded) {
	switch t := s.nsp.traffic.Load(); {
	case t == nil:
	case e.ack:
		t[s.part].out.acks.Add(1)
	default:
		t[s.part].out.events.Add(1)
	}
}
