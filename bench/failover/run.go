package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A result is what all kills have shown.
type result struct {
	kills [2]int // kill -9, and graceful
	// What became of the clients of these servers, of others that were cut off, and how long
	// they were away.
	back, anew [3]int
	away       [3][]time.Duration
	verdict
	checks int
	took   time.Duration
	anews  []string // who began anew, and when
}

// Who was cut off.
const (
	killed    = iota // clients of a server with kill -9
	graceful         // of one that ended by itself
	disturbed        // others
)

// run kills servers, one after the other, and checks what clients have got.
func run(ctx context.Context, p plan) (*result, error) {
	begin := time.Now()
	fmt.Fprintf(p.log, "seed %d\n", p.seed)
	f, err := launch(ctx, p)
	if err != nil {
		return nil, err
	}
	defer f.close()
	random := rand.New(rand.NewPCG(p.seed, 0))
	res := new(result)
	for res.kills[0]+res.kills[1] < p.kills && time.Since(begin) < p.limit {
		if err := f.round(ctx, random, res); err != nil {
			return res, fmt.Errorf("check %d: %w", res.checks, err)
		}
		res.took = time.Since(begin)
		if p.verbose {
			fmt.Fprintln(p.log, res)
			for _, who := range res.anews {
				fmt.Fprintln(p.log, "  anew:", who)
			}
			res.anews = nil
		}
		if problem := res.problem(); problem != "" {
			return res, errors.New(problem)
		}
	}
	return res, nil
}

// round is some kills, and a check.
func (f *fleet) round(ctx context.Context, random *rand.Rand, res *result) error {
	for _, n := range f.nodes {
		if err := f.emit(n, res.checks); err != nil {
			return err
		}
	}
	f.acting.Store(true)
	deaths := make(map[string]int)
	for i := 0; i < f.each && res.kills[0]+res.kills[1] < f.kills; i++ {
		pause := time.Duration(random.IntN(200)) * time.Millisecond
		n, gently := f.nodes[random.IntN(len(f.nodes))], random.Float64() < f.plan.graceful
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		how := killed
		if gently {
			how = graceful
		}
		deaths[n.name()] = how
		res.kills[how]++
		if err := f.kill(ctx, n, gently); err != nil {
			return err
		}
		if err := f.settled(ctx); err != nil {
			return err
		}
		if err := f.start(ctx, n); err != nil {
			return err
		}
		if err := f.emit(n, res.checks); err != nil {
			return err
		}
	}
	return f.check(ctx, deaths, res)
}

func (f *fleet) slack() slack {
	s := slackOf[f.engine]
	s.event = cmp.Or(f.grace, s.event)
	return s
}

// check has the servers stop to emit, and checks what has come.
func (f *fleet) check(ctx context.Context, deaths map[string]int, res *result) error {
	f.acting.Store(false)
	if err := f.await(ctx, "idle", func(c *client) bool { return c.server != "" && c.asked == "" }); err != nil {
		return err
	}
	for _, n := range f.nodes {
		if err := f.tell(n, "/stop"); err != nil {
			return err
		}
	}
	for _, n := range f.nodes {
		for _, origin := range []string{n.origin, direct(n.origin)} {
			last := number{origin, f.history.last(origin)}
			// Who does not get it is told of below.
			_ = f.await(ctx, "told", func(c *client) bool { return c.rec.has(last) })
		}
	}
	f.history.mu.Lock()
	defer f.history.mu.Unlock()
	var records []*record
	for _, c := range f.clients {
		c.mu.Lock()
		defer c.mu.Unlock()
		records = append(records, c.rec)
		for _, r := range c.returns {
			how, ok := deaths[r.from]
			if !ok {
				how = disturbed
			}
			if r.recovered {
				res.back[how]++
			} else {
				res.anew[how]++
				res.anews = append(res.anews, fmt.Sprintf("%s of %s on %s, after %v and %d tries", c.rec.name, r.from, r.to, r.away, r.tries))
			}
			res.away[how] = append(res.away[how], r.away)
		}
		c.returns = nil
	}
	res.checks++
	res.merge(check(f.history.origins, records, f.slack()))
	f.history.origins = make(map[string]*origin)
	f.mu.Lock()
	defer f.mu.Unlock()
	res.merge(&f.blame)
	f.blame = verdict{}
	return errors.Join(f.errs...)
}

func (v *verdict) merge(o *verdict) {
	v.emitted += o.emitted
	v.received += o.received
	v.due += o.due
	v.early += o.early
	v.tail += o.tail
	v.late += o.late
	v.latest = max(v.latest, o.latest)
	v.oldest = max(v.oldest, o.oldest)
	for f, n := range o.count {
		if v.count == nil {
			v.count = make(map[fault]int)
		}
		v.count[f] += n
	}
	v.faults = append(v.faults, o.faults...)
}

// share is how many of those who were cut off came back.
func (r *result) share(how int) float64 {
	if all := r.back[how] + r.anew[how]; all > 0 {
		return float64(r.back[how]) / float64(all)
	}
	return 1
}

func (r *result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d × kill -9, %d graceful, in %v:", r.kills[killed], r.kills[graceful], r.took.Round(time.Second))
	for how, who := range []string{"clients of killed servers", "of graceful ones", "others that were cut off"} {
		if all := r.back[how] + r.anew[how]; all > 0 {
			fmt.Fprintf(&b, " %s %d, recovered %.3f %% (%d not), away %v p50, %v at most;", who, all, r.share(how)*100, r.anew[how],
				percentile(r.away[how], .5), percentile(r.away[how], 1))
		}
	}
	fmt.Fprintf(&b, " %d events, %d deliveries checked, %d without an offset; %d events ended with their server, of the last %v; %d changes of rooms or values, of the last %v",
		r.emitted, r.due, r.early, r.tail, r.oldest.Round(time.Millisecond), r.late, r.latest.Round(time.Millisecond))
	return b.String()
}

func percentile(all []time.Duration, p float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[int(p*float64(len(all)-1))].Round(time.Millisecond)
}
