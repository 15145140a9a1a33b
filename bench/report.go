package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/siokit/sio/bench/internal/record"
)

// Results are all that was measured, and on what.
type results struct {
	Date     time.Time         `json:"date"` // of the beginning
	Command  string            `json:"command"`
	Machine  record.Machine    `json:"machine"`
	Versions map[string]string `json:"versions"`          // by target
	LeftOut  map[string]string `json:"leftOut,omitempty"` // targets that could not be built, and why
	Cut      int               `json:"cut,omitempty"`     // rounds left out for lack of time
	Seconds  float64           `json:"seconds"`           // building included
	Runs     []*run            `json:"runs"`              // in the order they were made
	Turns    []*run            `json:"turns,omitempty"`   // likewise; see takeTurns

	targets []string // in the order of the table
}

// The columns of reference.
const (
	reference = "socket.io"
	floor     = "floor"
	subject   = "sio"
	inEcho    = "sio-echo"
	portable  = "sio-portable"
	hijacking = "sio-hijack"
)

// of returns what a target has reached, and false if that is nothing.
func (r *results) of(target, key string) (record.Spread, bool) {
	var s record.Spread
	for _, run := range r.Runs {
		if v, ok := run.Values[key]; ok && run.Target == target {
			s = append(s, v)
		}
	}
	slices.Sort(s)
	return s, len(s) > 0
}

// ratio returns the ratio of two targets, of their medians and, as a spread, of each
// round.
func (r *results) ratio(key, a, b string) (float64, record.Spread, bool) {
	return r.pairs(a, key, b, key, func(x, y float64) float64 { return x / y })
}

// pairs returns f of two values of each round, and of their medians.
func (r *results) pairs(a, keyA, b, keyB string, f func(x, y float64) float64) (float64, record.Spread, bool) {
	x, okX := r.of(a, keyA)
	y, okY := r.of(b, keyB)
	if !okX || !okY {
		return 0, nil, false
	}
	other := make(map[int]float64)
	for _, run := range r.Runs {
		if v, ok := run.Values[keyB]; ok && run.Target == b {
			other[run.Round] = v
		}
	}
	var each record.Spread
	for _, run := range r.Runs {
		v, ok := run.Values[keyA]
		if w, both := other[run.Round]; ok && both && run.Target == a {
			each = append(each, f(v, w))
		}
	}
	if len(each) == 0 {
		return 0, nil, false
	}
	slices.Sort(each)
	return f(x.Median(), y.Median()), each, true
}

// write writes all files into dir.
func (r *results) write(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "results.json"), append(data, '\n'), 0o666); err != nil {
		return err
	}
	table, err := os.Create(filepath.Join(dir, "table.md"))
	if err != nil {
		return err
	}
	defer table.Close()
	r.table(table)
	if err := table.Close(); err != nil {
		return err
	}
	return r.charts(dir)
}

// read is for a report of results that were measured earlier.
func read(file string) (*results, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := new(results)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, t := range targets() {
		if slices.ContainsFunc(slices.Concat(r.Runs, r.Turns), func(run *run) bool { return run.Target == t.Name }) {
			r.targets = append(r.targets, t.Name)
		}
	}
	return r, nil
}

// table writes it in Markdown.
func (r *results) table(w io.Writer) {
	rounds := 0
	for _, run := range r.Runs {
		rounds = max(rounds, run.Round)
	}
	fmt.Fprintf(w, "# Side by side\n\n")
	fmt.Fprintf(w, "%s; %s, %d processors, Linux %s; `%s`, in %v.\n\n",
		r.Date.UTC().Format("2006-01-02 15:04 MST"), r.Machine.CPU, r.Machine.CPUs, r.Machine.Kernel,
		r.Command, time.Duration(r.Seconds*float64(time.Second)).Round(time.Second))
	for _, t := range r.targets {
		fmt.Fprintf(w, "- **%s**: %s\n", t, r.Versions[t])
	}
	for t, why := range r.LeftOut {
		fmt.Fprintf(w, "- **%s** is missing, since it could not be built: %s\n", t, oneLine(why))
	}
	fmt.Fprintf(w, "\nMedians of %d round(s), each in a fresh process, and from the least to the most; below, "+
		"its ratio to the reference (R, %s) and to the floor (F), a WebSocket server without any protocol. "+
		"What is counted is counted per second of CPU time that the server used. "+
		"⚠ stands where something went wrong, as told below.\n\n", rounds, reference)

	fmt.Fprintf(w, "| | %s |\n|---|%s\n", strings.Join(r.targets, " | "), strings.Repeat("---|", len(r.targets)))
	for _, m := range measures() {
		row := make([]string, len(r.targets))
		for i, t := range r.targets {
			row[i] = r.cell(m, t)
		}
		if slices.ContainsFunc(row, func(s string) bool { return s != missing }) {
			fmt.Fprintf(w, "| %s | %s |\n", m.title, strings.Join(row, " | "))
		}
	}
	if r.Cut > 0 {
		fmt.Fprintf(w, "\n%d more rounds would have taken too long.\n", r.Cut)
	}
	r.turned(w)
	r.reached(w)
	r.wrong(w)
	r.share(w)
}

const missing = "—"

