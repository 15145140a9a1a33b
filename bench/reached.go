package main

import (
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/siokit/sio/bench/internal/load"
	"github.com/siokit/sio/bench/internal/record"
)

// A goal is what sio is to reach in a measure.
type goal struct {
	work   string
	key    string
	id     string // by which notes name it
	bound  string
	value  func(*results, string) (v float64, each record.Spread, ok bool)
	holds  func(float64) bool
	format func(float64) string
	noisy  bool   // it is reached, too, if its quartile is there
	than   string // with whom it was compared, if the bound leaves that open
}

func atLeast(v float64) func(float64) bool { return func(x float64) bool { return x >= v } }
func atMost(v float64) func(float64) bool  { return func(x float64) bool { return x <= v } }

func times(v float64) string { return fmt.Sprintf("%.2f", v) }

// peers are the servers of others that speak Socket.IO.
func peers() []string {
	var all []string
	for _, t := range targets() {
		if t.Dialect == load.SocketIO && !t.isSio() {
			all = append(all, t.Name)
		}
	}
	return all
}

// best returns the peer that has the best median.
func (r *results) best(key string) (name string, ok bool) {
	m, known := measureOf(key)
	var most float64
	for _, peer := range peers() {
		if s, has := r.of(peer, key); has && known && (!ok || m.better(s.Median(), most)) {
			name, most, ok = peer, s.Median(), true
		}
	}
	return name, ok
}

// over returns the ratio of two targets: by what was measured in turns, which is less
// noisy, or else by the rounds.
func (r *results) over(key, a, b string) (float64, record.Spread, bool) {
	if _, each, ok := r.turns().ratio(key, a, b); ok {
		return each.Median(), each, true
	}
	return r.ratio(key, a, b)
}

func nameOf(target string) string {
	switch target {
	case floor:
		return "the floor"
	case reference:
		return "the reference"
	}
	return target
}

// faster is the goal of a ratio to another target.
func faster(work, key, than string, ratio float64) goal {
	return fasterOf(subject, work, key, than, ratio)
}

func fasterOf(target, work, key, than string, ratio float64) goal {
	return goal{
		work:  work,
		key:   key,
		id:    fmt.Sprintf("%s: %s over %s", key, target, than),
		bound: fmt.Sprintf("≥ %g × %s", ratio, nameOf(than)),
		value: func(r *results, key string) (float64, record.Spread, bool) { return r.over(key, target, than) },
		holds: atLeast(ratio), format: times,
	}
}

// sooner is that of one that is to be small.
func sooner(work, key, than string, ratio float64) goal {
	g := faster(work, key, than, ratio)
	g.bound, g.holds = fmt.Sprintf("≤ %g × %s", ratio, nameOf(than)), atMost(ratio)
	return g
}

// first is the goal of being the best in a row, or level with the best.
func (r *results) first(m measure, target string) goal {
	of := r.turns() // who is the best is told where all are compared most closely
	best, ok := of.best(m.key)
	if _, turned := of.of(target, m.key); !ok || !turned {
		best, ok = r.best(m.key)
	}
	work := m.title
	if target != subject {
		work += ": " + target
	}
	g := goal{
		work: work, key: m.key, than: best, noisy: true,
		id:    fmt.Sprintf("%s: %s", m.key, target),
		bound: "the best, or level",
		holds: atLeast(1), format: times,
	}
	g.value = func(r *results, key string) (float64, record.Spread, bool) {
		if !ok {
			return 0, nil, false
		}
		if m.better(1, 0) { // more is better
			return r.over(key, target, best)
		}
		return r.over(key, best, target)
	}
	return g
}

