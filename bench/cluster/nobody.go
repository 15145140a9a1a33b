package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// nobody is about what other servers receive that is not for them.
func (r *results) nobody(ctx context.Context, chosen []target, p plan) error {
	for turn := range p.sets {
		for _, t := range chosen {
			if t.engine == "alone" {
				continue
			}
			if err := r.toNobody(ctx, t, turn, p); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
	}
	return nil
}

func (r *results) toNobody(ctx context.Context, t target, turn int, p plan) error {
	const emits = 100 // for each that is for somebody, as the contract has it
	tap := newTap("nobody", "first")
	defer tap.close()
	s, err := start(ctx, t, setup{via: tap.listen})
	if err != nil {
		return err
	}
	defer s.stop()
	c, err := s.crowd(ctx, 1, 0, "nobody", p)
	if err != nil {
		return err
	}
	defer c.Close()
	var first, named, received int // before the window
	p.window.Begin = func() (err error) {
		first, named = tap.count("first"), tap.count("nobody")
		received, err = s.received()
		return err
	}
	sample, err := c.Broadcast(1, p.window)
	if err != nil {
		return err
	}
	// What is for somebody comes by the same way after each hundred: these have arrived
	// by then, if they ever do.
	first, named = tap.count("first")-first, tap.count("nobody")-named
	if !t.usesRedis() { // heartbeats are counted, too
		all, err := s.received()
		if err != nil {
			return err
		}
		first, named = sample.Ops, all-received-sample.Ops
	}
	if first != sample.Ops {
		return fmt.Errorf("%d delivered, but %d seen to arrive", sample.Ops, first)
	}
	r.add(t.name, turn, "nobody", map[string]float64{"nobody": float64(named) / float64(emits*sample.Ops)}, sample)
	return nil
}

var statsClient = http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// received returns what the receiver counts that the engine has brought, 0 if there is
// Redis, where a tap counts.
func (s *system) received() (int, error) {
	if s.usesRedis() {
		return 0, nil
	}
	resp, err := statsClient.Get(fmt.Sprintf("http://%s/stats", s.receiver.Addr))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var stats struct{ Received int }
	if err := json.NewDecoder(resp.Body).Decode(&stats); err != nil {
		return 0, fmt.Errorf("/stats: %w", err)
	}
	return stats.Received, nil
}
