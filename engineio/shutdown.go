package engineio

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

var (
	// ErrDraining is returned by Server.Ready while Drain sends clients away.
	ErrDraining = errors.New("engineio: draining")
	// ErrShutdown is returned by Server.Ready from when Shutdown is called.
	ErrShutdown = errors.New("engineio: shut down")
)

const (
	// drainSlack is how far Drain may be behind its pace and make up for it: timers are
	// late by about a millisecond. After a longer pause it goes on at its pace.
	drainSlack = 10 * time.Millisecond
	// drainLook is how often Drain looks whether clients that were busy still are.
	drainLook = 20 * time.Millisecond
	// drainReport is how often the log says how many are left.
	drainReport = 5 * time.Second
)

// DrainOptions say how [Server.Drain] sends clients away. The zero value of each field
// stands for its default.
type DrainOptions struct {
	// Notice is how long clients stay before the first is sent away. By then the load
	// balancer must have noticed that the server is not ready: take the interval of its
	// checks times the failures that it wants. Negative: none. Default 10 s.
	Notice time.Duration
	// Period is the time over which clients are sent away, evenly. Default 15 s, which
	// with Notice leaves 5 s for the end of the 30 s that Kubernetes grants.
	Period time.Duration
	// PerSecond is how many clients are sent away in a second at most; each of them
	// connects to another server a moment later. If Period is too short for that, it
	// takes longer. Default 1000.
	PerSecond int
}

func (o *DrainOptions) withDefaults() (DrainOptions, error) {
	var out DrainOptions
	if o != nil {
		out = *o
	}
	var errs []error
	if out.Period < 0 {
		errs = append(errs, fmt.Errorf("Period is negative (%v)", out.Period))
	}
	if out.PerSecond < 0 {
		errs = append(errs, fmt.Errorf("PerSecond is negative (%d)", out.PerSecond))
	}
	if out.Notice == 0 {
		out.Notice = 10 * time.Second
	}
	if out.Period == 0 {
		out.Period = 15 * time.Second
	}
	if out.PerSecond == 0 {
		out.PerSecond = 1000
	}
	return out, errors.Join(errs...)
}

// A BusyHandler is a [Handler] that [Server.Drain] asks whether its session should not be
// closed yet.
type BusyHandler interface {
	Handler
	// Busy tells whether something is under way that would come to nothing. It must not
	// block.
	Busy() bool
}

// Ready returns nil if the server takes new sessions, and otherwise [ErrDraining] or
// [ErrShutdown].
func (s *Server) Ready() error {
	switch {
	case isClosed(s.over):
		return ErrShutdown
	case s.closing.Load():
		return ErrDraining
	}
	return nil
}

// Drain shuts the server down without all clients going to other servers at once. From
// when it is called, new sessions are refused with 503, and [Server.Ready] says so; those
// that there are go on, and upgrade. After opts.Notice it closes them one after the other,
// evenly over opts.Period, with the reason "server shutting down", as Shutdown does: what
// is queued is sent before, and clients connect again by themselves. Who is busy (see
// [BusyHandler]) is put off, until the Period is over. When all have left, or at any time
// Shutdown is called, Drain does what Shutdown does.
//
// If ctx ends first, Drain cuts the connections that are left and returns the cause of ctx.
// A second call waits for the first, whatever its options, and cuts at the end of its own
// context. Nil options are the defaults. If they make no sense, Drain returns an error that
// names them, and has done nothing.
func (s *Server) Drain(ctx context.Context, opts *DrainOptions) error {
	o, err := opts.withDefaults()
	if err != nil {
		return fmt.Errorf("engineio: DrainOptions: %w", err)
	}
	s.mu.Lock()
	first := s.away == nil
	if first {
		s.away = make(chan struct{})
	}
	away := s.away
	s.mu.Unlock()
	if !first {
		select {
		case <-away:
		case <-ctx.Done():
		}
		return s.Shutdown(ctx)
	}
	s.closing.Store(true)
	s.sessions.shut()
	begun := time.Now()
	s.log.Info().Int("sessions", s.Len()).Dur("notice", max(o.Notice, 0)).Dur("period", o.Period).Msg("draining")
	s.sendAway(ctx, o)
	close(away)
	left := s.Len()
	err = s.Shutdown(ctx)
	s.log.Info().Int("left", left).AnErr("cut", err).Dur("took", time.Since(begun)).Msg("drained")
	return err
}

// A leaver is a client that is to leave: that of a session, or of one of another server.
type leaver interface {
	isOpen() bool
	busy() bool
}

