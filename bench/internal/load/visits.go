package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// visitPatience bounds a visit.
const visitPatience = 20 * time.Second

// Visits lets n clients come and leave again, some at a time, in all ways in turn:
// over either transport, with an upgrade, in order or by hanging up at any step. It
// returns how many did not get as far as they wanted, and why the first did not.
func Visits(ctx context.Context, s Server, n int) (failed int, first error) {
	ways := []func(v *visitor, seq int, deadline time.Time) error{
		func(v *visitor, _ int, deadline time.Time) error { // over WebSocket, and hang up
			w, err := v.arrive(ctx, deadline)
			if err == nil {
				w.Close()
			}
			return err
		},
		func(v *visitor, _ int, deadline time.Time) error { // in order
			w, err := v.arrive(ctx, deadline)
			if err != nil {
				return err
			}
			defer w.Close()
			_, err = w.conn.Write(s.Dialect.bye())
			return err
		},
		func(v *visitor, _ int, deadline time.Time) error { // in the middle of the handshake
			return v.abort(ctx, deadline, UpgradeRequest(s, "")[:100])
		},
		func(v *visitor, _ int, deadline time.Time) error { // behind it, without having heard
			return v.abort(ctx, deadline, append(UpgradeRequest(s, ""), connectFrame[:3]...))
		},
		func(v *visitor, seq int, deadline time.Time) error { // by polling, in order
			p, err := newPoller(ctx, s, deadline)
			if err != nil {
				return err
			}
			defer p.close()
			if err := p.trip(seq); err != nil {
				return err
			}
			return p.leave()
		},
		func(_ *visitor, seq int, deadline time.Time) error { // and without a word
			p, err := newPoller(ctx, s, deadline)
			if err != nil {
				return err
			}
			defer p.close()
			return p.trip(seq)
		},
	}
	for step := range steps + 1 {
		ways = append(ways, func(v *visitor, seq int, deadline time.Time) error {
			v.aborts = step
			return v.visit(ctx, seq, deadline)
		})
	}

	var (
		next, bad atomic.Int64
		once      sync.Once
		all       sync.WaitGroup
	)
	for range inFlight {
		all.Go(func() {
			v := newVisitor(s, s.Dialect)
			for ctx.Err() == nil {
				seq := int(next.Add(1)) - 1
				if seq >= n {
					return
				}
				if err := ways[seq%len(ways)](v, seq, time.Now().Add(visitPatience)); err != nil {
					bad.Add(1)
					once.Do(func() { first = err })
				}
			}
		})
	}
	all.Wait()
	return int(bad.Load()), first
}

// abort sends something, and hangs up.
func (v *visitor) abort(ctx context.Context, deadline time.Time, b []byte) error {
	w, err := dialWeb(ctx, v.server, deadline)
	if err != nil {
		return err
	}
	defer w.Close()
	_, err = w.conn.Write(b)
	return err
}
