package socketio

import (
	"runtime"
	"time"

	"github.com/siokit/sio/socketio/internal/ledger"
)

const (
	// walkTime is how long the log is looked through in one go, while nobody can
	// emit, and walkStep after how many events that is checked. Up to walkShort of
	// them need no turn.
	walkTime  = 500 * time.Microsecond
	walkStep  = 64
	walkShort = 256
)

// walkLocked looks through the log for what a client has missed behind what is known, to
// its end. Latest is asked whenever it may have changed, and may return nil. It reports
// false if some of it is gone, or more than may wait to be sent to a client, if the store
// fails, or if nobody is there for it any more. It may release r.mu meanwhile.
func (r *localRecovery) walkLocked(c *claim, latest func() *ledger.Membership) bool {
	if r.log.Behind(c.at) > walkShort {
		r.unlock()
		r.walking.Lock() // others walk first
		defer r.walking.Unlock()
		r.mu.Lock()
	}
	for {
		if m := latest(); m == nil || !r.stepLocked(c, m) {
			return false
		}
		if c.at == r.log.Seq() {
			return true
		}
		r.unlock()
		runtime.Gosched() // to who emits
		r.mu.Lock()
	}
}

// stepLocked is one step of that.
func (r *localRecovery) stepLocked(c *claim, m *ledger.Membership) bool {
	if r.deciding[c.pid] != c || c.socket.Reason() != "" || !r.rooms.Complete(m, c.at) {
		return false
	}
	start, n := time.Now(), 0
	for e, err := range r.log.After(c.at, m) {
		if err != nil {
			return false
		}
		c.at = e.Seq
		if m.Meant(&e) {
			if c.missed.events == 0 {
				c.first = e.Seq
			}
			c.missed.add(encoded{first: e.Message, rest: e.Rest})
			c.last = e.Seq
			if c.missed.exceeds(r.queue) {
				return false
			}
		}
		if n++; n%walkStep == 0 && time.Since(start) > walkTime {
			return true
		}
	}
	c.at = r.log.Seq()
	return true
}

func (m *missed) add(e encoded) {
	m.messages = append(append(m.messages, e.first), e.rest...)
	m.events++
	m.size += e.size()
}

// exceeds tells of more than may wait for a client.
func (m *missed) exceeds(q queueBounds) bool { return m.size > q.bytes || len(m.messages) > q.packets }
