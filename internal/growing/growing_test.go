package growing_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/siokit/sio/internal/growing"
)

func TestList(t *testing.T) {
	var l growing.List[int]
	if all := l.All(); len(all) != 0 {
		t.Errorf("an empty list has %v", all)
	}
	const workers, each = 4, 100
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range each {
				before := l.All()
				was := slices.Clone(before)
				l.Add(i)
				if after := l.All(); !slices.Equal(before, was) || len(after) <= len(was) || !slices.Equal(after[:len(was)], was) {
					t.Errorf("%v was %v, and is %v", before, was, after)
				}
			}
		})
	}
	wg.Wait()
	sum := 0
	for _, x := range l.All() {
		sum += x
	}
	if len(l.All()) != workers*each || sum != workers*each*(each-1)/2 {
		t.Errorf("%d are there, with the sum %d", len(l.All()), sum)
	}
}
