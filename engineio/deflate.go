package engineio

import (
	"compress/flate"
	"errors"
	"fmt"

	"github.com/gobwas/ws"

	"github.com/siokit/sio/internal/websocket"
)

// Deflate turns on the compression of WebSocket messages, per-message deflate
// (RFC 7692), for clients that offer it. [Message.Plain] keeps a message out of it.
// What it costs, and what to be careful with, is in the comment of
// [github.com/siokit/sio.Compression].
type Deflate struct {
	// Threshold is the size in bytes from which messages are compressed. Default
	// 1024, as in the reference server.
	Threshold int
	// Level goes from 1, fast, to 9, small. Default 1. Level 6 makes JSON smaller
	// by another sixth, in two to four times the time.
	Level int
}

const defaultThreshold = 1024

func (d *Deflate) validate() error {
	var errs []error
	switch {
	case d.Threshold < 0:
		errs = append(errs, fmt.Errorf("Compression.Threshold is negative (%d)", d.Threshold))
	case d.Threshold == 0:
		d.Threshold = defaultThreshold
	}
	switch {
	case d.Level < 0 || d.Level > flate.BestCompression:
		errs = append(errs, fmt.Errorf("Compression.Level is %d, not 1 to 9", d.Level))
	case d.Level == 0:
		d.Level = flate.BestSpeed
	}
	return errors.Join(errs...)
}

// wants tells whether m is to be compressed.
func (d *Deflate) wants(m *Message) bool {
	return !m.plain && len(m.frame)-int(m.body) >= d.Threshold
}

// form returns the form of m that goes out: always the same, since part of it
// may be on the wire already. That takes a while the first time.
func (d *Deflate) form(m *Message) *Message {
	if !d.wants(m) {
		return m
	}
	if c := m.deflated.Load(); c != nil {
		return c
	}
	if c := m.deflate(d.Level); m.deflated.CompareAndSwap(nil, c) {
		return c
	}
	return m.deflated.Load() // made meanwhile, by a server with another level perhaps
}

// deflateLocked makes the forms in which messages go out, so that nobody has to
// with s.mu held. If that takes a while it releases s.mu meanwhile, and reports
// true.
func (s *Session) deflateLocked(first *Message, rest []*Message) bool {
	d := s.out.deflate
	if d == nil {
		return false
	}
	forms := outbox{base64: s.out.base64, v3: s.out.v3}
	released := false
	for i, m := 0, first; ; i++ {
		m = forms.formOf(m)
		if d.wants(m) && m.deflated.Load() == nil {
			if !released {
				released = true
				s.mu.Unlock()
			}
			d.form(m)
		}
		if i == len(rest) {
			break
		}
		m = rest[i]
	}
	if released {
		s.mu.Lock()
	}
	return released
}

// deflate returns m compressed, or m itself if that makes it no smaller.
func (m *Message) deflate(level int) *Message {
	z := websocket.NewDeflater(level)
	defer z.Free()
	out, smaller := z.Deflate(m.frame[m.body:])
	if !smaller {
		return m
	}
	c := newFrame(ws.OpCode(m.frame[0]&0x0f), len(out))
	c.frame[0] |= websocket.Compressed
	c.frame = append(c.frame, out...)
	return c
}
