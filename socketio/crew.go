package socketio

import (
	"runtime"
	"sync"

	"github.com/siokit/sio/engineio"
)

// The handler of a socket is called by a goroutine while there is something to
// tell it. The first thing is always the CONNECT, the last that the socket has
// left.

// A crew is the goroutines that call handlers. One of them takes socket after
// socket; it does not matter if its handler blocks, since whenever a socket waits
// there is another one on its way. So there are as many as handlers block, and a
// few more, which end when there is nothing to do.
type crew struct {
	work func() // made once: go with a method would allocate

	mu          sync.Mutex // protects the following
	first, last *Socket
	coming      bool // a goroutine has been started and has not looked yet
}

// push adds a socket. It is not served before start is called.
func (c *crew) push(s *Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first == nil {
		c.first = s
	} else {
		c.last.next = s
	}
	c.last = s
}

func (c *crew) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moreLocked()
}

// moreLocked has another goroutine come if a socket waits.
func (c *crew) moreLocked() {
	if c.first != nil && !c.coming {
		c.coming = true
		go c.work() // ends when no socket waits; Server.wg counts the sockets
	}
}

// only takes the socket that waits, for who has made it wait to serve it, if that is one
// alone and nobody is on his way to it.
func (c *crew) only() engineio.Job {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.first
	if s == nil || s.next != nil || c.coming {
		return nil
	}
	c.first = nil
	return (*job)(s)
}

// A job is a socket to be served.
type job Socket

// Do implements [engineio.Job].
func (j *job) Do() {
	if s := (*Socket)(j); s.serve() {
		s.nsp.srv.crew.start()
	}
}

func (c *crew) run() {
	for s := c.pop(true); s != nil; s = c.pop(false) {
		if s.serve() {
			runtime.Gosched() // who reads and writes has its turn, too
		}
	}
}

// turnEvents is how many events of a socket are handled before others get their turn.
const turnEvents = 16

// serve handles what is queued, a turn of it, and tells whether there may be more. If a
// handler ends the goroutine, as FailNow does in a test, another one goes on.
func (s *Socket) serve() (again bool) {
	defer s.nsp.srv.wg.Done()
	returned := false
	defer func() {
		if !returned && !s.left {
			s.nsp.srv.wg.Add(1)
			s.nsp.srv.crew.push(s)
			s.nsp.srv.crew.start()
		}
	}()
	if again = s.run(); again {
		s.nsp.srv.wg.Add(1)
		s.nsp.srv.crew.push(s) // behind the others; who has called goes on with them
	}
	returned = true
	return again
}

// pop returns the next socket, or nil.
func (c *crew) pop(came bool) *Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	if came {
		c.coming = false
	}
	s := c.first
	if s != nil {
		c.first, s.next = s.next, nil
	}
	c.moreLocked()
	return s
}
