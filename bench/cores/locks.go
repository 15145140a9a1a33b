package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/siokit/sio/bench/internal/load"
	"github.com/siokit/sio/bench/internal/pairs"
)

// reportLocks tells who waits for locks, with many clients, and as many cores as Go can be
// made to believe in.
func reportLocks(ctx context.Context, b *strings.Builder, clients int) error {
	fmt.Fprintf(b, "\n## Who waits for locks\n\nGOMAXPROCS=%d, %d clients. Waiting is what goroutines together waited for locks that another one had "+
		"(the mutex profile), by who had them, as a share of the CPU time that the server used meanwhile; then by who waited, for anything (the block profile). "+
		"What is below a thousandth is left out.\n\n| | operations | CPU | waiting | had by | waited in |\n|---|---|---|---|---|---|\n", variants[1], clients)
	w := load.Window{Warm: 200 * time.Millisecond, Measured: 2 * time.Second}
	for _, moves := range []bool{false, true} {
		steps := []pairs.Row{
			{Title: "connects", Do: func(c *load.Crowd, _ load.Window) (*load.Sample, error) { return c.Connect(clients, time.Minute) }},
			{Title: "echo with ack", Do: func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Echo(load.WithAck, clients, w) }},
			{Title: "broadcast, single", Do: func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Broadcast(1, w) }},
			{Title: "broadcast, bursts of ten", Do: func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Broadcast(10, w) }},
			{Title: "long-polling, 50 clients", Do: func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Polling(50, w) }},
		}
		flags := []string{"-watched"}
		if moves {
			flags = append(flags, "-moves")
			steps = steps[:2]
			steps[1].Title = "echo that joins a room and leaves one"
		}
		if err := locksOf(ctx, b, steps, w, flags); err != nil {
			return err
		}
	}
	return nil
}

func locksOf(ctx context.Context, b *strings.Builder, steps []pairs.Row, w load.Window, flags []string) error {
	c, err := command(variants[1], flags...)
	if err != nil {
		return err
	}
	s, err := pairs.Start(ctx, c)
	if err != nil {
		return err
	}
	defer s.End()
	me := load.Server{PID: s.PID()}
	for i, step := range steps {
		before, err := waitedIn(s)
		if err != nil {
			return err
		}
		begin, err := me.CPU()
		if err != nil {
			return err
		}
		sample, err := step.Do(s.Crowd, w)
		switch {
		case err != nil:
			return err
		case sample.Failures() > 0:
			return fmt.Errorf("%s: %d done, %d failed; %s", step.Title, sample.Ops, sample.Failures(), sample.Error)
		}
		end, err := me.CPU()
		if err != nil {
			return err
		}
		after, err := waitedIn(s)
		if err != nil {
			return err
		}
		if i == 0 && len(steps) == 2 {
			continue // the same again
		}
		cpu := (end - begin).Seconds()
		mutex, total := share(before["mutex"], after["mutex"], cpu)
		block, _ := share(before["block"], after["block"], cpu)
		fmt.Fprintf(b, "| %s | %d | %.2f s | **%.2f %%** | %s | %s |\n", step.Title, sample.Ops, cpu, 100*total, mutex, block)
	}
	return nil
}

// waitedIn asks a server what its profiles say so far.
func waitedIn(s pairs.Server) (map[string]sites, error) {
	res, err := http.Get("http://" + s.Addr.String() + "/waited")
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var all map[string]sites
	return all, json.NewDecoder(res.Body).Decode(&all)
}

// share names the places where most was waited between two looks, for each second of CPU
// time.
func share(before, after sites, cpu float64) (most string, total float64) {
	gained := make(sites)
	for site, seconds := range after {
		gained[site] = (seconds - before[site]) / cpu
		total += gained[site]
	}
	names := slices.SortedFunc(maps.Keys(gained), func(a, b string) int { return cmp.Compare(gained[b], gained[a]) })
	var all []string
	for _, name := range names[:min(len(names), 5)] {
		if gained[name] >= 0.001 {
			all = append(all, fmt.Sprintf("`%s` %.2f %%", name, 100*gained[name]))
		}
	}
	return strings.Join(all, "<br>"), total
}
