// Package growing has a list that grows while it is read.
package growing

import (
	"slices"
	"sync/atomic"
)

// A List may grow while others read it: what they have got stays as it is. Its zero value is
// empty, and ready to use.
type List[T any] struct{ all atomic.Pointer[[]T] }

// Add adds x. It may be called by several goroutines.
func (l *List[T]) Add(x T) {
	for {
		before := l.all.Load()
		var all []T
		if before != nil {
			all = slices.Clip(*before) // two that add at once must not write the same element
		}
		if all = append(all, x); l.all.CompareAndSwap(before, &all) {
			return
		}
	}
}

// All returns those that there are. They must not be changed.
func (l *List[T]) All() []T {
	if all := l.all.Load(); all != nil {
		return *all
	}
	return nil
}
