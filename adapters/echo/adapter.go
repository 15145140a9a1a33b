// Package sioecho mounts a sio server in Echo v4, and carries what the
// middlewares before it found out about the request into every handler.
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
	"errors"
	"net/http"
	"reflect"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/siokit/sio"
)

// Handler returns a handler that serves srv on whatever path it is routed at.
// It returns as soon as a WebSocket has been taken over.
func Handler(srv *sio.Server) echo.HandlerFunc {
	return func(c echo.Context) error {
		return serve(srv, c)
	}
}

// Router is what [Register] needs of an *echo.Echo or *echo.Group.
type Router interface {
	Any(path string, h echo.HandlerFunc, mw ...echo.MiddlewareFunc) []*echo.Route
}

// Register serves srv at path, such as "/socket.io", and below it. In a group
// with parameters, each connection has its own.
func Register(r Router, path string, srv *sio.Server, mw ...echo.MiddlewareFunc) {
	h := Handler(srv)
	r.Any(path, h, mw...)
	r.Any(path+"/*", h, mw...)
}

// Middleware serves requests at srv's own path and below, and passes on all
// others. It works with Use and, before the router and its redirects, with Pre.
func Middleware(srv *sio.Server) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !srv.Matches(c.Request().URL.Path) {
				return next(c)
			}
			return serve(srv, c)
		}
	}
}

// Context returns the Echo context of the request that opened the connection:
// a copy that outlives it, with the path, its parameters, the query and all
// values that were set. Nothing can be written to it. It is nil for a
// connection that was not mounted by this package.
func Context(c *sio.Context) echo.Context {
	ec, _ := c.Captured().(echo.Context)
	return ec
}

func serve(srv *sio.Server, c echo.Context) error {
	res := c.Response()
	err := srv.ServeWith(res, c.Request(), func(r *http.Request) (any, error) { return detach(c, r), nil })
	if err == nil && !res.Committed { // a WebSocket: tell the access log
		res.Status = http.StatusSwitchingProtocols
		res.Committed = true
	}
	return err
}

// detach copies c, which Echo takes back and reuses when its handler returns.
func detach(c echo.Context, r *http.Request) echo.Context {
	d := c.Echo().NewContext(r, inert{})
	d.SetPath(c.Path())
	d.SetParamNames(slices.Clone(c.ParamNames())...)
	d.SetParamValues(slices.Clone(c.ParamValues())...)
	for _, key := range storeKeys(c) {
		d.Set(key, c.Get(key))
	}
	d.QueryParams() // parsed now: the cache fills lazily, and would race
	return d
}

var storeType = reflect.TypeFor[echo.Map]()

// storeKeys returns the keys of what was set. Echo has no way to list them, so
// they are read from its context's field, through contexts that embed it.
func storeKeys(c echo.Context) []string {
	for v := reflect.ValueOf(c); v.IsValid(); {
		switch v.Kind() {
		case reflect.Interface, reflect.Pointer:
			v = v.Elem()
			continue
		case reflect.Struct:
		default:
			return nil
		}
		if f := v.FieldByName("store"); f.IsValid() && f.Type().ConvertibleTo(storeType) {
			keys := make([]string, 0, f.Len())
			for _, k := range f.MapKeys() {
				keys = append(keys, k.String())
			}
			return keys
		}
		v = v.FieldByName("Context")
	}
	return nil
}

// inert is the writer of a detached context.
type inert struct{}

var errDetached = errors.New("sioecho: the request has been answered: nothing can be written")

func (inert) Header() http.Header       { return make(http.Header) }
func (inert) Write([]byte) (int, error) { return 0, errDetached }
func (inert) WriteHeader(int)           {}
