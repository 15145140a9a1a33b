// Package tunnel makes connections between servers that can send each other messages, and
// nothing else.
//
// A [Mux] turns what is written to a connection into frames, one for a small write. They
// have positions in their stream: nothing is sent again, but what was lost, repeated or put
// in another order ends the stream, on both sides. Who has sent something and hears nothing
// asks what has arrived, so that a loss is noticed though nothing follows it.
//
// An idle connection has no goroutine, and no timer but for a deadline. What other servers
// send costs bounded memory, whatever it is.
//
// # Locks
//
// stream.mu protects one stream and is held while its frames are sent, so that they stay in
// order; Mux.mu, taken under it, protects the lists and who may send how much.
package tunnel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxFrame is how much data a frame has: other messages of the engine have to wait for
	// no more of it than takes a fraction of a millisecond.
	maxFrame = 32 << 10
	// window is how much of a stream may have been sent and not been read. It is the same
	// on all servers.
	window = 256 << 10

	// maxFlight is how much may be on its way to one server, and allFlight to all of them
	// together, roughly: a part of the 16 MiB that wait in an engine that is away.
	maxFlight = 1 << 20
	allFlight = 4 << 20

	// maxUnread is how much of all streams may have come and not been read.
	maxUnread = 64 << 20

	// A stream is a request that waits, or a WebSocket.
	maxStreams     = 1 << 16
	maxPeerStreams = 1 << 14
	// maxBacklog is how many wait for Accept.
	maxBacklog = 1 << 10
	// maxResets is how many frames without a stream are answered in a second.
	maxResets = 1000

	// checkEvery is how often it is looked which frames are not answered. Those of the last
	// two times are asked for; after dialChecks, or checks if the stream was answered ever,
	// it ends.
	checkEvery = time.Second
	dialChecks = 3
	checks     = 10
)

// Why streams end. Errors of connections wrap them.
var (
	ErrGone    = errors.New("tunnel: the server has left")
	ErrSilent  = errors.New("tunnel: the server does not answer")
	ErrLost    = errors.New("tunnel: messages between the servers were lost")
	ErrRefused = errors.New("tunnel: the server takes no connections, or has too many")
	ErrReset   = errors.New("tunnel: the server does not know the connection any more")
	ErrBroken  = errors.New("tunnel: a server does not keep to the protocol")
)

// reasons are what a reset's byte stands for.
var reasons = [...]error{ErrReset, ErrLost, ErrRefused, ErrBroken, ErrSilent}

// reasonOf returns the error that a reset tells.
func reasonOf(data []byte) error {
	if len(data) > 0 && int(data[0]) < len(reasons) {
		return reasons[data[0]]
	}
	return ErrReset
}

// An Addr is the name of a server.
type Addr string

// Network implements [net.Addr].
func (Addr) Network() string  { return "tunnel" }
func (a Addr) String() string { return string(a) }

// A Mux has the connections of one server. It may be used from any goroutine.
type Mux struct {
	name Addr
	send func(to string, frame []byte)

	unread atomic.Int64 // of all streams

	mu       sync.Mutex // protects the following
	closed   bool
	last     uint64           // id that was given to a stream
	links    map[string]*link // by server; with no stream there is none
	streams  int              // of all
	owing    map[*stream]bool // those of which something is on its way
	doubt    bool             // messages may be lost: all streams are to be asked for
	timer    *time.Timer      // of check; nil if there is nothing to ask for
	listener *listener        // nil: connections are refused
	resets   int              // since resetAt
	resetAt  time.Time
}

// A link has what there is with one server. Mux.mu protects it.
type link struct {
	server  string
	streams map[key]*stream
	flight  int       // what is on its way, or granted to those that have waited
	waiting []*stream // writers that may not send yet, in the order in which they came
}

type key struct {
	id     uint64
	dialed bool // from here
}

// New returns the connections of a server. Send takes a frame to another one, at most once
// and behind those before. It must not block, keep the frame, or call the Mux.
func New(name string, send func(to string, frame []byte)) *Mux {
	return &Mux{name: Addr(name), send: send, links: make(map[string]*link), owing: make(map[*stream]bool)}
}

