package sio

import (
	"strings"

	"github.com/siokit/sio/socketio"
)

// A Tap shows what the clients of a server do, in all its namespaces: see [Server.SetTap].
//
//   - a client comes or goes, its rooms, values or transport change: [socketio.Tap.Changed]
//   - events: [socketio.Tap.Received], [socketio.Tap.Sent]
type Tap = socketio.Tap

// SetTap has t told from now on of what the clients of this server do, in the place of an earlier
// one. It is for what shows a server to its operators, such as package adminui. Nil stands for
// none, and costs nothing.
func (s *Server) SetTap(t *Tap) { s.io.SetTap(t) }

// Serves reports whether there is a namespace of that name, or a pattern or function that
// matches it. Unlike [Server.Of] it makes none.
func (s *Server) Serves(name string) bool {
	if strings.ContainsAny(name, braces) {
		return false
	}
	s.mu.Lock()
	fixed := s.namespaces[name] != nil
	s.mu.Unlock()
	return fixed || s.io.Dynamic(name) != nil
}
