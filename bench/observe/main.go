// Command observe measures what it costs to look at a server: an echo and a broadcast with metrics
// beside those without, and what a scrape takes. It writes observe.md.
//
// The servers have a thousand clients each, and take turns, as bench/internal/pairs has it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/siokit/sio/bench/internal/load"
	"github.com/siokit/sio/bench/internal/pairs"
	"github.com/siokit/sio/bench/internal/process"
	"github.com/siokit/sio/bench/internal/program"
	"github.com/siokit/sio/bench/internal/record"
)

func main() { program.Main("observe", run) }

const clients = 1000

// limit is how much of the CPU time of an echo or a broadcast metrics may take.
const limit = 0.02

// folder is where the servers are.
const folder = "servers/sio-observed"

// The second has metrics.
var variants = []pairs.Variant{
	{Name: "plain", Command: process.Command{Dir: folder, Run: []string{"../../.build/sio-observed", "-forget"}}},
	{Name: "metrics", Command: process.Command{Dir: folder, Run: []string{"../../.build/sio-observed", "-forget", "-metrics"}}},
}

var rows = []pairs.Row{
	{Title: "echo with ack, 1,000 clients", Do: func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Echo(load.WithAck, clients, w) }},
	{Title: "echo by event, 1,000 clients", Do: func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Echo(load.Event, clients, w) }},
	{Title: "broadcast to 1,000, single", Do: func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Broadcast(1, w) }},
	{Title: "broadcast to 1,000, bursts of ten", Do: func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Broadcast(10, w) }},
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

	if err := process.Build(ctx, "sio-observed", folder, [][]string{{"go", "build", "-o", "../../.build/sio-observed", "."}}, os.Stderr); err != nil {
		return err
	}
	m := &measured{pairs: pairs.Pairs{Variants: variants, Rows: rows, Clients: clients}}
	m.pairs.After = m.scrape
	if err := m.pairs.Run(ctx, *sets, *passes, *window); err != nil {
		return err
	}
	report := m.report(*sets, *passes)
	fmt.Print(report)
	if err := record.Write(*out, "observe.md", report); err != nil {
		return err
	}
	if *check {
		return m.pairs.Check(limit)
	}
	return nil
}

type measured struct {
	pairs   pairs.Pairs
	scrapes []float64 // seconds of CPU time
	size    int       // of an answer
}

// scrape asks the one that has metrics for them.
func (m *measured) scrape(all []pairs.Server) error {
	const times = 50
	metrics := all[1]
	s := load.Server{PID: metrics.PID()}
	before, err := s.CPU()
	if err != nil {
		return err
	}
	for range times {
		res, err := http.Get("http://" + metrics.Addr.String() + "/metrics")
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
	return nil
}

func (m *measured) report(sets, passes int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# What it costs to look at a server\n\n%s.\n\n", record.Circumstances("observe"))
	fmt.Fprintf(&b, "CPU time of the server for each round trip, or delivery, and how much more that is than without metrics: "+
		"median and quartiles of the ratios of neighbouring windows, %d of each with %d processes.\n\n| | plain | with metrics | more |\n|---|---|---|---|\n", sets*passes, sets)
	m.pairs.Report(&b)
	scrapes := record.Sorted(m.scrapes)
	fmt.Fprintf(&b, "\nA scrape with 1,000 clients, %d bytes: %.2f ms of CPU time (%.2f – %.2f), which every 15 s is %.3f %% of a core.\n",
		m.size, 1e3*scrapes.Median(), 1e3*scrapes.Min(), 1e3*scrapes.Max(), 100*scrapes.Median()/15)
	return b.String()
}
