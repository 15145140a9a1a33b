package engineio

import (
	"runtime"
	"sync"
)

// What goes to many is queued for each of them first, and written by a few
// goroutines. Nobody's handler writes a thousand times, the writing is shared by
// the cores, and of a burst most clients get several messages by one write: a
// write is most of what a message costs.

// A Batch sends messages to many sessions. It is ready to use as its zero value,
// for one goroutine, and not to be forgotten: what has been sent through it may
// be written only after Flush.
type Batch struct {
	srv *Server
	due *dueList
}

// Send is [Session.Send], or with volatile [Session.TrySend], but leaves the
// writing to others.
func (b *Batch) Send(s *Session, volatile bool, first *Message, rest ...*Message) error {
	_, err := s.send(first, rest, volatile, b)
	return err
}

// add is called with s.mu held.
func (b *Batch) add(s *Session) {
	if b.due == nil {
		b.srv = s.srv
		b.due = dueLists.Get().(*dueList)
	}
	b.due.sessions[b.due.n] = s
	if b.due.n++; b.due.n == len(b.due.sessions) {
		b.Flush()
	}
}

// Flush has the messages written.
func (b *Batch) Flush() {
	if b.due != nil {
		b.srv.drain.add(b.due)
		b.due = nil
	}
}

// A dueList is some sessions that have something to write, and nobody who does.
type dueList struct {
	sessions [256]*Session
	n        int // how many there are
	taken    int // how many of them have been taken
	next     *dueList
}

var dueLists = sync.Pool{New: func() any { return new(dueList) }}

// A drain has goroutines that write, as many as there are cores, while there is
// something to write. None of them waits for a client: what the kernel does not
// take at once is left to Session.flush.
type drain struct {
	run func() // made once: go with a method would allocate
	max int    // goroutines

	mu          sync.Mutex // protects the following
	idle        sync.Cond  // running is 0
	first, last *dueList
	running     int
}

func (d *drain) init() {
	d.idle.L = &d.mu
	d.run = d.write
	d.max = runtime.GOMAXPROCS(0)
}

func (d *drain) add(l *dueList) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.first == nil {
		d.first = l
	} else {
		d.last.next = l
	}
	d.last = l
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
		n := d.take(&some)
		if n == 0 {
			return
		}
		for i, s := range some[:n] {
			s.writeDue()
			some[i] = nil
		}
	}
}

// take takes sessions. It returns 0 as the end of the goroutine.
func (d *drain) take(some *[dueTake]*Session) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.first
	if l == nil {
		if d.running--; d.running == 0 {
			d.idle.Broadcast()
		}
		return 0
	}
	n := copy(some[:], l.sessions[l.taken:l.n])
	clear(l.sessions[l.taken:][:n])
	l.taken += n
	if l.taken == l.n {
		d.first = l.next
		l.n, l.taken, l.next = 0, 0, nil
		dueLists.Put(l)
	}
	return n
}

// writeDue writes what is queued, for who has left it to the drain.
func (s *Session) writeDue() {
	s.mu.Lock()
	s.listed = false
	if s.writing != writerDue || s.state == stateClosed {
		s.mu.Unlock()
		return
	}
	s.writing = writerTry
	s.writeLocked(s.ws)
}
