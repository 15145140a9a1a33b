package engine

import (
	"sync"

	"github.com/siokit/sio/internal/fifo"
)

// A queue holds what one goroutine is to handle, in order, up to a number of bytes.
type queue[T any] struct {
	wake  chan struct{} // has an element if there may be something to handle
	limit int           // of bytes

	mu    sync.Mutex // protects the following
	items fifo.Queue[item[T]]
	bytes int
}

type item[T any] struct {
	v    T
	size int
}

// keepItems is how long a slice may be that an empty queue keeps.
const keepItems = 1024

func newQueue[T any](limit int) *queue[T] {
	return &queue[T]{wake: make(chan struct{}, 1), limit: limit}
}

// push adds v, unless there are as many bytes as may be. What has no size is
// always added.
func (q *queue[T]) push(v T, size int) bool {
	q.mu.Lock()
	if size > 0 && q.bytes+size > q.limit {
		q.mu.Unlock()
		return false
	}
	q.bytes += size
	q.items.Push(item[T]{v, size})
	q.mu.Unlock()
	nudge(q.wake)
	return true
}

// pop removes the oldest item, if there is one.
func (q *queue[T]) pop() (v T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.items.Len() == 0 {
		return v, false
	}
	it := q.items.Pop()
	q.bytes -= it.size
	if q.items.Len() == 0 && q.items.Cap() > keepItems {
		q.items.Free()
	}
	return it.v, true
}

func (q *queue[T]) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.items.Len()
}

// nudge wakes who waits for c, or will.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
