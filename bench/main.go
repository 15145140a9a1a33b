// Command bench measures sio beside other Socket.IO servers and a bare WebSocket
// server: what a connection, an echo, a broadcast cost in CPU time and memory, and how
// long they take.
//
// It builds all servers (see targets.go), runs each in a process of its own, round
// after round in changing order, and writes results.json, table.md and charts.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/siokit/sio/bench/internal/choice"
	"github.com/siokit/sio/bench/internal/load"
	"github.com/siokit/sio/bench/internal/process"
	"github.com/siokit/sio/bench/internal/record"
)

// Servers end with the thread that started them, and the generator has set up the
// thread it runs on: both are the main one, which lasts.
func init() { runtime.LockOSThread() }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch err := bench(ctx); {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "bench: interrupted; nothing is written")
		os.Exit(130)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context) error {
	var (
		rounds = flag.Int("rounds", 3, "how often each server is measured; 0: only in turns")
		limit  = flag.Duration("limit", 58*time.Minute, "begin no round that would be over later, building included")
		quick  = flag.Bool("quick", false, "one round, with shorter windows")
		names  = flag.String("targets", "", "comma-separated servers, instead of all")
		only   = flag.String("only", "", "comma-separated kinds of measurements, instead of all: "+choice.Names(kinds(), itself)+"; connections and memory are always measured")
	)
	out := flag.String("out", "", "folder for the results; by default results for a full run, none for others")
	redraw := flag.String("report", "", "write table and charts anew of this results.json, beside it, and measure nothing")
	flag.Parse()
	if *redraw != "" {
		r, err := read(*redraw)
		if err != nil {
			return err
		}
		return r.write(filepath.Dir(*redraw))
	}
	p := fullPlan()
	if *quick {
		p, *rounds = quickPlan(), 1
	}
	if *out == "" && !*quick && *only == "" && *names == "" {
		*out = "results"
	}
	var err error
	if p.only, err = choice.Of("only", *only, kinds(), itself); err != nil {
		return err
	}
	chosen, err := choice.Of("targets", *names, targets(), func(t target) string { return t.Name })
	if err != nil {
		return err
	}

	r := &results{
		Date:     time.Now(),
		Command:  strings.Join(append([]string{"go run ."}, os.Args[1:]...), " "),
		Machine:  record.ThisMachine(),
		Versions: make(map[string]string),
		LeftOut:  make(map[string]string),
	}
	built, err := r.build(ctx, chosen)
	if err != nil {
		return err
	}
	if !*quick {
		if err := r.takeTurns(ctx, built, p, os.Stdout); err != nil {
			return err
		}
	}
	if err := r.measure(ctx, built, *rounds, p, r.Date.Add(*limit)); err != nil {
		return err
	}
	r.Seconds = time.Since(r.Date).Seconds()
	if *out != "" {
		if err := r.write(*out); err != nil {
			return err
		}
		fmt.Printf("\n%s: results.json, table.md and charts\n", *out)
	} else {
		fmt.Println()
		r.table(os.Stdout)
	}
	for t, why := range r.LeftOut {
		fmt.Printf("!!! %s is missing, since it could not be built: %s\n", t, why)
	}
	return r.complete()
}

// build returns the targets that could be built. Peers may fail to.
func (r *results) build(ctx context.Context, chosen []target) ([]target, error) {
	var built []target
	for _, t := range chosen {
		if err := process.Build(ctx, t.Name, t.Dir, t.Build, os.Stdout); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if ours(t) {
				return nil, fmt.Errorf("%s: %w", t.Name, err)
			}
			fmt.Printf("!!! %s can't be built and is left out: %v\n", t.Name, err)
			r.LeftOut[t.Name] = err.Error()
			continue
		}
		r.Versions[t.Name] = versionOf(ctx, t)
		r.targets = append(r.targets, t.Name)
		built = append(built, t)
	}
	if len(built) == 0 {
		return nil, errors.New("no servers")
	}
	return built, nil
}

// measure has each target first, and last, in turn, for whatever changes in the
// machine while it is running. It leaves out rounds, but not the first, that would
// not be over by the deadline.
func (r *results) measure(ctx context.Context, built []target, rounds int, p plan, deadline time.Time) error {
	var longest time.Duration
	for round := 1; round <= rounds; round++ {
		begin := time.Now()
		if begin.Add(longest).After(deadline) {
			r.Cut = rounds - round + 1
			fmt.Printf("!!! no time is left for rounds %d to %d\n", round, rounds)
			return nil
		}
		first := (round - 1) % len(built)
		for _, t := range slices.Concat(built[first:], built[:first]) {
			run, err := measureTarget(ctx, t, round, p, os.Stdout)
			if err != nil {
				return err
			}
			r.Runs = append(r.Runs, run)
		}
		longest = max(longest, time.Since(begin))
	}
	return nil
}

// complete returns an error if one of the bench's own servers has not come through.
func (r *results) complete() error {
	for _, t := range targets() {
		for _, run := range slices.Concat(r.Runs, r.Turns) {
			if run.Target == t.Name && run.Error != "" && ours(t) {
				return fmt.Errorf("%s, round %d: %s", t.Name, run.Round, run.Error)
			}
		}
	}
	return nil
}

// ours says that a target is to be built by all means.
func ours(t target) bool { return t.Dialect == load.Bare || t.isSio() }

// itself is for what is its own name.
func itself(name string) string { return name }
