// Package pairs compares what operations cost servers that are up at the same time, and have one
// window after the other: what counts are the ratios of windows that follow each other, since a
// machine that is shared changes its speed. Each has several processes, since one can be lucky
// for all its life.
package pairs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/siokit/sio/bench/internal/load"
	"github.com/siokit/sio/bench/internal/process"
	"github.com/siokit/sio/bench/internal/record"
)

// A Row is a kind of load.
type Row struct {
	Title string
	Do    func(c *load.Crowd, w load.Window) (*load.Sample, error)
}

// A Variant is a server that is compared.
type Variant struct {
	Name    string
	Command process.Command
}

// A Server is one in a process of its own, and its clients.
type Server struct {
	*process.Server
	Crowd *load.Crowd
}

// Start starts a server that has no clients yet.
func Start(ctx context.Context, command process.Command) (Server, error) {
	p, err := process.Start(ctx, command)
	if err != nil {
		return Server{}, err
	}
	c, err := load.NewCrowd(ctx, load.Server{Addr: p.Addr, PID: p.PID()})
	if err != nil {
		p.Stop()
		return Server{}, err
	}
	return Server{p, c}, nil
}

// End ends both.
func (s Server) End() {
	s.Crowd.Close()
	s.Stop()
}

// Pairs is a comparison.
type Pairs struct {
	Variants []Variant // the first is what the others are compared with
	Rows     []Row
	Clients  int                      // of each server
	After    func(all []Server) error // called once the servers of a set, by variant, have had their windows; or nil

	// By row and variant, a value for each pass: CPU time for each operation, in seconds, and
	// its ratio to that of the first variant, in the window beside.
	perOp, ratios [][][]float64
}

// Run measures with so many sets of fresh processes, each of which has so many windows.
func (p *Pairs) Run(ctx context.Context, sets, passes int, window time.Duration) error {
	p.perOp, p.ratios = make([][][]float64, len(p.Rows)), make([][][]float64, len(p.Rows))
	for i := range p.Rows {
		p.perOp[i], p.ratios[i] = make([][]float64, len(p.Variants)), make([][]float64, len(p.Variants))
	}
	for set := range sets {
		if err := p.set(ctx, set, passes, load.Window{Warm: window / 5, Measured: window}); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pairs) set(ctx context.Context, set, passes int, w load.Window) error {
	var all []Server
	defer func() {
		for _, s := range all {
			s.End()
		}
	}()
	for _, v := range p.Variants {
		s, err := Start(ctx, v.Command)
		if err != nil {
			return err
		}
		all = append(all, s)
		if _, err := s.Crowd.Connect(p.Clients, time.Minute); err != nil {
			return err
		}
	}
	for pass := range passes {
		for i, row := range p.Rows {
			took := make([]float64, len(all))
			for j := range all {
				if (set+pass)%2 == 1 { // each is first and last in turn
					j = len(all) - 1 - j
				}
				s, err := row.Do(all[j].Crowd, w)
				switch {
				case err != nil:
					return err
				case s.Failures() > 0 || s.Ops == 0:
					return fmt.Errorf("%s, %s: %d done, %d failed; %s", p.Variants[j].Name, row.Title, s.Ops, s.Failures(), s.Error)
				}
				took[j] = 1 / s.PerCPU()
			}
			for j := range all {
				p.perOp[i][j] = append(p.perOp[i][j], took[j])
				p.ratios[i][j] = append(p.ratios[i][j], took[j]/took[0])
			}
		}
	}
	if p.After == nil {
		return nil
	}
	return p.After(all)
}

// Report writes the rows of a table of four columns: what it is, what that costs the first
// variant, what another one, and how much more that is.
func (p *Pairs) Report(w io.Writer) {
	for i, row := range p.Rows {
		for j := 1; j < len(p.Variants); j++ {
			r, base, other := record.Sorted(p.ratios[i][j]), record.Sorted(p.perOp[i][0]), record.Sorted(p.perOp[i][j])
			fmt.Fprintf(w, "| %s | %.2f µs | %.2f µs | **%+.1f %%** (%+.1f – %+.1f) |\n", row.Title, 1e6*base.Median(), 1e6*other.Median(),
				100*(r.Median()-1), 100*(r[len(r)/4]-1), 100*(r[len(r)*3/4]-1))
		}
	}
}

// Check fails if the median of a ratio is beyond 1 by more than the limit.
func (p *Pairs) Check(limit float64) error {
	if p.ratios == nil {
		return errors.New("nothing to check without pairs")
	}
	var errs []error
	for i, row := range p.Rows {
		for j := 1; j < len(p.Variants); j++ {
			if r := record.Sorted(p.ratios[i][j]).Median(); r > 1+limit {
				errs = append(errs, fmt.Errorf("%s: %s cost %.1f %% more", row.Title, p.Variants[j].Name, 100*(r-1)))
			}
		}
	}
	return errors.Join(errs...)
}
