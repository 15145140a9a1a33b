// Command cluster measures two servers of a cluster, one that emits and one that has the
// clients, beside two of the reference: what an emit costs the one and a delivery the
// other, how long it takes, what it costs Redis, and what such a server costs that has
// nothing to do.
//
// All targets (see targets.go) are up at the same time, each with an engine of its own, and
// take turns. It writes cluster.json and cluster.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/siokit/sio/bench/internal/choice"
	"github.com/siokit/sio/bench/internal/program"
	"github.com/siokit/sio/bench/internal/record"
)

func main() { program.Main("cluster", run) }

func run(ctx context.Context) error {
	r := &results{
		Date:    time.Now(),
		Command: strings.Join(append([]string{"go run ./cluster"}, os.Args[1:]...), " "),
		Machine: record.ThisMachine(),
	}
	nameOf := func(p part) string { return p.name }
	quick := flag.Bool("quick", false, "one turn each, with shorter windows")
	names := flag.String("targets", "", "comma-separated targets, instead of all")
	only := flag.String("only", "", "comma-separated parts, instead of all: "+choice.Names(r.parts(), nameOf))
	out := flag.String("out", "", "folder for the results; by default results for a full run, none for others")
	flag.Parse()

	p := fullPlan()
	if *quick {
		p = quickPlan()
	}
	chosen, err := choose(*names)
	if err != nil {
		return err
	}
	wanted, err := choice.Of("only", *only, r.parts(), nameOf)
	if err != nil {
		return err
	}
	if *out == "" && !*quick && *only == "" && *names == "" {
		*out = "results"
	}
	if err := build(ctx, chosen, os.Stdout); err != nil {
		return err
	}
	r.Versions = versions(ctx)
	for _, part := range wanted {
		if err := part.run(ctx, chosen, p); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		if ctx.Err() != nil {
			return errors.New("interrupted; nothing is written")
		}
	}
	r.Seconds = time.Since(r.Date).Seconds()
	if *out != "" {
		return r.write(*out)
	}
	fmt.Println()
	r.table(os.Stdout)
	return nil
}
