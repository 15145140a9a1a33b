// Package siochi mounts a sio server in chi. What the middlewares in front of the
// server have found out about a request is there in every handler of the connection.
//
//	r := chi.NewRouter()
//	r.Use(middleware.RequestID, jwtauth.Verifier(tokens))
//	r.Mount("/socket.io", siochi.Handler(srv))
//
//	srv.OnConnect(func(c *sio.Context) error {
//		_, claims, err := jwtauth.FromContext(siochi.Context(c))
//		…
//	})
//
// Do not mount the server itself in chi, although it is an http.Handler, too: chi
// reuses what it keeps in a request's context.
package siochi

import (
	"context"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/siokit/sio"
)

// Handler returns a handler that serves srv on whatever path it is routed at. The
// handler returns when a poll has been answered, or as soon as a WebSocket has been
// taken over.
func Handler(srv *sio.Server) http.Handler {
	return mount(srv, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = srv.ServeWith(w, r, nil) // only a capture function fails
	}))
}

// HandlerWith returns a handler as [Handler] does, which calls capture once for each
// new connection. See [sio.HandlerWith].
func HandlerWith[T any](srv *sio.Server, capture func(r *http.Request) (T, error)) http.Handler {
	return mount(srv, sio.HandlerWith(srv, capture))
}

// Register serves srv at path, such as "/socket.io", and below it. If path is in a
// router with parameters, each connection has its own values of them.
func Register(r chi.Router, path string, srv *sio.Server, mw ...func(http.Handler) http.Handler) {
	r = r.With(mw...)
	h := Handler(srv)
	r.Handle(path, h)
	r.Handle(path+"/*", h)
}

// Middleware returns a middleware that serves requests at srv's path and below it, and
// passes on all others. A router without routes runs no middlewares.
func Middleware(srv *sio.Server) func(http.Handler) http.Handler {
	h := Handler(srv)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if srv.Matches(r.URL.Path) {
				h.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// HandshakeOnly returns a middleware that runs mw for every request except those of
// connections that are already open. See [sio.HandshakeOnly].
func HandshakeOnly(srv *sio.Server, mw func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return sio.HandshakeOnly(srv, mw)
}

// Context returns c.Context(), for chi.URLParamFromCtx and other functions that read
// the context of a request. It has all values of the request that opened the
// connection, among them a copy of chi's routing context. chi.URLParam works with
// c.Request().
//
// Context panics for a connection that came from chi in another way than through this
// package: chi has reused that routing context for another request by then.
func Context(c *sio.Context) context.Context {
	ctx := c.Context()
	if ctx.Value(chi.RouteCtxKey) != nil && ctx.Value(mountedKey{}) == nil {
		panic("siochi.Context: the server is mounted in chi by itself, not with siochi's Handler, HandlerWith, Register or Middleware")
	}
	return ctx
}

// mountedKey is there in the context of requests that mount has served.
type mountedKey struct{}

// mount serves requests that open a connection with a copy of chi's routing
// context: chi takes its own back and reuses it when h returns.
func mount(srv *sio.Server, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rctx := chi.RouteContext(r.Context()); rctx != nil && srv.IsHandshake(r) {
			ctx := context.WithValue(r.Context(), chi.RouteCtxKey, clone(rctx))
			r = r.WithContext(context.WithValue(ctx, mountedKey{}, true))
		}
		h.ServeHTTP(w, r)
		if r.Header.Get("Upgrade") != "" {
			switched(w)
		}
	})
}

func clone(c *chi.Context) *chi.Context {
	d := chi.NewRouteContext()
	d.Routes = c.Routes
	d.RoutePath, d.RouteMethod = c.RoutePath, c.RouteMethod
	d.RoutePatterns = slices.Clone(c.RoutePatterns)
	d.URLParams.Keys = slices.Clone(c.URLParams.Keys)
	d.URLParams.Values = slices.Clone(c.URLParams.Values)
	return d
}

// switched tells the access log that a connection has been taken over, if
// nothing has been answered. Nothing of it reaches the connection.
func switched(w http.ResponseWriter) {
	for {
		if ww, ok := w.(middleware.WrapResponseWriter); ok && ww.Status() == 0 {
			ww.Discard()
			ww.WriteHeader(http.StatusSwitchingProtocols)
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return
		}
		w = u.Unwrap()
	}
}
