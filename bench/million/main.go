// Command million connects hundreds of thousands of clients that have nothing to say, and
// measures what each of them takes: memory of the server and of the kernel, CPU time for
// its heartbeat, to connect, and for its part of a broadcast to all.
//
// Clients and servers are processes of their own. How many files a process may have open
// bounds how many clients one server can have, so there are as many servers, each with
// clients of its own, as it takes; the limit is raised as far as it goes. What a million
// would take is computed from what has been measured. It writes million.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/siokit/sio/bench/internal/program"
	"github.com/siokit/sio/bench/internal/record"
	"golang.org/x/sys/unix"
)

func main() {
	if actRole() {
		return
	}
	program.Main("million", run)
}

func run(ctx context.Context) error {
	sizes := flag.String("sizes", "50000,100000,200000,400000", "how many `clients`, one after the other")
	each := flag.Int("each", 0, "at most so many clients of one server; by default as many as it may have files open")
	ping := flag.Duration("ping", 25*time.Second, "interval of the heartbeat")
	watch := flag.Int("watch", 2, "`intervals` for which clients are idle while CPU time is measured")
	rate := flag.Bool("rate", true, "measure one server with as many heartbeats as a million clients would have")
	out := flag.String("out", "", "`folder` for million.md; none is written by default")
	flag.Parse()

	limit, err := raiseFiles()
	if err != nil {
		return err
	}
	if *each == 0 {
		*each = limit - spareFiles
	}
	if *each < 1 || *watch < 1 || *ping <= 0 {
		return errors.New("-each, -watch and -ping must be positive")
	}
	p := plan{each: *each, ping: *ping, watch: time.Duration(*watch) * *ping}
	r := newReport(p, limit)
	for text := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 {
			return fmt.Errorf("-sizes: %q is no number of clients", text)
		}
		m, err := measure(ctx, n, p)
		if err != nil {
			return fmt.Errorf("%d clients: %w", n, err)
		}
		fmt.Fprintln(os.Stderr, m)
		r.sizes = append(r.sizes, m)
	}
	if *rate {
		n := min(*each, crowdAtRate)
		p.ping = 25 * time.Second * time.Duration(n) / million
		p.watch = atRate
		if r.rate, err = measure(ctx, n, p); err != nil {
			return fmt.Errorf("at the rate of a million: %w", err)
		}
	}
	text := r.markdown()
	fmt.Print(text)
	return record.Write(*out, "million.md", text)
}

const (
	million = 1_000_000

	// spareFiles is for what a process has open besides the connections of its clients, and
	// those that are being made: a server has each twice for a moment.
	spareFiles = 500

	// With so many clients a second has as many heartbeats of each as is measurable, and
	// the rate is that of a million for so long.
	crowdAtRate = 15_000
	atRate      = 10 * time.Second
)

// raiseFiles raises the limit of open files as far as the system lets us, for this process
// and those it starts.
func raiseFiles() (int, error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, os.NewSyscallError("getrlimit", err)
	}
	most := unix.Rlimit{Cur: 2 * million, Max: max(2*million, l.Max)}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &most) == nil { // or else nobody may go beyond the hard limit
		return int(most.Cur), nil
	}
	l.Cur = l.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, os.NewSyscallError("setrlimit", err)
	}
	return int(min(l.Cur, 2*million)), nil
}
