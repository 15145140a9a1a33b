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

// HandlerWith returns a handler that serves srv on whatever path it is routed
// at. It calls capture once for each new connection, while the request that
// opens it is being served. What that returns is there in every handler, as
// [Captured].
//
// If capture fails, no connection is made. The answer is that of [RefusalOf]: 403, or
// the status of an error that has a method StatusCode() int; of the error's text, only
// the Message of an [Error] is sent.
func HandlerWith[T any](srv *Server, capture func(r *http.Request) (T, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := srv.ServeWith(w, r, func(*http.Request) (any, error) { return capture(r) }); err != nil {
			RefusalOf(err).ServeHTTP(w, r)
		}
	})
}

// HandshakeOnly returns a middleware that runs mw for every request but those of
// connections that are open already. A browser sets no header on a WebSocket:
// one that wants a token in a header would stop every upgrade. The preflight of a
// page of another origin, which never has a token, is answered before mw, if
// [Options].CORS is set, and [Options].Path is what the request's path ends in.
//
// Whoever knows the id of a connection acts for it, with or without mw. That
// goes for the path that the connection was opened at: in front of other
// handlers, mw runs always.
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

// ServeWith serves a request on whatever path it came. It is what adapters for
// frameworks are built on: capture, if not nil, is called once for each new
// connection, while r is still being served. It gets a copy of r that outlives
// it, whose context keeps the values of r's context and ends with the
// connection; or nil with Options.ForgetRequest. What it returns is there as
// [Context.Captured]. If it fails, ServeWith returns its error, and r is for
// the caller to answer.
func (s *Server) ServeWith(w http.ResponseWriter, r *http.Request, capture func(detached *http.Request) (any, error)) error {
	if f := s.files.find(r); f != nil {
		s.serveFile(w, r, f)
		return nil
	}
	return s.io.Serve(w, r, func() (any, error) { return s.capture(r, capture) })
}

// IsHandshake tells whether r is anything but a request of a connection that is
// open, made to the path that it was opened at: it opens one, or is refused, or
// is not for s. See [HandshakeOnly].
func (s *Server) IsHandshake(r *http.Request) bool { return !s.io.Knows(r) }

// Preflight is for what stands in front of the server and may refuse r, such as
// [HandshakeOnly]. It adds the headers of [Options].CORS, by which a page can read the
// refusal, and reports whether it has answered r: a preflight, which never carries
// what lets a client in. It does nothing to requests that are not for a server: whose
// path is neither [Options].Path, or below it, nor ends in it.
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
