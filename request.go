package sio

import (
	"context"
	"net/http"

	"github.com/siokit/sio/engineio"
)

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
