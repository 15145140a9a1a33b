package engineio

import "time"

// What a few bytes of a peer can set in motion must not keep others waiting: each
// connection has a turn, answers wait until what has come is handled, and who goes
// beyond MaxPacketRate is not read for a while.

// turnPackets is how many frames of a connection, or packets of a POST, are handled
// before others get their turn: some 50 µs of them.
const turnPackets = 96

// cheapRate is how many packets a second a peer may send, of those that cost it a few
// bytes, cause an answer or more work, and are held back by nothing else: pings of
// WebSocket, probes, CONNECTs. Clients send one in a while. Handled one by
// one, as many of a thousand connections take a tenth of a core.
const cheapRate = 10

// burst is what may come at once, as the time in which it may come evenly: 50 cheap
// packets, such as the CONNECTs of a client that has begun.
const burst = 5 * time.Second

// restAtLeast is how long a connection beyond its rate is not read: seldom, and then
// much at a time, is cheaper.
const restAtLeast = time.Second / 2

// CountCheap counts the message that is being handled as one that costs the peer next to
// nothing, and the server more. Ten of these a second are allowed: see
// [Options.MaxPacketRate]. It is to be called by [Handler.Message].
func (s *Session) CountCheap() { s.cheap.Add(1) }

// pay counts packets against MaxPacketRate, and what has been counted as cheap. It
// returns for how long nothing more must be read.
func (s *Session) pay(packets uint32) time.Duration {
	cheap := s.cheap.Swap(0)
	rate := s.srv.opts.MaxPacketRate
	if rate < 0 {
		return 0
	}
	each := time.Second / time.Duration(rate)
	now := time.Since(s.srv.born)
	// Two who count at the same time, during an upgrade, may lose something.
	paid := max(time.Duration(s.paid.Load()), now) + time.Duration(packets)*each + time.Duration(cheap)*max(time.Second/cheapRate-each, 0)
	s.paid.Store(int64(paid))
	if paid-now <= burst {
		return 0
	}
	return paid - now - burst + restAtLeast
}

// ahead is how far the session is ahead of its rate, or, if negative, how long ago it
// was on it.
func (s *Session) ahead() time.Duration {
	return time.Duration(s.paid.Load()) - time.Since(s.srv.born)
}

// rest pauses the session for d. It is not taken for dead meanwhile.
func (s *Session) rest(d time.Duration) {
	s.Pause()
	s.srv.watch.limited(s, LimitPacketRate)
	time.AfterFunc(d, s.Resume)
}

// cork stands for a Batch that is flushed by whoever has read from the session, when
// what has come is handled.
var cork = new(Batch)

// Answer sends messages as [Session.Send] does, for calls from [Handler.Message]: the
// answers to messages that have come together are written together, when all have been
// handled.
func (s *Session) Answer(first *Message, rest ...*Message) error {
	_, err := s.send(first, rest, sendAlways, cork, nil)
	return err
}

// uncork writes what waits for it.
func (s *Session) uncork() {
	if s.marks.Load()&markCorked == 0 {
		return
	}
	s.mu.Lock()
	s.marks.And(^markCorked)
	if s.writing != writerDue || s.state == stateClosed { // somebody else has written, or will
		s.mu.Unlock()
		return
	}
	s.writing = writerTry
	s.writeLocked(s.ws)
}

// WantSettled says whether the handler, which is a [SettledHandler], is to be called when
// the messages that have come together have been handled. It holds for one call, and is
// for calls from [Handler.Message].
func (s *Session) WantSettled(want bool) {
	if want {
		s.marks.Or(markUnsettled)
	} else {
		s.marks.And(^markUnsettled)
	}
}

// settled calls the handler if that wants to be.
func (s *Session) settled() {
	if s.marks.Load()&markUnsettled == 0 {
		return
	}
	s.recv.Lock()
	defer s.recv.Unlock()
	s.marks.And(^markUnsettled)
	if h, ok := s.handler.(SettledHandler); ok {
		h.Settled()
	}
}
