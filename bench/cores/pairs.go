package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/siokit/sio/bench/internal/load"
	"github.com/siokit/sio/bench/internal/process"
	"github.com/siokit/sio/bench/internal/record"
)

// variants are values of GOMAXPROCS. The first is what the others are compared with.
var variants = []int{2, 16}

const crowd = 1000

// A row is a kind of load.
type row struct {
	title string
	do    func(c *load.Crowd, w load.Window) (*load.Sample, error)
}

var rows = []row{
	{"echo with ack, 50 clients", func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Echo(load.WithAck, 50, w) }},
	{"echo with ack, 1,000 clients", func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Echo(load.WithAck, crowd, w) }},
	{"broadcast to 1,000, single", func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Broadcast(1, w) }},
	{"broadcast to 1,000, bursts of ten", func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Broadcast(10, w) }},
	{"long-polling, 50 clients", func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Polling(50, w) }},
}

// A server is one in a process of its own, and its clients.
type server struct {
	*process.Server
	crowd *load.Crowd
}

func (s server) end() {
	s.crowd.Close()
	s.Stop()
}

// start starts a server that uses so many cores.
func start(ctx context.Context, cores int, flags ...string) (server, error) {
	self, err := os.Executable()
	if err != nil {
		return server{}, err
	}
	p, err := process.Start(ctx, process.Command{Dir: "/", Run: append([]string{self, "-serve"}, flags...), Env: []string{"GOMAXPROCS=" + strconv.Itoa(cores)}})
	if err != nil {
		return server{}, err
	}
	c, err := load.NewCrowd(ctx, load.Server{Addr: p.Addr, PID: p.PID()})
	if err != nil {
		p.Stop()
		return server{}, err
	}
	return server{p, c}, nil
}

// pairs has ratios of CPU time for each operation, by row and variant: those to the first
// variant, in the window beside; and that time itself, in seconds.
type pairs struct{ ratios, perOp [][]record.Spread }

func newPairs() *pairs {
	p := &pairs{make([][]record.Spread, len(rows)), make([][]record.Spread, len(rows))}
	for i := range rows {
		p.ratios[i], p.perOp[i] = make([]record.Spread, len(variants)), make([]record.Spread, len(variants))
	}
	return p
}

func (p *pairs) run(ctx context.Context, sets, passes int, window time.Duration) error {
	for set := range sets {
		if err := p.set(ctx, set, passes, load.Window{Warm: window / 5, Measured: window}); err != nil {
			return err
		}
	}
	return nil
}

func (p *pairs) set(ctx context.Context, set, passes int, w load.Window) error {
	var all []server
	defer func() {
		for _, s := range all {
			s.end()
		}
	}()
	for _, cores := range variants {
		s, err := start(ctx, cores)
		if err != nil {
			return err
		}
		all = append(all, s)
		if _, err := s.crowd.Connect(crowd, time.Minute); err != nil {
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
					return fmt.Errorf("GOMAXPROCS=%d, %s: %d done, %d failed; %s", variants[j], row.title, s.Ops, s.Failures(), s.Error)
				}
				took[j] = 1 / s.PerCPU()
			}
			for j := range all {
				p.perOp[i][j] = append(p.perOp[i][j], took[j])
				p.ratios[i][j] = append(p.ratios[i][j], took[j]/took[0])
			}
		}
	}
	return nil
}

func (p *pairs) report(b *strings.Builder, sets, passes int) {
	fmt.Fprintf(b, "\n## GOMAXPROCS=%d beside GOMAXPROCS=%d\n\nCPU time of the server for each round trip, or delivery, and how much more that is: "+
		"median and quartiles of the ratios of neighbouring windows, %d of each with %d processes.\n\n", variants[1], variants[0], sets*passes, sets)
	fmt.Fprintf(b, "| | %d | %d | more |\n|---|---|---|---|\n", variants[0], variants[1])
	for i, row := range rows {
		r, base, many := sorted(p.ratios[i][1]), sorted(p.perOp[i][0]), sorted(p.perOp[i][1])
		fmt.Fprintf(b, "| %s | %.2f µs | %.2f µs | **%+.1f %%** (%+.1f – %+.1f) |\n", row.title, 1e6*base.Median(), 1e6*many.Median(),
			100*(r.Median()-1), 100*(r[len(r)/4]-1), 100*(r[len(r)*3/4]-1))
	}
}

func sorted(s record.Spread) record.Spread {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

// check fails if the median of a ratio is beyond the limit.
func (p *pairs) check() error {
	var errs []error
	for i, row := range rows {
		if len(p.ratios[i][1]) == 0 {
			return errors.New("nothing to check without pairs")
		}
		if r := sorted(p.ratios[i][1]).Median(); r > 1+limit {
			errs = append(errs, fmt.Errorf("%s: GOMAXPROCS=%d costs %.1f %% more", row.title, variants[1], 100*(r-1)))
		}
	}
	return errors.Join(errs...)
}
