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

func TestFree(t *testing.T) {
	var q Queue[*int]
	lent := new([4]*int)
	q.Lend(lent[:])
	for range 2 {
		for range 4 {
			q.Push(new(int))
		}
		for q.Len() > 0 {
			q.Pop()
		}
	}
	free := q.Free()
	if &free[0] != &lent[0] || len(free) != 4 {
		t.Error("Free does not return what was lent")
	}
	if *lent != [4]*int{} {
		t.Error("the slice refers to what has been in the queue")
	}
	if q.Cap() != 0 {
		t.Errorf("the queue still has room for %d items", q.Cap())
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
