package main

import (
	"strings"
	"testing"
)

// The check has a limit for a page in production, of a connect and of doing nothing.
func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		connect, idle float64 // of the variant that has the limits
		want          string
	}{
		{1.04, 0.009, ""},
		{1.06, 0.009, "a connect: 6.0 % more"},
		{1.04, 0.011, "idle: 1.10 % of a core"},
	} {
		m := &measured{connect: make([][]float64, len(variants)), idle: make([][]float64, len(variants))}
		for i := range variants {
			m.connect[i], m.idle[i] = []float64{1, 1, 1}, []float64{0, 0, 0}
		}
		m.connect[inProduction] = []float64{tt.connect, tt.connect, 9} // a round that was disturbed
		m.idle[inProduction] = []float64{tt.idle, 0.9, tt.idle}
		got := ""
		if err := m.check(); err != nil {
			got = err.Error()
		}
		if strings.TrimSpace(got) != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}
