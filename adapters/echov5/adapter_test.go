package sioechov5_test

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"
	"go.uber.org/goleak"

	"github.com/siokit/sio"
	"github.com/siokit/sio/adapters/adaptertest"
	sioechov5 "github.com/siokit/sio/adapters/echov5"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFramework(t *testing.T) {
	adaptertest.Run(t, adaptertest.Framework{
		New:   newApp,
		Facts: readFacts,
		Has:   func(c *sio.Context) bool { _, ok := sioechov5.Lookup(c); return ok },
		Head:  func(c *sio.Context) http.Header { return sioechov5.Context(c).Response().Header() },
		Write: writeAnswers,
		Auth:  []adaptertest.Auth{keyAuth(), basicAuth()},
	})
}

func newApp(cfg adaptertest.Config) http.Handler {
	e := echo.New()
	e.Logger = slog.New(slog.DiscardHandler) // it tells of each write to a detached context
	if cfg.Log != nil {
		e.Use(middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
			LogStatus:  true,
			LogURIPath: true,
			LogValuesFunc: func(_ *echo.Context, v middleware.RequestLoggerValues) error {
				cfg.Log(v.URIPath, v.Status)
				return nil
			},
		}))
	}
	e.Use(middleware.RequestID())
	if cfg.Origin != "" {
		e.Use(middleware.CORSWithConfig(middleware.CORSConfig{AllowOrigins: []string{cfg.Origin}, AllowCredentials: true}))
	}
	switch cfg.Guard {
	case adaptertest.Always:
		e.Use(requireUser)
	case adaptertest.Handshakes:
		e.Use(sioechov5.HandshakeOnly(cfg.Server, requireUser))
	}
	e.GET(adaptertest.OtherPath, func(c *echo.Context) error { return c.String(http.StatusOK, adaptertest.Other) })
	e.GET(adaptertest.ReadyPath, echo.WrapHandler(http.HandlerFunc(cfg.Server.ServeReady)))
	e.GET(adaptertest.LivePath, echo.WrapHandler(http.HandlerFunc(cfg.Server.ServeLive)))
	switch cfg.Form {
	case adaptertest.Register:
		sioechov5.Register(e.Group("/t/:tenant"), "/socket.io", cfg.Server)
	case adaptertest.Handler:
		e.Any("/socket.io/*", sioechov5.Handler(cfg.Server))
	case adaptertest.HandlerWith:
		e.Any("/socket.io/*", sioechov5.HandlerWith(cfg.Server, func(c *echo.Context) (adaptertest.Captured, error) {
			user, _ := c.Get("user").(string)
			return cfg.Capture(user)
		}))
	case adaptertest.Middleware:
		e.Use(sioechov5.Middleware(cfg.Server))
	}
	return e
}

func requireUser(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		user := adaptertest.User(c.Request())
		if user == "" {
			adaptertest.Refuse(c.Response())
			return nil
		}
		c.Set("user", user)
		return next(c)
	}
}

func readFacts(c *sio.Context) adaptertest.Facts {
	ec := sioechov5.Context(c)
	f := adaptertest.FactsOf(ec.Request())
	f.User, _ = ec.Get("user").(string)
	f.Tenant = ec.Param("tenant")
	f.Query = ec.QueryParam("q")
	return f
}

func writeAnswers(c *sio.Context) {
	ec := sioechov5.Context(c)
	ec.SetCookie(&http.Cookie{Name: "leak", Value: adaptertest.Leak})
	ec.Response().Header().Set("X-Leak", adaptertest.Leak)
	_ = ec.JSON(http.StatusTeapot, adaptertest.Leak)
	_ = ec.String(http.StatusTeapot, adaptertest.Leak)
	_, _ = ec.Response().Write([]byte(adaptertest.Leak))
	rc := http.NewResponseController(ec.Response())
	_ = rc.Flush()
	_, _, _ = rc.Hijack()
	_ = ec.Redirect(http.StatusFound, "/"+adaptertest.Leak)
}

// keyAuth is a key in a header, as of an API.
func keyAuth() adaptertest.Auth {
	return adaptertest.Auth{
		Name: "key",
		New: func(srv *sio.Server) http.Handler {
			e := echo.New()
			e.Any("/socket.io/*", sioechov5.Handler(srv), middleware.KeyAuth(func(c *echo.Context, key string, _ middleware.ExtractorSource) (bool, error) {
				c.Set("user", key)
				return key != "", nil
			}))
			return e
		},
		Credentials: func(_ *testing.T, _, user string) http.Header {
			return http.Header{"Authorization": {"Bearer " + user}}
		},
		User: user,
	}
}

// basicAuth is a password that the browser has asked for.
func basicAuth() adaptertest.Auth {
	return adaptertest.Auth{
		Name: "password",
		New: func(srv *sio.Server) http.Handler {
			e := echo.New()
			e.Any("/socket.io/*", sioechov5.Handler(srv), middleware.BasicAuth(func(c *echo.Context, user, password string) (bool, error) {
				c.Set("user", user)
				return password == "secret", nil
			}))
			return e
		},
		Credentials: func(_ *testing.T, _, user string) http.Header {
			r := &http.Request{Header: make(http.Header)}
			r.SetBasicAuth(user, "secret")
			return r.Header
		},
		User: user,
	}
}

func user(c *sio.Context) string {
	name, _ := sioechov5.Context(c).Get("user").(string)
	return name
}
