// Package load drives a server with many clients, and measures what that costs the
// server.
//
// One thread reads all WebSockets by epoll, so that ten thousand clients leave the
// two cores of a small machine to the server. Every answer is checked: its ack id, its
// contents, its place in the order. What does not come, comes twice, or comes wrong
// is counted.
package load

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// A Server is what is measured.
type Server struct {
	Addr netip.AddrPort
	PID  int

	Dialect Dialect // that it speaks
	Deflate bool    // clients offer to compress messages, and do

	// Namespaces, if there are any, are what clients connect to instead of "/", in
	// turn: /n0, /n1 and so on.
	Namespaces int
}

func (s Server) namespace(i int) string {
	if s.Namespaces == 0 {
		return ""
	}
	return "/n" + strconv.Itoa(i%s.Namespaces)
}

// A Window is how long an endless scenario runs: first unmeasured, then measured.
type Window struct {
	Warm, Measured time.Duration
	Begin          func() error // if set, Broadcast calls it when it begins to measure
}

// A Sample is one measurement. Errors of the server are in it; errors that a
// scenario returns are the bench's own, or of its context.
type Sample struct {
	Ops       int     `json:"ops"`       // done within the window
	Seconds   float64 `json:"seconds"`   // of the window
	ServerCPU float64 `json:"serverCPU"` // seconds that the server used meanwhile
	OwnCPU    float64 `json:"ownCPU"`    // and that the generator did

	Lost      int    `json:"lost"`            // never answered or delivered
	Wrong     int    `json:"wrong"`           // answered otherwise than it should have been, or twice
	Closed    int    `json:"closed"`          // connections that the server closed, or that failed
	Error     string `json:"error,omitempty"` // the first of them
	Reordered int    `json:"reordered"`       // right, but after a later one
	Cut       bool   `json:"cut,omitempty"`   // by time, while the server was still at it

	Latency *Latency `json:"latency,omitempty"`
}

// PerCPU returns operations per CPU second of the server.
func (s *Sample) PerCPU() float64 { return float64(s.Ops) / s.ServerCPU }

// Failures counts all that went wrong.
func (s *Sample) Failures() int { return s.Lost + s.Wrong + s.Closed }

func (s *Sample) fail(count *int, err error) {
	*count++
	if s.Error == "" && err != nil {
		s.Error = err.Error()
	}
}

// Add adds what went wrong in another one.
func (s *Sample) Add(other Sample) {
	s.Lost += other.Lost
	s.Wrong += other.Wrong
	s.Closed += other.Closed
	if s.Error == "" {
		s.Error = other.Error
	}
}

// Latency is measured from the time at which a message was due, in seconds.
type Latency struct {
	N             int
	P50, P99, Max float64
}

func newLatency(all []time.Duration) *Latency {
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	at := func(q float64) float64 { return all[min(len(all)-1, int(q*float64(len(all))))].Seconds() }
	return &Latency{N: len(all), P50: at(.5), P99: at(.99), Max: at(1)}
}

// A reading is the state of the clocks.
type reading struct {
	at          time.Time
	server, own time.Duration
}

// CPU returns what the server has used so far.
func (s Server) CPU() (time.Duration, error) { return cpuTime(s.PID) }

func (s Server) read() (r reading, err error) {
	if r.server, err = cpuTime(s.PID); err != nil {
		return r, fmt.Errorf("CPU time of the server: %w", err)
	}
	if r.own, err = cpuTime(0); err != nil {
		return r, fmt.Errorf("CPU time of the generator: %w", err)
	}
	r.at = time.Now()
	return r, nil
}

// since fills in what s has of the clocks.
func (s *Sample) since(begin, end reading) {
	s.Seconds = end.at.Sub(begin.at).Seconds()
	s.ServerCPU = (end.server - begin.server).Seconds()
	s.OwnCPU = (end.own - begin.own).Seconds()
}

// A Crowd is the clients of a server. Its scenarios run one at a time, all on the
// goroutine that made it, which should be locked to its thread.
type Crowd struct {
	server  Server
	dialect Dialect
	loop    *loop
	conns   []*conn     // those that are ready, and those that have gone since
	seq     int         // of the last message
	sample  *Sample     // of the scenario
	lostOne func(*conn) // what it does about a connection that has ended
	from    *conn       // asks for broadcasts; nil for the first that is ready
	blasts  string      // the event by which it does
	between Sample      // what goes wrong while there is none

	patience   time.Duration // until nothing more is to be expected of a server that is silent
	roundLimit time.Duration // cuts off the slowest at a broadcast
}

