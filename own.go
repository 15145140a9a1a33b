package sio

import (
	"slices"
	"sync"
	"sync/atomic"
)

// ownMiddlewares are those that a handler has added for one socket. Each wraps
// the next, once and for all events, and the last what Context.next is.
type ownMiddlewares struct {
	mu      sync.Mutex                // held to change the following
	wrapped atomic.Pointer[[]Handler] // nil: none
}

// Use adds middlewares to this client's event handlers, for the events that are
// handled from now on. They run inside of the namespace's middlewares and those
// of its Groups, and outside of those of the event alone. It is for the connect
// handler, mostly; what runs for all clients is for [Router].
func (c *Context) Use(mw ...Middleware) {
	if slices.ContainsFunc(mw, func(m Middleware) bool { return m == nil }) {
		panic("sio: Context.Use: nil middleware, in namespace " + c.Namespace())
	}
	o, _ := c.socket.Owned().(*ownMiddlewares)
	if o == nil {
		o = c.socket.Own(new(ownMiddlewares)).(*ownMiddlewares)
	}
	o.add(mw)
}

func (o *ownMiddlewares) add(mw []Middleware) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range mw {
		var list []Handler
		if l := o.wrapped.Load(); l != nil {
			list = *l
		}
		i := len(list) + 1
		list = append(slices.Clip(list), m(func(c *Context) error { return o.call(c, i) }))
		o.wrapped.Store(&list)
	}
}

// call calls middleware i, or behind the last one the handler.
func (o *ownMiddlewares) call(c *Context, i int) error {
	if list := o.wrapped.Load(); list != nil && i < len(*list) {
		return (*list)[i](c)
	}
	return c.next(c)
}

// withOwn puts the middlewares of the socket around the handler of an event.
func withOwn(h Handler) Handler {
	return func(c *Context) error {
		o, _ := c.socket.Owned().(*ownMiddlewares)
		if o == nil {
			return h(c)
		}
		c.next = h
		return o.call(c, 0)
	}
}
