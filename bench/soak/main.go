// Command soak has strangers flood a server while honest clients use it, and
// shows what these notice of it.
//
// For each kind of flood there are three processes beside this one: the server,
// the flooder, and a sink that reads and does no more. The flooder sends the same
// bytes to the server and to the sink, by short turns, at a bounded rate. The
// guests, honest clients at a quiet rate, talk to the server all the time. What
// they wait while the sink is flooded is what the flooder alone costs on a machine
// of few cores; what they wait longer while the server is, is the server's fault.
//
//	go run ./soak                               # all kinds, into results/soak.md
//	go run -tags portable ./soak                # the same without epoll
//	go run ./soak -only '^pings, packed' -v     # what matches, and why it failed
//	go run ./soak -only 'pings' -conns 32       # with so many connections only
//	go run ./soak -list
//	go run ./soak -churn 100000                 # no floods: connects and disconnects
//	go run ./soak -only ^pings -profile cpu    # CPU profiles of the server, flooded, in a folder
//
// A kind is a value in kinds.go; a server that is to be flooded is in server.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"time"
)

func main() {
	if actRole() {
		return
	}
	var r runner
	only := flag.String("only", "", "kinds that match this regular expression")
	conns := flag.Int("conns", 0, "only floods over so many connections")
	list := flag.Bool("list", false, "print the floods, and do nothing")
	churns := flag.Int("churn", 0, "let so many clients come and go, instead of floods")
	out := flag.String("out", "", "file for the table; default: none unless all is run")
	flag.IntVar(&r.pairs, "pairs", 3, "turns of the server and of the sink, of which medians count")
	flag.DurationVar(&r.turn, "turn", 700*time.Millisecond, "length of a turn")
	flag.IntVar(&r.tries, "tries", 3, "how often a flood that fails is tried")
	flag.BoolVar(&r.recovery, "recovery", true, "the server lets clients recover")
	flag.BoolVar(&r.verbose, "v", false, "print each turn")
	flag.StringVar(&r.profiles, "profile", "", "folder for CPU profiles of the server while it is flooded")
	flag.Parse()
	r.log = os.Stderr

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, &r, *only, *conns, *list, *churns, *out); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, r *runner, only string, conns int, list bool, churns int, out string) error {
	if churns > 0 {
		left, err := churn(ctx, acquainted, churns)
		if err != nil {
			return err
		}
		fmt.Println(left)
		return left.problem()
	}
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	chosen := choose(pattern, conns)
	if len(chosen) == 0 {
		return errors.New("no such flood")
	}
	if list {
		for _, f := range chosen {
			fmt.Println(f)
		}
		return nil
	}
	if out == "" && only == "" && conns == 0 {
		out = filepath.Join("results", resultName)
	}
	start := time.Now()
	var results []*result
	for i, f := range chosen {
		res, err := r.try(ctx, f)
		if err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		fmt.Fprintf(r.log, "%d of %d: %s\n", i+1, len(chosen), res)
		results = append(results, res)
	}
	table := report(results, r, time.Since(start))
	fmt.Print(table)
	if out != "" {
		if err := os.WriteFile(out, []byte(table), 0o666); err != nil {
			return err
		}
	}
	var errs []error
	for _, res := range results {
		if p := res.problem(); p != "" {
			errs = append(errs, fmt.Errorf("%s: %s", res.flood, p))
		}
	}
	return errors.Join(errs...)
}
