package main

import (
	"context"
	"fmt"
	"time"

	"github.com/siokit/sio/bench/internal/load"
)

// A plan is how long things take.
type plan struct {
	sets, passes int // fresh processes, and the turns that each of them has
	window       load.Window
	latency      load.Window
	idle         time.Duration
	settle       time.Duration // for subscriptions to be known everywhere
	connect      time.Duration // limit for all clients
}

func fullPlan() plan {
	return plan{
		sets: 2, passes: 2,
		window:  load.Window{Warm: 100 * time.Millisecond, Measured: 500 * time.Millisecond},
		latency: load.Window{Warm: 100 * time.Millisecond, Measured: 800 * time.Millisecond},
		idle:    26 * time.Second, // a heartbeat of each client
		settle:  500 * time.Millisecond,
		connect: 15 * time.Second,
	}
}

func quickPlan() plan {
	p := fullPlan()
	p.sets, p.passes = 1, 1
	p.window.Measured /= 2
	p.latency.Measured /= 2
	p.idle = 5 * time.Second
	return p
}

// A part is measured by itself.
type part struct {
	name string
	run  func(context.Context, []target, plan) error
}

func (r *results) parts() []part {
	return []part{{"turns", r.turns}, {"namespaces", r.namespaces}, {"nobody", r.nobody}, {"idle", r.idle}}
}

// The clients of a turn.
const (
	publishing = 500   // emits in a row
	receivers  = 1_000 // in rooms of 100
	quiet      = 1_000 // messages a second
	quietSize  = 132   // bytes, as in Broadcast
)

// turns has all targets up at the same time, and each measurement made of one after the
// other.
func (r *results) turns(ctx context.Context, chosen []target, p plan) error {
	for set := range p.sets {
		if err := r.takeSet(ctx, chosen, set*p.passes, p); err != nil {
			return err
		}
	}
	return nil
}

// A player takes part in turns.
type player struct {
	*system
	first, many *load.Crowd
}

func (r *results) takeSet(ctx context.Context, chosen []target, before int, p plan) error {
	var all []*player
	defer func() {
		for _, each := range all {
			for _, c := range []*load.Crowd{each.first, each.many} {
				if c != nil {
					c.Close()
				}
			}
			each.stop()
		}
	}()
	for _, t := range chosen {
		if t.engine == "alone" {
			continue
		}
		s, err := start(ctx, t, setup{})
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		each := &player{system: s}
		all = append(all, each)
		if each.first, err = s.crowd(ctx, 1, 0, "first", p); err != nil {
			return err
		}
		if each.many, err = s.crowd(ctx, receivers, 0, "rooms", p); err != nil {
			return err
		}
	}
	for pass := -1; pass < p.passes; pass++ {
		turn, q := before+pass, p
		if pass < 0 { // to warm up
			turn = -1
			q.window.Measured /= 2
			q.latency.Measured /= 4
		}
		for _, step := range []func(*results, *player, int, plan) error{
			(*results).publish, (*results).deliver, (*results).burst, (*results).latency,
		} {
			for i := range all {
				// Each is first and last in turn.
				if pass%2 == 1 {
					i = len(all) - 1 - i
				}
				each := all[(i+max(pass, 0)/2)%len(all)]
				if err := settled(each, all); err != nil {
					return err
				}
				if err := step(r, each, turn, q); err != nil {
					return fmt.Errorf("%s: %w", each.name, err)
				}
			}
		}
	}
	return ctx.Err()
}

// settled answers what others have asked meanwhile, and waits until the servers of one are
// quiet.
func settled(next *player, all []*player) error {
	for _, each := range all {
		for _, c := range []*load.Crowd{each.first, each.many} {
			if err := c.Idle(time.Millisecond); err != nil {
				return err
			}
		}
	}
	return next.first.Settle(time.Second)
}

// publish is about who sends: bursts to a room with one member elsewhere.
func (r *results) publish(s *player, turn int, p plan) error {
	return r.spent(s.system, turn, "publish", s.first, publishing, p.window)
}

// deliver is about who receives: an event to each of ten rooms of a hundred, the next
// when all have got it.
func (r *results) deliver(s *player, turn int, p plan) error {
	return r.spent(s.system, turn, "deliver", s.many, 1, p.window)
}

// burst is the same with ten events to each.
func (r *results) burst(s *player, turn int, p plan) error {
	return r.spent(s.system, turn, "burst", s.many, 10, p.window)
}

func (r *results) latency(s *player, turn int, p plan) error {
	sample, err := s.first.Paced(quiet, quietSize, p.latency, func() {})
	if err != nil {
		return err
	}
	values := make(map[string]float64)
	if l := sample.Latency; l != nil {
		values["latency.p50"], values["latency.p99"] = l.P50, l.P99
	}
	r.add(s.name, turn, "latency", values, sample)
	return nil
}

// spent measures what is delivered for each CPU second of the processes.
func (r *results) spent(s *system, turn int, key string, c *load.Crowd, count int, w load.Window) error {
	var before map[string]time.Duration
	w.Begin = func() (err error) {
		before, err = s.used()
		return err
	}
	sample, err := c.Broadcast(count, w)
	if err != nil {
		return err
	}
	after, err := s.used()
	if err != nil {
		return err
	}
	values := make(map[string]float64)
	for name, used := range after {
		if spent := (used - before[name]).Seconds(); spent > 0 && !sample.Cut {
			values[key+"."+name] = float64(sample.Ops) / spent
		}
	}
	r.add(s.name, turn, key, values, sample)
	return nil
}

// manyNamespaces is what costs Redis where each has a pattern.
const manyNamespaces = 1_000

// namespaces is about Redis: an event to the room of each of a thousand namespaces, with
// a member elsewhere.
func (r *results) namespaces(ctx context.Context, chosen []target, p plan) error {
	for turn := range p.sets {
		for _, t := range chosen {
			if !t.usesRedis() || t.recovers() {
				continue
			}
			if err := r.inNamespaces(ctx, t, turn, p); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
	}
	return nil
}

func (r *results) inNamespaces(ctx context.Context, t target, turn int, p plan) error {
	s, err := start(ctx, t, setup{namespaces: manyNamespaces})
	if err != nil {
		return err
	}
	defer s.stop()
	c, err := s.crowd(ctx, manyNamespaces, manyNamespaces, "namespaces", p)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Settle(p.connect); err != nil {
		return err
	}
	return r.spent(s, turn, "namespaces", c, 1, p.window)
}
