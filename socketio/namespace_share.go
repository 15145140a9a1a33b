package socketio

import (
	"math/rand/v2"
	"net/netip"

	"github.com/siokit/sio/internal/share"
)

// Clients choose how many dynamic namespaces there are, and all share a number of
// them. While there is room nobody is refused; when there is none, whose clients hold
// most gives one of theirs to somebody who would still hold less. Who that is says the
// address: behind a proxy that does not tell it there is only one, and the last to come
// is refused.

const (
	// evictLook is how many namespaces one CONNECT looks at for somebody to give way:
	// half of them the last to come, and some others, since who holds them can keep a few
	// from being given up. And evictSockets is how many sockets of each.
	evictLook    = 16
	evictSockets = 64
	// endingShare is which part of all may be waiting, beyond them, for the disconnect
	// handlers of those who had to leave.
	endingShare = 8
)

// chargeLocked makes a dynamic namespace somebody's.
func (d *dynamic) chargeLocked(n *Namespace, who netip.Prefix) {
	n.holder = d.held.Add(who)
	n.heldAt = len(n.holder.Value)
	n.holder.Value = append(n.holder.Value, n)
}

// dischargeLocked makes it nobody's.
func (d *dynamic) dischargeLocked(n *Namespace) {
	h := n.holder
	if h == nil {
		return
	}
	last := len(h.Value) - 1
	h.Value[n.heldAt], h.Value[last].heldAt = h.Value[last], n.heldAt
	h.Value[last] = nil
	h.Value = h.Value[:last]
	d.held.Remove(h)
	n.holder = nil
}

// evict makes room among the dynamic namespaces for a client, if others hold more than
// it would then. It reports whether there may be room.
func (s *Server) evict(who netip.Prefix) bool {
	d := &s.dynamic
	for i := range evictLook {
		d.mu.Lock()
		most := d.held.Most()
		if most == nil || most.Len() <= d.held.Held(who)+1 || d.ending >= max(1, s.opts.MaxDynamicNamespaces/endingShare) {
			d.mu.Unlock()
			return false
		}
		at := len(most.Value) - 1 - i // those who came first stay longest
		if i >= evictLook/2 || at < 0 {
			at = rand.IntN(len(most.Value))
		}
		n := most.Value[at]
		n.users++
		d.mu.Unlock()
		if n.evict(most.Who) {
			return true
		}
	}
	return false
}

// evict makes the sockets of a holder leave, unless there are others, whose it is then.
// It releases the namespace.
func (n *Namespace) evict(who netip.Prefix) bool {
	d := &n.srv.dynamic
	n.local.mu.RLock()
	all := n.local.all.View()
	n.local.mu.RUnlock()
	var sockets []*Socket
	if all.Len() <= evictSockets {
		sockets = all.AppendTo(nil)
	}
	for _, s := range sockets {
		if other := share.Of(s.conn.sess.RemoteAddr()); other != who {
			defer n.release()
			d.mu.Lock()
			defer d.mu.Unlock()
			if n.holder != nil && n.holder.Who == who {
				d.dischargeLocked(n)
				d.chargeLocked(n, other)
			}
			return false
		}
	}
	d.mu.Lock()
	if n.ending || len(sockets) == 0 || n.users != len(sockets)+1 { // somebody is being decided on, or away, or the application acts upon it
		d.mu.Unlock()
		n.release()
		return false
	}
	n.ending = true
	d.ending++
	d.dischargeLocked(n)
	d.mu.Unlock()
	n.srv.log.Debug().Str("nsp", loggable(n.name)).Msg("too many namespaces: one is given up")
	n.srv.wg.Go(func() { // under that of the connection that needs one; ends when they have been told
		defer n.release()
		for _, s := range sockets {
			s.Disconnect()
		}
	})
	return true
}
