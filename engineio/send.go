package engineio

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/gobwas/ws"
)

// Send sends messages. They stay together and in order. It writes what can be written
// without blocking, and queues the rest. If it fails, nothing of them is sent: with
// [ErrClosed] once the session has ended, or with [ErrQueueFull], after which it has
// ended, too, unless Options.KeepSlow is set.
func (s *Session) Send(first *Message, rest ...*Message) error {
	_, err := s.send(first, rest, sendAlways, nil, nil)
	return err
}

// SendIf sends messages as [Session.Send] does, if ready returns true. It calls ready once
// nothing can get ahead of the messages any more. The session is locked meanwhile: ready
// must not use it.
func (s *Session) SendIf(ready func() bool, first *Message, rest ...*Message) (sent bool, err error) {
	return s.send(first, rest, sendAlways, nil, ready)
}

// TrySend sends messages only if they need not wait for the peer, and returns whether it
// has: over WebSocket, if the peer takes what is written; over polling, if a GET is
// pending and nothing is queued for it.
func (s *Session) TrySend(first *Message, rest ...*Message) bool {
	sent, err := s.send(first, rest, sendNow, nil, nil)
	return sent && err == nil
}

// An urgency says which messages are better not sent.
type urgency uint8

const (
	sendAlways urgency = iota
	sendSoon           // unless much waits
	sendNow            // unless anything does
)

// send queues messages or writes them. With b, the writing is left to it. Ready, if
// it is not nil, is asked before.
func (s *Session) send(first *Message, rest []*Message, u urgency, b *Batch, ready func() bool) (sent bool, err error) {
	size := first.Size()
	for _, m := range rest {
		size += m.Size()
	}
	s.mu.Lock()
	fits := s.fitsLocked(1+len(rest), size)
	switch {
	case s.state != stateOpen:
		s.mu.Unlock()
		return false, ErrClosed
	case u == sendNow && (!fits || s.busyLocked()), u == sendSoon && s.crowdedLocked():
		s.mu.Unlock()
		if u == sendNow {
			s.countDropped(1 + len(rest))
		}
		return false, nil
	case !fits:
		s.mu.Unlock()
		s.srv.watch.limited(s, LimitQueue)
		if !s.srv.opts.KeepSlow {
			s.end(ReasonSlowConsumer, emptyClose)
		}
		return false, ErrQueueFull
	case s.deflateLocked(first, rest): // look again
		s.mu.Unlock()
		return s.send(first, rest, u, b, ready)
	case ready != nil && !ready():
		s.mu.Unlock()
		return false, nil
	}
	s.pushLocked(first, rest, b)
	s.srv.log.Debug().Str("sid", s.LogID()).Str("type", "4").Int("bytes", size).Msg("packet sent")
	return true, nil
}

// fitsLocked tells whether the queue has room. If it has none because we are too
// fast, rather than the peer too slow, it makes some, or waits for who does, a
// write that does not block; or else there is some more, for a while: see
// graceLocked. It may release s.mu meanwhile.
func (s *Session) fitsLocked(packets, bytes int) bool {
	o := &s.srv.opts
	for s.state == stateOpen {
		full := s.out.len() > 0 && (s.out.bytes+bytes > o.QueueBytes || s.out.len()+packets > o.QueuePackets)
		switch {
		case s.writing == writerDue && (full || s.out.bytes >= batchSize):
			s.writing = writerTry
			s.writeLocked(s.ws)
			s.mu.Lock()
		case full && s.writing == writerTry:
			s.mu.Unlock()
			runtime.Gosched()
			s.mu.Lock()
		default:
			return !full || s.graceLocked(s.out.len()+packets, s.out.bytes+bytes)
		}
	}
	return false
}

// busyLocked tells whether a message would have to wait for the peer.
func (s *Session) busyLocked() bool {
	if s.ws != nil { // where a write can't be tried, one that goes on is no sign yet
		return s.writing == writerFlush && (s.ws.raw != nil || s.out.bytes > batchSize)
	}
	return s.poll == nil || s.out.len() > 0
}

// sendControl sends a packet or frame of our own, which no bound holds back: pings
// and noops are few, of pongs maxPongs wait. B is nil or cork.
func (s *Session) sendControl(m *Message, b *Batch) {
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return
	}
	s.pushLocked(m, nil, b)
	s.srv.log.Debug().Str("sid", s.LogID()).Bool("ping", m == pingPacket).Msg("control sent")
}

// pushLocked hands packets to the transport, or queues them. It is called with
// s.mu held and releases it.
func (s *Session) pushLocked(first *Message, rest []*Message, b *Batch) {
	w := s.ws
	if w != nil && s.writing == writerNone && s.out.len() == 0 && len(rest) == 0 && b == nil && w.raw != nil && first.Size() < longBytes {
		s.writing = writerTry
		frame := s.out.frameOf(first)
		s.mu.Unlock()
		n, err := tryWrite(w.raw, frame)
		if n == len(frame) {
			s.countWebSocketOut(1, n)
		} else {
			s.countWebSocketOut(0, n) // it counts when the rest has gone
		}
		s.mu.Lock()
		if n < len(frame) && s.state != stateClosed {
			s.out.unshift(first, n) // what has come meanwhile is behind it
		}
		if n == len(frame) && s.out.len() > 0 {
			s.writeLocked(w) // what others have queued meanwhile
			return
		}
		s.wrote(w, n == len(frame), err)
		return
	}
	switch {
	case first.pong && s.out.keepBack(first):
	case s.out.len() > 0 && first.isHeartbeat():
		s.out.ahead(first)
	default:
		s.out.push(first)
	}
	for _, m := range rest {
		s.out.push(m)
	}
	if s.out.bytes > backlogBytes {
		s.backlogLocked()
	}
	switch {
	case w == nil:
		if s.poll != nil {
			s.poll.signal()
		}
	case s.writing == writerNone && b != nil:
		s.dueLocked(b)
	case s.writing == writerNone, s.writing == writerDue && b == nil: // who waits for the drain need not
		s.writing = writerTry
		s.writeLocked(w)
		return
	}
	s.mu.Unlock()
}

