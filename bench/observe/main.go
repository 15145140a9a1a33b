// Command observe measures what it costs to look at a server: an echo and a broadcast with metrics
// beside those without, and what a scrape takes. It writes observe.md.
//
// The servers are up at the same time, with a thousand clients each, and have one window after the
// other: what counts are the ratios of windows that follow each other, since a machine that is
// shared changes its speed. Each has several processes, since one can be lucky for all its life.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/siokit/sio/bench/internal/load"
	"github.com/siokit/sio/bench/internal/process"
	"github.com/siokit/sio/bench/internal/record"
)

// Processes end with the thread that started them, and the generator has set up the
// thread it runs on.
func init() { runtime.LockOSThread() }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "observe:", err)
		os.Exit(1)
	}
}

const clients = 1000

// limit is how much of the CPU time of an echo or a broadcast metrics may take.
const limit = 0.02

// A variant is a server, by its flags. The first is what the others are compared with.
type variant struct{ name, flag string }

var variants = []variant{{"plain", ""}, {"metrics", "-metrics"}}

// A row is a kind of load.
type row struct {
	title string
	do    func(c *load.Crowd, w load.Window) (*load.Sample, error)
}

var rows = []row{
	{"echo with ack, 1,000 clients", func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Echo(load.WithAck, clients, w) }},
	{"echo by event, 1,000 clients", func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Echo(load.Event, clients, w) }},
	{"broadcast to 1,000, single", func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Broadcast(1, w) }},
	{"broadcast to 1,000, bursts of ten", func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Broadcast(10, w) }},
}

func run(ctx context.Context) error {
	sets := flag.Int("sets", 10, "`number` of fresh processes of each")
	passes := flag.Int("passes", 24, "`number` of windows that each of these has")
	window := flag.Duration("window", 100*time.Millisecond, "how long a window is")
	out := flag.String("out", "", "`folder` for observe.md; none is written by default")
	check := flag.Bool("check", false, "fail if metrics cost more than they may")
	flag.Parse()
	if *sets < 1 || *passes < 1 {
		return errors.New("no sets or passes, no ratios")
	}

	if err := process.Build(ctx, "sio-observed", "servers/sio-observed", [][]string{{"go", "build", "-o", "../../.build/sio-observed", "."}}, os.Stderr); err != nil {
		return err
	}
	m := &measured{ratios: make([][]record.Spread, len(rows)), perOp: make([][]record.Spread, len(rows))}
	for i := range rows {
		m.ratios[i], m.perOp[i] = make([]record.Spread, len(variants)), make([]record.Spread, len(variants))
	}
	for set := range *sets {
		if err := m.set(ctx, set, *passes, load.Window{Warm: *window / 5, Measured: *window}); err != nil {
			return err
		}
	}
	report := m.report(*sets, *passes)
	fmt.Print(report)
	if *out != "" {
		if err := os.WriteFile(filepath.Join(*out, "observe.md"), []byte(report), 0o644); err != nil {
			return err
		}
	}
	if *check {
		return m.check()
	}
	return nil
}

// measured has ratios of CPU time for each operation, by row and variant: those to the first
// variant, in the window beside; and that time itself, in seconds.
type measured struct {
	ratios, perOp [][]record.Spread
	scrapes       record.Spread // seconds of CPU time
	size          int           // of an answer
}

type server struct {
	*process.Server
	crowd *load.Crowd
}

