package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Listeners are clients connected by long-polling of which each has a GET pending.
type Listeners struct {
	crowd *Crowd
	all   []*poller
}

// Listen connects n of them.
func (c *Crowd) Listen(n int, limit time.Duration) (*Listeners, error) {
	c.calm()
	l := &Listeners{crowd: c, all: make([]*poller, n)}
	deadline := time.Now().Add(limit)
	errs := make([]error, inFlight)
	var all sync.WaitGroup
	for i := range inFlight {
		all.Go(func() {
			for j := i; j < n && errs[i] == nil; j += inFlight {
				l.all[j], errs[i] = newListener(c.loop.ctx, c.server, deadline)
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// newListener has one connection only, as a client that says nothing.
func newListener(ctx context.Context, s Server, deadline time.Time) (p *poller, err error) {
	p = new(poller)
	if p.poll, err = dialWeb(ctx, s, deadline); err != nil {
		return nil, err
	}
	sid, err := p.poll.open()
	if err == nil {
		p.get, p.pong = GetRequest(s, sid), PostRequest(s, sid, "3")
		p.end = PostRequest(s, sid, "1")
		p.sid = sid
		err = p.poll.send(p.get)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// Close hangs up, without a word.
func (l *Listeners) Close() {
	for _, p := range l.all {
		if p != nil {
			p.close()
		}
	}
}

// Broadcast has messages sent to all, the next as soon as everybody has got it and waits
// again. One of them asks for it, and gets the answer as well.
func (l *Listeners) Broadcast(w Window) (*Sample, error) {
	c := l.crowd
	asks := l.all[0]
	var err error
	if asks.emit == nil {
		if asks.emit, err = dialWeb(c.loop.ctx, c.server, time.Now().Add(patience)); err != nil {
			return nil, err
		}
	}
	deadline := time.Now().Add(w.Warm + w.Measured + patience)
	for _, each := range l.all {
		if err := each.poll.until(deadline); err != nil {
			return nil, err
		}
	}
	if err := asks.emit.until(deadline); err != nil {
		return nil, err
	}
	b := c.dialect.blast(c.blasts, 1, frameSize)
	return c.goroutines(1, w, func(ctx context.Context, t *tally, _ time.Time) {
		for seq := 0; ctx.Err() == nil; seq++ {
			request := PostRequest(c.server, asks.sid, string(b.request[0].fill(seq)))
			message, answer := bytes.Clone(b.message.fill(seq)), bytes.Clone(b.answer[0].fill(seq))
			var round sync.WaitGroup
			for i, each := range l.all {
				round.Go(func() {
					expected := [][]byte{message}
					if i == 0 {
						if err := asks.emit.post(request); err != nil {
							t.fail(&t.sample.Lost, err)
							return
						}
						expected = append(expected, answer)
					}
					if err := each.hear(expected); err != nil {
						t.fail(&t.sample.Lost, err)
						return
					}
					t.ops.Add(1)
				})
			}
			round.Wait()
			if t.failed() {
				return
			}
		}
	})
}

// hear waits until all that is expected has come, in any order, and leaves a GET pending. It changes
// expected.
func (p *poller) hear(expected [][]byte) error {
	for len(expected) > 0 {
		body, err := p.poll.response()
		if err != nil {
			return err
		}
		pinged := false
	packets:
		for packet := range bytes.SplitSeq(body, []byte{separator}) {
			for i, one := range expected {
				if bytes.Equal(packet, one) {
					expected = slices.Delete(expected, i, i+1)
					continue packets
				}
			}
			if string(packet) != "2" {
				return fmt.Errorf("%.200q, while %d others are awaited", packet, len(expected))
			}
			pinged = true
		}
		if pinged { // over the same connection, since there is no other
			if err := p.poll.post(p.pong); err != nil {
				return err
			}
		}
		if err := p.poll.send(p.get); err != nil {
			return err
		}
	}
	return nil
}
