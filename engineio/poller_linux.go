//go:build !portable

package engineio

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/siokit/sio/internal/fifo"
)

// coresPerPoller is for how many cores one poller reads: of a small message and
// its answer, reading and parsing is a fifth.
const coresPerPoller = 4

// hasPoller tells whether connections can be read by a poller.
const hasPoller = true

// pollers share the connections of a server.
type pollers []*poller

func newPollers(wg, jobs *sync.WaitGroup) pollers {
	ps := make(pollers, (cores()+coresPerPoller-1)/coresPerPoller)
	for i := range ps {
		ps[i] = &poller{wg: wg, jobs: jobs}
	}
	return ps
}

// A poller reads the connections that nobody has to wait for: those whose next
// step is to parse bytes. One goroutine does it for all of them, by epoll, whose
// descriptor is itself waited for by the runtime's poller. What can block is
// left to a goroutine of the connection, which parks it again, or done when another
// goroutine stands by to go on reading.
type poller struct {
	wg   *sync.WaitGroup // of the server: counts that there are connections
	jobs *sync.WaitGroup // likewise: counts the goroutines

	mu    sync.Mutex // protects the following, and the parkings; held while the kernel is told
	conns map[int32]parkable
	epoll *epoll // nil while conns is empty, but for a moment

	later fifo.Queue[parkable] // to be read behind others; of the goroutine that leads, like the following
	in    *pollRead
	job   Job           // to be done next
	last  time.Duration // when something was read last, since srv.born
	left  time.Time     // when it was left for a job
	spare int           // turns in which no job is to be done here

	turns atomic.Uint64 // begun and ended
}

// turns returns how many turns each has begun and ended.
func (ps pollers) turns() (all []uint64) {
	for _, p := range ps {
		all = append(all, p.turns.Load())
	}
	return all
}

// A parkable is a connection that a poller reads: a WebSocket, or one for requests. The
// poller's goroutine calls its methods, but for leave and leaving.
type parkable interface {
	sysConn() syscall.RawConn
	parking() *parking
	// polled handles what has been read, or that nothing could be. It does not block.
	// Unless it returns nil, the poller has done with the connection, and another
	// goroutine has to go on by what it returns.
	polled(p []byte, err error) (next func())
	// fit sets how much is to be read the next time, after a read that was full or not.
	fit(full bool)
	server() *Server
	// stillHasty tells whether others are to be read first.
	stillHasty() bool
	// muted tells whether nothing is to be read before unmute.
	muted() bool
	// leaving tells whether a goroutine is to have it. Who calls unpark sets that before.
	leaving() bool
	// leave is called on a goroutine that has it from then on.
	leave()
}

// A parking is a connection's place with the poller.
type parking struct {
	fd    int32
	state parkState
	more  bool  // something may be left to read; the goroutine's, like the following
	end   bool  // the peer has ended its side
	grown uint8 // how often the size of a read has been doubled
}

type parkState uint8

const (
	parkNone   parkState = iota
	parkWaits            // registered
	parkLater            // in poller.later
	parkMuted            // registered, but not to be read before unmute
	parkBusy             // being read
	parkWanted           // being read, and to be left to a goroutine afterwards
)

// park leaves the connection to the poller. It reports false if a goroutine has
// to read it.
func (p *poller) park(c parkable) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.leaving() {
		return false
	}
	if p.epoll == nil {
		e, err := newEpoll()
		if err != nil {
			return false
		}
		if p.in == nil {
			p.in = newPollRead()
		}
		p.epoll = e
		p.conns = make(map[int32]parkable)
		p.wg.Add(1) // under the connection's own
		p.jobs.Add(2)
		e.led.Store(true)
		e.read = func(events []syscall.EpollEvent) next {
			p.turns.Add(1)
			defer p.turns.Add(1)
			return p.read(e, events)
		}
		go p.run(e, true) // both end when there is no connection any more
		go p.run(e, false)
	}
	ok := false
	place := c.parking()
	_ = c.sysConn().Control(func(fd uintptr) {
		if p.epoll.add(int(fd)) == nil {
			place.fd, place.state = int32(fd), parkWaits
			if other := p.conns[place.fd]; other != nil { // it has been closed behind our back
				leaveLocked(other)
			}
			p.conns[place.fd] = c
			ok = true
		}
	})
	p.idleLocked()
	return ok
}

