package sio

import (
	"strings"

	"github.com/siokit/sio/socketio"
)

// A Tap shows what the clients of a server do, in all its namespaces: see [Server.Tap].
//
//   - a client comes or goes, its rooms, values or transport change: [socketio.Tap.Changed]
//   - events: [socketio.Tap.Received], [socketio.Tap.Sent]
type Tap = socketio.Tap

// Tap has t told from now on of what the clients of this server do, beside others, until stop is
// called. It is for what shows a server to its operators, such as package adminui, while somebody
// looks on. Without a Tap, nothing is paid for.
func (s *Server) Tap(t *Tap) (stop func()) { return s.io.Tap(t) }

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