// Dial connects to a server. It does not wait for it: if there is none, or it refuses, what
// is done with the connection fails, after 4 seconds at most. It fails if there are too many
// connections, or the Mux is closed.
func (m *Mux) Dial(ctx context.Context, to string) (net.Conn, error) {
	err := ctx.Err()
	if err == nil {
		var s *stream
		if s, err = m.add(to, 0); err == nil {
			s.open()
			return s, nil
		}
	}
	return nil, &net.OpError{Op: "dial", Net: m.name.Network(), Source: m.name, Addr: Addr(to), Err: err}
}

// add makes a stream, with the id that the server has given it, or else a new one.
func (m *Mux) add(server string, id uint64) (*stream, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.links[server]
	switch {
	case m.closed:
		return nil, net.ErrClosed
	case m.streams == maxStreams, l != nil && len(l.streams) == maxPeerStreams:
		return nil, fmt.Errorf("%w: there are too many here", ErrRefused)
	case l == nil:
		l = &link{server: server, streams: make(map[key]*stream)}
		m.links[server] = l
	}
	k := key{id: id}
	if id == 0 {
		m.last++
		k = key{m.last, true}
	}
	s := newStream(m, l, k)
	l.streams[k] = s
	m.streams++
	return s, nil
}

// find returns a stream, or nil.
func (m *Mux) find(server string, k key) *stream {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.links[server]; l != nil {
		return l.streams[k]
	}
	return nil
}

// drop forgets a stream.
func (m *Mux) drop(s *stream) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := s.link
	if l.streams[s.key] != s {
		return
	}
	delete(l.streams, s.key)
	m.streams--
	m.leaveLocked(s)
	l.flight -= s.flight
	s.flight = 0
	delete(m.owing, s)
	if len(l.streams) == 0 {
		delete(m.links, l.server)
	}
	m.admitLocked(l)
}

// take lets a stream send up to n bytes, and returns how many. If it is none, the writer is
// woken when it may. Ask says that the link is so full that this is to be answered soon.
func (m *Mux) take(s *stream, n int) (taken int, ask bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, share := s.link, m.shareLocked()
	switch {
	case s.grant > 0:
		l.flight -= s.grant
		n = min(n, s.grant)
		s.grant = 0
	case s.waits || len(l.waiting) > 0 || l.flight >= share:
		if !s.waits {
			s.waits = true
			l.waiting = append(l.waiting, s)
		}
		return 0, false
	default:
		n = min(n, share-l.flight)
	}
	m.oweLocked(s, n)
	return n, l.flight > share/2
}

// shareLocked returns how much may be on its way to each server.
func (m *Mux) shareLocked() int {
	return min(maxFlight, max(maxFrame, allFlight/max(1, len(m.links))))
}

// owe notes that n more units are on their way.
func (m *Mux) owe(s *stream, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.oweLocked(s, n)
}

func (m *Mux) oweLocked(s *stream, n int) {
	if m.closed || s.link.streams[s.key] != s {
		return
	}
	s.flight += n
	s.link.flight += n
	m.owing[s] = true
	m.tickLocked()
}

// tickLocked has check called soon.
func (m *Mux) tickLocked() {
	if m.timer == nil {
		m.timer = time.AfterFunc(checkEvery, m.check)
	}
}

// arrived notes that n units are not on their way any more.
func (m *Mux) arrived(s *stream, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n = min(n, s.flight)
	s.flight -= n
	s.link.flight -= n
	if s.flight == 0 {
		delete(m.owing, s)
	}
	m.admitLocked(s.link)
}

// leave takes a writer that gives up out of those that wait.
func (m *Mux) leave(s *stream) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leaveLocked(s)
	m.admitLocked(s.link)
}

func (m *Mux) leaveLocked(s *stream) {
	l := s.link
	l.flight -= s.grant
	s.grant = 0
	if s.waits {
		s.waits = false
		l.waiting = slices.DeleteFunc(l.waiting, func(o *stream) bool { return o == s })
	}
}

