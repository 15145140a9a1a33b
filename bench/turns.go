package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/siokit/sio/bench/internal/load"
)

// A machine that is shared changes its speed by a third within half a minute, which is
// what a process has in a round. So what can be compared closer is measured again in
// turns: all servers are up at the same time, with their clients, and have one window
// after the other. Ratios are those of windows that follow each other.

// A process can be lucky for all its life, with where its memory lies: there are
// several of each.
const (
	turnSets   = 3 // of fresh processes
	turnPasses = 4 // that each of them has its turn
)

// takeTurns adds to r.Turns a run for each server and pass, for all parts that have steps.
// What takes ten thousand clients is not among them: for all servers together they would be
// more descriptors than many a process may have.
func (r *results) takeTurns(ctx context.Context, built []target, p plan, log io.Writer) error {
	p.window.Warm /= 2
	p.window.Measured = p.window.Measured * 2 / 5
	p.latency = p.window
	all := []part{{clients: some, steps: slices.Concat(byThousand(), byVisitors())}}
	for _, each := range parts() {
		if len(each.steps) > 0 && (&run{plan: p}).wants(each.name) {
			all = append(all, each)
		}
	}
	for set := range turnSets {
		for _, each := range all {
			if err := r.takeSet(ctx, built, each, set*turnPasses, p, log); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeSet has a part measured in turns. A server that fails takes no more of them.
func (r *results) takeSet(ctx context.Context, built []target, of part, before int, p plan, log io.Writer) error {
	var all []*run
	defer func() {
		for _, each := range all {
			each.stop()
			if each.Between.Failures() > 0 {
				r.turnOf(each.Target, before).Between.Add(each.Between)
			}
		}
	}()
	fail := func(one *run, pass int, err error) {
		one.out = true
		fmt.Fprintf(log, "!!! %s takes no more turns: %v\n", one.Target, err)
		if told := r.turnOf(one.Target, pass); told.Error == "" && ctx.Err() == nil {
			told.Error = err.Error()
		}
	}
	for _, t := range built {
		if !t.Turns || of.name != "" && !t.has(of) || !slices.ContainsFunc(of.steps, func(s step) bool { return !t.skips(s.key) }) {
			continue
		}
		one := &run{Target: t.Name, plan: p, target: t, log: log}
		if err := one.start(ctx, of); err != nil {
			fail(one, before, err)
			continue
		}
		all = append(all, one)
		if len(t.Only) > 0 && of.listeners == 0 {
			continue // nothing of it has to do with those who are connected
		}
		if err := one.gather(of); err != nil {
			fail(one, before, err)
		}
	}
	for pass := before; pass < before+turnPasses; pass++ {
		for _, s := range of.steps {
			for i := range all {
				// Each is first and last in turn, and follows each other one.
				if pass%2 == 1 {
					i = len(all) - 1 - i
				}
				one := all[(i+pass/2)%len(all)]
				if one.out {
					continue
				}
				if err := r.turn(one, pass, s); err != nil {
					fail(one, pass, err)
				}
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// turnOf returns what is recorded of a server's turn in a pass.
func (r *results) turnOf(target string, pass int) *run {
	i := slices.IndexFunc(r.Turns, func(t *run) bool { return t.Target == target && t.Round == pass })
	if i < 0 {
		i = len(r.Turns)
		r.Turns = append(r.Turns, &run{Target: target, Round: pass, Values: make(map[string]float64), Samples: make(map[string]*load.Sample)})
	}
	return r.Turns[i]
}

// turn gives a server one window of a step.
func (r *results) turn(of *run, pass int, s step) error {
	told := r.turnOf(of.Target, pass)
	of.Round, of.Values, of.Samples = pass, told.Values, told.Samples
	return of.steps([]step{s})
}

// turns returns what was measured in turns, as if it were all.
func (r *results) turns() *results { return &results{Runs: r.Turns, targets: r.targets} }

// turned writes the ratios of what was measured in turns.
func (r *results) turned(w io.Writer) {
	of := r.turns()
	if len(of.Runs) == 0 {
		return
	}
	passes := 0
	for _, run := range of.Runs {
		passes = max(passes, run.Round+1)
	}
	others := []string{reference, floor, "socketioxide"}
	fmt.Fprintf(w, "\n## In turns\n\nThe same again, with the servers up at the same time and taking turns of "+
		"less than half a second, %d each with %d processes: %s over each of the others, median and quartiles of the ratios of neighbouring windows. "+
		"The best is who is of those that speak Socket.IO; of times, less is better.\n\n"+
		"| | the best of the peers | %s |\n|---|---|%s\n", passes, turnSets, subject, strings.Join(others, " | "), strings.Repeat("---|", len(others)))
	line := func(key, title, subject string) {
		row, found := []string{missing}, false
		cell := func(peer string) string {
			_, each, ok := of.ratio(key, subject, peer)
			if !ok {
				return missing
			}
			found = true
			return fmt.Sprintf("**%.2f** (%.2f – %.2f)", each.Median(), each.Quartile(1), each.Quartile(3))
		}
		if best, ok := of.best(key); ok {
			if text := cell(best); text != missing {
				row[0] = text + " " + best
			}
		}
		for _, peer := range others {
			row = append(row, cell(peer))
		}
		if found {
			fmt.Fprintf(w, "| %s | %s |\n", title, strings.Join(row, " | "))
		}
	}
	for _, m := range measures() {
		line(m.key, m.title, subject)
		line(m.key, m.title+": "+hijacking, hijacking)
	}
	for _, target := range of.targets {
		seen := make(map[string]bool)
		for _, m := range measures() {
			key := sampleOf(m.key)
			if wrong, first := of.failures(target, key); wrong.failed() && !seen[key] {
				seen[key] = true
				fmt.Fprintf(w, "\n⚠ **%s**, %s: %d done%s%s\n", target, key, wrong.ops, wrong, because(first))
			}
		}
		of.ended(target, func(format string, args ...any) { fmt.Fprintf(w, "\n⚠ "+format+"\n", args...) })
	}
}
