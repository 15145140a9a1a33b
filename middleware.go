package sio

import (
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/internal/logline"
)

// A Middleware wraps a handler. It is called once, when the handler is registered,
// and the handler that it returns is called for each event.
type Middleware func(next Handler) Handler

// Recover returns a middleware that turns a panic into a [PanicError], which the
// middlewares around it can then see. A panic is contained without it, too, but only
// outside of all middlewares.
func Recover() Middleware {
	return func(next Handler) Handler {
		return func(c *Context) (err error) {
			defer func() {
				if v := recover(); v != nil {
					err = &PanicError{v, debug.Stack()}
				}
			}()
			return next(c)
		}
	}
}

// Logger returns a middleware that logs each connect, event and disconnect, with its
// duration, to the server's logger: at level info, or at warn and with the error if
// the handler failed. All of them are written, but for those of a server without
// [Options].Logger, of which clients can't cause more than of other lines.
func Logger() Middleware {
	return func(next Handler) Handler {
		return func(c *Context) error {
			start := time.Now()
			err := next(c)
			var e *zerolog.Event
			switch {
			case err == nil:
				e = c.named(c.Logger().Info())
			case c.n.srv.frugal:
				e = c.sparse(zerolog.WarnLevel, "handled").Err(logline.Error(err))
			default:
				e = c.named(c.Logger().Warn()).Err(logline.Error(err))
			}
			e.Dur("took", time.Since(start)).Msg("handled")
			return err
		}
	}
}

// ownMiddlewares are those that a handler has added for one socket, kept with
// that. Each is called once to wrap what comes behind it, be it added later,
// and at the end the handler of the event, which is Context.next.
type ownMiddlewares struct {
	first atomic.Pointer[ownMiddleware]

	mu   sync.Mutex // held to add
	last *ownMiddleware
}

type ownMiddleware struct {
	h    Handler
	next atomic.Pointer[ownMiddleware]
}

// Use adds middlewares for the events of this client alone, from the next event on.
// It is mostly for the connect handler. The middlewares run inside those of the
// namespace and its Groups, and outside those of a single event. For middlewares of
// all clients, see [Router].
func (c *Context) Use(mw ...Middleware) {
	if slices.ContainsFunc(mw, func(m Middleware) bool { return m == nil }) {
		panic("sio: Context.Use: nil middleware, in namespace " + c.Namespace())
	}
	o := c.socket.Own(new(ownMiddlewares)).(*ownMiddlewares)
	for _, m := range mw {
		own := new(ownMiddleware)
		own.h = m(func(c *Context) error { return callOwn(&own.next, c) })
		o.add(own)
	}
}

func (o *ownMiddlewares) add(m *ownMiddleware) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.last == nil {
		o.first.Store(m)
	} else {
		o.last.next.Store(m)
	}
	o.last = m
}

// callOwn calls the next middleware, or behind the last one the handler.
func callOwn(next *atomic.Pointer[ownMiddleware], c *Context) error {
	if m := next.Load(); m != nil {
		return m.h(c)
	}
	return c.next(c)
}

// withOwn is the middleware that has the socket's own ones called.
func withOwn(h Handler) Handler {
	return func(c *Context) error {
		o, _ := c.socket.Owned().(*ownMiddlewares)
		if o == nil {
			return h(c)
		}
		c.next = h
		return callOwn(&o.first, c)
	}
}
