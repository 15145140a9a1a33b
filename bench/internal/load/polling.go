package load

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// patience is how much longer than its window a scenario may take.
const patience = 5 * time.Second

// A tally is a sample that many goroutines make.
type tally struct {
	ops    atomic.Int64
	mu     sync.Mutex
	sample Sample
}

func (t *tally) fail(count *int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sample.fail(count, err)
}

func (t *tally) failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sample.Failures() > 0
}

// Polling has n clients, connected by long-polling, say something, each as soon as it
// has been answered. As with the official client, a GET is pending when the POST
// comes, over a connection of its own.
func (c *Crowd) Polling(n int, w Window) (*Sample, error) {
	return c.goroutines(n, w, func(ctx context.Context, t *tally, deadline time.Time) {
		p, err := newPoller(c.loop.ctx, c.server, deadline)
		if err != nil {
			t.fail(&t.sample.Closed, err)
			return
		}
		defer p.close()
		for seq := 0; ctx.Err() == nil; seq++ {
			if err := p.trip(seq); err != nil {
				t.fail(&t.sample.Lost, err)
				return
			}
			t.ops.Add(1)
		}
	})
}

// goroutines runs each n times at once. It is to begin nothing more once its context
// is done, and to be over by the deadline.
func (c *Crowd) goroutines(n int, w Window, each func(context.Context, *tally, time.Time)) (*Sample, error) {
	c.calm()
	ctx, cancel := context.WithCancel(c.loop.ctx)
	defer cancel()
	t := new(tally)
	var all sync.WaitGroup
	deadline := time.Now().Add(w.Warm + w.Measured + patience)
	for range n {
		all.Go(func() { each(ctx, t, deadline) })
	}
	var before, after int64
	begin, end := reading{}, reading{}
	err := c.loop.until(time.Now().Add(w.Warm), never)
	if err == nil {
		begin, err = c.server.read()
		before = t.ops.Load()
	}
	if err == nil {
		err = c.loop.until(time.Now().Add(w.Measured), never)
	}
	if err == nil {
		end, err = c.server.read()
		after = t.ops.Load()
	}
	cancel()
	all.Wait()
	if err != nil {
		return nil, err
	}
	t.sample.Ops = int(after - before)
	t.sample.since(begin, end)
	return &t.sample, nil
}

// A poller is a long-polling client.
type poller struct {
	poll, emit *web
	sid        string
	get, pong  []byte // requests
	end        []byte
	post       []byte // likewise; ends with the packet
	packet     pattern
	answer     pattern
}

func newPoller(ctx context.Context, s Server, deadline time.Time) (p *poller, err error) {
	p = new(poller)
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.poll, err = dialWeb(ctx, s, deadline); err != nil {
		return p, err
	}
	if p.emit, err = dialWeb(ctx, s, deadline); err != nil {
		return p, err
	}
	sid, err := p.poll.open()
	if err != nil {
		return p, err
	}
	p.sid = sid
	e := s.Dialect.echo(WithAck)
	p.packet, p.answer = e.request[0], e.answer[0]
	p.get, p.pong = GetRequest(s, sid), PostRequest(s, sid, "3")
	p.end = PostRequest(s, sid, "1")
	p.post = PostRequest(s, sid, string(p.packet.text))
	return p, nil
}

func (p *poller) close() {
	for _, w := range []*web{p.poll, p.emit} {
		if w != nil {
			w.Close()
		}
	}
}

// leave ends the session.
func (p *poller) leave() error { return p.emit.post(p.end) }

// trip has a message go each way.
func (p *poller) trip(seq int) error {
	packet := p.packet.fill(seq)
	copy(p.post[len(p.post)-len(packet):], packet)
	if err := p.poll.send(p.get); err != nil {
		return err
	}
	if err := p.emit.post(p.post); err != nil {
		return err
	}
	body, err := p.poll.response()
	if err != nil {
		return err
	}
	body, pinged := withoutPing(body)
	if pinged {
		body = bytes.Clone(body)
		if err := p.emit.post(p.pong); err != nil {
			return err
		}
		if len(body) == 0 {
			if body, err = p.poll.poll(p.get, p.pong); err != nil {
				return err
			}
		}
	}
	if expected := p.answer.fill(seq); !bytes.Equal(body, expected) {
		return fmt.Errorf("%.200q instead of %.200q", body, expected)
	}
	return nil
}
