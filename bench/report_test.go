package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/siokit/sio/bench/internal/load"
)

// sample returns results in which sio does n times as much as the reference.
func sample(n ...float64) *results {
	r := &results{targets: []string{subject, reference}, Versions: map[string]string{}}
	for i, n := range n {
		r.Runs = append(r.Runs,
			&run{Target: subject, Round: i + 1, Values: map[string]float64{"echo.1k": n * 100}, Samples: map[string]*load.Sample{}},
			&run{Target: reference, Round: i + 1, Values: map[string]float64{"echo.1k": 100}, Samples: map[string]*load.Sample{}},
		)
	}
	return r
}

func TestRatio(t *testing.T) {
	r := sample(3, 1, 2, 10)
	ratio, each, ok := r.ratio("echo.1k", subject, reference)
	if !ok || ratio != 2.5 || each.Min() != 1 || each.Max() != 10 {
		t.Errorf("%v, %v, %t", ratio, each, ok)
	}
	// A round that one of them has not come through is not compared.
	delete(r.Runs[7].Values, "echo.1k")
	if _, each, _ := r.ratio("echo.1k", subject, reference); len(each) != 3 || each.Max() != 3 {
		t.Errorf("%v", each)
	}
	if _, _, ok := r.ratio("echo.1k", subject, floor); ok {
		t.Error("compared with nothing")
	}
}

func TestTable(t *testing.T) {
	text := func(r *results) string {
		var b strings.Builder
		r.table(&b)
		return b.String()
	}
	const row = "| echo with ack, 1,000 clients, round trips | **300** (200 – 400)<br>3.00 R | **100** |\n"
	const goal = "| echo with ack, 1,000 | ≥ 2.5 × the reference | 3.00 | 2.50 – 3.50 | yes |  |\n"
	const nothing = "Nothing: no message was lost"
	r := sample(4, 2, 3)
	for _, want := range []string{row, goal, nothing} {
		if !strings.Contains(text(r), want) {
			t.Errorf("no %q in\n%s", want, text(r))
		}
	}

	r.Runs[1].Samples["echo.1k"] = &load.Sample{Ops: 7, Lost: 2, Error: "broken\n`pipe`"}
	r.Runs[2].Error = "the server died"
	r.LeftOut = map[string]string{"a peer": "no compiler"}
	for _, want := range []string{
		"| **100** ⚠ |",
		"- **socket.io**, echo.1k: 7 done, 2 lost; first: `broken 'pipe'`\n",
		"- **sio** ended early in round 2: `the server died`\n",
		"- **a peer** is missing, since it could not be built: `no compiler`\n",
	} {
		if !strings.Contains(text(r), want) {
			t.Errorf("no %q in\n%s", want, text(r))
		}
	}
	if strings.Contains(text(r), nothing) {
		t.Error("says that nothing went wrong")
	}
}

// TestFirst has sio level with the best of the peers, whoever that is, and then not.
func TestFirst(t *testing.T) {
	r := sample(1, 1.2, 0.9, 0.95, 0.8)
	r.targets = append(r.targets, "socketioxide", floor)
	for i := range 5 {
		r.Runs = append(r.Runs,
			&run{Target: "socketioxide", Round: i + 1, Values: map[string]float64{"echo.1k": 105}},
			&run{Target: floor, Round: i + 1, Values: map[string]float64{"echo.1k": 900}}, // which is no peer
		)
	}
	text := func() string {
		var b strings.Builder
		r.reached(&b)
		return b.String()
	}
	const work = "| echo with ack, 1,000 clients, round trips | the best, or level: socketioxide | "
	if want := work + "0.90 | 0.86 – 0.95 | **no** |"; !strings.Contains(text(), want) {
		t.Errorf("no %q in\n%s", want, text())
	}
	for _, run := range r.Runs {
		if run.Target == subject {
			run.Values["echo.1k"] *= 1.08
		}
	}
	if want := work + "0.98 | 0.93 – 1.03 | level |"; !strings.Contains(text(), want) {
		t.Errorf("no %q in\n%s", want, text())
	}
}

// TestTurns takes a ratio from where it is measured more closely, and turns it where less is better.
func TestTurns(t *testing.T) {
	r := sample(5)
	r.Turns = sample(1, 1, 1).Runs
	if v, each, ok := r.over("echo.1k", subject, reference); !ok || v != 1 || len(each) != 3 {
		t.Errorf("%v, %v, %t", v, each, ok)
	}
	const key = "latency.50.p50"
	r = sample(1)
	r.Runs[0].Values[key], r.Runs[1].Values[key] = 0.002, 0.001
	m, _ := measureOf(key)
	if v, _, ok := r.first(m, subject).value(r, key); !ok || v != 0.5 {
		t.Errorf("%v, %t: twice as long is not half as good", v, ok)
	}
}

// TestTurnsFailed tells of a server that has not come through its turns.
func TestTurnsFailed(t *testing.T) {
	r := &results{targets: []string{subject}}
	broken := target{Name: subject, Run: []string{"false"}, Turns: true}
	if err := r.takeTurns(t.Context(), []target{broken}, plan{only: []string{"echo"}}, io.Discard); err != nil {
		t.Fatal(err)
	}
	if r.complete() == nil {
		t.Error("sio has come through")
	}
	var b strings.Builder
	if r.turned(&b); !strings.Contains(b.String(), "**sio** ended early") {
		t.Errorf("nothing of it in\n%s", b.String())
	}
}

// TestNotes has each note belong to a goal, and so none outlive it.
func TestNotes(t *testing.T) {
	known := make(map[string]bool)
	for _, g := range goals() {
		if known[g.id] {
			t.Errorf("two goals are %s", g.id)
		}
		known[g.id] = true
	}
	for _, m := range measures() {
		for _, target := range []string{subject, hijacking} {
			known[new(results).first(m, target).id] = true
		}
	}
	for line := range strings.Lines(notes) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		id, why, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if !ok || !known[id] || noteOf(id) != why {
			t.Errorf("not a note: %s", line)
		}
	}
}

// TestSteps has a row for all that is measured.
func TestSteps(t *testing.T) {
	all := slices.Concat(byThousand(), byCrowd(), byVisitors())
	for _, p := range parts() {
		all = append(all, p.steps...)
	}
	for _, s := range all {
		_, ok := measureOf(s.key)
		if _, timed := measureOf(s.key + ".p50"); !ok && !timed {
			t.Errorf("%s has no row", s.key)
		}
	}
}

// TestKinds has each step be of a kind that can be chosen.
func TestKinds(t *testing.T) {
	all := kinds()
	if !slices.Contains(all, crowded) || !slices.Contains(all, stalled) {
		t.Errorf("%q", all)
	}
	steps := slices.Concat(byThousand(), byCrowd(), byVisitors())
	for _, p := range parts() {
		steps = append(steps, p.steps...)
	}
	for _, s := range steps {
		if i := slices.Index(all, s.kind); i < 0 || slices.Contains(all[i+1:], s.kind) {
			t.Errorf("%s: %s is not once in %q", s.key, s.kind, all)
		}
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	if err := sample(2, 3).write(dir); err != nil {
		t.Fatal(err)
	}
	r, err := read(filepath.Join(dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	if ratio, _, ok := r.ratio("echo.1k", subject, reference); !ok || ratio != 2.5 {
		t.Errorf("%v, %t", ratio, ok)
	}
	for _, name := range []string{"table.md", "echo.png", "throughput.png"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "memory.png")); err == nil {
		t.Error("a chart of nothing")
	}
}
