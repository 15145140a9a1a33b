package main

import (
	"fmt"
	"io"

	"github.com/siokit/sio/bench/internal/record"
)

// A goal is what sio is to reach in a measure.
type goal struct {
	work   string
	key    string
	bound  string
	value  func(*results, string) (v float64, each record.Spread, ok bool)
	holds  func(float64) bool
	format func(float64) string
}

func atLeast(v float64) func(float64) bool { return func(x float64) bool { return x >= v } }
func atMost(v float64) func(float64) bool  { return func(x float64) bool { return x <= v } }

func times(v float64) string { return fmt.Sprintf("%.2f", v) }

// faster is the goal of a ratio to another target.
func faster(work, key, than string, ratio float64) goal {
	name := map[string]string{floor: "the floor", reference: "the reference"}[than]
	if name == "" {
		name = than
	}
	return goal{
		work:  work,
		key:   key,
		bound: fmt.Sprintf("≥ %g × %s", ratio, name),
		value: func(r *results, key string) (float64, record.Spread, bool) {
			if _, each, ok := r.turns().ratio(key, subject, than); ok { // less noisy
				return each.Median(), each, true
			}
			return r.ratio(key, subject, than)
		},
		holds: atLeast(ratio), format: times,
	}
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
	for _, n := range []string{"1k", "10k"} {
		title := map[string]string{"1k": "1,000", "10k": "10,000"}[n]
		add(goal{"resident bytes per idle client, " + title, "memory." + n + ".held", "≤ 3 KiB with epoll", own, atMost(3 << 10), record.Bytes.Format})
	}
	add(goal{"the same, 10,000, as it lies", "memory.10k.lies", "≤ 3 KiB with epoll", own, atMost(3 << 10), record.Bytes.Format})
	add(goal{"the same without epoll, 10,000, garbage collected", "memory.10k.held", "≤ 6 KiB",
		of(portable), atMost(6 << 10), record.Bytes.Format})
	add(goal{"the framework's detached context kept, 10,000", "memory.10k.held", "≤ 6 KiB more",
		minus(inEcho, "memory.10k.held", subject, "memory.10k.held"), atMost(6 << 10), record.Bytes.Format})
	for _, n := range []string{"50", "1k", "10k"} {
		work := "echo with ack, " + map[string]string{"50": "50", "1k": "1,000", "10k": "10,000"}[n]
		add(faster(work, "echo."+n, floor, 0.75))
		add(faster(work, "echo."+n, reference, 2.5))
		add(faster(work, "echo."+n, "socketioxide", 1))
	}
	add(
		faster("broadcast to 1,000, single", "broadcast.1k", floor, 0.85),
		faster("broadcast to 1,000, single", "broadcast.1k", reference, 1.3),
		faster("broadcast to 1,000, bursts of ten", "burst.1k", reference, 6),
		faster("WebSocket connect, first 1,000", "connect.1k", reference, 5),
		faster("WebSocket connect, 1,000 to 10,000", "connect.10k", reference, 5),
		goal{"lost under churn, in all rounds", "churn.failed", "0",
			func(r *results, key string) (float64, record.Spread, bool) {
				s, ok := r.of(subject, key)
				if !ok {
					return 0, nil, false
				}
				return s.Max(), s, true
			}, atMost(0), record.Count.Format},
		faster("long-polling, a message each way", "polling.50", reference, 3),
		goal{"stalled client: memory beyond the same without it", "stall.with.grown", "≤ 4 MiB, its queue",
			minus(subject, "stall.with.grown", subject, "stall.without.grown"), atMost(4 << 20), record.Bytes.Format},
		goal{"stalled client: p99 of the others, against the same without it", "stall.with.p99", "unchanged: ≤ 1.1 ×",
			func(r *results, _ string) (float64, record.Spread, bool) {
				return r.pairs(subject, "stall.with.p99", subject, "stall.without.p99", func(x, y float64) float64 { return x / y })
			}, atMost(1.1), times},
		goal{"stalled client: closed by the server", "stall.closed", "1", own, atLeast(1), record.Count.Format},
	)
	return all
}

// reached compares with what was set out to be.
func (r *results) reached(w io.Writer) {
	fmt.Fprintf(w, "\n## Speed to reach\n\nWhat was measured in turns is taken from there.\n\n| work | to reach | reached | by round | |\n|---|---|---|---|---|\n")
	for _, g := range goals() {
		v, each, ok := g.value(r, g.key)
		if !ok {
			fmt.Fprintf(w, "| %s | %s | %s | | not measured |\n", g.work, g.bound, missing)
			continue
		}
		verdict := "**no**"
		if g.holds(v) {
			verdict = "yes"
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s – %s | %s |\n", g.work, g.bound, g.format(v), g.format(each.Min()), g.format(each.Max()), verdict)
	}
}
