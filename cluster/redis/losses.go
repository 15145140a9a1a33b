package redis

import (
	"fmt"
	"sync"
	"time"

	"github.com/siokit/sio/cluster"
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
	receiver cluster.Receiver // set before any other use

	mu     sync.Mutex // protects the following
	sums   map[string]*loss
	timer  *time.Timer // nil unless a report is due
	closed bool
	wg     sync.WaitGroup // the report that is due
}

type loss struct {
	messages int
	err      error // the first of that reason
	missed   bool  // they are those of others
}

// add counts messages of this server as lost.
func (s *losses) add(messages int, reason string, err error) {
	s.note(reason, loss{messages, err, false})
}

// miss notes that something was not subscribed to.
func (s *losses) miss(reason string, err error) {
	s.note(reason, loss{0, err, true})
}

func (s *losses) note(reason string, l loss) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if s.sums == nil {
		s.sums = make(map[string]*loss)
	}
	sum := s.sums[reason]
	if sum == nil && len(s.sums) >= lossReasons { // the rest has one reason in common
		reason = fmt.Sprint("others ", l.missed)
		sum = s.sums[reason]
	}
	if sum == nil {
		s.sums[reason] = &l
	} else {
		sum.messages += l.messages
	}
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
		if sum.missed {
			s.receiver.Missed(sum.messages, sum.err)
		} else {
			s.receiver.Lost(sum.messages, sum.err)
		}
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
