// Package fifo holds a first-in, first-out queue on a slice that can be lent to
// it, and taken back while the queue is empty.
package fifo

import "slices"

// A Queue is ready to use as its zero value. It is not safe for concurrent use.
type Queue[T any] struct {
	items []T
	first int // items before it are gone
}

// Len returns the number of items.
func (q *Queue[T]) Len() int { return len(q.items) - q.first }

// All returns the items, oldest first, until the next change.
func (q *Queue[T]) All() []T { return q.items[q.first:] }

// Push adds v at the end.
func (q *Queue[T]) Push(v T) {
	if q.first > 0 && len(q.items) == cap(q.items) && q.first >= len(q.items)/2 {
		n := copy(q.items, q.items[q.first:])
		clear(q.items[n:])
		q.items, q.first = q.items[:n], 0
	}
	q.items = append(q.items, v)
}

// Unshift puts v back in front.
func (q *Queue[T]) Unshift(v T) {
	if q.first == 0 {
		q.items = slices.Insert(q.items, 0, v)
		return
	}
	q.first--
	q.items[q.first] = v
}

// Insert puts v behind the first i items.
func (q *Queue[T]) Insert(i int, v T) {
	if i == 0 {
		q.Unshift(v)
		return
	}
	q.items = slices.Insert(q.items, q.first+i, v)
}

// Pop removes the oldest item. The queue must not be empty.
func (q *Queue[T]) Pop() T {
	var zero T
	v := q.items[q.first]
	q.items[q.first] = zero
	q.first++
	if q.first == len(q.items) {
		q.items, q.first = q.items[:0], 0
	}
	return v
}

// Lend gives an empty queue the slice to begin with. Its items are zero.
func (q *Queue[T]) Lend(items []T) { q.items, q.first = items[:0], 0 }

// Cap returns how many items the queue's slice has room for: 0, if it has none.
func (q *Queue[T]) Cap() int { return cap(q.items) }

// Free takes the slice away from a queue that is empty. All of its items are zero.
func (q *Queue[T]) Free() []T {
	items := q.items[:cap(q.items)]
	q.items = nil
	return items
}
