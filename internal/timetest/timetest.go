// Package timetest helps tests that measure how soon something happens.
package timetest

import (
	"testing"
	"time"
)

// Prompt fails t if none of a few tries takes no more than limit. One alone may
// be delayed by a machine that is busy.
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
