package engine

import "testing"

// Each message is counted once: by who could not send it, or when the connection is lost.
func TestFlight(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps func(f *flight) bool // what fail returns
		fails bool
		lost  int // when the connection is lost behind the steps
	}{
		{"arrives", func(f *flight) bool {
			f.depart()
			f.left()
			f.arrive(f.mark())
			return false
		}, false, 0},
		{"fails", func(f *flight) bool {
			f.depart()
			f.left()
			f.depart()
			return f.fail()
		}, true, 1},
		{"fails when the connection is lost", func(f *flight) bool {
			f.depart()
			f.lose()
			return f.fail()
		}, false, 0},
		{"fails behind a connection that was lost", func(f *flight) bool {
			f.depart()
			f.lose()
			f.left()
			f.depart()
			return f.fail()
		}, true, 0},
		{"fails when what came before has arrived", func(f *flight) bool {
			f.depart()
			f.left()
			mark := f.mark()
			f.depart()
			ok := f.fail()
			f.arrive(mark)
			return ok
		}, true, 0},
		{"is not given to the connection before it is asked", func(f *flight) bool {
			f.depart()
			mark := f.mark()
			f.left()
			f.arrive(mark)
			return false
		}, false, 1},
		{"fails, and another one leaves before it is answered", func(f *flight) bool {
			f.depart()
			mark := f.mark()
			ok := f.fail()
			f.depart()
			f.left()
			f.arrive(mark)
			return ok
		}, true, 1},
		{"arrives, and an older answer comes", func(f *flight) bool {
			mark := f.mark()
			f.depart()
			f.left()
			f.arrive(f.mark())
			f.arrive(mark)
			return false
		}, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var f flight
			if got := tt.steps(&f); got != tt.fails {
				t.Errorf("fail = %v, want %v", got, tt.fails)
			}
			if n := f.lose(); n != tt.lost {
				t.Errorf("%d are lost, want %d", n, tt.lost)
			}
		})
	}
}
