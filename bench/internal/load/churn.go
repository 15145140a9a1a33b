package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Churn has clients come by polling, move to WebSocket, say one thing and leave, so
// many at a time. Those that fail are lost.
func (c *Crowd) Churn(w Window) (*Sample, error) {
	return c.goroutines(inFlight, w, func(ctx context.Context, t *tally, deadline time.Time) {
		v := newVisitor(c.server, c.dialect)
		for seq := 0; ctx.Err() == nil; seq++ {
			if err := v.visit(c.loop.ctx, seq, deadline); err != nil {
				t.fail(&t.sample.Lost, err)
				continue
			}
			t.ops.Add(1)
		}
	})
}

// Arrivals has clients come over WebSocket, join, say one thing and leave, so many at a time.
// Those that fail are lost.
func (c *Crowd) Arrivals(w Window) (*Sample, error) {
	return c.goroutines(inFlight, w, func(ctx context.Context, t *tally, deadline time.Time) {
		v := newVisitor(c.server, c.dialect)
		for seq := 0; ctx.Err() == nil; seq++ {
			if err := v.come(c.loop.ctx, seq, deadline); err != nil {
				t.fail(&t.sample.Lost, err)
				continue
			}
			t.ops.Add(1)
		}
	})
}

// come is all of an arrival, to the end.
func (v *visitor) come(ctx context.Context, seq int, deadline time.Time) error {
	w, err := v.arrive(ctx, deadline)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := v.exchange(w.conn, v.e.frames(seq), v.e.answer[0].fill(seq)); err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	return v.leave(w.conn)
}

type visitor struct {
	server Server
	e      *exchange
	r      *bufio.Reader // of its WebSocket
	aborts int           // the step of a visit after which it is gone; 0 if it stays
}

var (
	probeFrame   = AppendFrame(nil, opText, []byte("2probe"))
	upgradeFrame = AppendFrame(nil, opText, []byte("5"))
)

func newVisitor(s Server, d Dialect) *visitor {
	return &visitor{server: s, e: d.echo(WithAck)}
}

// arrive connects over WebSocket, and joins. Not in MessagePack.
func (v *visitor) arrive(ctx context.Context, deadline time.Time) (*web, error) {
	w, err := dialWeb(ctx, v.server, deadline)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if err := v.join(w); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func (v *visitor) join(w *web) error {
	v.r = w.r
	if _, err := w.conn.Write(UpgradeRequest(v.server, "")); err != nil {
		return err
	}
	if err := v.readUpgrade(); err != nil {
		return err
	}
	for _, h := range hellos[v.server.Dialect] {
		if h.say != nil {
			if _, err := w.conn.Write(h.say); err != nil {
				return err
			}
		}
		op, message, err := v.readFrame()
		for err == nil { // some ping at once
			pong, pinged := v.server.Dialect.pong(op, message)
			if !pinged {
				break
			}
			if _, err = w.conn.Write(pong); err == nil {
				op, message, err = v.readFrame()
			}
		}
		if err == nil {
			err = h.check(message)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// steps is how many a visit has at which one may be gone.
const steps = 6

func (v *visitor) visit(ctx context.Context, seq int, deadline time.Time) error {
	poll, err := dialWeb(ctx, v.server, deadline)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer poll.Close()
	sid, err := poll.open()
	if err != nil {
		return fmt.Errorf("polling: %w", err)
	}
	if v.aborts == 1 {
		return nil
	}
	// The GET that the upgrade has to release.
	if err := poll.send(GetRequest(v.server, sid)); err != nil {
		return err
	}

	if v.aborts == 2 {
		return nil
	}
	web, err := dialWeb(ctx, v.server, deadline)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer web.Close()
	socket := web.conn // no HTTP any more after this
	v.r = web.r
	if _, err := socket.Write(UpgradeRequest(v.server, sid)); err != nil {
		return err
	}
	if v.aborts == 3 {
		return nil
	}
	if err := v.readUpgrade(); err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	if v.aborts == 4 {
		return nil
	}
	if err := v.exchange(socket, probeFrame, []byte("3probe")); err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	if v.aborts == 5 {
		return nil
	}
	body, err := poll.response()
	if err != nil {
		return fmt.Errorf("release of the poll: %w", err)
	}
	rest, pinged := withoutPing(body)
	if string(rest) != "6" && !pinged {
		return fmt.Errorf("poll released with %.100q", body)
	}
	// The official client, too, does not wait between these.
	frames := bytes.Clone(upgradeFrame)
	if pinged {
		frames = append(frames, pongFrame...)
	}
	frames = append(frames, v.e.frames(seq)...)
	if err := v.exchange(socket, frames, v.e.answer[0].fill(seq)); err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	if v.aborts == 6 {
		return nil
	}
	return v.leave(socket)
}

// leave says so, and waits until the server has seen it.
func (v *visitor) leave(w io.Writer) error {
	if _, err := w.Write(v.server.Dialect.bye()); err != nil {
		return err
	}
	for {
		switch op, message, err := v.readFrame(); {
		case errors.Is(err, io.EOF) || op == opClose:
			return nil
		case err != nil:
			return fmt.Errorf("leaving: %w", err)
		case !v.pinged(op, message):
			return fmt.Errorf("leaving: %.100q", message)
		}
	}
}

func (v *visitor) pinged(op byte, message []byte) bool {
	_, pinged := v.server.Dialect.pong(op, message)
	return pinged
}

func (v *visitor) exchange(w io.Writer, frames, answer []byte) error {
	if _, err := w.Write(frames); err != nil {
		return err
	}
	for {
		op, message, err := v.readFrame()
		switch {
		case err != nil:
			return err
		case bytes.Equal(message, answer):
			return nil
		}
		pong, pinged := v.server.Dialect.pong(op, message)
		if !pinged {
			return fmt.Errorf("%.200q instead of %.200q", message, answer)
		}
		if _, err := w.Write(pong); err != nil {
			return err
		}
	}
}

// readUpgrade reads the head of a response.
func (v *visitor) readUpgrade() error {
	var head []byte
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		line, err := v.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		head = append(head, line...)
	}
	return checkUpgrade(head)
}

// readFrame returns a message that is valid until the next read.
func (v *visitor) readFrame() (op byte, message []byte, err error) {
	for size := 1; ; size = v.r.Buffered() + 1 {
		if _, err := v.r.Peek(size); err != nil {
			return 0, nil, err
		}
		data, err := v.r.Peek(v.r.Buffered())
		if err != nil {
			return 0, nil, err
		}
		first, message, n, err := parseFrame(data)
		if err != nil {
			return 0, nil, err
		}
		if n > 0 {
			_, err := v.r.Discard(n)
			if first&finBit == 0 || first&compressed != 0 {
				err = errors.Join(err, fmt.Errorf("a short message in parts, or compressed: % x", first))
			}
			return first & opcode, bytes.TrimSuffix(message, []byte("\n")), err
		}
	}
}
