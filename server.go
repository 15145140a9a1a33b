package sio

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/siokit/sio/internal/logline"
	"github.com/siokit/sio/internal/unread"
	"github.com/siokit/sio/socketio"
)

// A Server is an http.Handler that serves Socket.IO clients. It has the methods of
// its namespace "/". [Server.Of] returns the other namespaces.
type Server struct {
	*Namespace // "/"

	opts Options
	path string
	io   *socketio.Server
	log  *logline.Logger

	frugal bool // Options.Logger is not set: what is written must not fill a disk

	watch observers
	born  time.Time // what their times are counted from

	files clientFiles

	mu         sync.Mutex // protects the following
	namespaces map[string]*Namespace
	funcs      int // how many OfFunc has made
	ranks      int // how many patterns and functions there are
}

// New returns a server. Nil options stand for the defaults. New panics if an option
// makes no sense, and names it.
func New(opts *Options) *Server {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Path != "" && o.Path[0] != '/' {
		panic("sio: Options.Path " + o.Path + " does not begin with a slash")
	}
	if o.Cluster != nil && o.Broker != nil {
		panic("sio: Options.Cluster and Options.Broker can't be combined")
	}
	frugal := o.Logger == nil
	if frugal {
		o.Logger = stderrLogger()
	}
	io, err := socketio.New(o.lower())
	if err != nil {
		panic("sio: Options: " + err.Error())
	}
	s := &Server{opts: o, path: o.path(), io: io, log: logline.New(o.Logger, "sio"), frugal: frugal, born: time.Now(), files: newClientFiles(o.ClientFiles), namespaces: make(map[string]*Namespace)}
	s.Namespace = s.Of("/")
	s.checkClientFiles()
	for _, watcher := range o.Observers {
		if watcher != nil {
			s.Observe(watcher)
		}
	}
	return s
}

// Of returns the namespace with the given name, and makes it on the first call.
// Clients can connect to it from then on. The leading slash may be left out.
//
// A name with parts in braces, such as "/tenant-{id}" or
// "/tenant-{id}/room-{name}", is a pattern. It matches every name that has at least
// one character, and no slash, in place of each part, and that is not the name of
// another namespace. The namespaces of a pattern share the handlers that are
// registered on it, and nothing else. [Context.Param] returns the value of a part.
// Each of these namespaces exists while it has clients. Emitting to the pattern
// emits to all of its namespaces that this server has at the time. If several
// patterns and functions ([Server.OfFunc]) match a name, the first one registered
// counts.
//
// Of with a name that a pattern matches, such as "/tenant-42", returns a handle to
// emit with, whether the namespace exists at the time or not. Registering handlers
// on it panics. A name that was passed to Of before the pattern has a namespace of
// its own, with handlers of its own, which the pattern does not match.
//
// Of also finds what [Server.OfFunc] has made, by the name that [Server.Stats] has for it.
//
// [Options].MaxDynamicNamespaces and MaxClientNamespaces bound how many namespaces
// clients can make.
func (s *Server) Of(name string) *Namespace {
	if !strings.HasPrefix(name, "/") && !strings.HasPrefix(name, funcName) {
		name = "/" + name
	}
	if strings.ContainsAny(name, braces) {
		return s.ofPattern(name)
	}
	s.mu.Lock()
	n := s.namespaces[name]
	s.mu.Unlock()
	if n != nil {
		return n
	}
	if io := s.io.Dynamic(name); io != nil { // without the lock: it calls functions of OfFunc
		return s.concrete(io)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n = s.namespaces[name]
	if n == nil {
		n = newNamespace(s, name)
		s.namespaces[name] = n
	}
	return n
}

// Routes returns the events that have handlers in all namespaces and patterns,
// sorted by namespace and name.
func (s *Server) Routes() []Route {
	var routes []Route
	for _, n := range s.all() {
		routes = append(routes, n.Routes()...)
	}
	return routes
}

// all returns the namespaces and patterns, sorted by name.
func (s *Server) all() []*Namespace {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.namespaces), func(a, b *Namespace) int { return strings.Compare(a.name, b.name) })
}

// Path returns the path that the server answers at, without a trailing slash.
func (s *Server) Path() string { return s.path }

// Matches reports whether a request path is the server's path or below it.
func (s *Server) Matches(path string) bool {
	rest, ok := strings.CutPrefix(path, s.path)
	return ok && (rest == "" || rest[0] == '/')
}

// ServeHTTP serves clients at [Options].Path and below, and answers 404 elsewhere. It
// returns when a poll has been answered, or as soon as a WebSocket has been taken
// over.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.Matches(r.URL.Path) {
		s.logStray(r)
		unread.Bound(w, r)
		http.Error(w, "not found: Socket.IO is served at "+s.path+"/", http.StatusNotFound)
		return
	}
	_ = s.ServeWith(w, r, nil) // only a capture function fails
}

// Connections returns the number of connections that are open.
func (s *Server) Connections() int { return s.io.Connections() }
