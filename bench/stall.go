package main

import (
	"context"
	"time"
)

// noticing is how long a server has to notice that a client takes nothing.
const noticing = 12 * time.Second

// stall measures a broadcast to clients among whom one does not read, against the
// same without it.
func (r *run) stall(ctx context.Context) error {
	if _, err := r.crowd.Connect(blastClients, r.plan.connect); err != nil {
		return err
	}
	var peak float64
	watch := func() {
		if rss, err := r.server.ResidentRoughly(); err == nil { // else it has died, as will be seen
			peak = max(peak, rss)
		}
	}
	paced := func(key string, atLeast time.Duration) (grown, held float64, err error) {
		if _, err := r.server.Collect(); err != nil {
			return 0, 0, err
		}
		before, err := r.server.Resident()
		if err != nil {
			return 0, 0, err
		}
		if err := r.crowd.Settle(settleLimit); err != nil {
			return 0, 0, err
		}
		peak = before
		until := time.Now().Add(atLeast)
		s, err := r.crowd.Paced(blastRate, blastSize, r.plan.stall, watch)
		if err != nil {
			return 0, 0, err
		}
		r.sample(key, s)
		if err := r.crowd.Idle(time.Until(until)); err != nil {
			return 0, 0, err
		}
		if _, err := r.server.Collect(); err != nil {
			return 0, 0, err
		}
		after, err := r.server.Resident()
		return peak - before, after - before, err
	}
	grown, _, err := paced("stall.without", 0)
	if err != nil {
		return err
	}
	r.value("stall.without.grown", grown)

	stalled, err := r.crowd.Stall()
	if err != nil {
		return err
	}
	grown, held, err := paced("stall.with", noticing)
	if err != nil {
		return err
	}
	r.value("stall.with.grown", grown)
	r.value("stall.with.held", held)
	received, closed, err := stalled.Resume()
	if err != nil {
		return err
	}
	r.value("stall.kept", float64(received))
	if closed {
		r.value("stall.closed", 1)
	} else {
		r.value("stall.closed", 0)
	}
	return ctx.Err()
}