// unpark has a goroutine take the connection, if it is parked. It is called by
// who ends the connection, before it is closed or waited for.
func (p *poller) unpark(c parkable) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch c.parking().state {
	case parkWaits, parkLater, parkMuted, parkBusy:
		p.removeLocked(c) // now: its descriptor may soon be another connection's
		leaveLocked(c)
	}
}

// unmute has the poller read the connection again. It may be called with Session.mu
// held.
func (p *poller) unmute(c parkable) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if place := c.parking(); place.state == parkMuted {
		place.state = parkWaits
		_ = c.sysConn().Control(func(fd uintptr) { p.epoll.remind(int(fd)) })
	}
}

// leaveLocked has a goroutine take the connection, at once or when the poller
// has done with it.
func leaveLocked(c parkable) {
	place := c.parking()
	if place.state == parkBusy {
		place.state = parkWanted
		return
	}
	place.state = parkNone
	go c.leave() // ends as the connection's goroutine does
}

func (p *poller) removeLocked(c parkable) {
	place := c.parking()
	_ = c.sysConn().Control(func(fd uintptr) { p.epoll.remove(int(fd)) })
	if p.conns[place.fd] == c {
		delete(p.conns, place.fd)
	}
	p.idleLocked()
}

// idleLocked wakes the goroutine, to end, if it has nothing to do.
func (p *poller) idleLocked() {
	if len(p.conns) == 0 {
		p.epoll.wake()
	}
}

// run is a goroutine of the poller: the one that leads, which reads, or the one that
// stands by.
func (p *poller) run(e *epoll, leads bool) {
	defer p.jobs.Done()
	for leads || e.standBy() {
		job := p.lead(e)
		if job == nil {
			return
		}
		leads = p.do(e, job)
	}
}

// lead reads until there is a job to do, or no connection any more: then it returns nil.
func (p *poller) lead(e *epoll) Job {
	if !p.left.IsZero() {
		if unread := time.Since(p.left); unread > quickJob {
			p.spare = int(min(unread, time.Second) / spareEach)
		}
		p.left = time.Time{}
	}
	for {
		err := e.serve()
		if job := p.job; job != nil {
			p.job = nil
			return job
		}
		p.mu.Lock()
		if len(p.conns) == 0 {
			p.epoll = nil
			p.mu.Unlock()
			e.close()
			p.wg.Done()
			return nil
		}
		if err != nil {
			e.rest() // under p.mu, or it could take back a later wake
		}
		p.mu.Unlock()
	}
}

const (
	// quickJob is for how long nobody may read because of a job without second thoughts.
	quickJob = time.Millisecond
	// spareEach is for how much of a longer time a turn goes by without any.
	spareEach = 100 * time.Microsecond
	// quietFor is how long there must have been nothing to read. With less between two
	// messages the crew is hardly ever without a thread, and costs less.
	quietFor = 100 * time.Microsecond
)

// do does a job, and returns whether its goroutine leads again. Meanwhile the other one
// may: it does at once if the job blocks. If the job computes for long, though, it comes
// when the scheduler looks for what has come, which takes ten milliseconds or some more, see
// monitor: then others are done elsewhere for a while. If a job ends the goroutine, as
// FailNow does in a test, another one goes on.
func (p *poller) do(e *epoll, job Job) (leads bool) {
	returned := false
	defer func() {
		if !returned {
			p.jobs.Add(1)
			go p.run(e, e.lead()) // like this one
		}
	}()
	p.left = time.Now()
	e.leave()
	job.Do()
	leads = e.lead()
	returned = true
	return leads
}

