package record

import "testing"

func TestQuartile(t *testing.T) {
	for _, tt := range []struct {
		s    Spread
		want [3]float64
	}{
		{Spread{7}, [3]float64{7, 7, 7}},
		{Spread{1, 3}, [3]float64{1.5, 2, 2.5}},
		{Spread{1, 2, 4}, [3]float64{1.5, 2, 3}},
		{Spread{1, 2, 3, 4, 5}, [3]float64{2, 3, 4}},
	} {
		for i, want := range tt.want {
			if got := tt.s.Quartile(i + 1); got != want {
				t.Errorf("%v: quartile %d is %v, want %v", tt.s, i+1, got, want)
			}
		}
		if tt.s.Quartile(2) != tt.s.Median() {
			t.Errorf("%v: the second quartile is not the median", tt.s)
		}
	}
}
