package engineio

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// ErrStuck is wrapped by what [Server.Live] returns.
var ErrStuck = errors.New("engineio: stuck")

const (
	// stuckAfter is how long a turn must have been seen under way. One takes
	// milliseconds, and a second where cores are scarce.
	stuckAfter = 30 * time.Second
	// stuckLook is how much of that the time between two looks counts at most. A process
	// that was stopped for an hour, or its machine, has been looked at once since.
	stuckLook = 10 * time.Second
	// stuckStacks bounds the stacks in the log, in bytes.
	stuckStacks = 64 << 10
)

// A pulse is what was seen of something that goes by turns. An odd turn is under way.
type pulse struct {
	turn uint64
	last time.Duration // when it was looked at
	seen time.Duration // for how long this turn was
}

// look tells whether it is stuck: it was seen in the same turn again and again.
func (p *pulse) look(turn uint64, now time.Duration) (stuck bool) {
	if turn%2 == 0 || turn != p.turn {
		*p = pulse{turn: turn, last: now}
		return false
	}
	p.seen += min(now-p.last, stuckLook)
	p.last = now
	return p.seen >= stuckAfter
}

type pulses struct {
	mu   sync.Mutex // protects the following
	all  []pulse
	told bool // the log has it
}

// Live returns nil unless those goroutines are stuck that read for all sessions, or write:
// then it returns an error that wraps [ErrStuck], and the process can only be started anew. A
// [Handler] that blocks does that. A goroutine counts as stuck if calls of Live have seen it in
// one and the same turn for half a minute, where the time between two calls counts no more than
// ten seconds: so three calls must fail to see it move, and a load balancer's or an
// orchestrator's that come every few seconds do. It costs nothing else, and is no matter of
// load, nor of whether the server takes new sessions: for that there is [Server.Ready].
func (s *Server) Live() error { return s.live(time.Since(s.born)) }

func (s *Server) live(now time.Duration) error {
	turns := append(s.pollers.turns(), s.drain.turn())
	p := &s.pulses
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = make([]pulse, len(turns))
	}
	var err error
	for i, turn := range turns {
		if p.all[i].look(turn, now) && err == nil {
			err = fmt.Errorf("%w: reading by poller %d", ErrStuck, i)
			if i == len(turns)-1 {
				err = fmt.Errorf("%w: writing", ErrStuck)
			}
		}
	}
	if err != nil && !p.told {
		stacks := make([]byte, stuckStacks)
		s.log.Error().Err(err).Bytes("stack", stacks[:runtime.Stack(stacks, true)]).Msg("goroutines that all sessions need are stuck")
	}
	p.told = err != nil
	return err
}