// sendAway closes sessions, until all have ended, or ctx does, or Shutdown closes them.
func (s *Server) sendAway(ctx context.Context, o DrainOptions) {
	gone := s.gone()
	timer := time.NewTimer(0)
	defer timer.Stop()
	// wait reports false if it is over, or if gone is closed.
	wait := func(d time.Duration, gone <-chan struct{}) bool {
		timer.Reset(d)
		select {
		case <-timer.C:
			return true
		case <-gone:
		case <-s.over:
		case <-ctx.Done():
		}
		return false
	}
	// Requests come until the load balancer has noticed, whether clients are there or not.
	if !wait(o.Notice, nil) {
		return
	}
	var asks sync.WaitGroup
	defer asks.Wait()
	polls, sockets := s.guests.all()
	asks.Go(func() { askAll(ctx, polls) })
	var queue []leaver
	for _, g := range sockets {
		queue = append(queue, g)
	}
	for _, sess := range s.sessions.all() {
		queue = append(queue, sess)
	}
	rand.Shuffle(len(queue), func(i, j int) { queue[i], queue[j] = queue[j], queue[i] })
	every := max(o.Period/time.Duration(max(len(queue), 1)), time.Second/time.Duration(o.PerSecond))
	begun := time.Now()
	next, report := time.Duration(0), drainReport // since begun
	for {
		now := time.Since(begun)
		if now >= report {
			report = now + drainReport
			s.log.Info().Int("left", s.Len()).Msg("draining")
		}
		var l leaver
		l, queue = nextToLeave(queue, now < o.Period)
		switch l := l.(type) {
		case *Session:
			l.leave()
		case *guest:
			asks.Go(func() { l.ask(ctx, true) })
		}
		if next = max(next, now-drainSlack) + every; l == nil {
			next = now + drainLook
		}
		if len(queue) == 0 || !wait(next-time.Since(begun), gone) {
			return
		}
	}
}

// nextToLeave returns the first client of a queue that is to leave now, and the rest
// of the queue without those that have left. If those that are busy are put off, they go
// to its end.
func nextToLeave(queue []leaver, putOff bool) (next leaver, rest []leaver) {
	var busy []leaver
	for i, l := range queue {
		switch {
		case !l.isOpen():
		case putOff && l.busy():
			busy = append(busy, l)
		default:
			return l, append(queue[i+1:], busy...)
		}
	}
	return nil, busy
}

// leave closes the session for a client that is to come back by way of another server.
func (s *Session) leave() { s.shut(ReasonShutdown, nil) }

// busy tells whether a session should not be closed yet.
func (s *Session) busy() bool {
	s.mu.Lock()
	h, posting := s.handler, s.posting
	s.mu.Unlock()
	b, ok := h.(BusyHandler)
	return posting || ok && b.Busy()
}

// Shutdown refuses new sessions with 503, closes every session with "server shutting
// down" once what is queued has been delivered, and waits until all have ended, and every
// [Job]. If ctx ends first, it cuts the connections that are left, waits for no Job, and
// returns the cause of ctx. It may be called again.
func (s *Server) Shutdown(ctx context.Context) error {
	s.closing.Store(true)
	s.mu.Lock()
	if !isClosed(s.over) {
		close(s.over)
	}
	s.mu.Unlock()
	for _, sess := range s.sessions.shut() {
		sess.leave()
	}
	gone := s.gone()
	polls, sockets := s.guests.all()
	var asks sync.WaitGroup
	asks.Go(func() { askAll(ctx, append(polls, sockets...)) })
	defer asks.Wait()
	select {
	case <-gone:
		return s.endJobs(ctx)
	case <-ctx.Done():
	}
	for _, sess := range s.sessions.shut() {
		sess.end(ReasonShutdown, nil)
	}
	for g := range s.guests.left() {
		g.cut()
	}
	s.taken.cut()
	s.mu.Lock()
	s.cut = true
	for w := range s.conns {
		_ = w.conn.SetDeadline(time.Unix(1, 0))
	}
	s.mu.Unlock()
	<-gone
	return context.Cause(ctx)
}

// endJobs waits for what is done for who has read, but no longer than ctx lasts: it may
// block, and may be what has called Shutdown.
func (s *Server) endJobs(ctx context.Context) error {
	done := make(chan struct{})
	go func() { // ends when the last Job returns
		s.jobs.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// gone returns a channel that is closed when no session is left, and no guest. The map must
// have been shut.
func (s *Server) gone() <-chan struct{} {
	gone := make(chan struct{})
	guests := s.guests.shut()
	s.taken.end(nil)
	go func() { // ends with the last session: at the latest soon after Shutdown cuts it
		s.wg.Wait()
		s.drain.wait()
		<-guests
		close(gone)
	}()
	return gone
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
