package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
)

// TestMain lets the test binary be the clients, too.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "-clients") {
		if err := serveClients(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestPoints measures the first point of each axis.
func TestPoints(t *testing.T) {
	for _, a := range axes {
		t.Run(a.name, func(t *testing.T) {
			w, err := newWorld(a.recovery)
			if err != nil {
				t.Fatal(err)
			}
			defer w.close()
			m := &meter{}
			if err := a.measure(w, m, a.xs[0]); err != nil {
				t.Fatal(err)
			}
			ops := make(map[string]bool)
			for _, s := range m.samples {
				ops[s.Op] = true
				if s.Quantity == cpu && s.Value <= 0 {
					t.Errorf("%s: %v ns", s.Op, s.Value)
				}
			}
			for _, growing := range []map[string]float64{a.linear, a.moving} {
				for op := range growing {
					if !ops[op] {
						t.Errorf("%s may grow, and is not measured", op)
					}
				}
			}
			if a.control != "" && !ops[a.control] {
				t.Errorf("%s is not measured", a.control)
			}
		})
	}
}

// TestLoss checks that clients notice what is missing, wrong, or too much.
func TestLoss(t *testing.T) {
	w, err := newWorld(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for _, tt := range []struct {
		name   string
		expect int
		emit   []string
	}{
		{"wrong", 1, []string{"y"}},
		{"too much", 1, []string{"x", "x", "x"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := w.connect(1, "/"); err != nil {
				t.Fatal(err)
			}
			if err := w.tell(command{Do: "expect", N: tt.expect, Every: 1, Size: 1}); err != nil {
				t.Fatal(err)
			}
			for _, s := range tt.emit {
				if err := w.srv.Emit("msg", s); err != nil {
					t.Fatal(err)
				}
			}
			err := w.hear()
			if err == nil { // they come one after the other
				err = w.tell(command{Do: "echo", N: 1, Flight: 1, Size: 1})
			}
			if err == nil {
				t.Error("nothing was noticed")
			}
			if err := w.disconnect(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	power := func(k float64) func(x float64) float64 {
		return func(x float64) float64 { return 5 * math.Pow(x, k) }
	}
	for _, tt := range []struct {
		name     string
		quantity string
		allowed  float64
		control  float64
		f        func(x float64) float64
		fails    bool
	}{
		{"constant", allocs, 0, 1, power(0), false},
		{"logarithmic", allocs, 0, 1, func(x float64) float64 { return 20 + math.Log2(x) }, false},
		{"a root where nothing may grow", allocs, 0, 1, power(0.5), true},
		{"linear where nothing may grow", allocated, 0, 1, power(1), true},
		{"linear", allocated, 1, 1, power(1), false},
		{"linear behind a constant", allocated, 1, 1, func(x float64) float64 { return 1000 + x }, false},
		{"a step", allocated, 1, 1, func(x float64) float64 { return x * (1 + math.Min(1, math.Floor(x/3e3))) }, false},
		{"steeper than linear", allocated, 1, 1, power(1.2), true},
		{"square", allocated, 1, 1, power(2), true},
		{"below the resolution", allocs, 0, 1, func(x float64) float64 { return x / 1e6 }, false},
		{"nothing", allocs, 0, 1, power(-5), false},
		{"noise in CPU time", cpu, 0, 1, func(x float64) float64 { return 500 + 900*math.Floor(x/1e5) }, false},
		{"a root in CPU time", cpu, 0, 1, power(0.5), true},
		{"square CPU time", cpu, 1, 1, power(2), true},
		{"linear CPU time", cpu, 1, 1, power(1), false},
		{"like its control", cpu, 1, 1000, power(1.5), false},
	} {
		c := &curve{Quantity: tt.quantity, Allowed: tt.allowed, X: []int{1, 10, 100, 1000, 10_000, 100_000}}
		for _, x := range c.X {
			c.Median = append(c.Median, tt.f(float64(x)))
		}
		c.fit()
		c.judge(tt.control)
		if fails := c.Problem != ""; fails != tt.fails {
			t.Errorf("%s: %q, exponents %.2f, %.2f, %.2f", tt.name, c.Problem, c.Exponent, c.Upper, c.Last)
		}
	}
}

func TestExponent(t *testing.T) {
	if got := exponent([]int{1, 10, 100}, []float64{3, 30, 300}); math.Abs(got-1) > 1e-9 {
		t.Errorf("exponent %v, want 1", got)
	}
}

func TestRounded(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.001: "0", 0.4012: "0.40", 12.34: "12.3", 123.4: "123", 1234567: "1,230,000", -1234: "-1,230", 999.6: "1,000"} {
		if got := rounded(v); got != want {
			t.Errorf("rounded(%v) = %q, want %q", v, got, want)
		}
	}
}
