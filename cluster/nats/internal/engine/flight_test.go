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
		{"fails", func(f *flight) bool {
			f.depart()
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
			f.depart()
			return f.fail()
		}, true, 0},
		{"fails when it is thought to have arrived", func(f *flight) bool {
			f.depart()
			f.arrive(f.mark())
			return f.fail()
		}, true, 0},
		{"fails before what was marked has arrived", func(f *flight) bool {
			f.depart()
			mark := f.mark()
			ok := f.fail()
			f.arrive(mark)
			f.depart()
			return ok
		}, true, 1},
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
