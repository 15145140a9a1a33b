package main

import (
	"os"
	"regexp"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if actRole() {
		return
	}
	os.Exit(m.Run())
}

// TestFloods has the worst kinds for some seconds. A machine that does other things
// meanwhile has three tries, and a floor that a server without fairness is far
// beyond: it made its guests wait for seconds, or lost them.
func TestFloods(t *testing.T) {
	const late = .25 // seconds
	r := &runner{log: testWriter{t}, pairs: 1, turn: time.Second, verbose: true, recovery: true}
	for _, only := range []struct {
		name  string
		conns int
	}{
		{"pings, packed", 32},
		{"pings, packed", 2000},
		{"probes", 32},
		{"acks that nobody waits for", 32},
		{"CONNECT to unknown namespaces", 32},
		{"CONNECT and DISCONNECT", 1},
		{"POSTs of packet 6", 32},
		{"3.6 MB asked for, never polled", 300},
		{"POSTs of 998 KB that lack a byte", 300},
	} {
		chosen := choose(regexp.MustCompile("^"+regexp.QuoteMeta(only.name)+"$"), only.conns)
		if len(chosen) != 1 {
			t.Fatalf("%d floods are %q over %d connections", len(chosen), only.name, only.conns)
		}
		t.Run(chosen[0].String(), func(t *testing.T) {
			for try := 1; ; try++ {
				res, err := r.measure(t.Context(), chosen[0])
				if err != nil {
					t.Fatal(err)
				}
				p := res.beyond(mostRatio, late)
				if p == "" {
					return
				}
				if try == 3 {
					t.Fatal(p)
				}
				t.Logf("try %d: %s", try, p)
			}
		})
	}
}

// TestChurn lets a few thousand come and go.
func TestChurn(t *testing.T) {
	left, err := churn(t.Context(), 3_000, 3_000)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(left)
	if err := left.problem(); err != nil {
		t.Error(err)
	}
}

// TestKinds checks that each flood says what it is meant to, and no more than it
// may.
func TestKinds(t *testing.T) {
	seen := make(map[string]bool)
	for _, k := range kinds {
		if seen[k.name] || kindNamed(k.name) != k {
			t.Errorf("there are two kinds %q", k.name)
		}
		seen[k.name] = true
		for _, s := range k.sizes {
			n := len(k.appendBeat(nil, "sid", 0, s.bytes))
			if perSecond := float64(n) * s.beats; perSecond > 400e6 {
				t.Errorf("%s: %.0f bytes a second", flooding{k, 0}, perSecond)
			}
			if s.conns > 2000 || s.beats > 20_000 {
				t.Errorf("%s: %d connections, %.0f beats a second", k.name, s.conns, s.beats)
			}
		}
	}
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s", b)
	return len(b), nil
}
