package sio

import (
	"fmt"
	"strings"

	"github.com/siokit/sio/socketio"
)

// OfFunc returns a namespace that stands for many: every name that no other
// namespace has, and for which match holds, as "/dyn-7" does for
//
//	srv.OfFunc(regexp.MustCompile(`^/dyn-\d+$`).MatchString)
//
// It is like one of [Server.Of] with a pattern. Match is called when a client
// connects to a name that is not there, on a goroutine that others wait for: it
// must not block. What has to ask somebody, or to look at credentials, belongs
// in OnConnect. A name with braces is nobody's. If match panics, the client is
// refused.
func (s *Server) OfFunc(match func(name string) bool) *Namespace {
	if match == nil {
		panic("sio: OfFunc: nil function")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.funcs++
	return s.addDynamicLocked(fmt.Sprintf("{func %d}", s.funcs), nil, func(name string) bool {
		return !strings.ContainsAny(name, braces) && match(name)
	})
}

// ofPattern is Of for a name with braces.
func (s *Server) ofPattern(name string) *Namespace {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.namespaces[name]; n != nil {
		return n
	}
	p := parsePattern(name)
	for _, n := range s.namespaces {
		if n.pattern != nil && n.pattern.same(p) {
			panic(fmt.Sprintf("sio: Of(%q): %s matches the same names", name, n.name))
		}
	}
	return s.addDynamicLocked(name, p, p.match)
}

func (s *Server) addDynamicLocked(name string, p *pattern, match func(string) bool) *Namespace {
	n := &Namespace{srv: s, name: name, pattern: p}
	n.group.n = n
	n.table.Store(&table{})
	n.io = s.io.OfFunc(name, match, dispatcher{n})
	s.namespaces[name] = n
	return n
}

// concrete returns the handle of a namespace that a pattern or function stands
// for. It is not kept: clients choose such names.
func (s *Server) concrete(io *socketio.Namespace) *Namespace {
	n := &Namespace{srv: s, name: io.Name(), io: io, of: io.Handler().(dispatcher).n}
	n.group.n = n
	return n
}

// ownLocked panics if the handlers are another namespace's.
func (n *Namespace) ownLocked() {
	if n.of != nil {
		panic("sio: namespace " + n.name + " is one of " + n.of.name + ": register its handlers there, or make it before that")
	}
}

// Param returns what the client's namespace has in place of a part of its
// pattern: of "/tenant-{id}" and a client in "/tenant-42", Param("id") is "42".
// It is as the client sent it: not empty, without a slash, and otherwise not
// to be trusted. Without such a part it is "".
func (c *Context) Param(name string) string {
	p := c.n.pattern
	if p == nil {
		return ""
	}
	value, _ := p.find(c.Namespace(), p.index(name))
	return value
}

// loggedNamespace is the namespace's name for the log: the query behind it may be
// a credential.
func (c *Context) loggedNamespace() string {
	name, _, _ := strings.Cut(c.Namespace(), "?")
	return name
}
