//go:build (amd64 || arm64) && !race

package engineio

import (
	"sync/atomic"
	"syscall"
	"time"
)

// A monitor keeps that of Go's scheduler awake, which interrupts who computes for long, and
// reads what has come from the network while nobody else does. It sleeps when all is idle,
// until a timer is due, or a system call of which the scheduler is told, as it is of none of
// those by which we read and write. To wake it for each message takes as long as the message.
type monitor struct {
	until atomic.Int64 // since Server.born
}

// watchEach is how long a handler may compute, at most, before the scheduler sees it. Where
// somebody else waits, it interrupts it 10 ms later.
const watchEach = 5 * time.Millisecond

// watch is called by who has read something, before handlers are told.
func (m *monitor) watch(now time.Duration) {
	until := m.until.Load()
	if int64(now) < until || !m.until.CompareAndSwap(until, int64(now+watchEach)) {
		return
	}
	_, _, _ = syscall.Syscall(syscall.SYS_GETPID, 0, 0, 0) // any
	time.AfterFunc(watchEach, func() {})                   // any
}