// admitLocked grants those that wait what there is room for.
func (m *Mux) admitLocked(l *link) {
	for share := m.shareLocked(); len(l.waiting) > 0 && l.flight < share; {
		s := l.waiting[0]
		l.waiting[0] = nil
		l.waiting = l.waiting[1:]
		s.waits = false
		s.grant = min(maxFrame, share-l.flight)
		l.flight += s.grant
		poke(s.writable)
	}
}

// Doubt tells that messages of other servers may be lost, or to them. Soon these are asked
// for each connection: one that they have given up meanwhile ends though nothing is sent.
// It may be called while a frame is sent.
func (m *Mux) Doubt() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.streams > 0 && !m.closed {
		m.doubt = true
		m.tickLocked()
	}
}

// check asks for what is not answered.
func (m *Mux) check() {
	m.mu.Lock()
	owing, doubt := slices.Collect(maps.Keys(m.owing)), m.doubt
	if m.doubt = false; doubt {
		owing = m.allLocked()
	}
	if len(owing) == 0 || m.closed {
		m.timer = nil
	} else {
		m.timer.Reset(checkEvery)
	}
	m.mu.Unlock()
	for _, s := range owing {
		s.check(doubt)
	}
}

func (m *Mux) allLocked() []*stream {
	streams := make([]*stream, 0, m.streams)
	for _, l := range m.links {
		streams = slices.AppendSeq(streams, maps.Values(l.streams))
	}
	return streams
}

// Gone ends the connections with a server that has left.
func (m *Mux) Gone(server string) {
	for _, s := range m.ending(server) {
		s.fail(ErrGone)
	}
}

// GiveUp ends those with a server that is not heard of any more, and tells it: it may have
// hung, or this server's engine, and what was sent meanwhile may yet arrive.
func (m *Mux) GiveUp(server string) {
	for _, s := range m.ending(server) {
		s.abort(ErrSilent)
	}
}

// ending returns the connections with a server, all of which are to end: writers that wait are
// not granted what others leave, or they would send it still.
func (m *Mux) ending(server string) []*stream {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.links[server]
	if l == nil {
		return nil
	}
	for _, s := range l.waiting {
		s.waits = false
	}
	l.waiting = nil
	return slices.Collect(maps.Values(l.streams))
}

// Close ends all connections, and tells nobody.
func (m *Mux) Close() error {
	m.mu.Lock()
	m.closed = true
	if m.timer != nil {
		m.timer.Stop()
	}
	streams, l := m.allLocked(), m.listener
	m.mu.Unlock()
	for _, s := range streams {
		s.fail(net.ErrClosed)
	}
	if l != nil {
		return l.Close()
	}
	return nil
}

// Listen returns what accepts connections. Before, they are refused, and after its Close,
// which leaves those that were accepted as they are. It is called once.
func (m *Mux) Listen() net.Listener {
	l := &listener{m: m, backlog: make(chan *stream, maxBacklog), done: make(chan struct{})}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		l.closed = true
		close(l.done)
	} else {
		m.listener = l
	}
	return l
}

type listener struct {
	m       *Mux
	backlog chan *stream
	done    chan struct{}
	closed  bool // m.mu protects it
}

// Accept implements [net.Listener].
func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
	default:
		select {
		case s := <-l.backlog:
			return s, nil
		case <-l.done:
		}
	}
	return nil, &net.OpError{Op: "accept", Net: l.m.name.Network(), Addr: l.m.name, Err: net.ErrClosed}
}

// Close implements [net.Listener].
func (l *listener) Close() error {
	l.m.mu.Lock()
	was := l.closed
	l.closed, l.m.listener = true, nil
	l.m.mu.Unlock()
	if was {
		return nil
	}
	close(l.done)
	for {
		select {
		case s := <-l.backlog:
			s.abort(ErrRefused)
			_ = s.Close()
		default:
			return nil
		}
	}
}

// Addr implements [net.Listener].
func (l *listener) Addr() net.Addr { return l.m.name }

// offer hands a new stream to Accept, if there is one and it is not too far behind.
func (m *Mux) offer(s *stream) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listener == nil {
		return false
	}
	select {
	case m.listener.backlog <- s:
		return true
	default:
		return false
	}
}