func (m *measured) set(ctx context.Context, set, passes int, w load.Window) error {
	var all []server
	defer func() {
		for _, s := range all {
			s.crowd.Close()
			s.Stop()
		}
	}()
	for _, v := range variants {
		command := []string{"../../.build/sio-observed", "-forget"}
		if v.flag != "" {
			command = append(command, v.flag)
		}
		s, err := process.Start(ctx, process.Command{Dir: "servers/sio-observed", Run: command})
		if err != nil {
			return err
		}
		crowd, err := load.NewCrowd(ctx, load.Server{Addr: s.Addr, PID: s.PID()})
		if err != nil {
			s.Stop()
			return err
		}
		all = append(all, server{s, crowd})
		if _, err := crowd.Connect(clients, time.Minute); err != nil {
			return err
		}
	}
	for pass := range passes {
		for i, row := range rows {
			took := make([]float64, len(all))
			for j := range all {
				if (set+pass)%2 == 1 { // each is first and last in turn
					j = len(all) - 1 - j
				}
				s, err := row.do(all[j].crowd, w)
				switch {
				case err != nil:
					return err
				case s.Failures() > 0 || s.Ops == 0:
					return fmt.Errorf("%s, %s: %d done, %d failed; %s", variants[j].name, row.title, s.Ops, s.Failures(), s.Error)
				}
				took[j] = 1 / s.PerCPU()
			}
			for j := range all {
				m.perOp[i][j] = append(m.perOp[i][j], took[j])
				m.ratios[i][j] = append(m.ratios[i][j], took[j]/took[0])
			}
		}
	}
	return m.scrape(all)
}

// scrape asks those that have metrics for them.
func (m *measured) scrape(all []server) error {
	const times = 50
	for i, v := range variants {
		if v.flag != "-metrics" {
			continue
		}
		s := load.Server{PID: all[i].PID()}
		before, err := s.CPU()
		if err != nil {
			return err
		}
		for range times {
			res, err := http.Get("http://" + all[i].Addr.String() + "/metrics")
			if err != nil {
				return err
			}
			n, err := io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if err != nil || res.StatusCode != http.StatusOK {
				return fmt.Errorf("scrape: %s, %w", res.Status, err)
			}
			m.size = int(n)
		}
		after, err := s.CPU()
		if err != nil {
			return err
		}
		m.scrapes = append(m.scrapes, (after-before).Seconds()/times)
	}
	return nil
}

func (m *measured) report(sets, passes int) string {
	var b strings.Builder
	machine := record.ThisMachine()
	fmt.Fprintf(&b, "# What it costs to look at a server\n\n%s; %s, %d processors, Linux %s; %s; `go run ./observe%s` in `bench/`.\n\n",
		time.Now().UTC().Format("2006-01-02 15:04 MST"), machine.CPU, machine.CPUs, machine.Kernel, machine.Go, strings.Join(append([]string{""}, os.Args[1:]...), " "))
	fmt.Fprintf(&b, "CPU time of the server for each round trip, or delivery, and how much more that is than without metrics: "+
		"median and quartiles of the ratios of neighbouring windows, %d of each with %d processes.\n\n| | plain | with metrics | more |\n|---|---|---|---|\n", sets*passes, sets)
	for i, row := range rows {
		for j := 1; j < len(variants); j++ {
			r, plain, looked := sorted(m.ratios[i][j]), sorted(m.perOp[i][0]), sorted(m.perOp[i][j])
			fmt.Fprintf(&b, "| %s | %.2f µs | %.2f µs | **%+.1f %%** (%+.1f – %+.1f) |\n", row.title, 1e6*plain.Median(), 1e6*looked.Median(),
				100*(r.Median()-1), 100*(r[len(r)/4]-1), 100*(r[len(r)*3/4]-1))
		}
	}
	scrapes := sorted(m.scrapes)
	fmt.Fprintf(&b, "\nA scrape with 1,000 clients, %d bytes: %.2f ms of CPU time (%.2f – %.2f), which every 15 s is %.3f %% of a core.\n",
		m.size, 1e3*scrapes.Median(), 1e3*scrapes.Min(), 1e3*scrapes.Max(), 100*scrapes.Median()/15)
	return b.String()
}

func sorted(s record.Spread) record.Spread {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

// check fails if the median of a ratio is beyond the limit.
func (m *measured) check() error {
	var errs []error
	for i, row := range rows {
		for j := 1; j < len(variants); j++ {
			if r := sorted(m.ratios[i][j]).Median(); r > 1+limit {
				errs = append(errs, fmt.Errorf("%s: %s cost %.1f %% more", row.title, variants[j].name, 100*(r-1)))
			}
		}
	}
	return errors.Join(errs...)
}
