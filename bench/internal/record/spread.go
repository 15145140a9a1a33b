package record

// A Spread is what the rounds have given, sorted.
type Spread []float64

// Median of an even number is between the two in the middle.
func (s Spread) Median() float64 {
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// Min returns the least.
func (s Spread) Min() float64 { return s[0] }

// Max returns the greatest.
func (s Spread) Max() float64 { return s[len(s)-1] }

// Quartile returns the first, the second or the third, by the value next to it.
func (s Spread) Quartile(q int) float64 { return s[min(len(s)*q/4, len(s)-1)] }
