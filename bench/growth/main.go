// Command growth shows how the cost of what sio does grows: with connections,
// rooms, namespaces, the rooms of a socket, the members of a room, the size of
// a message, the namespaces of a client, and the clients that come back after they
// have all lost their connections. It fails if anything grows worse than it may.
//
// Each point of a curve is measured in a fresh process, over loopback where the
// network is part of it, with the clients in another process, so that what they
// cost is not counted. Rounds go through all points in turn.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/siokit/sio/bench/internal/choice"
)

func main() {
	rounds := flag.Int("rounds", 5, "repetitions, of which the medians count")
	only := flag.String("only", "", "axes to measure, separated by commas; default all")
	out := flag.String("out", "results", "directory for growth.json, growth.md and charts")
	point := flag.String("point", "", "internal: measure one point, axis=number")
	clients := flag.Bool("clients", false, "internal: be the clients of a point")
	flag.Parse()

	var err error
	switch {
	case *clients:
		err = serveClients(os.Stdin, os.Stdout)
	case *point != "":
		err = measurePoint(*point, os.Stdout)
	default:
		err = run(*rounds, *only, *out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "growth:", err)
		os.Exit(1)
	}
}

// run measures everything, writes the results, and fails if a curve is too
// steep.
func run(rounds int, only, out string) error {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	if rounds < 1 {
		return errors.New("no rounds, no medians")
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	start := time.Now()
	rec := newRecord()
	for round := range rounds {
		for _, a := range chosen {
			xs := slices.Clone(a.xs)
			if round%2 == 1 {
				slices.Reverse(xs) // what drifts while we measure is not to look like growth
			}
			for _, x := range xs {
				samples, err := child(self, fmt.Sprintf("%s=%d", a.name, x))
				if err != nil {
					return fmt.Errorf("%s=%d: %w", a.name, x, err)
				}
				rec.add(a.name, x, samples)
			}
		}
		fmt.Fprintf(os.Stderr, "round %d of %d, %v\n", round+1, rounds, time.Since(start).Round(time.Second))
	}
	curves := rec.curves(chosen)
	if err := os.MkdirAll(out, 0o777); err != nil {
		return err
	}
	r := newReport(rounds, time.Since(start), chosen, curves)
	if err := r.writeJSON(filepath.Join(out, "growth.json")); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "growth.md"), r.markdown(), 0o666); err != nil {
		return err
	}
	for _, a := range chosen {
		if err := drawAxis(a, curves, filepath.Join(out, chartName(a))); err != nil {
			return err
		}
	}
	fmt.Printf("%s\n", r.markdown())
	var errs []error
	for _, c := range curves {
		if c.Problem != "" {
			errs = append(errs, fmt.Errorf("%s against %s: %s", c.title(), c.Axis, c.Problem))
		}
	}
	return errors.Join(errs...)
}

func choose(only string) ([]*axis, error) {
	return choice.Of("only", only, axes, func(a *axis) string { return a.name })
}

// child measures a point in a process of its own.
func child(self, point string) ([]sample, error) {
	cmd := exec.Command(self, "-point", point)
	cmd.Stderr = os.Stderr
	b, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var samples []sample
	return samples, json.Unmarshal(b, &samples)
}

// measurePoint is the process of a point.
func measurePoint(point string, out *os.File) error {
	var x int
	name, number, _ := strings.Cut(point, "=")
	chosen, err := choose(name)
	if err != nil {
		return err
	}
	if _, err := fmt.Sscan(number, &x); err != nil {
		return err
	}
	m := &meter{}
	w, err := newWorld(chosen[0].recovery)
	if err != nil {
		return err
	}
	defer w.close()
	if err := chosen[0].measure(w, m, x); err != nil {
		return err
	}
	bw := bufio.NewWriter(out)
	if err := json.NewEncoder(bw).Encode(m.samples); err != nil {
		return err
	}
	return bw.Flush()
}
