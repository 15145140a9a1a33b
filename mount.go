package sio

import (
	"context"
	"net/http"
	"strings"

	"github.com/siokit/sio/engineio"
)

// Wrap returns a handler that serves srv at its path and below, and next
// everywhere else.
func Wrap(srv *Server, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if srv.Matches(r.URL.Path) {
			srv.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// HandlerWith returns a handler that serves srv on whatever path it is routed at. It
// calls capture once for each new connection, while the request that opens it is
// being served. [Captured] returns the result in every handler of the connection.
//
// If capture fails, no connection is made, and the request is answered with
// [RefusalOf] the error: with status 403, or that of an error with a method
// StatusCode() int. Of the error's text only the Message of an [Error] is sent.
func HandlerWith[T any](srv *Server, capture func(r *http.Request) (T, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := srv.ServeWith(w, r, func(*http.Request) (any, error) { return capture(r) }); err != nil {
			RefusalOf(err).ServeHTTP(w, r)
		}
	})
}

// HandshakeOnly returns a middleware that runs mw for every request except those of
// connections that are already open. It is for middlewares that want a token in a
// header, which would otherwise stop every upgrade: a browser can't set a header on a
// WebSocket. The preflight request of a page of another origin never has a token, and
// is answered before mw if [Options].CORS is set and the request's path ends in
// [Options].Path.
//
// A request counts as one of an open connection if it names the connection's id, and
// is made to the path that the connection was opened at. Whoever knows the id can act
// for the connection, with or without mw. In front of handlers at other paths, mw
// always runs.
func HandshakeOnly(srv *Server, mw func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		guarded := mw(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case !srv.IsHandshake(r):
				next.ServeHTTP(w, r)
			case !srv.Preflight(w, r):
				guarded.ServeHTTP(w, r)
			}
		})
	}
}

// ServeWith serves a request, whatever its path. Adapters for frameworks are built on
// it. If capture is not nil, it is called once for each new connection, while r is
// being served. Its argument is a copy of r that may be kept: its context has the
// values of r's context and ends with the connection. With [Options].ForgetRequest
// the argument is nil. [Context.Captured] returns what capture has returned. If
// capture fails, ServeWith returns its error, and the caller has to answer r.
func (s *Server) ServeWith(w http.ResponseWriter, r *http.Request, capture func(detached *http.Request) (any, error)) error {
	if f := s.files.find(r); f != nil {
		s.serveFile(w, r, f)
		return nil
	}
	err := s.io.Serve(w, r, func() (any, error) { return s.capture(r, capture) })
	if err != nil {
		s.logUncaptured(r, err)
	}
	return err
}

// IsHandshake reports whether r is anything else than a request of an open
// connection, made to the path that the connection was opened at: r opens a
// connection, or will be refused, or is not for s. See [HandshakeOnly].
func (s *Server) IsHandshake(r *http.Request) bool { return !s.io.Knows(r) }

// Preflight adds the headers of [Options].CORS to the answer, and answers r if it is
// a preflight request, which it reports. It is for middlewares in front of the server
// that may refuse r, such as [HandshakeOnly]: preflight requests never carry
// credentials, and a page can read a refusal only with these headers. Preflight does
// nothing for requests that are not for the server: those whose path is neither
// [Options].Path, or below it, nor ends in it.
func (s *Server) Preflight(w http.ResponseWriter, r *http.Request) (done bool) {
	path, _, _ := strings.Cut(r.RequestURI, "?") // with what a router has cut off
	ours := s.Matches(r.URL.Path) || strings.HasSuffix(strings.TrimSuffix(path, "/"), s.path)
	return ours && s.io.Preflight(w, r)
}

// A captured is what is kept of the request that opened a connection.
type captured struct {
	ctx    context.Context // has the request's values, and ends with the connection
	cancel context.CancelCauseFunc
	req    *http.Request // detached, or nil
	value  any           // the adapter's
}

// Abandon ends the context when no connection comes of the request.
func (c *captured) Abandon() { c.cancel(ErrClosed) }

// Context makes it the parent of the sockets' contexts.
func (c *captured) Context() context.Context { return c.ctx }

// Request is for the Handshake of sockets.
func (c *captured) Request() *http.Request { return c.req }

// capture keeps what is wanted of r.
func (s *Server) capture(r *http.Request, adapt func(*http.Request) (any, error)) (any, error) {
	if s.opts.ForgetRequest && adapt == nil {
		return nil, nil
	}
	values := context.Background()
	if !s.opts.ForgetRequest {
		values = context.WithoutCancel(r.Context())
	}
	c := new(captured)
	c.ctx, c.cancel = context.WithCancelCause(values)
	if !s.opts.ForgetRequest {
		c.req = detached(c.ctx, r)
	}
	if adapt == nil {
		return c, nil
	}
	var err error
	if c.value, err = adapt(c.req); err != nil {
		c.cancel(err)
		return nil, err
	}
	return c, nil
}

// detached copies r for use behind the handler that serves it: the HTTP server
// and the framework reuse neither it nor its context.
func detached(ctx context.Context, r *http.Request) *http.Request {
	d := r.Clone(ctx)
	d.Body = http.NoBody
	d.GetBody = nil
	d.Form, d.PostForm, d.MultipartForm = nil, nil, nil
	d.Trailer = nil
	d.Response = nil
	return d
}

func sessionClosed(sess *engineio.Session, reason Reason) {
	if c, ok := sess.Value().(*captured); ok {
		c.cancel(reason)
	}
}
