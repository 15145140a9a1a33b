package sio

import (
	"runtime/debug"
	"time"
)

// A Middleware wraps a handler. It is called once, when the handler is
// registered; what it returns is called with each event.
type Middleware func(next Handler) Handler

// Recover turns a panic into a [PanicError], for middlewares around it to see.
// Without it a panic is contained too, but passes them by.
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

// Logger logs each connect, event and disconnect with its duration, to the
// server's logger: at info, or at warn with the error if the handler failed.
func Logger() Middleware {
	return func(next Handler) Handler {
		return func(c *Context) error {
			start := time.Now()
			err := next(c)
			e := c.Logger().Info()
			if err != nil {
				e = c.Logger().Warn().Err(err)
			}
			c.named(e).Dur("took", time.Since(start)).Msg("handled")
			return err
		}
	}
}
