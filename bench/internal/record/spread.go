package record

import "slices"

// A Spread is what the rounds have given, sorted.
type Spread []float64

// Sorted returns the spread of values in any order.
func Sorted(values []float64) Spread { return slices.Sorted(slices.Values(values)) }

// Median of an even number is between the two in the middle.
func (s Spread) Median() float64 {
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// Min returns the least.
func (s Spread) Min() float64 { return s[0] }

// Max returns the greatest.
func (s Spread) Max() float64 { return s[len(s)-1] }

// Quartile returns the first, the second or the third, between those next to it as the median
// is: of three rounds the least and the most are none.
func (s Spread) Quartile(q int) float64 {
	at := (len(s) - 1) * q // in quarters
	low, high := s[at/4], s[(at+3)/4]
	return low + (high-low)*float64(at%4)/4
}
