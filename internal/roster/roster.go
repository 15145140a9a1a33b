// Package roster holds who belongs to something that many may walk through while
// others come and go.
package roster

import (
	"slices"
	"sync/atomic"
)

// perChunk is how many members a change copies at most, twice. With what stands
// before them they fill a size class of the allocator.
const perChunk = 255

// A Set is a set of members in no order. Each has a place, which Add returns and Remove
// takes. The cost of Add, Remove and View does not grow with the number of members, but
// for 8 bytes of copying for each 255. A small set takes 8 bytes for each member. The
// zero value is empty.
//
// The callers lock: View and Len may run at the same time, and nothing else may.
type Set[T any] struct {
	full []*chunk[T]
	tail []*T // those behind, fewer than a chunk

	gen        uint64 // what was made before belongs to views, too, and is copied for a change
	taken      atomic.Bool
	sharedFull bool // full belongs to a view, too
	sharedTail bool
}

type chunk[T any] struct {
	gen     uint64
	members [perChunk]*T
}

// A View is the members of a set at one time. It never changes, and needs no lock.
type View[T any] struct {
	full []*chunk[T]
	tail []*T
}

// ViewOf returns a view of members that are not in a set.
func ViewOf[T any](members []*T) View[T] { return View[T]{tail: members} }

// View returns the members as they are now.
func (s *Set[T]) View() View[T] {
	if !s.taken.Load() {
		s.taken.Store(true)
	}
	return View[T]{s.full, s.tail}
}

// Len returns the number of members.
func (s *Set[T]) Len() int { return len(s.full)*perChunk + len(s.tail) }

// Len returns the number of members.
func (v View[T]) Len() int { return len(v.full)*perChunk + len(v.tail) }

// Each calls yield with each member, until it returns false.
func (v View[T]) Each(yield func(*T) bool) {
	for _, c := range v.full {
		for _, m := range c.members[:] {
			if !yield(m) {
				return
			}
		}
	}
	for _, m := range v.tail {
		if !yield(m) {
			return
		}
	}
}

// AppendTo appends the members to list.
func (v View[T]) AppendTo(list []*T) []*T {
	list = slices.Grow(list, v.Len())
	for _, c := range v.full {
		list = append(list, c.members[:]...)
	}
	return append(list, v.tail...)
}

// Add adds a member, which must not be in the set, and returns its place.
func (s *Set[T]) Add(m *T) int {
	s.change()
	s.ownTail(len(s.tail) + 1)
	s.tail = append(s.tail, m)
	place := s.Len() - 1
	if len(s.tail) == perChunk {
		s.ownFull()
		s.full = append(s.full, &chunk[T]{s.gen, [perChunk]*T(s.tail)})
		s.tail = nil
	}
	return place
}

// Remove removes the member at a place. It returns the member that has moved to that
// place, or nil if none has.
func (s *Set[T]) Remove(place int) (moved *T) {
	s.change()
	if len(s.tail) == 0 {
		s.ownFull()
		last := len(s.full) - 1
		c := s.full[last]
		s.tail, s.sharedTail = c.members[:], c.gen != s.gen
		s.full[last] = nil
		s.full = s.full[:last]
	}
	last := len(s.tail) - 1
	s.ownTail(len(s.tail))
	end := s.tail[last]
	s.tail[last] = nil
	if place != len(s.full)*perChunk+last {
		moved = end
		*s.slot(place) = moved
	}
	if s.tail = s.tail[:last]; cap(s.tail) > 4*last+4 {
		s.tail = append(make([]*T, 0, 2*last), s.tail...) // or few would hold the room of many
	}
	return moved
}

// change is called before one.
func (s *Set[T]) change() {
	if s.taken.Load() {
		s.taken.Store(false)
		s.gen++
		s.sharedFull, s.sharedTail = true, true
	}
}

func (s *Set[T]) ownFull() {
	if s.sharedFull {
		s.full, s.sharedFull = slices.Clone(s.full), false
	}
}

// ownTail copies the tail, with room for n, if it is shared.
func (s *Set[T]) ownTail(n int) {
	if s.sharedTail {
		s.tail, s.sharedTail = append(make([]*T, 0, n), s.tail...), false
	}
}

// slot returns where the member of a place is kept, to be changed.
func (s *Set[T]) slot(place int) **T {
	i, at := place/perChunk, place%perChunk
	if i == len(s.full) {
		return &s.tail[at]
	}
	c := s.full[i]
	if c.gen != s.gen {
		s.ownFull()
		c = &chunk[T]{s.gen, c.members}
		s.full[i] = c
	}
	return &c.members[at]
}
