// Command adminui measures what an open page of the Admin UI costs: clients that connect, and ten
// thousand that do nothing, beside a server without it. It writes adminui.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/siokit/sio/bench/internal/load"
	"github.com/siokit/sio/bench/internal/process"
	"github.com/siokit/sio/bench/internal/program"
	"github.com/siokit/sio/bench/internal/record"
	"github.com/siokit/sio/internal/testclient"
)

func main() { program.Main("adminui", run) }

// What an open page may cost in production.
const (
	idleLimit    = 0.01 // of a core
	connectLimit = 0.05 // of what a connect costs
)

// A variant is a server, and whether a page is open. The others are compared with the first.
type variant struct {
	name string
	flag string
	page bool
}

var variants = []variant{
	{name: "without"},
	{name: "mounted, no page", flag: "production"},
	{name: "production, a page", flag: "production", page: true},
	{name: "development, a page", flag: "development", page: true},
}

// inProduction is the variant that has the limits.
const inProduction = 2

// measured has what each variant has taken, by rounds.
type measured struct {
	connect [][]float64 // seconds of CPU time for each
	idle    [][]float64 // of a core
	events  []int       // that the pages got, while all were idle
}

func run(ctx context.Context) error {
	clients := flag.Int("clients", 10_000, "`number` of clients")
	rounds := flag.Int("rounds", 5, "`number` of fresh processes of each")
	idle := flag.Duration("idle", 6*time.Second, "how long nothing happens")
	out := flag.String("out", "", "`folder` for adminui.md; none is written by default")
	check := flag.Bool("check", false, "fail if a page costs more than it may")
	flag.Parse()

	if err := process.Build(ctx, "sio-observed", "servers/sio-observed", [][]string{{"go", "build", "-o", "../../.build/sio-observed", "."}}, os.Stderr); err != nil {
		return err
	}
	m := &measured{make([][]float64, len(variants)), make([][]float64, len(variants)), make([]int, len(variants))}
	for round := range *rounds {
		for i := range variants {
			i = (i + round) % len(variants) // each is first in turn
			if err := m.measure(ctx, i, *clients, *idle); err != nil {
				return fmt.Errorf("%s: %w", variants[i].name, err)
			}
		}
	}
	report := m.report(*clients)
	fmt.Print(report)
	if err := record.Write(*out, "adminui.md", report); err != nil {
		return err
	}
	if *check {
		return m.check()
	}
	return nil
}

// measure has a crowd connect to a fresh server, and then do nothing.
func (m *measured) measure(ctx context.Context, i, clients int, idle time.Duration) error {
	v := variants[i]
	command := []string{"../../.build/sio-observed"}
	if v.flag != "" {
		command = append(command, "-admin", v.flag)
	}
	server, err := process.Start(ctx, process.Command{Dir: "servers/sio-observed", Run: command})
	if err != nil {
		return err
	}
	defer server.Stop()
	if v.page {
		p, err := open(server.Addr.String())
		if err != nil {
			return err
		}
		defer func() { m.events[i] += p.close() }()
	}
	crowd, err := load.NewCrowd(ctx, load.Server{Addr: server.Addr, PID: server.PID()})
	if err != nil {
		return err
	}
	defer crowd.Close()
	if _, err := crowd.Connect(clients/10, time.Minute); err != nil { // not measured: all is new to the process
		return err
	}
	s, err := crowd.Connect(clients, time.Minute)
	switch {
	case err != nil:
		return err
	case s.Failures() > 0:
		return fmt.Errorf("%d clients have not connected: %s", s.Failures(), s.Error)
	}
	m.connect[i] = append(m.connect[i], 1/s.PerCPU())
	if err := crowd.Settle(10 * time.Second); err != nil {
		return err
	}
	clock := load.Server{PID: server.PID()}
	before, err := clock.CPU()
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := crowd.Idle(idle); err != nil {
		return err
	}
	after, err := clock.CPU()
	if err != nil {
		return err
	}
	m.idle[i] = append(m.idle[i], (after-before).Seconds()/time.Since(begin).Seconds())
	return nil
}

// A page is connected to the Admin UI, and reads what it is told.
type page struct {
	client *testclient.Client
	done   chan struct{}
	events int // once done
}

func open(addr string) (*page, error) {
	c, err := testclient.Dial("http://"+addr+"/socket.io/", testclient.Options{WebSocket: true, Patience: time.Minute})
	if err != nil {
		return nil, err
	}
	if _, err := c.Connect("/admin", nil); err != nil {
		c.Close()
		return nil, err
	}
	p := &page{client: c, done: make(chan struct{})}
	go func() { // until the client is closed
		defer close(p.done)
		for {
			if _, err := c.Next(); err != nil {
				return
			}
			p.events++
		}
	}()
	return p, nil
}

func (p *page) close() (events int) {
	p.client.Close()
	<-p.done
	return p.events
}

func (m *measured) report(clients int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# What an open page of the Admin UI costs\n\n%s.\n\n", record.Circumstances("adminui"))
	fmt.Fprintf(&b, "CPU time of the server: for a client that connects, by WebSocket, as one of %d; and with all of them there and nothing to do. "+
		"Medians, least and most of %d processes; ratios and differences are those of one round.\n\n"+
		"| | a connect | more | idle, of a core | more | told, a process |\n|---|---|---|---|---|---|\n", clients, len(m.connect[0]))
	for i, v := range variants {
		c, idle := record.Sorted(m.connect[i]), record.Sorted(m.idle[i])
		fmt.Fprintf(&b, "| %s | %.1f µs (%.1f – %.1f) | **%+.1f %%** | %.2f %% (%.2f – %.2f) | **%+.2f %%** | %d |\n", v.name,
			1e6*c.Median(), 1e6*c.Min(), 1e6*c.Max(), 100*m.connectMore(i), 100*idle.Median(), 100*idle.Min(), 100*idle.Max(), 100*m.idleMore(i), m.events[i]/len(m.connect[i]))
	}
	return b.String()
}

func (m *measured) connectMore(i int) float64 {
	var ratios []float64
	for round, took := range m.connect[i] {
		ratios = append(ratios, took/m.connect[0][round])
	}
	return record.Sorted(ratios).Median() - 1
}

func (m *measured) idleMore(i int) float64 {
	var more []float64
	for round, share := range m.idle[i] {
		more = append(more, share-m.idle[0][round])
	}
	return record.Sorted(more).Median()
}

// check fails if a page costs more than it may.
func (m *measured) check() error {
	var errs []error
	if more := m.idleMore(inProduction); more > idleLimit {
		errs = append(errs, fmt.Errorf("idle: %.2f %% of a core", 100*more))
	}
	if more := m.connectMore(inProduction); more > connectLimit {
		errs = append(errs, fmt.Errorf("a connect: %.1f %% more", 100*more))
	}
	return errors.Join(errs...)
}
