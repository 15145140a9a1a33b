package redis

import (
	"sync"
	"time"
)

const (
	// lossPause is the time between two reports of losses.
	lossPause = 100 * time.Millisecond
	// lossReasons is how many reasons are told apart in a report. There are a
	// handful, and codes of errors that scripts and proxies may invent.
	lossReasons = 16
)

// losses sums up what is lost, by reason, and tells of it every so often, by a goroutine
// that owns nothing else: Publish must not call the receiver.
type losses struct {
	tell func(messages int, err error) // set before any other use

	mu     sync.Mutex // protects the following
	sums   map[string]*loss
	timer  *time.Timer // nil unless a report is due
	closed bool
	wg     sync.WaitGroup // the report that is due
}

type loss struct {
	messages int
	err      error // the first of that reason
}

// add counts messages as lost; none, if err says what won't be received.
func (s *losses) add(messages int, reason string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if s.sums == nil {
		s.sums = make(map[string]*loss)
	}
	sum := s.sums[reason]
	if sum == nil && len(s.sums) == lossReasons {
		for _, any := range s.sums {
			sum = any
			break
		}
	}
	if sum == nil {
		sum = &loss{err: err}
		s.sums[reason] = sum
	}
	sum.messages += messages
	if s.timer == nil {
		s.wg.Add(1)
		s.timer = time.AfterFunc(lossPause, func() {
			defer s.wg.Done()
			s.report()
		})
	}
}

func (s *losses) report() {
	s.mu.Lock()
	sums := s.sums
	s.sums, s.timer = nil, nil
	s.mu.Unlock()
	for _, sum := range sums {
		s.tell(sum.messages, sum.err)
	}
}

// close tells the rest. Nothing is told when it has returned.
func (s *losses) close() {
	s.mu.Lock()
	s.closed = true
	if s.timer != nil && s.timer.Stop() {
		s.wg.Done()
	}
	s.mu.Unlock()
	s.wg.Wait()
	s.report()
}
