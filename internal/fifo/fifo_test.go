package fifo

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestQueueAgainstSlice(t *testing.T) {
	var q Queue[int]
	var want []int
	for i := range 100_000 {
		switch n := rand.IntN(10); {
		case n < 5:
			q.Push(i)
			want = append(want, i)
		case n < 6:
			q.Unshift(i)
			want = slices.Insert(want, 0, i)
		case len(want) > 0:
			if got := q.Pop(); got != want[0] {
				t.Fatalf("Pop = %d, want %d", got, want[0])
			}
			want = want[1:]
		}
		if q.Len() != len(want) {
			t.Fatalf("Len = %d, want %d", q.Len(), len(want))
		}
		if i%1000 == 0 && !slices.Equal(q.All(), want) {
			t.Fatalf("All = %v, want %v", q.All(), want)
		}
	}
}

func TestQueueKeepsNothingWhenEmpty(t *testing.T) {
	var q Queue[*int]
	for range 100 {
		q.Push(new(int))
	}
	for q.Len() > 0 {
		q.Pop()
	}
	if cap(q.items) != 0 {
		t.Errorf("an empty queue holds room for %d items", cap(q.items))
	}
}

func TestQueueReusesItsRoom(t *testing.T) {
	var q Queue[int]
	q.Push(0)
	q.Push(1)
	for i := range 10_000 {
		q.Push(i)
		q.Pop()
	}
	if cap(q.items) > 64 {
		t.Errorf("a queue of 2 holds room for %d items", cap(q.items))
	}
}
