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

	"github.com/siokit/sio/bench/internal/load"
	"github.com/siokit/sio/bench/internal/record"
)

// Results are all that was measured, and on what.
type results struct {
	Date     time.Time      `json:"date"` // of the beginning
	Command  string         `json:"command"`
	Machine  record.Machine `json:"machine"`
	Versions string         `json:"versions"`
	Seconds  float64        `json:"seconds"` // building included
	Runs     []*measured    `json:"runs"`    // in the order they were made
}

// Measured is what one turn of a target has given.
type measured struct {
	Target string             `json:"target"`
	Turn   int                `json:"turn"`
	Part   string             `json:"part"`
	Values map[string]float64 `json:"values"` // by the key of a measure
	Sample *load.Sample       `json:"sample,omitempty"`
}

// add records a turn, and tells of it. Turn -1 is to warm up.
func (r *results) add(target string, turn int, part string, values map[string]float64, s *load.Sample) {
	if turn < 0 {
		return
	}
	r.Runs = append(r.Runs, &measured{target, turn, part, values, s})
	fmt.Printf("%d %-18s %-10s", turn, target, part)
	for _, m := range measures() {
		if v, ok := values[m.key]; ok {
			fmt.Printf("  %s %s", m.key, m.format(v))
		}
	}
	fmt.Println()
	if s != nil && s.Failures() > 0 {
		fmt.Printf("!!! %s %s: %d lost, %d wrong, %d connections closed; first: %s\n", target, part, s.Lost, s.Wrong, s.Closed, s.Error)
	}
}

// of returns what a target has reached in its turns, and false if that is nothing.
func (r *results) of(target, key string) (map[int]float64, bool) {
	turns := make(map[int]float64)
	for _, run := range r.Runs {
		if v, ok := run.Values[key]; ok && run.Target == target {
			turns[run.Turn] = v
		}
	}
	return turns, len(turns) > 0
}

func spread(turns map[int]float64) record.Spread {
	var s record.Spread
	for _, v := range turns {
		s = append(s, v)
	}
	slices.Sort(s)
	return s
}

// ratio returns that of two targets in each turn that both have taken.
func (r *results) ratio(key, a, b string) (record.Spread, bool) {
	x, _ := r.of(a, key)
	y, _ := r.of(b, key)
	each := make(map[int]float64)
	for turn, v := range x {
		if w, ok := y[turn]; ok && w > 0 {
			each[turn] = v / w
		}
	}
	return spread(each), len(each) > 0
}

// A measure is a row of the table.
type measure struct {
	key, title string
	format     func(float64) string
	peer       bool // compared with the reference
}

func measures() []measure {
	perCPU, seconds := record.PerCPU.Format, record.Seconds.Format
	share := func(v float64) string { return fmt.Sprintf("%.3f %%", v*100) }
	return []measure{
		{"publish.sender", "emit to a room with a member elsewhere, emits per CPU second of the sender", perCPU, true},
		{"publish.receiver", "the same, of the receiver", perCPU, true},
		{"publish.redis", "the same, of Redis", perCPU, true},
		{"deliver.receiver", "rooms of 100, an event to each of ten at a time, deliveries per CPU second of the receiver", perCPU, true},
		{"burst.receiver", "the same, ten events to each at a time", perCPU, true},
		{"nobody", "messages that another server receives for each emit to a room without members there", record.Count.Format, false},
		{"latency.p50", "1,000 a second to one room, from when it was due to the client of the other server, p50", seconds, true},
		{"latency.p99", "the same, p99", seconds, true},
		{"namespaces.redis", "1,000 namespaces, emits per CPU second of Redis", perCPU, true},
		{"namespaces.sender", "the same, of the sender", perCPU, true},
		{"namespaces.receiver", "the same, of the receiver", perCPU, true},
		{"idle.0", "nothing to do, no clients, CPU of a core", share, false},
		{"idle.1k", "nothing to do, 1,000 clients with their heartbeats, CPU of a core", share, false},
	}
}

// A goal is what is to be reached.
type goal struct {
	work, bound string
	value       func(*results) (record.Spread, bool)
	holds       func(float64) bool
	format      func(float64) string
}

