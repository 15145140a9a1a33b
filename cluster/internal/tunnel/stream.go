package tunnel

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// A stream is a [net.Conn].
type stream struct {
	m    *Mux
	link *link
	key  key

	reading, writing   sync.Mutex    // held by Read, and Write, while they wait
	readable, writable chan struct{} // whoever waits looks again

	mu         sync.Mutex // protects the following; positions are those of frame
	in         inbox
	sent       uint64 // to here
	acked      uint64 // of it
	limit      uint64 // to where data may be sent
	got        uint64 // to here
	read       uint64 // to here: data, and the beginning
	told       uint64 // the limit that the peer was told last
	silent     int    // how often it was looked for an answer
	doubt      bool   // the peer may have given up
	done       bool   // all is sent
	closed     bool   // by Close
	peerDone   bool   // all is received
	peerClosed bool   // the peer does not read any more
	err        error  // why it has ended
	readBy     deadline
	writeBy    deadline

	// Mux.mu protects these.
	flight int  // what is on its way
	grant  int  // what may be sent after it was waited for
	waits  bool // in link.waiting
}

func newStream(m *Mux, l *link, k key) *stream {
	s := &stream{m: m, link: l, key: k, readable: make(chan struct{}, 1), writable: make(chan struct{}, 1), told: window}
	s.readBy.wake, s.writeBy.wake = s.readable, s.writable
	return s
}

// poke wakes who waits, or who waits next.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// open sends the first frame.
func (s *stream) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.sendLocked(flagOpen, nil)
		s.limit = s.sent + window
	}
}

var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, maxHead+maxFrame)) }}

// sendLocked sends a frame. Data has been taken from the link.
func (s *stream) sendLocked(flags flag, data []byte) {
	if n := (&frame{flags: flags}).units(); n > 0 {
		s.m.owe(s, int(n))
	}
	if !s.key.dialed {
		flags |= flagYours
	}
	f := frame{flags: flags, id: s.key.id, at: s.sent, got: s.got, limit: s.read + window, data: data}
	s.sent += f.units()
	s.told = f.limit
	b := buffers.Get().(*[]byte)
	*b = f.append((*b)[:0])
	s.m.send(s.link.server, *b)
	buffers.Put(b)
}

// Read implements [net.Conn]. What came before the stream has ended is read first.
func (s *stream) Read(p []byte) (int, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	for {
		n, err := s.tryRead(p)
		switch {
		case err == io.EOF:
			return 0, err
		case err != nil:
			return 0, s.opError("read", err)
		case n > 0 || len(p) == 0:
			return n, nil
		}
		<-s.readable
	}
}

func (s *stream) tryRead(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return 0, net.ErrClosed
	case s.readBy.passed():
		return 0, os.ErrDeadlineExceeded
	case !s.in.empty():
	case s.peerDone:
		return 0, io.EOF
	default:
		return 0, s.err
	}
	n := s.in.pop(p)
	s.m.unread.Add(-int64(n))
	s.read += uint64(n)
	if s.read+window-s.told >= window/4 && !s.peerDone && s.err == nil {
		s.sendLocked(0, nil)
	}
	return n, nil
}

// Write implements [net.Conn]. It waits until all is handed over to the engine, which the
// peer's reader may hold up.
func (s *stream) Write(p []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	for n := 0; ; {
		k, err := s.tryWrite(p[n:])
		n += k
		switch {
		case err != nil:
			s.m.leave(s)
			return n, s.opError("write", err)
		case n == len(p):
			return n, nil
		case k == 0:
			<-s.writable
		}
	}
}

func (s *stream) tryWrite(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed || s.done:
		return 0, net.ErrClosed
	case s.writeBy.passed():
		return 0, os.ErrDeadlineExceeded
	case s.err != nil:
		return 0, s.err
	case s.peerClosed:
		return 0, io.ErrClosedPipe
	}
	n := min(len(p), maxFrame, int(s.limit-s.sent))
	if n == 0 {
		return 0, nil
	}
	n, ask := s.m.take(s, n)
	if n == 0 {
		return 0, nil
	}
	var flags flag
	if ask {
		flags = flagCheck
	}
	s.sendLocked(flags, p[:n])
	return n, nil
}

