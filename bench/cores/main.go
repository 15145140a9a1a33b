// Command cores shows what many cores would make of the server on a machine that has few: what
// GOMAXPROCS=16 costs beside GOMAXPROCS=2, which locks goroutines wait for, and how long a lock
// of a namespace can be waited for while others come, go and are told something, by how many
// members there are. It writes cores.md.
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

	"github.com/siokit/sio/bench/internal/record"
)

// Processes end with the thread that started them, and the generator has set up the
// thread it runs on.
func init() { runtime.LockOSThread() }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "cores:", err)
		os.Exit(1)
	}
}

// limit is how much more of the CPU time of an operation many cores may take.
const limit = 0.10

func run(ctx context.Context) error {
	sets := flag.Int("sets", 3, "`number` of fresh processes of each")
	passes := flag.Int("passes", 8, "`number` of windows that each of these has")
	window := flag.Duration("window", 300*time.Millisecond, "how long a window is")
	clients := flag.Int("clients", 10_000, "`number` of clients while it is seen who waits for locks")
	parts := flag.String("parts", "pairs,locks,waits", "what is measured, separated by commas")
	out := flag.String("out", "", "`folder` for cores.md; none is written by default")
	check := flag.Bool("check", false, "fail if many cores cost more than they may")
	serving := flag.Bool("serve", false, "internal: be the server")
	moves := flag.Bool("moves", false, "internal: have it join and leave rooms")
	watched := flag.Bool("watched", false, "internal: have it see who waits for locks")
	waits := flag.Int("waits", 0, "internal: measure waits with so many members")
	flag.Parse()
	switch {
	case *serving:
		return serve(*moves, *watched)
	case *waits > 0:
		return measureWaits(*waits, os.Stdout)
	case *sets < 1 || *passes < 1:
		return errors.New("no sets or passes, no ratios")
	}
	var b strings.Builder
	machine := record.ThisMachine()
	fmt.Fprintf(&b, "# Many cores\n\n%s; %s, %d processors, Linux %s; %s; `go run ./cores%s` in `bench/`.\n",
		time.Now().UTC().Format("2006-01-02 15:04 MST"), machine.CPU, machine.CPUs, machine.Kernel, machine.Go, strings.Join(append([]string{""}, os.Args[1:]...), " "))
	wanted := strings.Split(*parts, ",")
	p := newPairs()
	if slices.Contains(wanted, "pairs") {
		if err := p.run(ctx, *sets, *passes, *window); err != nil {
			return err
		}
		p.report(&b, *sets, *passes)
	}
	if slices.Contains(wanted, "locks") {
		if err := reportLocks(ctx, &b, *clients); err != nil {
			return err
		}
	}
	if slices.Contains(wanted, "waits") {
		if err := reportWaits(&b); err != nil {
			return err
		}
	}
	fmt.Print(b.String())
	if *out != "" {
		if err := os.WriteFile(filepath.Join(*out, "cores.md"), []byte(b.String()), 0o644); err != nil {
			return err
		}
	}
	if *check {
		return p.check()
	}
	return nil
}
