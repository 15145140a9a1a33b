// Command cores shows what many cores would make of the server on a machine that has few: what
// GOMAXPROCS=16 costs beside GOMAXPROCS=2, which locks goroutines wait for, and how long a lock
// of a namespace can be waited for while others come, go and are told something, by how many
// members there are. It writes cores.md.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/siokit/sio/bench/internal/program"
	"github.com/siokit/sio/bench/internal/record"
)

func main() { program.Main("cores", run) }

// notes say what is behind the numbers, as far as it has been found out.
//
//go:embed notes.md
var notes string

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
	fmt.Fprintf(&b, "# Many cores\n\n%s.\n", record.Circumstances("cores"))
	p, err := newPairs()
	if err != nil {
		return err
	}
	for part := range strings.SplitSeq(*parts, ",") {
		var err error
		switch part {
		case "pairs":
			if err = p.Run(ctx, *sets, *passes, *window); err == nil {
				reportPairs(&b, p, *sets, *passes)
			}
		case "locks":
			err = reportLocks(ctx, &b, *clients)
		case "waits":
			err = reportWaits(&b)
		default:
			err = fmt.Errorf("-parts: there is no part %q", part)
		}
		if err == nil { // what there is so far: it takes minutes
			err = record.Write(*out, "cores.md", b.String()+notes)
		}
		if err != nil {
			return err
		}
	}
	fmt.Print(b.String(), notes)
	if *check {
		return p.Check(limit)
	}
	return nil
}
