package engineio

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siokit/sio/internal/websocket"
)

// A memory counts bytes for all sessions of a server. Small ones are not counted,
// so that nobody who keeps up touches what all share.
type memory struct {
	limit     int64
	used      atomic.Int64
	relieving atomic.Bool // those who hold most are just being ended
}

// add counts n bytes more, or less. It reports true if there are too many, and it
// is for the caller to have relieve called.
func (m *memory) add(n int) bool {
	return m.used.Add(int64(n)) > m.limit && n > 0 && m.relieving.CompareAndSwap(false, true)
}

// A holder is a session that takes part of a memory.
type holder struct {
	s     *Session
	bytes int
	idle  time.Duration // since something has moved
}

// weight is how much is held times how long nothing has moved: who has just begun,
// or takes what it gets, is the last to go.
func (h holder) weight() float64 { return float64(h.bytes) * (h.idle + 100*time.Millisecond).Seconds() }

// relieve ends sessions until a quarter of the memory is free, those first that weigh
// most.
func (m *memory) relieve(all []holder, end func(*Session)) {
	defer m.relieving.Store(false)
	slices.SortFunc(all, func(a, b holder) int { return cmp.Compare(b.weight(), a.weight()) })
	excess := m.used.Load() - m.limit/4*3
	for _, h := range all {
		if excess <= 0 {
			return
		}
		end(h.s)
		excess -= int64(h.bytes) // which may take a moment
	}
}

// What waits to be sent is counted for sessions with a backlog.

// itemBytes is what a message takes in a queue, be it shared or not.
const itemBytes = 8

// add counts a message that waits. What goes to many counts once.
func (b *backlog) add(m *Message) {
	n := itemBytes
	if m.share(b.srv.number) {
		n += m.Size()
	}
	b.held += m.Size()
	b.count(n)
}

// hold counts n bytes that wait in another form, or that do so no more.
func (b *backlog) hold(n int) {
	b.held += n
	b.count(n)
}

func (b *backlog) count(n int) {
	if b.srv.queued.add(n) {
		b.srv.wg.Add(1)           // under the session's own
		go b.srv.relieveBacklog() // ends when there is enough room
	}
}

func (b *backlog) remove(m *Message) {
	n := itemBytes
	if m.unshare(b.srv.number) {
		n += m.Size()
	}
	b.held -= m.Size()
	b.srv.queued.add(-n)
}

func (s *Server) relieveBacklog() {
	defer s.wg.Done()
	now := time.Since(s.born)
	var all []holder
	for _, sess := range s.sessions.all() {
		sess.mu.Lock()
		if b := sess.out.backlog; b != nil && b.held > 0 {
			all = append(all, holder{sess, b.held, now - b.moved})
		}
		sess.mu.Unlock()
	}
	s.queued.relieve(all, func(sess *Session) {
		s.watch.limited(sess, LimitTotalBytes)
		sess.end(ReasonSlowConsumer, busyClose)
	})
}

// busyClose (1013, "try again later") ends a WebSocket for want of memory.
var busyClose = websocket.CloseFrame(1013)

// The backlogs that a message is counted in are counted in a word, whose top byte is
// the number of the first server that sent it. To others, which are rare, it counts in
// full.
const shareCount = 1<<24 - 1

// servers numbers them, from 1 to 255 and again.
var servers atomic.Uint32

// share reports true if the message is to be counted.
func (m *Message) share(server uint8) bool {
	for {
		w := m.shared.Load()
		switch {
		case w != 0 && uint8(w>>24) != server:
			return true
		case m.shared.CompareAndSwap(w, uint32(server)<<24|(w+1)&shareCount):
			return w&shareCount == 0
		}
	}
}

// unshare reports true if the message was counted, and is not any more.
func (m *Message) unshare(server uint8) bool {
	if uint8(m.shared.Load()>>24) != server {
		return true
	}
	return m.shared.Add(^uint32(0))&shareCount == 0
}

// Intakes are what sessions hold of what has come: large messages and bodies that are
// not complete, and what waits for handlers.
type intakes struct {
	memory

	mu sync.Mutex
	m  map[*Session]*intake
}

type intake struct {
	bytes int
	moved time.Duration // when the last of it came, since srv.born
	cut   func()        // ends the reading of a POST, unless nil
	over  bool          // it has been too much
}

// countedBytes is from how many bytes on what comes is counted.
const countedBytes = 64 << 10

// counted returns how much of n bytes is counted.
func counted(n int) int {
	if n < countedBytes {
		return 0
	}
	return n
}

// Hold counts n bytes of a large message that has come as held by the session: see
// [Options.TotalBytes]. A negative n takes them back. It is for what a [Handler] keeps.
// If too much is held, another goroutine ends sessions, perhaps this one. Hold does not
// block.
func (s *Session) Hold(n int) { s.hold(n, nil) }

func (s *Session) hold(n int, cut func()) {
	if n == 0 {
		return
	}
	all := &s.srv.intakes
	all.mu.Lock()
	in := all.m[s]
	if in == nil {
		if all.m == nil {
			all.m = make(map[*Session]*intake)
		}
		in = new(intake)
		all.m[s] = in
	}
	in.bytes += n
	if n > 0 {
		in.moved = time.Since(s.srv.born)
	}
	if cut != nil {
		in.cut = cut
	}
	if in.bytes == 0 {
		delete(all.m, s)
	}
	all.mu.Unlock()
	if all.add(n) {
		s.srv.relieveIntakes(s)
	}
}

// uncut is called when there is no reading to be cut any more.
func (s *Session) uncut() {
	all := &s.srv.intakes
	all.mu.Lock()
	defer all.mu.Unlock()
	if in := all.m[s]; in != nil {
		in.cut = nil
	}
}

// overloaded tells of a session that has held too much, while it does.
func (s *Session) overloaded() bool {
	all := &s.srv.intakes
	all.mu.Lock()
	defer all.mu.Unlock()
	in := all.m[s]
	return in != nil && in.over
}

// relieveIntakes is called for s.
func (s *Server) relieveIntakes(by *Session) {
	by.mu.Lock()
	defer by.mu.Unlock()
	if by.state == stateClosed { // Shutdown may not wait any more
		s.intakes.relieving.Store(false)
		return
	}
	s.wg.Go(func() { // ends when there is enough room
		s.intakes.relieve(s.intakes.holders(time.Since(s.born)), (*Session).overload)
	})
}

func (all *intakes) holders(now time.Duration) []holder {
	all.mu.Lock()
	defer all.mu.Unlock()
	var hs []holder
	for s, in := range all.m {
		hs = append(hs, holder{s, in.bytes, now - in.moved})
	}
	return hs
}

// overload ends a session that holds too much of what it has sent.
func (s *Session) overload() {
	all := &s.srv.intakes
	all.mu.Lock()
	in := all.m[s]
	again := in == nil || in.over // what it holds is about to go
	if !again {
		in.over = true
	}
	all.mu.Unlock()
	if again {
		return
	}
	s.mu.Lock()
	open := s.state == stateOpen
	s.mu.Unlock()
	if open {
		s.srv.watch.limited(s, LimitTotalBytes)
	}
	s.fail(ReasonTransportError, errOverload, busyClose)
	all.mu.Lock()
	defer all.mu.Unlock()
	if in = all.m[s]; in != nil && in.cut != nil {
		in.cut()
	}
}
