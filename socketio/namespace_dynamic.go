package socketio

import (
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/internal/logline"
	"github.com/siokit/sio/internal/roster"
	"github.com/siokit/sio/internal/share"
	"github.com/siokit/sio/socketio/parser"
)

// A dynamic namespace is there while somebody uses it: sockets, from their
// CONNECT until their handler knows that they have left, and calls that act
// upon it. Clients choose the names, so nothing may stay when the last one goes.
// Beside it there are Namespaces without a Local: its parent, which has the
// handler, and handles, which find it by its name.

// dynamic keeps a server's dynamic namespaces.
type dynamic struct {
	mu      sync.Mutex                // protects the following, and Namespace.users
	parents []*Namespace              // in the order of registration; only appended to
	live    map[string]*Namespace     // by name
	held    share.Table[[]*Namespace] // of those, by the clients who made them
	ending  int                       // of those, from how many everybody has been made to leave

	kept atomic.Int64 // bytes of events, for clients to be recovered
}

// OfFunc adds a parent of dynamic namespaces, and returns it. When a client connects to a
// name that no namespace has, and for which match returns true, a namespace of that name is
// made, with h as its handler. If several parents match, it is one of the first. What is
// emitted to the parent goes to all namespaces that it has at the time. Its own name is
// only shown to people.
//
// Match must not block.
func (s *Server) OfFunc(name string, match func(name string) bool, h Handler) *Namespace {
	n := &Namespace{srv: s, name: name, handler: h, match: match, children: new(roster.Set[Namespace])}
	n.broker = family{n}
	d := &s.dynamic
	d.mu.Lock()
	defer d.mu.Unlock()
	n.traffic.Store(s.newTraffic())
	d.parents = append(d.parents, n)
	return n
}

// Dynamic returns a handle of the dynamic namespace of that name, whether it exists now or
// not. It returns nil if no parent matches the name.
func (s *Server) Dynamic(name string) *Namespace {
	if !speakable(name) {
		return nil
	}
	parent := s.parent(name)
	if parent == nil {
		return nil
	}
	return &Namespace{srv: s, name: name, handler: parent.handler, parent: parent}
}

// speakable tells whether a client can be told the name.
func speakable(name string) bool {
	return !strings.Contains(name, ",") && utf8.ValidString(name) && len(name) <= parser.MaxNamespace
}

// parent returns who takes the name, or nil.
func (s *Server) parent(name string) *Namespace {
	d := &s.dynamic
	d.mu.Lock()
	parents, n := d.parents, d.live[name]
	d.mu.Unlock()
	if n != nil {
		return n.parent
	}
	for _, p := range parents {
		if p.match(name) {
			return p
		}
	}
	return nil
}

// reclaimLook bounds how many namespaces one CONNECT looks at for reclaim.
const reclaimLook = 64

// reclaim makes room among the dynamic namespaces, if one can be found that only
// clients use who are away: those who are there come first, unless they hold more.
func (s *Server) reclaim(who netip.Prefix) bool {
	if s.opts.Recovery == nil {
		return false
	}
	d := &s.dynamic
	d.mu.Lock()
	some := make([]*Namespace, 0, reclaimLook)
	mine, looked := d.held.Held(who), 0
	for _, n := range d.live { // in no order
		if n.holder == nil || n.holder.Len() >= mine {
			some = append(some, n)
		}
		if looked++; looked == reclaimLook {
			break
		}
	}
	d.mu.Unlock()
	return slices.ContainsFunc(some, func(n *Namespace) bool { return n.recovery.giveUp() })
}

// adopt returns the namespace of that name for a client, in use, or nil if there are
// too many others.
func (n *Namespace) adopt(name string, who netip.Prefix) *Namespace {
	d := &n.srv.dynamic
	d.mu.Lock()
	defer d.mu.Unlock()
	live := d.live[name]
	if (live == nil || live.ending) && len(d.live)-d.ending >= n.srv.opts.MaxDynamicNamespaces {
		return nil
	}
	live = d.acquireLocked(n, name)
	if live.ending {
		live.ending = false
		d.ending--
	}
	if live.holder == nil {
		d.chargeLocked(live, who)
	}
	return live
}

// acquireLocked makes the namespace if it is not there. Under the lock, so that
// of one name there is one Broker at a time.
func (d *dynamic) acquireLocked(parent *Namespace, name string) *Namespace {
	n := d.live[name]
	if n == nil {
		n = newNamespace(parent.srv, parent, name, parent.handler)
		if d.live == nil {
			d.live = make(map[string]*Namespace)
		}
		d.live[name] = n
		n.place = parent.children.Add(n)
	}
	n.users++
	return n
}

// acquire returns the namespace that n stands for, which stays until it is
// released. Whoever uses its local or broker from outside a handler does so in
// between.
func (n *Namespace) acquire() *Namespace {
	if n.parent == nil {
		return n
	}
	d := &n.srv.dynamic
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.acquireLocked(n.parent, n.name) // n may be a handle, or dropped
}

// acquireLive is acquire if somebody else uses the namespace.
func (n *Namespace) acquireLive() bool {
	d := &n.srv.dynamic
	d.mu.Lock()
	defer d.mu.Unlock()
	if n.users == 0 {
		return false
	}
	n.users++
	return true
}

// release drops a dynamic namespace when nobody uses it any more. There is no
// other condition: what is to keep one alive acquires it.
func (n *Namespace) release() {
	if n.parent == nil {
		return
	}
	d := &n.srv.dynamic
	d.mu.Lock()
	defer d.mu.Unlock()
	if n.users--; n.users > 0 {
		return
	}
	delete(d.live, n.name)
	if moved := n.parent.children.Remove(n.place); moved != nil {
		moved.place = n.place
	}
	d.dischargeLocked(n)
	if n.ending {
		d.ending--
	}
	if b, ok := n.broker.(io.Closer); ok {
		if err := b.Close(); err != nil {
			n.srv.log.Sparse(zerolog.WarnLevel, "", "broker").Str("nsp", loggable(n.name)).Err(logline.Error(err)).Msg("broker not closed")
		}
	}
}

// isDynamic tells whether n stands for namespaces that come and go.
func (n *Namespace) isDynamic() bool { return n.match != nil || n.parent != nil }

// living returns the dynamic namespaces that n stands for and that are there.
func (n *Namespace) living() []*Namespace {
	d := &n.srv.dynamic
	d.mu.Lock()
	if n.match == nil {
		defer d.mu.Unlock()
		if l := d.live[n.name]; l != nil {
			return []*Namespace{l}
		}
		return nil
	}
	all := n.children.View()
	d.mu.Unlock()
	return all.AppendTo(nil)
}
