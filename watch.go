package sio

import (
	"slices"
	"strings"

	"github.com/siokit/sio/socketio"
)

// A Watcher is told of the clients of a namespace that are on this server. It is for
// what is built on namespaces, such as package presence. The methods may be called from
// any goroutine, and must not panic.
type Watcher interface {
	// Connected is called when a client has been accepted, before the handler of
	// OnConnected. It should not block.
	Connected(s *Socket)
	// Left is called when rooms have been named that a client is to leave, by whomever and
	// whether it was in them or not. It is not called when the client leaves the
	// namespace: the Context of the Socket tells. It must not block.
	Left(s *Socket, rooms []string)
	// Shutdown is called when [Server.Shutdown] or Drain has seen everybody out, or has given up.
	// It may be called again.
	Shutdown()
}

// Watch has w told of the clients that come from then on. A pattern has it told of those of
// all its namespaces. A Watcher stays for as long as the namespace.
func (n *Namespace) Watch(w Watcher) {
	n.register(func(t *table) {
		t.watchers = append(slices.Clip(t.watchers), w)
		n.io.OnLeft(n.left)
	})
}

func (n *Namespace) left(s *socketio.Socket, rooms []string) {
	for _, w := range n.table.Load().watchers {
		w.Left(s, rooms)
	}
}

// Server returns the server that the namespace is part of.
func (n *Namespace) Server() *Server { return n.srv }

// IsPattern reports whether the namespace stands for others, as what [Server.Of] returns for
// a pattern and [Server.OfFunc] returns does.
func (n *Namespace) IsPattern() bool { return strings.ContainsAny(n.name, braces) }

// Live returns the namespace of that name, if it is one of those that n, a pattern, stands for,
// and has clients on this server. Otherwise it returns nil.
func (n *Namespace) Live(name string) *Namespace {
	n.srv.mu.Lock()
	fixed := n.srv.namespaces[name] != nil
	n.srv.mu.Unlock()
	if io := n.srv.io.Dynamic(name); io != nil && !fixed && io.Len() > 0 {
		if l := n.srv.concrete(io); l.of == n {
			return l
		}
	}
	return nil
}
