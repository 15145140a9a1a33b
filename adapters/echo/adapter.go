// Package sioecho mounts a sio server in Echo v4. What the middlewares in front of the
// server have found out about a request is there in every handler of the connection.
//
//	e := echo.New()
//	e.Use(middleware.RequestID(), session.Middleware(store))
//	e.Any("/socket.io/*", sioecho.Handler(srv))
//
//	srv.OnConnect(func(c *sio.Context) error {
//		user := sioecho.Context(c).Get("user")
//		…
//	})
package sioecho

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/inert"
)

// Handler returns a handler that serves srv on whatever path it is routed at. The
// handler returns when a poll has been answered, or as soon as a WebSocket has been
// taken over.
func Handler(srv *sio.Server) echo.HandlerFunc {
	return func(c echo.Context) error { return serve(srv, c, nil) }
}

// HandlerWith returns a handler as [Handler] does. It calls capture once for each new
// connection, while the request that opens it is being served. [sio.Captured] returns
// the result in every handler of the connection.
//
// If capture fails, no connection is made, and the handler returns the error. An
// *echo.HTTPError is answered by Echo, and any other one as [sio.RefusalOf] says, unless
// the application's error handler decides otherwise.
func HandlerWith[T any](srv *sio.Server, capture func(c echo.Context) (T, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		return serve(srv, c, func() (any, error) {
			v, err := capture(c)
			return v, refused(err)
		})
	}
}

// refused makes an error of a capture function one that Echo answers as all adapters
// do, unless it is Echo's own. What it was stays within.
func refused(err error) error {
	var own *echo.HTTPError
	if err == nil || errors.As(err, &own) {
		return err
	}
	r := sio.RefusalOf(err)
	return &echo.HTTPError{Code: r.Status, Message: r, Internal: err}
}

// Router has the method of an *echo.Echo or *echo.Group that [Register] needs.
type Router interface {
	Any(path string, h echo.HandlerFunc, mw ...echo.MiddlewareFunc) []*echo.Route
}

// Register serves srv at path, such as "/socket.io", and below it. If path is in a
// group with parameters, each connection has its own values of them.
func Register(r Router, path string, srv *sio.Server, mw ...echo.MiddlewareFunc) {
	path = strings.TrimSuffix(path, "/")
	h := Handler(srv)
	r.Any(path, h, mw...)
	r.Any(path+"/*", h, mw...)
}

// Middleware returns a middleware that serves requests at srv's path and below it, and
// passes on all others. It works with Use and with Pre, which runs it before the
// router and its redirects.
func Middleware(srv *sio.Server) echo.MiddlewareFunc {
	h := Handler(srv)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if srv.Matches(c.Request().URL.Path) {
				return h(c)
			}
			return next(c)
		}
	}
}

// HandshakeOnly returns a middleware that runs mw for every request except those of
// connections that are already open. See [sio.HandshakeOnly].
func HandshakeOnly(srv *sio.Server, mw echo.MiddlewareFunc) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		guarded := mw(next)
		return func(c echo.Context) error {
			switch {
			case !srv.IsHandshake(c.Request()):
				return next(c)
			case srv.Preflight(c.Response(), c.Request()):
				return nil
			}
			return guarded(c)
		}
	}
}

type contextKey struct{}

// Context returns the Echo context of the request that opened the connection. It is a
// copy that outlives the request, with the path, its parameters, the query and all
// values that were set. It is for reading: writing to it has no effect. The context of
// its request ends with the connection.
//
// Context panics if there is none, and says why. See [Lookup].
func Context(c *sio.Context) echo.Context {
	ec, ok := Lookup(c)
	if !ok {
		panic(inert.Missing("sioecho", c.Request() == nil))
	}
	return ec
}

// Lookup returns what [Context] does. It reports false if there is none: with
// [sio.Options].ForgetRequest, and for a connection that did not come in through this
// package.
func Lookup(c *sio.Context) (echo.Context, bool) {
	r := c.Request()
	if r == nil {
		return nil, false
	}
	ec, ok := r.Context().Value(contextKey{}).(echo.Context)
	return ec, ok
}

func serve(srv *sio.Server, c echo.Context, capture func() (any, error)) error {
	res := c.Response()
	err := srv.ServeWith(res, c.Request(), func(r *http.Request) (v any, err error) {
		if capture != nil {
			v, err = capture()
		}
		if r != nil && err == nil {
			keep(c, r)
		}
		return v, err
	})
	if err == nil && !res.Committed && c.IsWebSocket() { // it has been taken over: tell the access log
		res.Status = http.StatusSwitchingProtocols
		res.Committed = true
	}
	return err
}

// keep puts a copy of c into the context of r: Echo takes c back and reuses it
// when its handler returns.
func keep(c echo.Context, r *http.Request) {
	d := c.Echo().NewContext(r, inert.Writer{Head: c.Response().Header().Clone()})
	*r = *r.WithContext(context.WithValue(r.Context(), contextKey{}, d))
	d.SetLogger(c.Logger())
	d.SetPath(c.Path())
	d.SetParamNames(slices.Clone(c.ParamNames())...)
	d.SetParamValues(slices.Clone(c.ParamValues())...)
	for _, key := range storeKeys(c) {
		d.Set(key, c.Get(key))
	}
	d.QueryParams() // parsed now: the cache fills lazily, and would race
}

var (
	contextType = reflect.TypeFor[echo.Context]()
	storeType   = reflect.TypeFor[echo.Map]()
)

// storeKeys returns the keys of what was set. Echo has no way to list them, so
// they are read from its context's field, through contexts that embed it.
func storeKeys(c echo.Context) []string {
	for v := reflect.ValueOf(c); v.IsValid(); v = embedded(v) {
		for v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return nil
		}
		if v.Type().PkgPath() != storeType.PkgPath() {
			continue // an application's, whose fields may be named alike
		}
		f := v.FieldByName("store")
		if !f.IsValid() || f.Type() != storeType {
			return nil
		}
		keys := make([]string, 0, f.Len())
		for _, k := range f.MapKeys() {
			keys = append(keys, k.String())
		}
		return keys
	}
	return nil
}

// embedded returns the context that a struct embeds, if it does.
func embedded(v reflect.Value) reflect.Value {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous && (f.Type.Implements(contextType) || reflect.PointerTo(f.Type).Implements(contextType)) {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}
