package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/siokit/sio/bench/internal/load"
	"github.com/siokit/sio/bench/internal/process"
)

// A machine that is shared changes its speed by a third within half a minute, which is
// what a process has in a round. So what is compared closest is measured again in
// turns: all servers are up at the same time, with their clients, and have one window
// after the other. Ratios are those of windows that follow each other.

// A process can be lucky for all its life, with where its memory lies: there are
// several of each.
const (
	turnSets   = 4 // of fresh processes
	turnPasses = 3 // that each of them has its turn
)

// inTurns are the servers that take part.
func inTurns(t target) bool {
	return slices.Contains([]string{subject, floor, reference, "socketioxide"}, t.Name)
}

// takeTurns adds to r.Turns a run for each server and pass.
func (r *results) takeTurns(ctx context.Context, built []target, p plan, log io.Writer) error {
	for set := range turnSets {
		if err := r.takeSet(ctx, built, set*turnPasses, p, log); err != nil {
			return err
		}
	}
	return nil
}

func (r *results) takeSet(ctx context.Context, built []target, before int, p plan, log io.Writer) error {
	var all []*run
	defer func() {
		for _, each := range all {
			each.crowd.Close()
			each.server.Stop()
		}
	}()
	for _, t := range built {
		if !inTurns(t) {
			continue
		}
		s, err := process.Start(ctx, t.command())
		if err != nil && ours(t) {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		if err != nil { // its rounds will tell
			fmt.Fprintf(log, "!!! %s takes no turns: %v\n", t.Name, err)
			continue
		}
		crowd, err := load.NewCrowd(ctx, load.Server{Addr: s.Addr, PID: s.PID(), Bare: t.Bare})
		if err != nil {
			s.Stop()
			return err
		}
		all = append(all, &run{Target: t.Name, plan: p, target: t, server: s, crowd: crowd, log: log})
	}
	p.window.Measured /= 2
	for _, each := range all { // 10,000 would be more descriptors than many a process may have
		if _, err := each.crowd.Connect(some, p.connect); err != nil {
			return err
		}
	}
	for pass := before; pass < before+turnPasses; pass++ {
		for _, s := range []step{
			{"echo", "echo.50", nil}, {"echo", "echo.1k", nil}, {"event", "event.1k", nil},
			{"broadcast", "broadcast.1k", nil}, {"broadcast", "burst.1k", nil}, {"polling", "polling.50", nil},
		} {
			for i := range all {
				// Each is first and last in turn, and follows each other one.
				if pass%2 == 1 {
					i = len(all) - 1 - i
				}
				if err := r.turn(all[(i+pass/2)%len(all)], pass, s, p.window); err != nil {
					return err
				}
			}
		}
	}
	return ctx.Err()
}

// turn gives a server one window of a step.
func (r *results) turn(of *run, pass int, s step, w load.Window) error {
	if s.kind == "polling" && of.target.Bare {
		return nil
	}
	s.do = func() (*load.Sample, error) {
		switch s.key {
		case "echo.50":
			return of.crowd.Echo(load.WithAck, few, w)
		case "echo.1k":
			return of.crowd.Echo(load.WithAck, some, w)
		case "event.1k":
			return of.crowd.Echo(load.Event, some, w)
		case "broadcast.1k":
			return of.crowd.Broadcast(1, w)
		case "burst.1k":
			return of.crowd.Broadcast(10, w)
		default:
			return of.crowd.Polling(few, w)
		}
	}
	i := slices.IndexFunc(r.Turns, func(t *run) bool { return t.Target == of.Target && t.Round == pass })
	if i < 0 {
		i = len(r.Turns)
		r.Turns = append(r.Turns, &run{Target: of.Target, Round: pass, Values: make(map[string]float64), Samples: make(map[string]*load.Sample)})
	}
	of.Round, of.Values, of.Samples = pass, r.Turns[i].Values, r.Turns[i].Samples
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
	peers := []string{reference, floor, "socketioxide"}
	fmt.Fprintf(w, "\n## In turns\n\nThe closest comparisons again, with the servers up at the same time and taking turns of "+
		"half a second, %d each with %d processes: %s over each of the others, median and quartiles of the ratios of neighbouring windows.\n\n"+
		"| | %s |\n|---|%s\n", turnSets*turnPasses, turnSets, subject, strings.Join(peers, " | "), strings.Repeat("---|", len(peers)))
	for _, m := range measures() {
		row, found := make([]string, len(peers)), false
		for i, peer := range peers {
			row[i] = missing
			if _, each, ok := of.ratio(m.key, subject, peer); ok {
				row[i] = fmt.Sprintf("**%.2f** (%.2f – %.2f)", each.Median(), each[len(each)/4], each[len(each)*3/4])
				found = true
			}
		}
		if found {
			fmt.Fprintf(w, "| %s | %s |\n", m.title, strings.Join(row, " | "))
		}
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
	}
}
