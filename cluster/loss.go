package cluster

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siokit/sio/cluster/wire"
)

// ErrAway is wrapped by the [PartialError] of a request while the engine can't be reached.
var ErrAway = errors.New("cluster: the engine is away")

// ErrClosed is wrapped by that of a request to a [Cluster] that is closed, or was meanwhile.
var ErrClosed = errors.New("cluster: closed")

// unreachable returns why nobody can answer.
func (c *Cluster) unreachable() error {
	if c.ctx.Err() != nil {
		return ErrClosed
	}
	return ErrAway
}

// A PartialError says that some of the other servers have not answered. What the others
// have said comes beside it.
type PartialError struct {
	// Servers are the names of those that may be the ones that did not answer, sorted.
	// Servers written in JavaScript do not tell theirs.
	Servers []string
	// Missing is how many did not answer, or -1 where that is not known.
	Missing int
	Err     error // why they are not waited for any longer
}

func (e *PartialError) Error() string {
	var s strings.Builder
	s.WriteString("cluster: ")
	switch {
	case e.Missing < 0:
		s.WriteString("other servers")
	case e.Missing == 1:
		s.WriteString("1 other server")
	default:
		fmt.Fprintf(&s, "%d other servers", e.Missing)
	}
	s.WriteString(" did not answer")
	if len(e.Servers) > 0 {
		fmt.Fprintf(&s, " (%s)", strings.Join(e.Servers, ", "))
	}
	return fmt.Sprintf("%s: %v", s.String(), e.Err)
}

// name adds a server that has not answered, if it tells its name.
func (e *PartialError) name(server string) {
	if server != "" {
		i, _ := slices.BinarySearch(e.Servers, server)
		e.Servers = slices.Insert(e.Servers, i, server)
	}
}

// Unwrap returns Err.
func (e *PartialError) Unwrap() error { return e.Err }

// A Loss is what may not have arrived.
type Loss struct {
	// Sent is how many messages to other servers were dropped, or were under way when a
	// connection was lost: those may have arrived.
	Sent int
	// Outage is for how long nothing could be received: what other servers sent
	// meanwhile is lost here. It is 0 if there was no such time.
	Outage time.Duration
	// Received is how many messages of others are known to have been dropped on the way
	// to this server, or here, because there were too many. They count as Sent nowhere.
	Received int
	Err      error // why, of the last of them
}

// Stats count what a server has told others and heard of them since it is part of the
// cluster.
type Stats struct {
	Published uint64 // messages handed to the engine
	Received  uint64 // messages that the engine has brought, this server's own not included where it can tell
	Malformed uint64 // of these, dropped since they can't be decoded, or make no sense
	Overload  uint64 // of these, dropped since too many of their kind were being handled
	Missed    uint64 // that others have published, and are known not to have got here
	Lost      uint64 // of the published ones, dropped, or under way when a connection was lost
	Outages   uint64 // how often the engine went away
	Relayed   uint64 // requests of sessions of other servers that these have answered
	Answered  uint64 // requests of this server's sessions that others have relayed
	Unrelayed uint64 // clients' requests for sessions of servers that are there, but could not be reached, or were gone before they had answered
	Away      bool   // whether it is
	// Lag is how long it took what this server tells all others, at each Heartbeat, to come
	// back by the engine, or, if the engine brings nothing back, how long that took to answer.
	// If the next has not come yet, and has been under way for longer, it is how long. It is 0
	// as long as nothing has ever come back. After a loss, a lag above a Heartbeat may be told
	// as less than it is, until it falls below that.
	Lag time.Duration
	// Silence is for how long nothing has been heard of the other server that has been quiet
	// for longest. More than a Heartbeat means that something is late.
	Silence time.Duration
}

type counts struct {
	published, received, malformed, overload, missed, lost, outages, relayed, answered, unrelayed atomic.Uint64

	mu       sync.Mutex // protects the following
	unlogged Loss
	untold   Loss // and logged
	telling  bool // OnLoss is being called
}

// An outage is a time in which the engine is away.
type outage struct {
	since time.Time
	err   error
}