func goals() []goal {
	of := func(target string) func(*results, string) (float64, record.Spread, bool) {
		return func(r *results, key string) (float64, record.Spread, bool) {
			s, ok := r.of(target, key)
			if !ok {
				return 0, nil, false
			}
			return s.Median(), s, true
		}
	}
	own := of(subject)
	// Of two values of each round, the difference.
	minus := func(a, keyA, b, keyB string) func(*results, string) (float64, record.Spread, bool) {
		return func(r *results, _ string) (float64, record.Spread, bool) {
			return r.pairs(a, keyA, b, keyB, func(x, y float64) float64 { return x - y })
		}
	}
	var all []goal
	add := func(g ...goal) { all = append(all, g...) }
	simple := func(work, key, bound string, value func(*results, string) (float64, record.Spread, bool), holds func(float64) bool, format func(float64) string) goal {
		return goal{work: work, key: key, id: key + ": " + bound, bound: bound, value: value, holds: holds, format: format}
	}
	add(simple("resident, nobody connected", "memory.base", "≤ 7 MiB", own, atMost(7<<20), record.Bytes.Format))
	for _, n := range []string{"1k", "10k"} {
		title := map[string]string{"1k": "1,000", "10k": "10,000"}[n]
		add(simple("resident bytes per idle client, "+title, "memory."+n+".held", "≤ 3 KiB with epoll", own, atMost(3<<10), record.Bytes.Format))
	}
	add(simple("the same, 10,000, as it lies", "memory.10k.lies", "≤ 3 KiB with epoll", own, atMost(3<<10), record.Bytes.Format))
	add(simple("the same without epoll, 10,000, garbage collected", "memory.10k.held", "≤ 6 KiB",
		of(portable), atMost(6<<10), record.Bytes.Format))
	add(simple("the framework's detached context kept, 10,000", "memory.10k.held", "≤ 6 KiB more",
		minus(inEcho, "memory.10k.held", subject, "memory.10k.held"), atMost(6<<10), record.Bytes.Format))
	for _, n := range []string{"50", "1k", "10k"} {
		work := "echo with ack, " + map[string]string{"50": "50", "1k": "1,000", "10k": "10,000"}[n]
		add(faster(work, "echo."+n, floor, 0.75))
		add(faster(work, "echo."+n, reference, 2.5))
		add(faster(work, "echo."+n, "socketioxide", 1))
	}
	for _, n := range []string{"50", "1k", "10k"} {
		work := "echo at 2,000/s, " + map[string]string{"50": "50", "1k": "1,000", "10k": "10,000"}[n] + ", p50"
		add(sooner(work, "latency."+n+".p50", reference, 1))
		add(sooner(work, "latency."+n+".p50", floor, 1.2))
	}
	add(
		faster("broadcast to 1,000, single", "broadcast.1k", floor, 0.85),
		faster("broadcast to 1,000, single", "broadcast.1k", reference, 1.3),
		faster("broadcast to 1,000, bursts of ten", "burst.1k", reference, 6),
		faster("WebSocket connect, first 1,000", "connect.1k", reference, 5),
		faster("WebSocket connect, 1,000 to 10,000", "connect.10k", reference, 5),
		faster("connect by WebSocket, one echo, leave", "arrivals", "socketioxide", 1),
		faster("connect by polling, upgrade, one echo, leave", "churn", "socketioxide", 1),
		fasterOf(hijacking, "the same, polling without net/http", "churn", "socketioxide", 1),
		simple("lost under churn, in all rounds", "churn.failed", "0",
			func(r *results, key string) (float64, record.Spread, bool) {
				s, ok := r.of(subject, key)
				if !ok {
					return 0, nil, false
				}
				return s.Max(), s, true
			}, atMost(0), record.Count.Format),
		faster("long-polling, a message each way", "polling.50", reference, 3),
		fasterOf(hijacking, "the same without net/http", "polling.50", reference, 5),
		fasterOf(hijacking, "the same without net/http", "polling.50", "socketioxide", 1),
		simple("stalled client: memory beyond the same without it", "stall.with.grown", "≤ 12 MiB, what it was sent",
			minus(subject, "stall.with.grown", subject, "stall.without.grown"), atMost(12<<20), record.Bytes.Format),
		simple("stalled client: memory in the end", "stall.with.held", "≤ 1 MiB", own, atMost(1<<20), record.Bytes.Format),
		simple("stalled client: p99 of the others, against the same without it", "stall.with.p99", "unchanged: ≤ 1.1 ×",
			func(r *results, _ string) (float64, record.Spread, bool) {
				return r.pairs(subject, "stall.with.p99", subject, "stall.without.p99", func(x, y float64) float64 { return x / y })
			}, atMost(1.1), times),
		simple("stalled client: closed by the server", "stall.closed", "1", own, atLeast(1), record.Count.Format),
	)
	return all
}

// firsts are the goals of being first, in every row that has been measured.
func (r *results) firsts() []goal {
	var all []goal
	for _, m := range measures() {
		for _, target := range []string{subject, hijacking} {
			if g := r.first(m, target); m.rivals() && g.than != "" {
				if _, _, ok := g.value(r, g.key); ok {
					all = append(all, g)
				}
			}
		}
	}
	return all
}

// notes say why a goal has not been reached, a line for each: its id, " = " and the reason. They
// are shown only where the answer is no.
//
//go:embed notes.txt
var notes string

func noteOf(id string) string {
	for line := range strings.Lines(notes) {
		if of, why, ok := strings.Cut(strings.TrimSpace(line), " = "); ok && of == id {
			return why
		}
	}
	return ""
}

// reached compares with what was set out to be.
func (r *results) reached(w io.Writer) {
	fmt.Fprintf(w, "\n## Speed to reach\n\nWhat was measured in turns is taken from there.\n\n")
	r.compare(w, goals())
	fmt.Fprintf(w, "\n## First in every row\n\nAgainst the best of those that speak Socket.IO, so that more than 1 is better in each row. "+
		"What is level has its upper quartile there.\n\n")
	r.compare(w, r.firsts())
}

func (r *results) compare(w io.Writer, all []goal) {
	fmt.Fprintf(w, "| work | to reach | reached | quartiles | | why not |\n|---|---|---|---|---|---|\n")
	for _, g := range all {
		v, each, ok := g.value(r, g.key)
		if !ok {
			fmt.Fprintf(w, "| %s | %s | %s | | not measured | |\n", g.work, g.bound, missing)
			continue
		}
		bound := g.bound
		if g.than != "" {
			bound += ": " + g.than
		}
		slices.Sort(each)
		verdict, why := "**no**", noteOf(g.id)
		switch {
		case g.holds(v):
			verdict, why = "yes", ""
		case g.noisy && g.holds(each.Quartile(3)):
			verdict, why = "level", ""
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s – %s | %s | %s |\n", g.work, bound, g.format(v), g.format(each.Quartile(1)), g.format(each.Quartile(3)), verdict, why)
	}
}
