package sio

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/internal/unread"
	"github.com/siokit/sio/socketio"
)

// A Server is an http.Handler that serves Socket.IO clients. It stands for the
// namespace "/", whose methods it has; [Server.Of] returns the others.
type Server struct {
	*Namespace // "/"

	opts Options
	path string
	io   *socketio.Server
	log  zerolog.Logger

	files clientFiles

	mu         sync.Mutex // protects the following
	namespaces map[string]*Namespace
	funcs      int // how many OfFunc has made
}

// New returns a server. Nil options are fine. It panics if one of them makes
// no sense, and says which.
func New(opts *Options) *Server {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Path != "" && o.Path[0] != '/' {
		panic("sio: Options.Path " + o.Path + " does not begin with a slash")
	}
	if o.Logger == nil {
		o.Logger = stderrLogger()
	}
	io, err := socketio.New(o.lower())
	if err != nil {
		panic("sio: Options: " + err.Error())
	}
	log := o.Logger.With().Str("component", "sio").Logger()
	s := &Server{opts: o, path: o.path(), io: io, log: log, files: newClientFiles(o.ClientFiles), namespaces: make(map[string]*Namespace)}
	s.Namespace = s.Of("/")
	s.checkClientFiles()
	return s
}

// Of returns the namespace of that name, and makes it when it is asked for the
// first time. Clients can connect to a namespace once it has been made. The
// slash in front may be left out.
//
// A name with parts, such as "/tenant-{id}" or "/tenant-{id}/room-{name}", is a
// pattern. It stands for every name that no other namespace has and that has one
// character or more, but no slash, in place of each part. These namespaces
// share the handlers, which are registered on the pattern, and nothing else;
// [Context.Param] has the parts. Each is there while there are clients in it. What
// is emitted to the pattern goes to all of them that this server now has. If
// several patterns and functions ([Server.OfFunc]) match, the first counts.
//
// The name of one, such as "/tenant-42", returns a handle of it, be it there now
// or not, to emit with; to register handlers on it panics. A name that Of was asked
// for before the pattern is a namespace of its own, and an exception from it.
//
// [Options].MaxDynamicNamespaces and MaxClientNamespaces bound what clients can
// make.
func (s *Server) Of(name string) *Namespace {
	if !strings.HasPrefix(name, "/") {
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

// Routes returns the events that have handlers, in all namespaces and patterns.
func (s *Server) Routes() []Route {
	s.mu.Lock()
	namespaces := maps.Clone(s.namespaces)
	s.mu.Unlock()
	var routes []Route
	for _, name := range slices.Sorted(maps.Keys(namespaces)) {
		routes = append(routes, namespaces[name].Routes()...)
	}
	return routes
}

// Path returns the path that the server answers at, without a slash at the end.
func (s *Server) Path() string { return s.path }

// Matches tells whether a request path belongs to the server.
func (s *Server) Matches(path string) bool {
	rest, ok := strings.CutPrefix(path, s.path)
	return ok && (rest == "" || rest[0] == '/')
}

// ServeHTTP serves clients at [Options.Path] and below. It returns when a poll
// is answered, or as soon as a WebSocket has been taken over.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.Matches(r.URL.Path) {
		unread.Bound(w, r)
		http.Error(w, "not found: Socket.IO is served at "+s.path+"/", http.StatusNotFound)
		return
	}
	_ = s.ServeWith(w, r, nil) // only a capture function fails
}

// Connections is the number of clients that are connected.
func (s *Server) Connections() int { return s.io.Connections() }

// Shutdown refuses new connections with 503, delivers what is queued, closes
// every connection ("server shutting down"; clients reconnect by themselves),
// and waits for the handlers. Clients whose connect handler has not ended yet
// are not let in any more. When ctx ends first, it cuts what is left and
// returns the context's error. It may be called again. It leaves the HTTP
// server to its owner, to be shut down afterwards.
func (s *Server) Shutdown(ctx context.Context) error { return s.io.Shutdown(ctx) }
