package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

const (
	// tolerance is how far an exponent of allocations and bytes may lie above
	// the one allowed. They hardly vary: what exceeds it is no noise. It may be
	// a step, though, as where a pool takes no larger buffers; so it has to be
	// exceeded from the last point but one to the last, too.
	tolerance = 0.15

	// slack is by which factor CPU time may grow over the upper half of an axis
	// beyond what is allowed; that half spans a factor of 33 or more. What does
	// not fit into the caches any more costs up to twice as much, and medians
	// vary by a third on a busy machine; but even a cost that grows with the
	// square root of the number would be almost six times as much.
	slack = 3
)

// resolution is what is too little to tell anything: in the middle of
// thousands of operations the runtime allocates something, too.
var resolution = map[string]float64{cpu: 1, allocs: 0.5, allocated: 16, live: 16}

// A curve is the cost of an operation against a number.
type curve struct {
	Axis     string      `json:"axis"`
	Op       string      `json:"op"`
	Quantity string      `json:"quantity"`
	Allowed  float64     `json:"allowedExponent"`
	X        []int       `json:"x"`
	Rounds   [][]float64 `json:"rounds"` // for each x
	Median   []float64   `json:"median"`
	Exponent float64     `json:"exponent"`      // over all
	Upper    float64     `json:"exponentUpper"` // over the upper half
	Last     float64     `json:"exponentLast"`  // between the last two points
	Growth   float64     `json:"growthUpper"`   // over the upper half, as a factor
	Problem  string      `json:"problem,omitempty"`
}

func (c *curve) title() string { return c.Op + ", " + unit[c.Quantity] }

// A record collects samples.
type record struct {
	order  []key
	points map[key]map[int][]float64
}

type key struct{ axis, op, quantity string }

func newRecord() *record { return &record{points: make(map[key]map[int][]float64)} }

func (r *record) add(axis string, x int, samples []sample) {
	for _, s := range samples {
		k := key{axis, s.Op, s.Quantity}
		if r.points[k] == nil {
			r.points[k] = make(map[int][]float64)
			r.order = append(r.order, k)
		}
		r.points[k][x] = append(r.points[k][x], s.Value)
	}
}

// curves evaluates what has been recorded.
func (r *record) curves(chosen []*axis) []*curve {
	var curves []*curve
	for _, a := range chosen {
		for _, k := range r.order {
			if k.axis != a.name {
				continue
			}
			c := &curve{Axis: k.axis, Op: k.op, Quantity: k.quantity, Allowed: a.allowed(k.op, k.quantity)}
			for _, x := range slices.Sorted(maps.Keys(r.points[k])) {
				c.X = append(c.X, x)
				c.Rounds = append(c.Rounds, r.points[k][x])
				c.Median = append(c.Median, median(r.points[k][x]))
			}
			c.fit()
			curves = append(curves, c)
		}
	}
	for _, c := range curves {
		limit := 1.0
		for _, a := range chosen {
			for _, other := range curves {
				if a.name == c.Axis && a.linear[c.Op] > 0 && other.Axis == c.Axis && other.Quantity == c.Quantity && other.Op == a.control {
					limit = other.Growth
				}
			}
		}
		c.judge(limit)
	}
	return curves
}

// fit finds out how the curve grows.
func (c *curve) fit() {
	ys := make([]float64, len(c.Median))
	for i, y := range c.Median {
		ys[i] = max(y, resolution[c.Quantity])
	}
	mid := c.mid()
	last := len(c.X) - 1
	c.Exponent = exponent(c.X, ys)
	c.Upper = exponent(c.X[mid:], ys[mid:])
	c.Last = exponent(c.X[max(0, last-1):], ys[max(0, last-1):])
	c.Growth = ys[last] / ys[mid]
}

// judge says what is wrong with the curve. In CPU time it may grow like its
// control, whose growth over the upper half is given, if it has one.
func (c *curve) judge(control float64) {
	mid, last := c.X[c.mid()], c.X[len(c.X)-1]
	limit := slack * max(control, math.Pow(float64(last)/float64(mid), c.Allowed))
	switch {
	case c.Quantity == cpu && c.Growth > limit:
		c.Problem = fmt.Sprintf("grows by a factor of %.1f from %d to %d, more than %.1f", c.Growth, mid, last, limit)
	case c.Quantity != cpu && min(c.Upper, c.Last) > c.Allowed+tolerance:
		c.Problem = fmt.Sprintf("grows with an exponent of %.2f from %d on, more than %.2f", c.Upper, mid, c.Allowed+tolerance)
	}
}

// mid is where the upper half of the curve begins, which has three points if
// there are so many.
func (c *curve) mid() int { return min(len(c.X)/2, max(0, len(c.X)-3)) }

// exponent is the slope of the line that fits best on logarithmic scales. Ys
// are positive.
func exponent(xs []int, ys []float64) float64 {
	var mx, my float64
	n := float64(len(xs))
	for i := range xs {
		mx += math.Log(float64(xs[i])) / n
		my += math.Log(ys[i]) / n
	}
	var xy, xx float64
	for i := range xs {
		dx := math.Log(float64(xs[i])) - mx
		xy += dx * (math.Log(ys[i]) - my)
		xx += dx * dx
	}
	if xx == 0 {
		return 0
	}
	return xy / xx
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}
