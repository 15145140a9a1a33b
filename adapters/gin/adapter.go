// Package siogin mounts a sio server in Gin. What the middlewares in front of the
// server have found out about a request is there in every handler of the connection.
//
//	r := gin.New()
//	r.Use(gin.Recovery(), sessions.Sessions("session", store), authenticate)
//	r.Any("/socket.io/*any", siogin.Handler(srv))
//
//	srv.OnConnect(func(c *sio.Context) error {
//		user := siogin.Context(c).GetString("user")
//		…
//	})
package siogin

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"reflect"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/inert"
)

// Handler returns a handler that serves srv on whatever path it is routed at. The
// handler returns when a poll has been answered, or as soon as a WebSocket has been
// taken over.
func Handler(srv *sio.Server) gin.HandlerFunc {
	return func(c *gin.Context) { serve(srv, c, nil) }
}

// HandlerWith returns a handler as [Handler] does. It calls capture once for each new
// connection, while the request that opens it is being served. [sio.Captured] returns
// the result in every handler of the connection.
//
// If capture fails, no connection is made, the error is added to c.Errors, and the chain
// is aborted. The answer is that of [sio.RefusalOf], unless capture has written one.
func HandlerWith[T any](srv *sio.Server, capture func(c *gin.Context) (T, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		serve(srv, c, func() (any, error) { return capture(c) })
	}
}

// Register serves srv at path, such as "/socket.io", and below it. If path is in a
// group with parameters, each connection has its own values of them.
func Register(r gin.IRoutes, path string, srv *sio.Server, mw ...gin.HandlerFunc) {
	chain := append(slices.Clip(mw), Handler(srv))
	r.Any(path, chain...)
	r.Any(path+"/*any", chain...)
}

// Middleware returns a middleware that serves requests at srv's path and below it, and
// passes on all others. It needs no route.
func Middleware(srv *sio.Server) gin.HandlerFunc {
	return func(c *gin.Context) {
		if !srv.Matches(c.Request.URL.Path) {
			return
		}
		c.Status(http.StatusOK) // without a route, Gin has set 404
		serve(srv, c, nil)
		c.Abort()
	}
}

// HandshakeOnly returns a middleware that runs mw for every request except those of
// connections that are already open. See [sio.HandshakeOnly].
func HandshakeOnly(srv *sio.Server, mw gin.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		switch {
		case !srv.IsHandshake(c.Request):
		case srv.Preflight(c.Writer, c.Request):
			c.Abort()
		default:
			mw(c)
		}
	}
}

type contextKey struct{}

// Context returns the Gin context of the request that opened the connection. It is a
// copy that outlives the request, with the path, its parameters, the query and all
// keys that were set. It is for reading: writing to it has no effect. The context of
// its request ends with the connection.
//
// The sessions of gin-contrib/sessions are loaded when the connection is opened, and
// can be read from the context. They must not be saved: that would write to the
// response of whatever request Gin serves at the time.
//
// Context panics if there is none, and says why. See [Lookup].
func Context(c *sio.Context) *gin.Context {
	gc, ok := Lookup(c)
	if !ok {
		panic(inert.Missing("siogin", c.Request() == nil))
	}
	return gc
}

// Lookup returns what [Context] does. It reports false if there is none: with
// [sio.Options].ForgetRequest, and for a connection that did not come in through this
// package.
func Lookup(c *sio.Context) (*gin.Context, bool) {
	r := c.Request()
	if r == nil {
		return nil, false
	}
	gc, ok := r.Context().Value(contextKey{}).(*gin.Context)
	return gc, ok
}

func serve(srv *sio.Server, c *gin.Context, capture func() (any, error)) {
	err := srv.ServeWith(writer{c.Writer}, c.Request, func(r *http.Request) (v any, err error) {
		if capture != nil {
			v, err = capture()
		}
		if r != nil && err == nil {
			keep(c, r)
		}
		return v, err
	})
	if err == nil {
		return
	}
	_ = c.Error(err)
	c.Abort()
	if !c.Writer.Written() {
		sio.RefusalOf(err).ServeHTTP(c.Writer, c.Request)
	}
}

// A writer tells the access log of a connection that is taken over. The status
// has to be set before: behind that, Gin takes none.
type writer struct{ gin.ResponseWriter }

func (w writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.WriteHeader(http.StatusSwitchingProtocols) // only noted
	return w.ResponseWriter.Hijack()
}

func (w writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// keep puts a copy of c into the context of r: Gin takes c back and reuses it
// when its handlers have returned.
func keep(c *gin.Context, r *http.Request) {
	d := c.Copy()
	*r = *r.WithContext(context.WithValue(r.Context(), contextKey{}, d))
	d.Request = r
	d.Writer = inert.Writer{Head: c.Writer.Header().Clone()}
	d.GetQuery("") // the query is parsed now: the cache fills lazily, and would race
	loadSessions(d)
}

// loadSessions has the sessions of gin-contrib/sessions loaded, which are so when
// they are first asked for, and then change a request that is net/http's.
func loadSessions(c *gin.Context) {
	type session interface{ Get(key any) any }
	kept, _ := c.Get("github.com/gin-contrib/sessions") // its DefaultKey
	if s, ok := kept.(session); ok {
		s.Get("")
		return
	}
	if many := reflect.ValueOf(kept); many.Kind() == reflect.Map {
		for _, s := range many.Seq2() {
			if s, ok := reflect.TypeAssert[session](s); ok {
				s.Get("")
			}
		}
	}
}
