package tunnel

import (
	"slices"
	"time"
)

// Receive takes a frame of another server, and keeps it. It does not block. Frames of one
// server must not come from two goroutines at a time. It fails if it is no frame.
func (m *Mux) Receive(from string, b []byte) error {
	var f frame
	if err := f.parse(b); err != nil {
		return err
	}
	k := key{f.id, f.flags&flagYours != 0}
	s := m.find(from, k)
	switch {
	case s != nil:
		s.receive(&f)
	case f.flags&flagReset != 0:
	case f.flags&(flagOpen|flagYours) != flagOpen || f.at != 0 || f.id == 0:
		m.reset(from, k, ErrReset)
	default:
		m.accept(from, &f)
	}
	return nil
}

// accept begins a stream that another server has dialed.
func (m *Mux) accept(from string, f *frame) {
	s, err := m.add(from, f.id)
	if err != nil {
		m.reset(from, key{id: f.id}, ErrRefused)
		return
	}
	if !m.offer(s) {
		s.fail(ErrRefused)
		m.reset(from, s.key, ErrRefused)
		return
	}
	s.receive(f)
}

// reset tells a server that there is no such stream, unless it was told too much.
func (m *Mux) reset(to string, k key, why error) {
	m.mu.Lock()
	if now := time.Now(); now.Sub(m.resetAt) >= time.Second {
		m.resets, m.resetAt = 0, now
	}
	m.resets++
	silent := m.closed || m.resets > maxResets
	m.mu.Unlock()
	if !silent {
		m.sendReset(to, k, why)
	}
}

func (m *Mux) sendReset(to string, k key, why error) {
	f := frame{flags: flagReset, id: k.id, data: []byte{byte(slices.Index(reasons[:], why))}}
	if !k.dialed {
		f.flags |= flagYours
	}
	m.send(to, f.append(nil))
}

// receive does what a frame says.
func (s *stream) receive(f *frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil: // meanwhile
		return
	case f.flags&flagReset != 0:
		s.failLocked(reasonOf(f.data))
		return
	case f.got > s.sent, f.limit > s.sent+window, f.flags&flagOpen != 0 && (s.key.dialed || f.at != 0):
		s.abortLocked(ErrBroken)
		return
	case f.at != s.got:
		s.abortLocked(ErrLost)
		return
	case s.got+uint64(len(f.data)) > s.read+window, s.peerDone && (len(f.data) > 0 || f.flags&flagFin != 0):
		s.abortLocked(ErrBroken)
		return
	}
	if f.got > s.acked || s.doubt && f.got == s.sent {
		s.m.arrived(s, int(f.got-s.acked))
		s.acked, s.silent, s.doubt = f.got, 0, s.doubt && f.got < s.sent
	}
	if f.limit > s.limit {
		s.limit = f.limit
		poke(s.writable)
	}
	s.got += f.units()
	if f.flags&flagOpen != 0 {
		s.read++
	}
	if len(f.data) > 0 && !s.closed {
		if s.m.unread.Add(int64(len(f.data))) > maxUnread {
			s.m.unread.Add(-int64(len(f.data)))
			s.abortLocked(ErrRefused)
			return
		}
		s.in.push(f.data)
	}
	if f.flags&(flagFin|flagClose) != 0 {
		s.peerDone = true
	}
	if f.flags&flagClose != 0 { // it answers no more
		s.peerClosed = true
		s.m.arrived(s, int(s.sent-s.acked))
		s.acked = s.sent
		poke(s.writable)
	}
	if f.flags&(flagCheck|flagFin|flagClose) != 0 && !(s.closed && s.peerClosed) { // else it has forgotten the stream
		s.sendLocked(0, nil)
	}
	if s.closed && s.acked == s.sent {
		s.m.drop(s)
	}
	poke(s.readable)
}
