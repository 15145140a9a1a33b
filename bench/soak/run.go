package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/siokit/sio/bench/internal/load"
)

// A runner has floods measured.
type runner struct {
	log      io.Writer
	pairs    int           // of turns
	turn     time.Duration // length of one
	tries    int
	recovery bool
	verbose  bool
	profiles string // folder; none if empty
}

const (
	guestsEach = 6                     // over each transport
	interval   = 40 * time.Millisecond // at which each says something
	warm       = 100 * time.Millisecond
)

// A turn is what one target's turn has shown: waiting times in seconds.
type turn struct {
	p50, p99 [2]float64 // over WebSocket, and by polling
	lost     int
	err      string
	cpu      float64 // cores that the server used
	done     done    // by the flooder
}

// A result is what is known of a flood.
type result struct {
	flood        flooding
	server, sink turn  // medians of the turns
	grown        int64 // bytes that the server grew by at most
	seconds      float64
	tries        int
}

// try measures a flood until it passes, or has been tried often enough. The best is
// not looked for: others on the machine only ever make it worse.
func (r *runner) try(ctx context.Context, f flooding) (res *result, err error) {
	for n := 1; n <= r.tries; n++ {
		if res, err = r.measure(ctx, f); err != nil {
			return nil, err
		}
		res.tries = n
		if res.problem() == "" {
			break
		}
		if r.verbose {
			fmt.Fprintf(r.log, "  try %d: %s\n", n, res.problem())
		}
	}
	return res, nil
}

// measure floods a new server.
func (r *runner) measure(ctx context.Context, f flooding) (*result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var env []string
	if r.recovery {
		env = append(env, recoveryVar+"=1")
	}
	server, addr, err := start(ctx, "server", env...)
	if err != nil {
		return nil, err
	}
	defer server.stop()
	sink, sinkAddr, err := start(ctx, "sink")
	if err != nil {
		return nil, err
	}
	defer sink.stop()
	at, err := addresses(addr)
	if err != nil {
		return nil, err
	}
	sinkAt, err := addresses(sinkAddr)
	if err != nil {
		return nil, err
	}
	port := 0
	if f.kind.over == encrypted {
		port = 1
	}
	target := load.Server{Addr: at[0], PID: server.pid()}
	guests, err := load.Invite(ctx, target, guestsEach)
	if err != nil {
		return nil, err
	}
	defer guests.Close()
	guests.Talk(warm, interval)
	before, err := server.memory()
	if err != nil {
		return nil, err
	}

	flooder, _, err := start(ctx, "flooder", kindVar+"="+f.kind.name, fmt.Sprintf("%s=%d", sizeVar, f.index),
		serverVar+"="+at[port].String(), sinkVar+"="+sinkAt[port].String())
	if err != nil {
		return nil, err
	}
	defer flooder.stop()
	if _, err := flooder.tell("connect"); err != nil {
		return nil, fmt.Errorf("flooder: %w", err)
	}
	if err := settle(target); err != nil {
		return nil, err
	}
	m := &measuring{runner: r, flood: f, server: server, flooder: flooder, target: target, guests: guests}
	var turns [2][]turn
	for pair := range r.pairs {
		for i := range 2 {
			who := (i + pair) % 2
			t, err := m.take(who, pair)
			if err != nil {
				return nil, err
			}
			turns[who] = append(turns[who], t)
		}
	}
	after, err := server.memory()
	if err != nil {
		return nil, err
	}
	return &result{
		flood:   f,
		server:  medians(turns[0]),
		sink:    medians(turns[1]),
		grown:   after.most - before.now,
		seconds: r.turn.Seconds(),
	}, nil
}

type measuring struct {
	*runner
	flood           flooding
	server, flooder *role
	target          load.Server
	guests          *load.Guests
}

var targets = [2]string{"server", "sink"}

// take takes a turn.
func (m *measuring) take(who, pair int) (t turn, err error) {
	profiled := m.profiles != "" && who == 0
	if profiled {
		name := strings.ReplaceAll(fmt.Sprintf("%s %d.pprof", m.flood, pair), " ", "_")
		if _, err := m.server.tell("profile " + filepath.Join(m.profiles, name)); err != nil {
			return t, err
		}
	}
	type answer struct {
		line string
		err  error
	}
	flooded := make(chan answer, 1)
	go func() { // until the turn is over
		line, err := m.flooder.tell(fmt.Sprintf("%s %v", targets[who], m.runner.turn+warm))
		flooded <- answer{line, err}
	}()
	time.Sleep(warm)
	begin, err := m.target.CPU()
	if err != nil {
		return t, fmt.Errorf("the server died: %w", err)
	}
	ws, poll := m.guests.Talk(m.runner.turn, interval)
	end, err := m.target.CPU()
	if err != nil {
		return t, fmt.Errorf("the server died: %w", err)
	}
	a := <-flooded
	if a.err != nil {
		return t, fmt.Errorf("flooder: %w", a.err)
	}
	if err := json.Unmarshal([]byte(a.line), &t.done); err != nil {
		return t, err
	}
	if profiled {
		if _, err := m.server.tell("enough"); err != nil {
			return t, err
		}
	}
	t.cpu = (end - begin).Seconds() / ws.Seconds
	for i, s := range []*load.Sample{ws, poll} {
		t.lost += s.Lost
		if t.err == "" {
			t.err = s.Error
		}
		if s.Latency != nil {
			t.p50[i], t.p99[i] = s.Latency.P50, s.Latency.P99
		}
	}
	if m.verbose {
		fmt.Fprintf(m.log, "  %s: %.2f %.2f ms p99, %d lost, %.2f cores, %+v\n", targets[who], t.p99[0]*1e3, t.p99[1]*1e3, t.lost, t.cpu, t.done)
	}
	return t, settle(m.target)
}

// settle waits until a server has nothing to do any more, but no longer than two
// seconds: what a flood leaves behind is not to look like the sink's.
func settle(s load.Server) error {
	const step = 50 * time.Millisecond
	for range 40 {
		before, err := s.CPU()
		if err != nil {
			return fmt.Errorf("the server died: %w", err)
		}
		time.Sleep(step)
		after, err := s.CPU()
		if err != nil {
			return fmt.Errorf("the server died: %w", err)
		}
		if after-before < step/10 {
			return nil
		}
	}
	return nil
}

// medians has all who were lost.
func medians(all []turn) (m turn) {
	of := func(value func(turn) float64) float64 {
		var vs []float64
		for _, t := range all {
			vs = append(vs, value(t))
		}
		slices.Sort(vs)
		return (vs[(len(vs)-1)/2] + vs[len(vs)/2]) / 2
	}
	for i := range 2 {
		m.p50[i] = of(func(t turn) float64 { return t.p50[i] })
		m.p99[i] = of(func(t turn) float64 { return t.p99[i] })
	}
	m.cpu = of(func(t turn) float64 { return t.cpu })
	for _, t := range all {
		m.lost += t.lost
		if m.err == "" {
			m.err = t.err
		}
		m.done.Bytes += t.done.Bytes / int64(len(all))
		m.done.Beats += t.done.Beats / int64(len(all))
		m.done.Dials += t.done.Dials / int64(len(all))
		m.done.Closed += t.done.Closed / int64(len(all))
	}
	return m
}
