package engineio

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"slices"
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
	err, news := s.pulses.look(append(s.pollers.turns(), s.drain.turn()), now)
	if news { // unlocked: the log may block, too
		s.log.Error().Err(err).Int("goroutines", runtime.NumGoroutine()).Bytes("stack", stuckStack()).Msg("goroutines that all sessions need are stuck")
	}
	return err
}

// look looks at all, the last of which writes. News tells whether the log has not got the
// error yet.
func (p *pulses) look(turns []uint64, now time.Duration) (err error, news bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = make([]pulse, len(turns))
	}
	for i, turn := range turns {
		if p.all[i].look(turn, now) && err == nil {
			err = fmt.Errorf("%w: reading by poller %d", ErrStuck, i)
			if i == len(turns)-1 {
				err = fmt.Errorf("%w: writing", ErrStuck)
			}
		}
	}
	news = err != nil && !p.told
	p.told = err != nil
	return err, news
}

// stuckStack returns the stacks of the goroutines that read and write for all, and behind
// them others, which they may wait for, as many as there is room for. Those that are alike
// are one, and those that are rare come first.
func stuckStack() []byte {
	var all bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&all, 1)
	_, list, _ := bytes.Cut(bytes.TrimSpace(all.Bytes()), []byte("\n")) // without how many there are
	stacks := bytes.Split(list, []byte("\n\n"))                         // the most frequent first
	slices.Reverse(stacks)
	var out, others []byte
	for _, stack := range stacks {
		to := &others
		if bytes.Contains(stack, []byte(".(*poller).run")) || bytes.Contains(stack, []byte(".(*drain).write")) {
			to = &out
		}
		*to = append(append(*to, stack...), "\n\n"...)
	}
	out = append(out, others...)
	return out[:min(len(out), stuckStacks)]
}
