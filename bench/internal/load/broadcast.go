package load

import (
	"bytes"
	"fmt"
	"math"
	"time"
)

// frameSize is that of a message broadcast by Broadcast, with its header.
const frameSize = 132

// Broadcast has messages sent to all, count at a time, the next as soon as
// everybody has got them all. Only whole rounds are measured, at least one.
func (c *Crowd) Broadcast(count int, w Window) (*Sample, error) {
	return c.BroadcastOf(frameSize, count, w)
}

// BroadcastOf is Broadcast with messages of so many bytes, headers included.
func (c *Crowd) BroadcastOf(size, count int, w Window) (*Sample, error) {
	c.calm()
	b := &broadcast{
		Crowd: c,
		conns: c.alive(math.MaxInt),
		blast: c.dialect.blast(c.blasts, count, size),
		count: count,
	}
	c.sample = new(Sample)
	c.lostOne = b.lostOne
	c.loop.onMessage = b.message

	begin, err := c.server.read()
	if err != nil {
		return nil, err
	}
	if err := b.rounds(w.Warm); err != nil {
		return nil, err
	}
	done := 0
	if !c.sample.Cut { // else there will be no better
		done = b.delivered
		if w.Begin != nil {
			if err := w.Begin(); err != nil {
				return nil, err
			}
		}
		if begin, err = c.server.read(); err != nil {
			return nil, err
		}
		if err := b.rounds(w.Measured); err != nil {
			return nil, err
		}
	}
	end, err := c.server.read()
	if err != nil {
		return nil, err
	}
	c.sample.Ops = b.delivered - done
	c.sample.since(begin, end)
	sample := c.sample
	c.calm()
	return sample, nil
}

// A broadcast is under way.
type broadcast struct {
	*Crowd
	*blast
	conns     []*conn // what they want is how many messages they still have to get
	count     int     // for each of them in a round
	asks      *conn
	answer    []byte // that it waits for; nil once it has come
	expected  []byte // that everybody waits for
	missing   int    // of the round, answer included
	delivered int
	last      time.Time // when something came
}

// rounds goes on for the duration, and until the round is complete, unless messages
// have been lost.
func (b *broadcast) rounds(d time.Duration) error {
	for start := time.Now(); ; {
		if err := b.begin(); err != nil {
			return err
		}
		limit := time.Now().Add(b.roundLimit)
		err := b.loop.until(limit, func() bool { return b.missing == 0 })
		if err != nil {
			return err
		}
		if b.missing > 0 && limit.Sub(b.last) < b.patience {
			b.sample.Cut = true
			return nil
		}
		b.sample.Lost += b.missing
		if b.missing > 0 || time.Since(start) >= d {
			return nil
		}
	}
}

func (b *broadcast) begin() error {
	b.missing = 0
	for _, conn := range b.conns {
		if conn.state == ready {
			conn.want = b.count
			b.missing += b.count
		}
	}
	b.asks = b.sender()
	if b.asks == nil || b.missing == 0 {
		return errNobody
	}
	b.seq++
	b.missing++
	b.last = time.Now()
	b.answer, b.expected = b.blast.answer[0].fill(b.seq), b.blast.message.fill(b.seq)
	if err := b.loop.send(b.asks, b.frames(b.seq)); err != nil {
		b.loop.lose(b.asks, err)
	}
	return nil
}

func (b *broadcast) message(conn *conn, op byte, message []byte) {
	message = withoutOffset(message, len(b.expected))
	switch {
	case conn.want > 0 && bytes.Equal(message, b.expected) && op == opText:
		conn.want--
		b.delivered++
		b.missing--
		if b.delivered%100 == 0 { // which is often enough
			b.last = time.Now()
		}
	case conn == b.asks && b.answer != nil && bytes.Equal(message, b.answer):
		b.answer = nil
		b.missing--
	default:
		b.sample.fail(&b.sample.Wrong, fmt.Errorf("%.200q, while %d × %.200q are awaited", message, conn.want, b.expected))
	}
}

func (b *broadcast) lostOne(conn *conn) {
	b.sample.Lost += conn.want
	b.missing -= conn.want
	conn.want = 0
	if conn == b.asks && b.answer != nil {
		b.sample.Lost++
		b.missing--
		b.answer = nil
	}
}

// Paced has messages of size bytes sent to all, rate times a second, and measures
// how long they take to each. It calls each before each.
func (c *Crowd) Paced(rate, size int, w Window, each func()) (*Sample, error) {
	c.calm()
	conns, asks := c.alive(math.MaxInt), c.sender()
	if len(conns) == 0 {
		return nil, errNobody
	}
	c.sample = new(Sample)
	b := c.dialect.blast(c.blasts, 1, size)
	p := newPacing(rate, w, len(conns))
	p.missing += p.total // the answers to who asked for them
	answered := 0
	c.lostOne = func(conn *conn) {
		c.sample.Lost += p.total - conn.want + len(conn.skipped)
		p.missing -= p.total - conn.want + len(conn.skipped)
	}
	c.loop.onMessage = func(conn *conn, op byte, message []byte) {
		if conn == asks && answered < p.sent && bytes.Equal(message, b.answer[0].fill(answered)) {
			answered++
			p.missing--
			return
		}
		if seq, ok := c.next(&b.message, conn, withoutOffset(message, size), 1, p.sent); ok {
			p.arrived(seq)
		}
	}
	return c.pace(p, func(seq int) {
		frames := b.frames(seq)
		each()
		if err := c.loop.send(asks, frames); err != nil {
			c.loop.lose(asks, err)
		}
	})
}
