package socketio

import (
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/sid"
)

// Left counts what the namespace still knows: sockets by id, sockets that
// broadcasts reach, and rooms. Of a parent nothing may be left.
func (n *Namespace) Left() (ids, all, rooms int) {
	if n.match != nil {
		return len(n.living()), 0, 0
	}
	l := n.local
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.ids), l.all.Len(), len(l.rooms)
}

// Dynamics is the number of dynamic namespaces.
func (s *Server) Dynamics() int {
	s.dynamic.mu.Lock()
	defer s.dynamic.mu.Unlock()
	return len(s.dynamic.live)
}

// LeftNames is how many namespaces the socket's connection knows that the server
// has ended.
func (s *Socket) LeftNames() int {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	return len(s.conn.left)
}

// Local returns what knows the sockets and rooms.
func (n *Namespace) Local() *Local { return n.local }

// PinRooms makes everything wait that changes the namespace's sockets or rooms.
func (n *Namespace) PinRooms() (unpin func()) {
	n.local.mu.Lock()
	return n.local.mu.Unlock
}

// Accepted tells whether the connect handler has returned nil.
func (s *Socket) Accepted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Receive hands a message to the socket's connection, as its session does.
func (s *Socket) Receive(text []byte) {
	s.Wait(text)
	s.nsp.srv.crew.start()
}

// Wait hands a message over as Receive does, and has nobody come. The session, which it comes
// beside, is not asked for anything.
func (s *Socket) Wait(text []byte) { s.conn.message(text, false, false) }

// Recoverable tells whether clients are away that may come back.
func (n *Namespace) Recoverable() bool {
	r, ok := n.recovery.(*localRecovery)
	if !ok {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expireLocked()
	return r.away.Len() > 0
}

// Remembered counts what is kept for clients that may come back.
func (n *Namespace) Remembered() (events, bytes, away, rooms int) {
	r := n.recovery.(*localRecovery)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Len(), r.log.Bytes(), r.away.Len(), r.rooms.Len()
}

// Gone tells whether the socket has been taken out of its rooms, for good.
func (s *Socket) Gone() bool {
	s.nsp.local.mu.RLock()
	defer s.nsp.local.mu.RUnlock()
	return s.gone
}

// KeptByDynamic is how many bytes of events dynamic namespaces keep.
func (s *Server) KeptByDynamic() int { return int(s.dynamic.kept.Load()) }

// AskFor sets how long a client may take to show that it is there.
func (n *Namespace) AskFor(patience time.Duration) { n.recovery.(*localRecovery).patience = patience }

// PartOnce takes the socket out of some of its rooms, as when it leaves.
func (s *Socket) PartOnce() (more bool) { return s.nsp.local.part(s, s.rec) }

// ExpireOnce forgets some of the clients that have been away for too long, and returns
// how many are away still.
func (n *Namespace) ExpireOnce() int {
	r := n.recovery.(*localRecovery)
	r.mu.Lock()
	defer r.unlock()
	r.expireLocked()
	return r.away.Len()
}

// Stand adds a socket without a connection to the namespace, until Part.
func (n *Namespace) Stand() *Socket {
	s := &Socket{id: sid.New(), nsp: n, conn: &conn{srv: n.srv}, state: stateConnected}
	n.local.add(s)
	return s
}

// Part takes the socket out of everything.
func (s *Socket) Part() { s.partAll() }

// Running tells whether somebody serves the socket, or will.
func (s *Socket) Running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

// Only returns the socket that waits, if that is one alone.
func (s *Server) Only() engineio.Job { return s.crew.only() }

// Coming tells whether a goroutine of the crew is on its way.
func (s *Server) Coming() bool {
	s.crew.mu.Lock()
	defer s.crew.mu.Unlock()
	return s.crew.coming
}

// Alone keeps the crew away until the returned function is called, which serves
// what waits, on one goroutine.
func (s *Server) Alone() (serve func()) {
	c := &s.crew
	coming := func(v bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.coming = v
	}
	coming(true)
	return func() {
		for s := c.pop(false); s != nil; s = c.pop(false) {
			s.serve()
		}
		coming(false)
	}
}

// SetClosing has a server be between the beginning of Shutdown and the end of its sessions.
func SetClosing(s *Server) { s.closing.Store(true) }

// QueueAtOnce sets for how many clients an event is queued in one section, and what is called
// between two of them, unless that is nil.
func (n *Namespace) QueueAtOnce(some int, rest func()) {
	r := n.recovery.(*localRecovery)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.atOnce = some; rest != nil {
		r.rest = rest
	}
}

// Sent tells whether the client whose socket has that id has been sent the last event.
func (n *Namespace) Sent(id string) bool {
	r := n.recovery.(*localRecovery)
	c := recoverableOf(n.Socket(id))
	r.mu.Lock()
	defer r.mu.Unlock()
	return c.Has(r.log.Seq())
}
