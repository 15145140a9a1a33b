package engineio

import (
	"sync"
)

// What goes to many is queued for each of them first, and written by a few
// goroutines. The writing is shared by the cores, and of a burst most clients get
// several messages by one write: a write is most of what a message costs.

// A Batch sends messages to many sessions of one server, and leaves the writing to
// other goroutines. Its zero value is ready to use, by one goroutine at a time. Flush has
// to be called at the end: what has been sent before may be written only then.
type Batch struct {
	srv *Server
	due dueList
}

// Send queues messages for s as [Session.Send] does. If volatile is true, it drops those
// that would have to wait, as [Session.TrySend] does, which is no error.
func (b *Batch) Send(s *Session, volatile bool, first *Message, rest ...*Message) error {
	u := sendAlways
	if volatile {
		u = sendNow
	}
	_, err := s.send(first, rest, u, b, nil)
	return err
}

// SendSoon queues messages for s as [Session.SendSoon] does.
func (b *Batch) SendSoon(s *Session, first *Message, rest ...*Message) (sent bool, err error) {
	return s.send(first, rest, sendSoon, b, nil)
}

// batchSessions is how many sessions are gathered before the writing begins.
const batchSessions = 256

// add is called with s.mu held.
func (b *Batch) add(s *Session) {
	b.srv = s.srv
	b.due.push(s)
	if b.due.n == batchSessions {
		b.Flush()
	}
}

// Flush hands what has been sent to the goroutines that write. It does not wait for
// them. The Batch can be used again.
func (b *Batch) Flush() {
	if b.due.n > 0 {
		b.srv.drain.add(b.due)
		b.due = dueList{}
	}
}

// A dueList is sessions that have something to write, and nobody who does. A
// session is in one list at most.
type dueList struct {
	first, last *Session
	n           int
}

func (l *dueList) push(s *Session) { l.append(dueList{s, s, 1}) }

func (l *dueList) append(more dueList) {
	if l.n == 0 {
		*l = more
		return
	}
	l.last.nextDue = more.first
	l.last = more.last
	l.n += more.n
}

// pop must not be called when there is none.
func (l *dueList) pop() *Session {
	s := l.first
	l.first, s.nextDue = s.nextDue, nil
	l.n--
	return s
}

// A drain has goroutines that write while there is something to write, on all cores
// but one: Go looks for what has come from the network when a core has nothing else to
// do, and else every 10 ms. None of them waits for a client: what the kernel does
// not take at once is left to Session.flush.
type drain struct {
	run func() // made once: go with a method would allocate
	max int    // goroutines

	mu      sync.Mutex // protects the following
	idle    sync.Cond  // running is 0
	due     dueList
	running int
	takes   uint64
}

// turn counts what has been taken to be written. It is odd while somebody writes.
func (d *drain) turn() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	turn := 2 * d.takes
	if d.running > 0 {
		turn++
	}
	return turn
}

func (d *drain) init() {
	d.idle.L = &d.mu
	d.run = d.write
	d.max = max(1, cores()-1)
}

func (d *drain) add(l dueList) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.due.append(l)
	for wanted := (l.n + dueTake - 1) / dueTake; wanted > 0 && d.running < d.max; wanted-- {
		d.running++
		go d.run() // ends when nothing is due; see wait
	}
}

// wait waits for the goroutines to end.
func (d *drain) wait() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.running > 0 {
		d.idle.Wait()
	}
}

// dueTake is how many sessions a goroutine takes at a time.
const dueTake = 16

func (d *drain) write() {
	var some [dueTake]*Session
	for {
		taken := d.take(some[:])
		if len(taken) == 0 {
			return
		}
		for _, s := range taken {
			s.writeDue()
		}
		clear(taken)
	}
}

// take takes sessions. If there are none, the goroutine ends.
func (d *drain) take(some []*Session) []*Session {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := min(d.due.n, len(some))
	d.takes++
	for i := range n {
		some[i] = d.due.pop()
	}
	if n == 0 {
		if d.running--; d.running == 0 {
			d.idle.Broadcast()
		}
	}
	return some[:n]
}

// writeDue writes what is queued, for who has left it to the drain.
func (s *Session) writeDue() {
	s.mu.Lock()
	s.listed = false
	if s.ws == nil && s.poll != nil && s.poll.web != nil {
		s.answerWebLocked(s.poll)
		return
	}
	if s.writing != writerDue || s.state == stateClosed {
		s.mu.Unlock()
		return
	}
	s.writing = writerTry
	s.writeLocked(s.ws)
}
