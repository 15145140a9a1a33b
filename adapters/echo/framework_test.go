package sioecho_test

import (
	"cmp"
	"net/http"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo-contrib/session"
	echojwt "github.com/labstack/echo-jwt/v4"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/siokit/sio"
	"github.com/siokit/sio/adapters/adaptertest"
	sioecho "github.com/siokit/sio/adapters/echo"
)

func TestFramework(t *testing.T) {
	adaptertest.Run(t, adaptertest.Framework{
		New:   newApp,
		Facts: readFacts,
		Has:   func(c *sio.Context) bool { _, ok := sioecho.Lookup(c); return ok },
		Head:  func(c *sio.Context) http.Header { return sioecho.Context(c).Response().Header() },
		Write: writeAnswers,
		Auth:  []adaptertest.Auth{echoJWT(), echoSession()},
	})
}

func newApp(cfg adaptertest.Config) http.Handler {
	e := echo.New()
	if cfg.Log != nil {
		e.Use(middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
			LogStatus:  true,
			LogURIPath: true,
			LogValuesFunc: func(_ echo.Context, v middleware.RequestLoggerValues) error {
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
		e.Use(sioecho.HandshakeOnly(cfg.Server, requireUser))
	}
	e.GET(adaptertest.OtherPath, func(c echo.Context) error { return c.String(http.StatusOK, adaptertest.Other) })
	e.GET(adaptertest.ReadyPath, echo.WrapHandler(http.HandlerFunc(cfg.Server.ServeReady)))
	e.GET(adaptertest.LivePath, echo.WrapHandler(http.HandlerFunc(cfg.Server.ServeLive)))
	switch cfg.Form {
	case adaptertest.Register:
		sioecho.Register(e.Group("/t/:tenant"), "/socket.io", cfg.Server)
	case adaptertest.Handler:
		e.Any("/socket.io/*", sioecho.Handler(cfg.Server))
	case adaptertest.HandlerWith:
		e.Any("/socket.io/*", sioecho.HandlerWith(cfg.Server, func(c echo.Context) (adaptertest.Captured, error) {
			user, _ := c.Get("user").(string)
			return cfg.Capture(user)
		}))
	case adaptertest.Middleware:
		e.Use(sioecho.Middleware(cfg.Server))
	}
	return e
}

func requireUser(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
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
	ec := sioecho.Context(c)
	f := adaptertest.FactsOf(ec.Request())
	f.User, _ = ec.Get("user").(string)
	f.Tenant = ec.Param("tenant")
	f.Query = ec.QueryParam("q")
	f.Header = ec.Request().Header.Get("X-User")
	return f
}

func writeAnswers(c *sio.Context) {
	ec := sioecho.Context(c)
	ec.SetCookie(&http.Cookie{Name: "leak", Value: adaptertest.Leak})
	ec.Response().Header().Set("X-Leak", adaptertest.Leak)
	_ = ec.JSON(http.StatusTeapot, adaptertest.Leak)
	_ = ec.String(http.StatusTeapot, adaptertest.Leak)
	_, _ = ec.Response().Write([]byte(adaptertest.Leak))
	ec.Response().Flush()
	_, _, _ = ec.Response().Hijack()
	ec.Error(echo.NewHTTPError(http.StatusTeapot, adaptertest.Leak))
	_ = ec.Redirect(http.StatusFound, "/"+adaptertest.Leak)
}

// echoJWT is a token in a header, as of an API.
func echoJWT() adaptertest.Auth {
	key := []byte("key")
	return adaptertest.Auth{
		Name: "echo-jwt",
		New: func(srv *sio.Server) http.Handler {
			e := echo.New()
			e.Any("/socket.io/*", sioecho.Handler(srv), echojwt.JWT(key))
			return e
		},
		Credentials: func(t *testing.T, _, user string) http.Header {
			token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{Subject: user}).SignedString(key)
			if err != nil {
				t.Fatal(err)
			}
			return http.Header{"Authorization": {"Bearer " + token}}
		},
		User: func(c *sio.Context) string {
			token, ok := sioecho.Context(c).Get("user").(*jwt.Token)
			if !ok {
				return ""
			}
			subject, _ := token.Claims.GetSubject()
			return subject
		},
	}
}

// echoSession is a session in a cookie.
func echoSession() adaptertest.Auth {
	return adaptertest.Auth{
		Name: "echo-contrib/session",
		New: func(srv *sio.Server) http.Handler {
			e := echo.New()
			e.Use(session.Middleware(sessions.NewCookieStore([]byte("key"))))
			e.GET("/login", func(c echo.Context) error {
				s, err := session.Get("session", c)
				if err != nil {
					return err
				}
				s.Values["user"] = c.QueryParam("user")
				return cmp.Or(s.Save(c.Request(), c.Response()), c.NoContent(http.StatusOK))
			})
			e.Any("/socket.io/*", sioecho.Handler(srv))
			return e
		},
		Credentials: func(t *testing.T, url, user string) http.Header {
			return adaptertest.Cookies(t, url+"/login?user="+user)
		},
		User: func(c *sio.Context) string {
			s, err := session.Get("session", sioecho.Context(c))
			if err != nil {
				return err.Error()
			}
			user, _ := s.Values["user"].(string)
			return user
		},
	}
}