func NewCrowd(ctx context.Context, s Server) (*Crowd, error) {
	l, err := newLoop(ctx)
	if err != nil {
		return nil, err
	}
	c := &Crowd{
		server:     s,
		dialect:    s.Dialect,
		loop:       l,
		blasts:     "blast",
		patience:   4 * time.Second,
		roundLimit: 6 * time.Second,
	}
	if s.Deflate {
		l.inflate = newInflater()
	}
	l.onGone = func(gone *conn, err error) {
		c.sample.fail(&c.sample.Closed, err)
		c.lostOne(gone)
	}
	c.calm()
	return c, nil
}

// Close hangs up.
func (c *Crowd) Close() { c.loop.close() }

// HangUp ends all connections at once, without a word.
func (c *Crowd) HangUp() {
	for _, conn := range c.conns {
		c.loop.hangUp(conn)
	}
	c.conns = nil
}

// Size returns how many are connected.
func (c *Crowd) Size() int {
	n := 0
	for _, conn := range c.conns {
		if conn.state == ready {
			n++
		}
	}
	return n
}

// calm is for the time between scenarios: whatever comes then, comes too late, or
// twice.
func (c *Crowd) calm() {
	c.sample = &c.between
	c.lostOne = func(*conn) {}
	c.loop.onMessage = func(_ *conn, _ byte, message []byte) {
		c.between.fail(&c.between.Wrong, fmt.Errorf("unexpected message: %.100q", message))
	}
	for _, conn := range c.conns {
		conn.waiting, conn.half, conn.want, conn.skipped = false, false, 0, nil
	}
}

// Between returns what went wrong while no scenario was running.
func (c *Crowd) Between() Sample { return c.between }

// Idle answers pings only.
func (c *Crowd) Idle(d time.Duration) error {
	c.calm()
	return c.loop.until(time.Now().Add(d), never)
}

// IdleUntil answers pings only, until over says so. It is asked at least ten times a
// second.
func (c *Crowd) IdleUntil(over func() bool) error {
	c.calm()
	for !over() {
		if err := c.loop.poll(maxWait); err != nil {
			return err
		}
	}
	return nil
}

// Pings returns how many have been answered so far.
func (c *Crowd) Pings() int { return c.loop.pings }

// SetRoundLimit sets after what time a round of Broadcast is cut off. The default is for
// ten thousand clients.
func (c *Crowd) SetRoundLimit(d time.Duration) { c.roundLimit = d }

// Settle waits until the server has nothing to do any more, but no longer than the
// limit.
func (c *Crowd) Settle(limit time.Duration) error {
	const step = 50 * time.Millisecond
	c.calm()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		before, err := cpuTime(c.server.PID)
		if err != nil {
			return err
		}
		if err := c.loop.until(time.Now().Add(step), never); err != nil {
			return err
		}
		after, err := cpuTime(c.server.PID)
		if err != nil {
			return err
		}
		if after-before < step/10 {
			return nil
		}
	}
	return nil
}

// alive returns the first n that are connected.
func (c *Crowd) alive(n int) []*conn {
	var all []*conn
	for _, conn := range c.conns {
		if conn.state == ready && len(all) < n {
			all = append(all, conn)
		}
	}
	return all
}

// stretch is how many windows a window may become.
const stretch = 5

// measure lets a scenario that goes on by itself run for the window, or somewhat
// longer if it is slow, until so many operations are done.
func (c *Crowd) measure(w Window, ops *int, enough int, over func() bool) error {
	if err := c.loop.until(time.Now().Add(w.Warm), over); err != nil {
		return err
	}
	begin, err := c.server.read()
	if err != nil {
		return err
	}
	done := *ops
	if err := c.loop.until(begin.at.Add(w.Measured), over); err != nil {
		return err
	}
	err = c.loop.until(begin.at.Add(stretch*w.Measured), func() bool { return over() || *ops-done >= enough })
	if err != nil {
		return err
	}
	end, err := c.server.read()
	if err != nil {
		return err
	}
	c.sample.Ops = *ops - done
	c.sample.since(begin, end)
	return nil
}

// drain waits for what is missing as long as it keeps coming.
func (c *Crowd) drain(missing *int) error {
	for *missing > 0 {
		before := *missing
		err := c.loop.until(time.Now().Add(c.patience), func() bool { return *missing <= 0 })
		if err != nil {
			return err
		}
		if *missing == before {
			return nil
		}
	}
	return nil
}

var errNobody = errors.New("nobody is connected")

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
}
