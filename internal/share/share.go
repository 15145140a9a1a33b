// Package share counts who holds how much of what all peers share, such as places in a
// table. When there is none left, whoever holds most has to give some up.
package share

import "net/netip"

// Of returns the peer that an address with a port is counted for: the address, if it is
// IPv4, or the network of 64 bits, if it is IPv6, since one customer has many addresses
// there. Everything that is no address is one peer.
func Of(remote string) netip.Prefix {
	a, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	bits := 64
	addr := a.Addr().Unmap().WithZone("")
	if addr.Is4() {
		bits = 32
	}
	p, _ := addr.Prefix(bits) // fits
	return p
}

// A Table counts what each peer holds. Its methods take a time that grows with the
// logarithm of the number of peers that hold something. The callers lock. The zero value
// is empty.
type Table[V any] struct {
	holders map[netip.Prefix]*Holder[V]
	heap    []*Holder[V] // who has most is first
}

// A Holder is a peer that holds something. It is in its table until it holds nothing.
type Holder[V any] struct {
	Who   netip.Prefix
	Value V // the caller's
	n, at int
}

// Len returns how much the peer holds.
func (h *Holder[V]) Len() int { return h.n }

// Add counts one more for a peer.
func (t *Table[V]) Add(who netip.Prefix) *Holder[V] {
	h := t.holders[who]
	if h == nil {
		if t.holders == nil {
			t.holders = make(map[netip.Prefix]*Holder[V])
		}
		h = &Holder[V]{Who: who, at: len(t.heap)}
		t.holders[who] = h
		t.heap = append(t.heap, h)
	}
	h.n++
	for h.at > 0 && t.heap[(h.at-1)/2].n < h.n {
		t.swap(h.at, (h.at-1)/2)
	}
	return h
}

// Remove counts one less for a peer.
func (t *Table[V]) Remove(h *Holder[V]) {
	h.n--
	for {
		most, left := h.at, 2*h.at+1
		for _, child := range []int{left, left + 1} {
			if child < len(t.heap) && t.heap[child].n > t.heap[most].n {
				most = child
			}
		}
		if most == h.at {
			break
		}
		t.swap(h.at, most)
	}
	if h.n > 0 {
		return
	}
	last := len(t.heap) - 1 // nothing is below h: all there hold something
	at := h.at
	t.swap(at, last)
	t.heap[last] = nil
	t.heap = t.heap[:last]
	delete(t.holders, h.Who)
	if at < last {
		for moved := t.heap[at]; moved.at > 0 && t.heap[(moved.at-1)/2].n < moved.n; {
			t.swap(moved.at, (moved.at-1)/2)
		}
	}
}

func (t *Table[V]) swap(i, j int) {
	t.heap[i], t.heap[j] = t.heap[j], t.heap[i]
	t.heap[i].at, t.heap[j].at = i, j
}

// Most returns the peer that holds most, or one of them, or nil if nobody holds anything.
func (t *Table[V]) Most() *Holder[V] {
	if len(t.heap) == 0 {
		return nil
	}
	return t.heap[0]
}

// Held returns how much a peer holds.
func (t *Table[V]) Held(who netip.Prefix) int {
	if h := t.holders[who]; h != nil {
		return h.n
	}
	return 0
}
