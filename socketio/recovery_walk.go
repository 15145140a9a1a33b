package socketio

import (
	"runtime"
	"time"
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
func (r *localRecovery) walkLocked(c *recoverable, latest func() *membership) bool {
	if i, _ := r.findLocked(c.claim.at + 1); r.log.Len()-i > walkShort {
		r.unlock()
		r.walking.Lock() // others walk first
		defer r.walking.Unlock()
		r.mu.Lock()
	}
	for {
		if m := latest(); m == nil || !r.stepLocked(c, m) {
			return false
		}
		if c.claim.at == r.seq.Load() {
			return true
		}
		r.unlock()
		runtime.Gosched() // to who emits
		r.mu.Lock()
	}
}

// stepLocked is one step of that.
func (r *localRecovery) stepLocked(c *recoverable, m *membership) bool {
	cl, o := c.claim, &r.local.nsp.srv.opts.Engine
	if r.deciding[c.pid] != cl || cl.socket.Reason() != "" || !r.completeLocked(m, cl.at) {
		return false
	}
	i, _ := r.findLocked(cl.at + 1)
	start := time.Now()
	for n, k := range r.log.All()[i:] {
		if n%walkStep == walkStep-1 && time.Since(start) > walkTime {
			return true
		}
		e, err := r.eventLocked(k)
		if err != nil {
			return false
		}
		cl.at = e.Seq
		if !m.meant(&e) {
			continue
		}
		if cl.missed == nil {
			cl.first = e.Seq
		}
		cl.missed = append(append(cl.missed, e.Message), e.Rest...)
		cl.size += encoded{first: e.Message, rest: e.Rest}.size()
		cl.last = e.Seq
		if cl.size > o.QueueBytes || len(cl.missed) > o.QueuePackets {
			return false
		}
	}
	cl.at = r.seq.Load()
	return true
}
