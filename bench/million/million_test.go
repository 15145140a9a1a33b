package main

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if !actRole() {
		os.Exit(m.Run())
	}
}

// TestFew has some thousand clients of two servers do what the many do.
func TestFew(t *testing.T) {
	runtime.LockOSThread() // the processes end with it
	n := 3000
	if testing.Short() {
		n = 300
	}
	m, err := measure(t.Context(), n, plan{each: n/2 + 1, ping: 500 * time.Millisecond, watch: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(m)
	if m.servers != 2 {
		t.Errorf("%d servers, want 2", m.servers)
	}
	if m.pings < n {
		t.Errorf("%d pings of %d clients in %.1f s, with one due every %v", m.pings, n, m.watched, m.ping)
	}
	if each := m.heap / float64(n); each < 500 || each > 5000 {
		t.Errorf("a client takes %.0f bytes of heap", each)
	}
	r := newReport(plan{ping: m.ping}, 1000)
	r.sizes, r.rate = []*measured{m}, m
	t.Log(r.markdown())
}

func TestSlope(t *testing.T) {
	if got := slopeOf([]float64{1, 2, 4}, []float64{12, 14, 18}); got != 2 {
		t.Errorf("slope %v, want 2", got)
	}
	if got := slopeOf([]float64{4}, []float64{10}); got != 2.5 {
		t.Errorf("slope of one point %v, want 2.5", got)
	}
}
