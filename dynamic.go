package sio

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/siokit/sio/socketio"
)

// OfFunc returns a namespace that stands for all names for which match returns true
// and that are not the name of another namespace, such as "/dyn-7" with
//
//	srv.OfFunc(regexp.MustCompile(`^/dyn-\d+$`).MatchString)
//
// It is otherwise like the namespace that [Server.Of] returns for a pattern. Match is
// called when a client connects to a name that does not exist yet. It must not block,
// since other clients wait for it: ask a database, or check credentials, in OnConnect.
// Names with braces never match. If match panics, the client is refused.
func (s *Server) OfFunc(match func(name string) bool) *Namespace {
	if match == nil {
		panic("sio: OfFunc: nil function")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.funcs++
	return s.addDynamicLocked(fmt.Sprintf(funcName+"%d}", s.funcs), nil, func(name string) bool {
		return !strings.ContainsAny(name, braces) && match(name)
	})
}

// funcName is what the names of OfFunc's namespaces begin with: no pattern's do.
const funcName = "{func "

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
	s.ranks++
	n := &Namespace{srv: s, name: name, pattern: p, rank: s.ranks}
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

// maxName is how long the name of a namespace may be, in bytes.
const maxName = 256

// braces mark the parts of a pattern. No client's namespace has any in its name,
// so that asking for it with [Server.Of] never gives a pattern.
const braces = "{}"

// A pattern is the name of a namespace with parts, such as "/tenant-{id}".
type pattern struct {
	head  string // in front of the first part
	parts []part
}

type part struct {
	name string
	tail string // what follows it
}

// parsePattern panics if text makes no sense.
func parsePattern(text string) *pattern {
	bad := func(why string) { panic(fmt.Sprintf("sio: Of(%q): %s", text, why)) }
	if strings.Contains(text, ",") || !utf8.ValidString(text) || len(text) > maxName {
		bad("no client can name it: it has a comma, is not UTF-8, or is too long")
	}
	var p pattern
	rest := text
	for i := 0; ; i++ {
		fixed, behind, found := strings.Cut(rest, "{")
		switch {
		case strings.Contains(fixed, "}"):
			bad("a } without a {")
		case i == 0:
			p.head = fixed
		default:
			p.parts[i-1].tail = fixed
		}
		if !found {
			return &p
		}
		if i > 0 && fixed == "" {
			bad("there is nothing between two parts")
		}
		name, behind, found := strings.Cut(behind, "}")
		switch {
		case !found:
			bad("a { without a }")
		case name == "" || strings.ContainsFunc(name, notInName):
			bad(fmt.Sprintf("{%s} is not the name of a part: letters, digits and underscores are", name))
		case p.index(name) >= 0:
			bad(fmt.Sprintf("two parts are named {%s}", name))
		}
		p.parts = append(p.parts, part{name: name})
		rest = behind
	}
}

func notInName(r rune) bool {
	return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

func (p *pattern) index(name string) int {
	return slices.IndexFunc(p.parts, func(q part) bool { return q.name == name })
}

// same tells whether two patterns match the same names.
func (p *pattern) same(o *pattern) bool {
	return p.head == o.head && slices.EqualFunc(p.parts, o.parts, func(a, b part) bool { return a.tail == b.tail })
}

func (p *pattern) match(name string) bool {
	_, ok := p.find(name, -1)
	return ok
}

// find returns what stands for a part in a name, if that matches. A part takes
// as little as it can. If that fails, taking more would not help: it leaves less to
// what follows, and neither may have a slash.
func (p *pattern) find(name string, index int) (value string, ok bool) {
	rest, ok := strings.CutPrefix(name, p.head)
	for i, q := range p.parts {
		if !ok || rest == "" {
			return "", false
		}
		var end int // of the part, which is never empty
		if i == len(p.parts)-1 {
			end = len(rest) - len(q.tail)
			ok = strings.HasSuffix(rest, q.tail)
		} else {
			end = 1 + strings.Index(rest[1:], q.tail)
			ok = end > 0
		}
		if !ok || end < 1 || strings.ContainsAny(rest[:end], "/,"+braces) {
			return "", false
		}
		if i == index {
			value = rest[:end]
		}
		rest = rest[end+len(q.tail):]
	}
	return value, ok
}
