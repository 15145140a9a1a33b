package engineio

import (
	"iter"
	"sync/atomic"
)

// Stats are what a server has at one time, and what it has counted since it was made.
type Stats struct {
	Polling   TransportStats
	WebSocket TransportStats
	// Closing is how many sessions have been closed, and are there until what is queued for
	// them is sent. The following are about sessions that have not.
	Closing int
	// Paused is how many are not read: because of MaxPacketRate, or since the handler has
	// asked for that.
	Paused int
	// Slow is how many have more than half of what QueueBytes or QueuePackets allow waiting
	// for them.
	Slow int
	// QueuedPackets and QueuedBytes are what waits to be sent, each message counted for each
	// session, in bytes of WebSocket frames that are not compressed.
	QueuedPackets int
	QueuedBytes   int
	// OutgoingBytes and IncomingBytes are what is counted against TotalBytes.
	OutgoingBytes int
	IncomingBytes int
	// Dropped is how many messages were not sent because they were volatile and would have
	// had to wait. Like traffic it is counted only if there are Observers.
	Dropped uint64
}

// TransportStats are about the sessions of one transport.
type TransportStats struct {
	Sessions int  // that are open
	In, Out  Flow // traffic, which is counted only if there are Observers
}

// A Flow is traffic in one direction. Packets are those of Engine.IO, and pings and pongs of
// WebSocket. What closes a connection is not counted. Bytes are those of WebSocket frames, and of the bodies of requests and answers,
// as they are on the wire before TLS.
type Flow struct {
	Packets uint64
	Bytes   uint64
}

func (f *Flow) add(c *flow) {
	f.Packets += c.packets.Load()
	f.Bytes += c.bytes.Load()
}

// Stats returns what there is, and what was counted. It looks at each session, which takes a
// millisecond for some ten thousand, but holds nobody up.
func (s *Server) Stats() Stats {
	st := Stats{
		OutgoingBytes: int(s.queued.used.Load()),
		IncomingBytes: int(s.intakes.used.Load()),
	}
	for sess := range s.sessions.each {
		sess.mu.Lock()
		st.countLocked(sess)
		sess.mu.Unlock()
	}
	all := s.traffic.Load()
	if all == nil {
		return st
	}
	for i := range all {
		t := &all[i]
		st.Polling.In.add(&t.polling.in)
		st.Polling.Out.add(&t.polling.out)
		st.WebSocket.In.add(&t.websocket.in)
		st.WebSocket.Out.add(&t.websocket.out)
		st.Dropped += t.dropped.Load()
	}
	return st
}

func (st *Stats) countLocked(s *Session) {
	switch {
	case s.state == stateClosed:
		return
	case s.state == stateClosing:
		st.Closing++
	case s.ws != nil:
		st.WebSocket.Sessions++
	default:
		st.Polling.Sessions++
	}
	st.QueuedPackets += s.out.len()
	st.QueuedBytes += s.out.bytes
	if s.state == stateClosing {
		return
	}
	if s.paused.Load() > 0 {
		st.Paused++
	}
	if s.crowdedLocked() {
		st.Slow++
	}
}

// Handlers returns the handlers of the sessions that are there, as far as they have one yet.
func (s *Server) Handlers() iter.Seq[Handler] {
	return func(yield func(Handler) bool) {
		for sess := range s.sessions.each {
			sess.mu.Lock()
			h := sess.handler
			sess.mu.Unlock()
			if h != nil && !yield(h) {
				return
			}
		}
	}
}

// each goes through the sessions, without a lock being held meanwhile.
func (sm *sessionMap) each(yield func(*Session) bool) {
	var some []*Session
	for i := range sm.shards {
		sh := &sm.shards[i]
		some = some[:0]
		sh.mu.Lock()
		for _, s := range sh.m {
			some = append(some, s)
		}
		sh.mu.Unlock()
		for _, s := range some {
			if !yield(s) {
				return
			}
		}
	}
}

// A traffic counts what goes to and fro. Several cores write at a time, so that there are
// several, each on cache lines of its own.
type traffic [trafficParts]struct {
	polling   struct{ in, out flow }
	websocket struct{ in, out flow }
	dropped   atomic.Uint64
	_         [56]byte
}

const trafficParts = 8

type flow struct{ packets, bytes atomic.Uint64 }

func (f *flow) count(packets, bytes int) {
	if packets > 0 {
		f.packets.Add(uint64(packets))
	}
	f.bytes.Add(uint64(bytes))
}

// part returns which of them counts for s. When that was opened is random enough, and at hand.
func (s *Session) part() int { return int(s.opened % trafficParts) }

func (s *Session) countPollingIn(packets, bytes int) {
	if t := s.srv.traffic.Load(); t != nil {
		t[s.part()].polling.in.count(packets, bytes)
	}
}

func (s *Session) countPollingOut(packets, bytes int) {
	if t := s.srv.traffic.Load(); t != nil {
		t[s.part()].polling.out.count(packets, bytes)
	}
}

func (s *Session) countWebSocketIn(packets, bytes int) {
	if t := s.srv.traffic.Load(); t != nil {
		t[s.part()].websocket.in.count(packets, bytes)
	}
}

func (s *Session) countWebSocketOut(packets, bytes int) {
	if t := s.srv.traffic.Load(); t != nil {
		t[s.part()].websocket.out.count(packets, bytes)
	}
}

func (s *Session) countDropped(packets int) {
	if t := s.srv.traffic.Load(); t != nil {
		t[s.part()].dropped.Add(uint64(packets))
	}
}
