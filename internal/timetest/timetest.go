// Package timetest helps tests that wait, or measure how soon something happens.
package timetest

import (
	"testing"
	"time"
)

// Prompt calls try a few times, until it returns no more than limit, and fails t if it
// never does. A single try may be delayed by a machine that is busy. What says in the
// message what is measured.
func Prompt(t testing.TB, limit time.Duration, what string, try func() time.Duration) {
	t.Helper()
	var took []time.Duration
	for len(took) < 5 {
		d := try()
		if d <= limit {
			return
		}
		took = append(took, d)
	}
	t.Errorf("%s took %v, want at most %v", what, took, limit)
}

// Receive returns what comes from c. It ends the test if nothing does within limit.
func Receive[T any](t testing.TB, c <-chan T, limit time.Duration, what string) T {
	t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case v := <-c:
		return v
	case <-timer.C:
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}
