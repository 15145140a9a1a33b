package main

import (
	"context"
	"fmt"
	"time"

	"github.com/siokit/sio/bench/internal/load"
)

// An idler has nothing to do.
type idler struct {
	*system
	crowd *load.Crowd // of its receiver; nil at first
}

// idle is about servers that have nothing to do, with no clients and with a thousand.
func (r *results) idle(ctx context.Context, chosen []target, p plan) error {
	var all []*idler
	defer func() {
		for _, each := range all {
			if each.crowd != nil {
				each.crowd.Close()
			}
			each.stop()
		}
	}()
	for _, t := range chosen {
		s, err := start(ctx, t, setup{})
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		all = append(all, &idler{system: s})
	}
	watch := func(key string) error {
		// Servers do things once, a while after they have started.
		if err := pause(ctx, 3*time.Second); err != nil {
			return err
		}
		before, err := usedBy(all)
		if err != nil {
			return err
		}
		for begin := time.Now(); time.Since(begin) < p.idle; {
			if err := pause(ctx, 100*time.Millisecond); err != nil {
				return err
			}
			for _, each := range all {
				if each.crowd != nil {
					if err := each.crowd.Idle(time.Millisecond); err != nil {
						return err
					}
				}
			}
		}
		after, err := usedBy(all)
		if err != nil {
			return err
		}
		for i, each := range all {
			r.add(each.name, 0, key, map[string]float64{key: (after[i] - before[i]).Seconds() / p.idle.Seconds()}, nil)
		}
		return nil
	}
	if err := watch("idle.0"); err != nil {
		return err
	}
	for _, each := range all {
		var err error
		if each.crowd, err = each.system.crowd(ctx, receivers, 0, "", p); err != nil {
			return err
		}
	}
	return watch("idle.1k")
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// usedBy returns the CPU time of the receivers.
func usedBy(all []*idler) ([]time.Duration, error) {
	used := make([]time.Duration, len(all))
	for i, each := range all {
		var err error
		if used[i], err = (load.Server{PID: each.receiver.PID()}).CPU(); err != nil {
			return nil, err
		}
	}
	return used, nil
}
