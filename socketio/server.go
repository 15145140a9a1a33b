package socketio

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/logline"
)

// A Server has namespaces, and gives every client a socket in each of those that it joins.
type Server struct {
	opts    Options
	born    time.Time // what now is counted from
	engine  *engineio.Server
	log     *logline.Logger
	wg      sync.WaitGroup // connections, and sockets whose handlers are called
	crew    crew
	gate    gate
	closing atomic.Bool // Shutdown was called
	taps    taps

	dynamic dynamic
	watch   observers // of Options.Observers

	mu         sync.RWMutex // protects the following
	namespaces map[string]*Namespace
}

// New returns a server without namespaces. Nil options are the zero ones. The error names
// the options that make no sense.
func New(opts *Options) (*Server, error) {
	o, err := opts.withDefaults()
	s := &Server{
		opts:       o,
		born:       time.Now(),
		log:        logline.New(o.Logger, "socketio"),
		namespaces: make(map[string]*Namespace),
	}
	s.crew.work = s.crew.run
	for _, watcher := range o.Observers { // the engine has them, too
		s.watch.Add(watcher)
	}
	engine, engineErr := engineio.New(&o.Engine, s.open)
	s.engine = engine
	if err := errors.Join(err, engineErr); err != nil {
		return nil, err
	}
	engine.AfterMessages(s.crew.start)
	engine.AfterMessage(s.crew.only)
	s.opts.Engine = engine.Options()
	return s, nil
}

// Of adds a namespace, whose name must begin with a slash. It panics if the name is no
// valid one, or that of a namespace that is there already.
func (s *Server) Of(name string, h Handler) *Namespace {
	switch {
	case name == "" || name[0] != '/':
		panic("socketio: namespace " + strconv.Quote(name) + " does not begin with a slash")
	case !speakable(name):
		panic("socketio: namespace " + strconv.Quote(name) + " cannot be told to a client: it has a comma, is not UTF-8, or is too long")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.namespaces[name] != nil {
		panic("socketio: namespace " + name + " is there already")
	}
	n := newNamespace(s, nil, name, h)
	s.namespaces[name] = n
	return n
}

func (s *Server) namespace(name string) *Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.namespaces[name]
}

// ServeHTTP serves the transports on any path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Serve serves a request as ServeHTTP does, with a capture function; see
// [engineio.Server.Serve]. If what that returns has a method Context() context.Context,
// the contexts of the sockets are derived from that context.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, capture func() (any, error)) error {
	return s.engine.Serve(w, r, capture)
}

// CORS adds the headers of Options.Engine.CORS to an answer that somebody else writes; see
// [engineio.Server.CORS].
func (s *Server) CORS(w http.ResponseWriter, r *http.Request) (done bool) {
	return s.engine.CORS(w, r)
}

// Preflight does what CORS does, in front of a handler that may refuse r; see
// [engineio.Server.Preflight].
func (s *Server) Preflight(w http.ResponseWriter, r *http.Request) (done bool) {
	return s.engine.Preflight(w, r)
}

// Knows reports whether r belongs to an open session that was opened at the same path.
func (s *Server) Knows(r *http.Request) bool { return s.engine.Knows(r) }

// Connections returns the number of clients that are connected.
func (s *Server) Connections() int { return s.engine.Len() }

// Ready returns nil if the server takes new clients; see [engineio.Server.Ready].
func (s *Server) Ready() error { return s.engine.Ready() }

// Live returns nil unless goroutines that all clients need are stuck; see
// [engineio.Server.Live].
func (s *Server) Live() error { return s.engine.Live() }

// Drain shuts the server down without all clients going to other servers at once; see
// [engineio.Server.Drain]. Clients are put off while a handler runs for them, and while
// their answer is waited for.
func (s *Server) Drain(ctx context.Context, opts *engineio.DrainOptions) error {
	if err := s.engine.Drain(ctx, opts); err != nil && ctx.Err() == nil {
		return err // of the options
	}
	return s.Shutdown(ctx)
}

// Shutdown refuses new clients with 503, delivers what is queued, closes every
// connection ("server shutting down"; no DISCONNECT is sent, so that clients
// reconnect by themselves), and waits for the handlers. A connect handler that has not begun
// is not called any more. When ctx ends first, it closes the connections that are left at once,
// and returns the cause of ctx. It may be called again.
func (s *Server) Shutdown(ctx context.Context) error {
	s.closing.Store(true)
	err := s.engine.Shutdown(ctx)
	s.stopRecovery()
	done := make(chan struct{})
	go func() { // ends when the last handler returns
		s.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	return err
}