// jobHere takes a job that is to be done here, if there is one.
func (p *poller) jobHere(e *epoll, s *Server) bool {
	now := time.Since(s.born)
	quiet := now-p.last >= quietFor
	p.last = now
	s.monitor.watch(now)
	switch {
	case p.spare > 0:
		p.spare--
	case s.only != nil && quiet && p.later.Len() == 0 && e.waits.Load():
		p.job = s.only()
	}
	return p.job != nil
}

// read reads connections once: those of the events, and then a few of those that have
// been put off.
func (p *poller) read(e *epoll, events []syscall.EpollEvent) next {
	var batch [pollBatch + laterReads]parkable
	ready := batch[:0]
	p.mu.Lock()
	for _, ev := range events {
		c := p.conns[ev.Fd]
		if c == nil {
			continue
		}
		place := c.parking()
		place.end = ev.Events != syscall.EPOLLIN // perhaps behind bytes
		switch {
		case place.state == parkLater:
		case c.stillHasty():
			place.state = parkLater
			p.later.Push(c)
		default:
			place.state = parkBusy
			ready = append(ready, c)
		}
	}
	for range min(laterReads, p.later.Len()) {
		c := p.later.Pop()
		if place := c.parking(); place.state == parkLater { // or else it has been taken away
			place.state = parkBusy
			ready = append(ready, c)
		}
	}
	p.mu.Unlock()
	for _, c := range ready {
		place := c.parking()
		size := firstRead << place.grown
		in, err := p.in.read(c.sysConn(), size)
		place.more = place.end || len(in) == size
		next := c.polled(in, err)
		c.fit(len(in) == size)
		if next == nil {
			continue
		}
		p.mu.Lock()
		if place.state == parkBusy {
			p.removeLocked(c)
		}
		place.state = parkNone
		p.mu.Unlock()
		go next() // a reader
	}
	p.mu.Lock()
	for _, c := range ready {
		place := c.parking()
		switch place.state {
		case parkBusy:
			switch {
			case c.muted():
				place.state = parkMuted // who unmutes it waits for p.mu
				_ = c.sysConn().Control(func(fd uintptr) { p.epoll.mute(int(fd)) })
			case place.more:
				place.state = parkLater
				p.later.Push(c)
			default:
				place.state = parkWaits
			}
		case parkWanted:
			leaveLocked(c)
		}
	}
	p.mu.Unlock()
	if len(ready) > 0 {
		srv := ready[0].server()
		if p.jobHere(e, srv) {
			return nextLeave
		}
		srv.received()
	}
	if p.later.Len() > 0 {
		runtime.Gosched() // handlers, and who writes
		return nextAgain
	}
	if len(events) >= pollAgain {
		return nextAgain
	}
	return nextWait
}

// firstRead is how much the poller reads at first of a connection: no more than a
// turn, if it is the smallest frames. It reads more, up to readSize, while these hold
// much less.
const (
	firstRead = 512
	maxGrown  = 6 // firstRead << maxGrown is readSize
)

// A pollRead reads a connection into the poller's buffer.
type pollRead struct {
	buf  []byte
	size int // of the next read
	n    int
	err  error
	fn   func(fd uintptr) bool
}

func newPollRead() *pollRead {
	r := &pollRead{buf: make([]byte, readSize)}
	r.fn = func(fd uintptr) bool {
		r.n, r.err = readNow(fd, r.buf[:r.size])
		return true
	}
	return r
}

// read returns nothing if there is nothing to read.
func (r *pollRead) read(raw syscall.RawConn, size int) ([]byte, error) {
	r.n, r.err = 0, nil
	r.size = size
	err := raw.Read(r.fn)
	if err == nil && r.err != syscall.EAGAIN {
		err = r.err
	}
	return r.buf[:r.n], err
}

const (
	// pollBatch is how many connections one system call can tell of.
	pollBatch = 64
	// laterReads is how many connections of which there is much to read, or has been,
	// are read before it is looked whether others have something.
	laterReads = 4
	// pollAgain is so many that it is worth asking at once for more. Otherwise the
	// handlers go first.
	pollAgain = 16
)