// CloseWrite ends what the peer reads.
func (s *stream) CloseWrite() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed || s.done:
		return s.opError("close", net.ErrClosed)
	case s.err != nil:
		return s.opError("close", s.err)
	}
	s.done = true
	poke(s.writable)
	if !s.peerClosed {
		s.sendLocked(flagFin, nil)
	}
	return nil
}

// Close implements [net.Conn]. It does not wait. The peer reads what was written.
func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.m.unread.Add(-int64(s.in.free()))
	s.readBy.stop()
	s.writeBy.stop()
	poke(s.readable)
	poke(s.writable)
	switch {
	case s.err != nil:
	case s.peerClosed:
		s.m.drop(s)
	case s.done:
		s.sendLocked(flagClose, nil)
	default:
		s.done = true
		s.sendLocked(flagFin|flagClose, nil)
	}
	return nil
}

// fail ends the stream, and abort tells the peer why.
func (s *stream) fail(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failLocked(why)
}

func (s *stream) abort(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abortLocked(why)
}

func (s *stream) abortLocked(why error) {
	if s.err == nil {
		s.failLocked(why)
		s.m.sendReset(s.link.server, s.key, why)
	}
}

func (s *stream) failLocked(why error) {
	if s.err != nil {
		return
	}
	s.err = why
	s.m.drop(s)
	poke(s.readable)
	poke(s.writable)
}

// check asks the peer what has arrived, or gives it up.
func (s *stream) check(doubt bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil, s.peerClosed:
		return
	case doubt && !s.doubt:
		s.doubt, s.silent = true, 1
		s.m.owe(s, 0)
	case s.acked == s.sent && !s.doubt:
		return
	}
	s.silent++
	most := checks
	if s.acked == 0 && s.key.dialed {
		most = dialChecks
	}
	switch {
	case s.silent > most:
		s.abortLocked(ErrSilent)
	case s.silent > 1 && s.silent&(s.silent-1) == 0: // 2, 4 and 8: an engine that is away has to keep them
		s.sendLocked(flagCheck, nil)
	}
}

// LocalAddr implements [net.Conn].
func (s *stream) LocalAddr() net.Addr { return s.m.name }

// RemoteAddr implements [net.Conn].
func (s *stream) RemoteAddr() net.Addr { return Addr(s.link.server) }

func (s *stream) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: s.m.name.Network(), Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: err}
}

// SetDeadline implements [net.Conn].
func (s *stream) SetDeadline(t time.Time) error { return s.setDeadlines(t, &s.readBy, &s.writeBy) }

// SetReadDeadline implements [net.Conn].
func (s *stream) SetReadDeadline(t time.Time) error { return s.setDeadlines(t, &s.readBy) }

// SetWriteDeadline implements [net.Conn].
func (s *stream) SetWriteDeadline(t time.Time) error { return s.setDeadlines(t, &s.writeBy) }

func (s *stream) setDeadlines(t time.Time, deadlines ...*deadline) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return s.opError("set", net.ErrClosed)
	}
	for _, d := range deadlines {
		d.set(t, &s.mu)
	}
	return nil
}

// A deadline is protected by stream.mu.
type deadline struct {
	at    time.Time // zero: none
	timer *time.Timer
	wake  chan struct{}
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}

func (d *deadline) set(t time.Time, mu *sync.Mutex) {
	d.stop()
	d.at = t
	switch rest := time.Until(t); {
	case t.IsZero():
	case rest <= 0:
		poke(d.wake)
	case d.timer == nil:
		d.timer = time.AfterFunc(rest, func() { d.fire(mu) })
	default:
		d.timer.Reset(rest)
	}
}

func (d *deadline) fire(mu *sync.Mutex) {
	mu.Lock()
	defer mu.Unlock()
	switch rest := time.Until(d.at); {
	case d.at.IsZero():
	case rest > 0: // the clock was set back
		d.timer.Reset(rest)
	default:
		poke(d.wake)
	}
}
