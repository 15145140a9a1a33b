// Package timetest helps tests that measure how soon something happens.
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
