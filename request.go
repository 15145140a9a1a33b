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

// Context makes it the parent of the sockets' contexts.
func (c *captured) Context() context.Context { return c.ctx }

// capture detaches r from the handler that serves it: what is kept must not be
// reused by the HTTP server or the framework, and outlives the request.
func (s *Server) capture(r *http.Request, adapt func(*http.Request) (any, error)) (any, error) {
	if s.opts.ForgetRequest && adapt == nil {
		return nil, nil
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(r.Context()))
	req := r.Clone(ctx)
	req.Body = http.NoBody
	req.GetBody = nil
	req.Form, req.PostForm, req.MultipartForm = nil, nil, nil
	req.Response = nil
	c := &captured{ctx: ctx, cancel: cancel, req: req}
	if adapt != nil {
		v, err := adapt(req)
		if err != nil {
			cancel(err)
			return nil, err
		}
		c.value = v
	}
	if s.opts.ForgetRequest {
		c.req = nil
	}
	return c, nil
}

func sessionClosed(sess *engineio.Session, reason Reason) {
	if c, ok := sess.Value().(*captured); ok {
		c.cancel(reason)
	}
}
