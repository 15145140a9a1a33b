package ledger

import (
	"slices"

	"github.com/siokit/sio/socketio/recovery"
)

// Marks are strings that an official client takes for offsets, and where they
// were sent. Those of which too little is known are in doubt.
type marks struct {
	recent [16]mark // the last ones
	n      int      // how many there have been
	older  [8]uint64
}

type mark struct {
	hash uint64
	got  uint64 // the last event that had been sent
}

// Mark notes that the client is sent a string by an event without an offset. The hash
// is that of Taken.
func (c *Client) Mark(h uint64) {
	if h == 0 {
		c.forged = true
		return
	}
	if c.marks == nil {
		c.marks = new(marks)
	}
	m := c.marks
	now := mark{h, c.got}
	if slices.Contains(m.recent[:min(m.n, len(m.recent))], now) {
		return
	}
	slot := &m.recent[m.n%len(m.recent)]
	if m.n >= len(m.recent) {
		for _, bit := range filterBits(slot.hash) {
			m.older[bit/64] |= 1 << (bit % 64)
		}
	}
	*slot = now
	m.n++
}

// record returns the marks as they are stored. There may be none.
func (m *marks) record() (recent []recovery.String, older []uint64) {
	if m == nil {
		return nil, nil
	}
	for _, k := range m.recent[:min(m.n, len(m.recent))] {
		recent = append(recent, recovery.String{Hash: k.hash, Got: k.got})
	}
	return recent, slices.Clone(m.older[:])
}

// marksOf is the reverse. They are good for find.
func marksOf(p *recovery.Progress) *marks {
	if len(p.Strings) == 0 {
		return nil
	}
	m := new(marks)
	for i, s := range p.Strings[:min(len(p.Strings), len(m.recent))] {
		m.recent[i] = mark{s.Hash, s.Got}
		m.n++
	}
	copy(m.older[:], p.Older)
	return m
}

// find calls found with each place where the string was sent. It reports false
// if there may have been more.
func (m *marks) find(h uint64, found func(uint64)) bool {
	for _, k := range m.recent[:min(m.n, len(m.recent))] {
		if k.hash == h {
			found(k.got)
		}
	}
	for _, bit := range filterBits(h) {
		if m.older[bit/64]&(1<<(bit%64)) == 0 {
			return true
		}
	}
	return false
}

// filterBits are the bits of a string in the Bloom filter that marks.older is.
func filterBits(h uint64) [2]uint64 { return [2]uint64{h % 512, h >> 32 % 512} }
