package load

import (
	"bytes"
	"errors"
	"fmt"
)

// Echo has n clients say something, each as soon as it has been answered.
func (c *Crowd) Echo(kind Kind, n int, w Window) (*Sample, error) {
	c.calm()
	conns := c.alive(n)
	if len(conns) == 0 {
		return nil, errNobody
	}
	c.sample = new(Sample)
	done, waiting, ending := 0, 0, false
	e := c.dialect.echo(kind)
	const compressed = 64 // requests, which repeat
	if c.server.Deflate {
		e.compress(compressed)
	}
	ask := func(conn *conn) {
		c.seq++
		seq := c.seq
		if c.server.Deflate {
			seq %= compressed
		}
		conn.want, conn.half, conn.waiting = seq, false, true
		waiting++
		if err := c.loop.send(conn, e.frames(seq)); err != nil {
			c.loop.lose(conn, err)
		}
	}
	c.lostOne = func(conn *conn) {
		if conn.waiting {
			conn.waiting = false
			waiting--
			c.sample.Lost++
		}
	}
	c.loop.onMessage = func(conn *conn, op byte, message []byte) {
		over, err := e.check(conn, op, message)
		if err != nil {
			c.sample.fail(&c.sample.Wrong, err)
		}
		if !over {
			return
		}
		conn.waiting = false
		waiting--
		done++
		if !ending {
			ask(conn)
		}
	}
	for _, conn := range conns {
		ask(conn)
	}
	// What comes at once comes in waves, of which a window has to have some.
	if err := c.measure(w, &done, 2*len(conns), func() bool { return waiting == 0 }); err != nil {
		return nil, err
	}
	ending = true
	if err := c.drain(&waiting); err != nil {
		return nil, err
	}
	c.sample.Lost += waiting
	sample := c.sample
	c.calm()
	return sample, nil
}

// check compares a message with the answer that conn waits for. over says that the
// answer has come, be it wrong.
func (e *exchange) check(conn *conn, op byte, message []byte) (over bool, err error) {
	if !conn.waiting {
		return false, fmt.Errorf("unexpected message: %.100q", message)
	}
	expected := &e.answer[0]
	if conn.half {
		expected = &e.answer[1]
	}
	conn.half = !conn.half && len(e.answer) > 1
	if text := expected.fill(conn.want); op != expected.op || !bytes.Equal(message, text) {
		err = fmt.Errorf("%.200q (opcode %d) instead of %.200q", message, op, text)
	}
	return !conn.half, err
}

// Latency has n clients in turn say something, rate times a second in total,
// whether or not they have been answered.
func (c *Crowd) Latency(n, rate int, w Window) (*Sample, error) {
	c.calm()
	conns := c.alive(n)
	if len(conns) == 0 {
		return nil, errNobody
	}
	c.sample = new(Sample)
	e := c.dialect.echo(WithAck)
	p := newPacing(rate, w, 1)
	for i, conn := range conns {
		conn.want = i // then i + n, i + 2n, ...
	}
	c.loop.onMessage = func(conn *conn, op byte, message []byte) {
		if seq, ok := c.next(&e.answer[0], conn, message, len(conns), p.sent); ok {
			p.arrived(seq)
		}
	}
	return c.pace(p, func(seq int) {
		conn := conns[seq%len(conns)]
		if err := c.loop.send(conn, e.frames(seq)); err != nil {
			c.loop.lose(conn, err)
		}
	})
}

// next returns the number of a message that has the form of p, and is one that conn
// still has to get: the step-th after the last, or one between. What is not of those
// is counted as wrong.
func (c *Crowd) next(p *pattern, conn *conn, message []byte, step, sent int) (seq int, ok bool) {
	seq, err := p.number(message)
	if err == nil && !bytes.Equal(message, p.fill(seq)) {
		err = errors.New("not as sent")
	}
	_, late := conn.skipped[seq]
	switch {
	case err != nil:
	case late:
		delete(conn.skipped, seq)
		c.sample.Reordered++
		return seq, true
	case seq < conn.want || seq >= sent || (seq-conn.want)%step != 0:
		err = errors.New("not awaited")
	}
	if err != nil {
		c.sample.fail(&c.sample.Wrong, fmt.Errorf("%.100q: %w", message, err))
		return 0, false
	}
	for ; conn.want < seq; conn.want += step {
		if conn.skipped == nil {
			conn.skipped = make(map[int]struct{})
		}
		conn.skipped[conn.want] = struct{}{}
	}
	conn.want += step
	return seq, true
}
