package load

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Guests are some honest clients at a quiet rate, by whose waiting time one sees
// what others do to the server. Each has a goroutine: they are few.
type Guests struct {
	ctx    context.Context
	server Server
	all    []*guest
}

// A guest is one of them. It has left while say is nil.
type guest struct {
	polling bool
	seq     int
	say     func(seq int, deadline time.Time) error // waits for the answer
	close   func()
}

// guestPatience is how long a guest waits until it is lost.
const guestPatience = 5 * time.Second

// Invite connects n clients over WebSocket, and n by polling.
func Invite(ctx context.Context, s Server, n int) (*Guests, error) {
	g := &Guests{ctx: ctx, server: s}
	for i := range 2 * n {
		one := &guest{polling: i%2 == 1}
		g.all = append(g.all, one)
		if err := g.enter(one); err != nil {
			g.Close()
			return nil, err
		}
	}
	return g, nil
}

// Close hangs up.
func (g *Guests) Close() {
	for _, one := range g.all {
		one.leave()
	}
}

func (g *Guests) enter(one *guest) error {
	deadline := time.Now().Add(guestPatience)
	if one.polling {
		p, err := newPoller(g.ctx, g.server, deadline)
		if err != nil {
			return fmt.Errorf("polling: %w", err)
		}
		one.close = p.close
		one.say = func(seq int, deadline time.Time) error {
			for _, w := range []*web{p.poll, p.emit} {
				if err := w.until(deadline); err != nil {
					return err
				}
			}
			return p.trip(seq)
		}
		return nil
	}
	v := newVisitor(g.server, g.server.Dialect)
	w, err := v.arrive(g.ctx, deadline)
	if err != nil {
		return fmt.Errorf("WebSocket: %w", err)
	}
	one.close = w.Close
	one.say = func(seq int, deadline time.Time) error {
		if err := w.until(deadline); err != nil {
			return err
		}
		return v.exchange(w.conn, v.e.frames(seq), v.e.answer[0].fill(seq))
	}
	return nil
}

func (one *guest) leave() {
	if one.say != nil {
		one.close()
	}
	one.say = nil
}

// Talk has each guest say something every interval, for so long, and returns how
// long answers took, over WebSocket and by polling. Who is lost comes again; what
// it did not get counts with all its patience.
func (g *Guests) Talk(d, interval time.Duration) (websocket, polling *Sample) {
	var (
		mu        sync.Mutex // protects the following
		samples   [2]Sample
		latencies [2][]time.Duration
		talking   sync.WaitGroup
	)
	begin := time.Now()
	for i, one := range g.all {
		first := begin.Add(interval * time.Duration(i) / time.Duration(len(g.all)))
		which := i % 2
		talking.Go(func() {
			mine, err := g.talk(one, first, begin.Add(d), interval)
			mu.Lock()
			defer mu.Unlock()
			latencies[which] = append(latencies[which], mine...)
			samples[which].Ops += len(mine)
			if err != nil {
				samples[which].fail(&samples[which].Lost, err)
			}
		})
	}
	talking.Wait()
	for i := range samples {
		samples[i].Seconds = time.Since(begin).Seconds()
		samples[i].Latency = newLatency(latencies[i])
	}
	return &samples[0], &samples[1]
}

// talk returns the first thing that went wrong, too.
func (g *Guests) talk(one *guest, due, end time.Time, interval time.Duration) (all []time.Duration, failed error) {
	for ; due.Before(end) && g.ctx.Err() == nil; due = due.Add(interval) {
		asked := due // if the answer before came too late for it
		if wait := time.Until(due); wait > 0 {
			time.Sleep(wait)
			asked = time.Now() // what the timer was late is not the server's fault
		}
		if one.say == nil {
			if err := g.enter(one); err != nil {
				one.leave()
				return append(all, guestPatience), err
			}
		}
		one.seq++
		err := one.say(one.seq, asked.Add(guestPatience))
		if err != nil {
			one.leave()
			if failed == nil {
				failed = err
			}
			all = append(all, guestPatience)
			continue
		}
		all = append(all, time.Since(asked))
	}
	return all, failed
}