// dueLocked leaves the writing to the drain, or to uncork.
func (s *Session) dueLocked(b *Batch) {
	s.writing = writerDue
	if b == cork {
		s.marks.Or(markCorked)
		return
	}
	if !s.listed {
		s.listed = true
		b.add(s)
	}
}

// Sizes of one write. Small frames are copied into buffers of this size, which
// are pooled; what is larger is written as it is.
const batchSize = 32 << 10

var batches = sync.Pool{New: func() any { b := make([]byte, batchSize); return &b }}

// writeLocked tries once to write what is queued, and leaves the rest to a
// goroutine. The caller holds s.mu, which is released, and has set s.writing.
func (s *Session) writeLocked(w *wsConn) {
	if w.raw == nil {
		s.flushLocked(w)
		return
	}
	s.pingFirstLocked()
	buf := batches.Get().(*[]byte)
	batch := s.out.batch(*buf)
	s.mu.Unlock()
	n, err := tryWrite(w.raw, batch)
	whole := n == len(batch)
	batches.Put(buf)
	s.mu.Lock()
	if s.state != stateClosed {
		s.countWebSocketOut(s.out.consume(n), n)
		if n > 0 {
			s.tookLocked()
		}
	}
	s.wrote(w, whole, err)
}

// wrote ends an attempt to write without blocking: it gives s.writing back, or
// passes it on. Whole tells whether it ended between two frames. The caller
// holds s.mu, which is released.
func (s *Session) wrote(w *wsConn, whole bool, err error) {
	switch {
	case s.state == stateClosed:
		last := s.last
		s.writing = writerNone
		s.mu.Unlock()
		if !whole {
			last.frame = nil
		}
		w.shut(last.frame)
		if last.sent != nil {
			close(last.sent)
		}
	case err != nil:
		s.writing = writerNone
		s.mu.Unlock()
		s.fail(ReasonTransportError, err, nil)
	case !whole:
		s.flushLocked(w)
	case s.out.len() > 0: // it has come while we wrote, or is more than a batch
		var b Batch
		s.dueLocked(&b)
		s.mu.Unlock()
		b.Flush()
	default:
		s.writing = writerNone
		s.drainedLocked()
	}
}

// flushLocked passes the writing to a goroutine. The caller holds s.mu, which
// is released, and has set s.writing.
func (s *Session) flushLocked(w *wsConn) {
	s.writing = writerFlush
	if s.out.bytes > backlogBytes {
		s.backlogLocked()
	}
	s.srv.wg.Add(1)
	go s.flush(w) // ends when the queue is empty, or a write fails or takes too long
	s.mu.Unlock()
}

// drainedLocked ends a session that only waited for its queue. The caller
// holds s.mu, which is released.
func (s *Session) drainedLocked() {
	closing := s.state == stateClosing
	s.mu.Unlock()
	if closing {
		s.end(s.ending.reason, emptyClose)
	}
}

// flush writes what is queued until nothing is, blocking with a deadline for each
// piece: who takes these, however slowly, is not given up. It owns s.writing, and runs
// only for a peer that doesn't keep up, or where a connection has no way to write
// without blocking.
func (s *Session) flush(w *wsConn) {
	defer s.srv.wg.Done()
	var buf *[]byte // for more than one message
	s.mu.Lock()
	for s.state != stateClosed && s.out.len() > 0 {
		if buf == nil && s.out.len() > 1 {
			buf = batches.Get().(*[]byte)
			defer batches.Put(buf)
		}
		var batch []byte
		if buf != nil {
			batch = *buf
		}
		s.pingFirstLocked()
		batch = s.out.batch(batch)
		batch = batch[:min(len(batch), batchSize)]
		_ = w.conn.SetWriteDeadline(time.Now().Add(s.srv.opts.WriteTimeout)) // in here: endWith has one, too
		s.mu.Unlock()
		_, err := w.conn.Write(batch)
		s.mu.Lock()
		if err != nil {
			s.writing = writerNone
			last := s.last
			s.mu.Unlock()
			if last != nil {
				w.shut(nil)
				close(last.sent)
			}
			s.tellLate(err)
			s.fail(ReasonTransportError, err, nil)
			return
		}
		if s.state != stateClosed {
			s.countWebSocketOut(s.out.consume(len(batch)), len(batch))
			if s.out.backlog != nil {
				s.alive(len(batch))
				s.tookLocked()
			}
		}
	}
	s.writing = writerNone
	if last := s.last; last != nil {
		s.mu.Unlock()
		w.writeLast(last)
		return
	}
	_ = w.conn.SetWriteDeadline(time.Time{}) // it would hold for writes that don't block, too
	s.drainedLocked()
}

// tellLate tells observers if a write has failed since the client takes nothing.
func (s *Session) tellLate(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) && s.isOpen() {
		s.srv.watch.limited(s, LimitWriteTimeout)
	}
}

// pongFrame answers a WebSocket ping.
func pongFrame(data []byte) *Message {
	m := newFrame(ws.OpPong, len(data))
	m.pong = true
	m.frame = append(m.frame, data...)
	return m
}
