// Package natstest has what tests of engines need: a server of NATS, and a receiver that
// keeps what it is told.
package natstest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Recorder is a [cluster.Receiver] that keeps what it is told.
type Recorder struct {
	Block chan struct{} // if not nil, messages wait for it

	mu        sync.Mutex // protects the following
	changed   chan struct{}
	Got       []string // channel and data of each message
	LostSum   int
	MissedSum int
	Errs      []error  // of losses
	States    []string // "away: ..." and "back"
}

// NewRecorder returns one that has been told nothing.
func NewRecorder() *Recorder { return &Recorder{changed: make(chan struct{})} }

func (r *Recorder) note(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	close(r.changed)
	r.changed = make(chan struct{})
}

// Receive implements [cluster.Receiver].
func (r *Recorder) Receive(sub, channel string, data []byte) {
	if r.Block != nil {
		<-r.Block
	}
	r.note(func() { r.Got = append(r.Got, channel+" "+string(data)) })
}

// Lost implements [cluster.Receiver].
func (r *Recorder) Lost(n int, err error) {
	r.note(func() { r.LostSum += n; r.Errs = append(r.Errs, err) })
}

// Missed implements [cluster.Receiver].
func (r *Recorder) Missed(n int, err error) {
	r.note(func() { r.MissedSum += n; r.Errs = append(r.Errs, err) })
}

// Away implements [cluster.Receiver].
func (r *Recorder) Away(err error) {
	r.note(func() { r.States = append(r.States, "away: "+err.Error()) })
}

// Back implements [cluster.Receiver].
func (r *Recorder) Back() {
	r.note(func() { r.States = append(r.States, "back") })
}

// Wait waits until ok, which is called under the lock.
func (r *Recorder) Wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		r.mu.Lock()
		done, changed := ok(), r.changed
		r.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			r.mu.Lock()
			defer r.mu.Unlock()
			t.Fatalf("no %s: %d messages, lost %d, missed %d (%v), %v", what, len(r.Got), r.LostSum, r.MissedSum, r.Errs, r.States)
		}
	}
}

// WaitFor waits for a message: its channel, a space, and its data.
func (r *Recorder) WaitFor(t testing.TB, message string) {
	t.Helper()
	r.Wait(t, message, func() bool { return slices.Contains(r.Got, message) })
}

// WaitState waits until the engine has gone or come as often, the last time as the prefix says.
func (r *Recorder) WaitState(t testing.TB, states int, last string) {
	t.Helper()
	r.Wait(t, last, func() bool {
		return len(r.States) >= states && strings.HasPrefix(r.States[len(r.States)-1], last)
	})
}

// Locked calls f while nothing is added.
func (r *Recorder) Locked(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}