// Stats returns the counts.
func (c *Cluster) Stats() Stats {
	return Stats{
		Published: c.counts.published.Load(),
		Received:  c.counts.received.Load(),
		Malformed: c.counts.malformed.Load(),
		Overload:  c.counts.overload.Load(),
		Missed:    c.counts.missed.Load(),
		Lost:      c.counts.lost.Load(),
		Outages:   c.counts.outages.Load(),
		Relayed:   c.counts.relayed.Load(),
		Answered:  c.counts.answered.Load(),
		Unrelayed: c.counts.unrelayed.Load(),
		Away:      c.away.Load() != nil,
		Lag:       c.lag.get(),
		Silence:   c.members.silence(),
	}
}

// Ready returns nil unless the engine is away, with [ErrAway], or the Cluster closed, with
// [ErrClosed]. It is for the option Ready of a server whose clients are better off at another
// one meanwhile.
func (c *Cluster) Ready() error {
	if c.away.Load() != nil || c.ctx.Err() != nil {
		return c.unreachable()
	}
	return nil
}

func (c *Cluster) lost(messages int, err error) {
	c.counts.lost.Add(uint64(messages))
	c.doubtLag()
	c.note(Loss{Sent: messages, Err: err})
}

func (c *Cluster) missed(messages int, err error) {
	c.counts.missed.Add(uint64(messages))
	c.doubtLag()
	c.tunnels.Doubt()
	c.note(Loss{Received: messages, Err: err})
}

// overloaded counts a message that is dropped since there are too many.
func (c *Cluster) overloaded() {
	c.counts.overload.Add(1)
	c.note(Loss{Received: 1, Err: errOverload})
}

var errOverload = errors.New("too many requests of other servers at a time")

func (c *Cluster) leave(err error) {
	if !c.away.CompareAndSwap(nil, &outage{time.Now(), err}) {
		return
	}
	c.counts.outages.Add(1)
	c.log.Warn().Err(err).Msg("the engine of the cluster is away: other servers get nothing of this one")
	c.doubtLag()
	c.requests.abandon()
	c.journalAway(true)
}

func (c *Cluster) back() {
	c.relays.hear()
	c.tunnels.Doubt()
	was := c.away.Swap(nil)
	if was == nil {
		c.hail(wire.TypeHeartbeat)
		return
	}
	c.journalAway(false)
	c.members.refresh()
	c.hail(wire.TypeHello)
	c.note(Loss{Outage: time.Since(was.since), Err: was.err})
	c.log.Info().Dur("after", time.Since(was.since)).Msg("the engine of the cluster is back")
}

// note has a loss told, with others of about the same time.
func (c *Cluster) note(l Loss) {
	c.counts.mu.Lock()
	c.counts.unlogged.add(l)
	c.counts.mu.Unlock()
	c.wakeUp()
}

func (l *Loss) add(more Loss) {
	l.Sent += more.Sent
	l.Received += more.Received
	l.Outage += more.Outage
	l.Err = more.Err
}

// wakeUp has housekeeping tell of losses.
func (c *Cluster) wakeUp() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// tellLosses tells of what was lost since the last time. No lock is held meanwhile: who
// writes the log, or OnLoss, may use the Cluster, and take long.
func (c *Cluster) tellLosses() {
	n := &c.counts
	n.mu.Lock()
	l := n.unlogged
	n.unlogged = Loss{}
	if l.Err != nil && c.opts.OnLoss != nil {
		n.untold.add(l)
	}
	all := n.untold
	tell := all.Err != nil && !n.telling
	if tell {
		n.untold, n.telling = Loss{}, true
	}
	n.mu.Unlock()
	if l.Sent+l.Received > 0 || l.Err != nil && l.Outage == 0 { // of an outage back has told
		c.log.Warn().Int("sent", l.Sent).Int("received", l.Received).Err(l.Err).Msg("messages of the cluster are lost")
	}
	if tell {
		c.wg.Go(func() { c.tell(all) }) // ends with the application's function
	}
}

// tell calls OnLoss, once at a time.
func (c *Cluster) tell(l Loss) {
	c.opts.OnLoss(l)
	c.counts.mu.Lock()
	c.counts.telling = false
	c.counts.mu.Unlock()
	if c.wakeUp(); c.ctx.Err() != nil { // housekeeping has ended
		c.tellLosses()
	}
}