func (r *results) cell(m measure, target string) string {
	warning := ""
	if t, _ := r.failures(target, sampleOf(m.key)); t.failed() {
		warning = " ⚠"
	}
	s, ok := r.of(target, m.key)
	if !ok {
		return missing + warning
	}
	text := "**" + m.unit.Format(s.Median()) + "**" + warning
	if s.Max() != s.Min() {
		text += fmt.Sprintf(" (%s – %s)", m.unit.Format(s.Min()), m.unit.Format(s.Max()))
	}
	if !m.compared {
		return text
	}
	var ratios []string
	for _, other := range []struct{ name, letter string }{{reference, "R"}, {floor, "F"}} {
		if ratio, _, ok := r.ratio(m.key, target, other.name); ok && target != other.name {
			ratios = append(ratios, fmt.Sprintf("%.2f %s", ratio, other.letter))
		}
	}
	if len(ratios) > 0 {
		text += "<br>" + strings.Join(ratios, ", ")
	}
	return text
}

// sampleOf returns the key of the sample that a value is of.
func sampleOf(key string) string {
	for _, suffix := range []string{".p50", ".p99", ".reached", ".failed", ".grown"} {
		key = strings.TrimSuffix(key, suffix)
	}
	return key
}

// A tally is what went wrong in all rounds of a measurement.
type tally struct{ ops, lost, wrong, closed, reordered, cut int }

// String lists what there is, but for ops.
func (t tally) String() string {
	var text strings.Builder
	for _, each := range []struct {
		n    int
		what string
	}{
		{t.lost, "lost"},
		{t.wrong, "wrong, or twice"},
		{t.closed, "connections closed or failed"},
		{t.reordered, "in another order"},
		{t.cut, "times cut off by time"},
	} {
		if each.n > 0 {
			fmt.Fprintf(&text, ", %d %s", each.n, each.what)
		}
	}
	return text.String()
}

func (t tally) failed() bool { return t.lost+t.wrong+t.closed+t.reordered+t.cut > 0 }

func (r *results) failures(target, key string) (t tally, first string) {
	for _, run := range r.Runs {
		s := run.Samples[key]
		if run.Target != target || s == nil {
			continue
		}
		t.ops += s.Ops
		t.lost += s.Lost
		t.wrong += s.Wrong
		t.closed += s.Closed
		t.reordered += s.Reordered
		if s.Cut {
			t.cut++
		}
		if first == "" {
			first = s.Error
		}
	}
	return t, first
}

// wrong lists what did.
func (r *results) wrong(w io.Writer) {
	fmt.Fprintf(w, "\n## What went wrong\n\n")
	before := 0
	say := func(format string, args ...any) {
		before++
		fmt.Fprintf(w, "- "+format+"\n", args...)
	}
	for _, target := range r.targets {
		seen := make(map[string]bool)
		for _, m := range measures() {
			key := sampleOf(m.key)
			t, first := r.failures(target, key)
			if seen[key] || !t.failed() {
				continue
			}
			seen[key] = true
			say("**%s**, %s: %d done%s%s", target, key, t.ops, t, because(first))
		}
		r.ended(target, say)
	}
	if before == 0 {
		fmt.Fprintf(w, "Nothing: no message was lost, came twice or otherwise than it should have, and no connection failed.\n")
	}
}

// ended says which runs of a target were not gone through with, and what came between measurements.
func (r *results) ended(target string, say func(format string, args ...any)) {
	for _, run := range r.Runs {
		if run.Target != target {
			continue
		}
		if run.Error != "" {
			say("**%s** ended early in round %d: %s", target, run.Round, oneLine(run.Error))
		}
		if n := run.Between.Failures(); n > 0 {
			say("**%s**, between measurements of round %d: %d messages too late or twice, %d connections closed%s",
				target, run.Round, run.Between.Wrong, run.Between.Closed, because(run.Between.Error))
		}
	}
}

func because(err string) string {
	if err == "" {
		return ""
	}
	return "; first: " + oneLine(err)
}

// oneLine makes text fit for a list, or a cell of a table.
func oneLine(s string) string {
	const most = 300
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > most {
		s = s[:most] + "…"
	}
	return "`" + strings.ReplaceAll(s, "`", "'") + "`"
}

// share tells how much of the CPU time the generator took itself.
func (r *results) share(w io.Writer) {
	fmt.Fprintf(w, "\n## The generator's own share of the CPU time\n\n| | %s |\n|---|%s\n",
		strings.Join(r.targets, " | "), strings.Repeat("---|", len(r.targets)))
	seen := make(map[string]bool)
	for _, m := range measures() {
		key := sampleOf(m.key)
		if seen[key] {
			continue
		}
		seen[key] = true
		row, some := make([]string, len(r.targets)), false
		for i, target := range r.targets {
			row[i] = missing
			var shares record.Spread
			for _, run := range r.Runs {
				if s := run.Samples[key]; run.Target == target && s != nil && s.ServerCPU > 0 {
					shares = append(shares, s.OwnCPU/(s.OwnCPU+s.ServerCPU))
				}
			}
			if len(shares) > 0 {
				slices.Sort(shares)
				row[i] = fmt.Sprintf("%.0f %%", 100*shares.Median())
				some = true
			}
		}
		if some {
			fmt.Fprintf(w, "| %s | %s |\n", key, strings.Join(row, " | "))
		}
	}
}