func goals() []goal {
	ratio := func(key string) func(*results) (record.Spread, bool) {
		return func(r *results) (record.Spread, bool) { return r.ratio(key, subject, reference) }
	}
	// What is done for a CPU second is less where each costs more.
	inverse := func(key, without, with string) func(*results) (record.Spread, bool) {
		return func(r *results) (record.Spread, bool) { return r.ratio(key, without, with) }
	}
	own := func(target, key string) func(*results) (record.Spread, bool) {
		return func(r *results) (record.Spread, bool) {
			turns, ok := r.of(target, key)
			return spread(turns), ok
		}
	}
	atLeast := func(v float64) func(float64) bool { return func(x float64) bool { return x >= v } }
	atMost := func(v float64) func(float64) bool { return func(x float64) bool { return x <= v } }
	times := func(v float64) string { return fmt.Sprintf("%.2f", v) }
	share := func(v float64) string { return fmt.Sprintf("%.3f %%", v*100) }
	const idle = 0.001
	return []goal{
		{"emit to a room with members on another server, published per CPU second of the sender", "≥ 5 × the reference", ratio("publish.sender"), atLeast(5), times},
		{"deliveries per CPU second of the receiver, rooms of 100, one event at a time", "≥ 2 × the reference", ratio("deliver.receiver"), atLeast(2), times},
		{"the same, ten events at a time", "≥ 2 × the reference", ratio("burst.receiver"), atLeast(2), times},
		{"messages that other servers receive of an emit to a room without members there", "0", own(subject, "nobody"), atMost(0), record.Count.Format},
		{"latency across servers at 1,000/s, p50", "≤ the reference", ratio("latency.p50"), atMost(1), times},
		{"1,000 namespaces, one Redis, emits per CPU second of Redis", "≥ 20 × the reference", ratio("namespaces.redis"), atLeast(20), times},
		{"what recovery costs an emit: CPU of the sender, Redis", "≤ 1.5 × without", inverse("publish.sender", subject, streams), atMost(1.5), times},
		{"the same, NATS", "≤ 1.5 × without", inverse("publish.sender", nats, jetStream), atMost(1.5), times},
		{"nothing to do, no clients, Redis", "< 0.1 % of a core", own(subject, "idle.0"), atMost(idle), share},
		{"nothing to do, no clients, NATS", "< 0.1 % of a core", own(nats, "idle.0"), atMost(idle), share},
	}
}

// write writes both files into dir.
func (r *results) write(dir string) error {
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "cluster.json"), append(data, '\n'), 0o666); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(dir, "cluster.md"))
	if err != nil {
		return err
	}
	defer file.Close()
	r.table(file)
	return file.Close()
}

// table writes it in Markdown.
func (r *results) table(w io.Writer) {
	fmt.Fprintf(w, "# Clusters\n\n%s; %s, %d processors, Linux %s; `%s` in `bench/`, in %v.\n\n%s.\n\n",
		r.Date.UTC().Format("2006-01-02 15:04 MST"), r.Machine.CPU, r.Machine.CPUs, r.Machine.Kernel,
		r.Command, time.Duration(r.Seconds*float64(time.Second)).Round(time.Second), r.Versions)
	fmt.Fprint(w, "Two servers each: one emits, the other has the clients. Medians of all turns, and from the least to the most; "+
		"below, the median of its ratios to the reference (R) in the same turn, classic to classic and sharded to sharded, NATS to classic. "+
		"⚠ stands where something was lost or wrong.\n\n")
	var columns []string
	for _, t := range targets() {
		if slices.ContainsFunc(r.Runs, func(run *measured) bool { return run.Target == t.name }) {
			columns = append(columns, t.name)
		}
	}
	fmt.Fprintf(w, "| | %s |\n|---|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, m := range measures() {
		row := make([]string, len(columns))
		for i, target := range columns {
			row[i] = r.cell(m, target)
		}
		fmt.Fprintf(w, "| %s | %s |\n", m.title, strings.Join(row, " | "))
	}
	fmt.Fprint(w, "\n## Speed to reach\n\n| work | to reach | reached | by turn | |\n|---|---|---|---|---|\n")
	for _, g := range goals() {
		each, ok := g.value(r)
		if !ok {
			fmt.Fprintf(w, "| %s | %s | — | | not measured |\n", g.work, g.bound)
			continue
		}
		verdict := "**no**"
		if g.holds(each.Median()) {
			verdict = "yes"
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s – %s | %s |\n", g.work, g.bound, g.format(each.Median()), g.format(each.Min()), g.format(each.Max()), verdict)
	}
}

func (r *results) cell(m measure, target string) string {
	turns, ok := r.of(target, m.key)
	if !ok {
		return "—"
	}
	each := spread(turns)
	text := "**" + m.format(each.Median()) + "**"
	if r.failed(target, m.key) {
		text += " ⚠"
	}
	if len(each) > 1 {
		text += fmt.Sprintf(" (%s – %s)", m.format(each.Min()), m.format(each.Max()))
	}
	other := reference
	if strings.HasSuffix(target, "sharded") {
		other = "socket.io, sharded"
	}
	if ratio, ok := r.ratio(m.key, target, other); ok && m.peer && target != other {
		text += fmt.Sprintf("<br>%.2f R", ratio.Median())
	}
	return text
}

func (r *results) failed(target, key string) bool {
	return slices.ContainsFunc(r.Runs, func(run *measured) bool {
		_, ok := run.Values[key]
		return ok && run.Target == target && run.Sample != nil && run.Sample.Failures() > 0
	})
}
