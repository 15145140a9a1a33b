package siogin_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	jwt "github.com/appleboy/gin-jwt/v2"
	"github.com/gin-contrib/cors"
	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"github.com/siokit/sio"
	"github.com/siokit/sio/adapters/adaptertest"
	siogin "github.com/siokit/sio/adapters/gin"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	goleak.VerifyTestMain(m)
}

func TestFramework(t *testing.T) {
	adaptertest.Run(t, adaptertest.Framework{
		New:   newApp,
		Facts: readFacts,
		Has:   func(c *sio.Context) bool { _, ok := siogin.Lookup(c); return ok },
		Head:  func(c *sio.Context) http.Header { return siogin.Context(c).Writer.Header() },
		Write: writeAnswers,
		Auth:  []adaptertest.Auth{ginJWT(t), ginSessions()},
	})
}

func newApp(cfg adaptertest.Config) http.Handler {
	e := gin.New()
	if cfg.Log != nil {
		e.Use(gin.LoggerWithConfig(gin.LoggerConfig{
			Output: io.Discard,
			Formatter: func(p gin.LogFormatterParams) string {
				cfg.Log(p.Request.URL.Path, p.StatusCode)
				return ""
			},
		}))
	}
	e.Use(func(c *gin.Context) { c.Header("X-Request-Id", "id") })
	if cfg.Origin != "" {
		e.Use(cors.New(cors.Config{AllowOrigins: []string{cfg.Origin}, AllowCredentials: true}))
	}
	switch cfg.Guard {
	case adaptertest.Always:
		e.Use(requireUser)
	case adaptertest.Handshakes:
		e.Use(siogin.HandshakeOnly(cfg.Server, requireUser))
	}
	if cfg.Form == adaptertest.Middleware { // Gin gives a route the middlewares that were there before it
		e.Use(siogin.Middleware(cfg.Server))
	}
	e.GET(adaptertest.OtherPath, func(c *gin.Context) { c.String(http.StatusOK, adaptertest.Other) })
	e.GET(adaptertest.ReadyPath, gin.WrapF(cfg.Server.ServeReady))
	e.GET(adaptertest.LivePath, gin.WrapF(cfg.Server.ServeLive))
	switch cfg.Form {
	case adaptertest.Register:
		siogin.Register(e.Group("/t/:tenant"), "/socket.io", cfg.Server)
	case adaptertest.Handler:
		e.Any("/socket.io/*any", siogin.Handler(cfg.Server))
	case adaptertest.HandlerWith:
		e.Any("/socket.io/*any", siogin.HandlerWith(cfg.Server, func(c *gin.Context) (adaptertest.Captured, error) {
			return cfg.Capture(c.GetString("user"))
		}))
	}
	return e
}

func requireUser(c *gin.Context) {
	user := adaptertest.User(c.Request)
	if user == "" {
		adaptertest.Refuse(c.Writer)
		c.Abort()
		return
	}
	c.Set("user", user)
}

func readFacts(c *sio.Context) adaptertest.Facts {
	gc := siogin.Context(c)
	f := adaptertest.FactsOf(gc.Request)
	f.User = gc.GetString("user")
	f.Tenant = gc.Param("tenant")
	f.Query = gc.Query("q")
	f.Header = gc.GetHeader("X-User")
	return f
}

func writeAnswers(c *sio.Context) {
	gc := siogin.Context(c)
	gc.SetCookie("leak", adaptertest.Leak, 0, "/", "", false, false)
	gc.Header("X-Leak", adaptertest.Leak)
	gc.JSON(http.StatusTeapot, adaptertest.Leak)
	gc.String(http.StatusTeapot, adaptertest.Leak)
	gc.AbortWithStatus(http.StatusTeapot)
	gc.Redirect(http.StatusFound, "/"+adaptertest.Leak)
	_, _ = gc.Writer.WriteString(adaptertest.Leak)
	gc.Writer.WriteHeaderNow()
	gc.Writer.Flush()
	_, _, _ = gc.Writer.Hijack()
	_ = gc.Writer.Pusher()
	gc.Next()
}

// ginJWT is a token in a header, as of an API.
func ginJWT(t *testing.T) adaptertest.Auth {
	m, err := jwt.New(&jwt.GinJWTMiddleware{
		Key:         []byte("key"),
		IdentityKey: "user",
		PayloadFunc: func(data any) jwt.MapClaims { return jwt.MapClaims{"user": data} },
	})
	if err != nil {
		t.Fatal(err)
	}
	return adaptertest.Auth{
		Name: "gin-jwt",
		New: func(srv *sio.Server) http.Handler {
			e := gin.New()
			siogin.Register(e, "/socket.io", srv, m.MiddlewareFunc())
			return e
		},
		Credentials: func(t *testing.T, _, user string) http.Header {
			token, _, err := m.TokenGenerator(user)
			if err != nil {
				t.Fatal(err)
			}
			return http.Header{"Authorization": {"Bearer " + token}}
		},
		User: func(c *sio.Context) string {
			user, _ := jwt.ExtractClaims(siogin.Context(c))["user"].(string)
			if id := siogin.Context(c).GetString("user"); id != user {
				return "claims and identity differ: " + user + ", " + id
			}
			return user
		},
	}
}

// ginSessions is a session in a cookie.
func ginSessions() adaptertest.Auth {
	return adaptertest.Auth{
		Name: "gin-contrib/sessions",
		New: func(srv *sio.Server) http.Handler {
			e := gin.New()
			e.Use(sessions.Sessions("session", cookie.NewStore([]byte("key"))))
			e.GET("/login", func(c *gin.Context) {
				s := sessions.Default(c)
				s.Set("user", c.Query("user"))
				if err := s.Save(); err != nil {
					_ = c.AbortWithError(http.StatusInternalServerError, err)
				}
			})
			siogin.Register(e, "/socket.io", srv)
			return e
		},
		Credentials: func(t *testing.T, url, user string) http.Header {
			return adaptertest.Cookies(t, url+"/login?user="+user)
		},
		User: func(c *sio.Context) string {
			user, _ := sessions.Default(siogin.Context(c)).Get("user").(string)
			return user
		},
	}
}

// TestSessionIsLoaded reads a session in a connect handler. Net/http may still use
// the request that opened the connection, which must not be changed by that.
func TestSessionIsLoaded(t *testing.T) {
	names, store := []string{"other", "session"}, cookie.NewStore([]byte("key"))
	for name, tt := range map[string]struct {
		mw   gin.HandlerFunc
		read func(*gin.Context) sessions.Session
	}{
		"one":  {sessions.Sessions("session", store), sessions.Default},
		"many": {sessions.SessionsMany(names, store), func(c *gin.Context) sessions.Session { return sessions.DefaultMany(c, "session") }},
	} {
		t.Run(name, func(t *testing.T) {
			srv := sio.New(nil)
			read := make(chan any, 1)
			srv.OnConnect(func(c *sio.Context) error {
				read <- tt.read(siogin.Context(c)).Get("user")
				return nil
			})
			e := gin.New()
			e.Use(tt.mw)
			e.GET("/login", func(c *gin.Context) {
				s := tt.read(c)
				s.Set("user", "ada")
				if err := s.Save(); err != nil {
					t.Error(err)
				}
			})
			siogin.Register(e, "/socket.io", srv)
			login, opened := httptest.NewRecorder(), httptest.NewRecorder()
			e.ServeHTTP(login, httptest.NewRequest(http.MethodGet, "/login", nil))
			req := httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=polling", nil)
			req.Header.Set("Cookie", login.Header().Get("Set-Cookie"))
			e.ServeHTTP(opened, req)
			before := req.Context()

			var open struct{ SID string }
			if err := json.Unmarshal(opened.Body.Bytes()[1:], &open); err != nil {
				t.Fatalf("%q: %v", opened.Body, err)
			}
			connect := httptest.NewRequest(http.MethodPost, "/socket.io/?EIO=4&transport=polling&sid="+open.SID, strings.NewReader("40"))
			e.ServeHTTP(httptest.NewRecorder(), connect)
			if got := <-read; got != "ada" {
				t.Errorf("user %v", got)
			}
			if req.Context() != before {
				t.Error("the connect handler has changed the request")
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // the client asks for nothing any more
			_ = srv.Shutdown(ctx)
			if err := srv.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A capture function that has answered has had the last word.
func TestHandlerWithAnswers(t *testing.T) {
	srv := sio.New(nil)
	e := gin.New()
	var errs []*gin.Error
	e.Use(func(c *gin.Context) {
		c.Next()
		errs = c.Errors
	})
	e.Any("/socket.io/*any", siogin.HandlerWith(srv, func(c *gin.Context) (string, error) {
		c.JSON(http.StatusPaymentRequired, gin.H{"owe": 1})
		return "", io.ErrUnexpectedEOF
	}), func(*gin.Context) { t.Error("the chain goes on") })
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=polling", nil))
	if w.Code != http.StatusPaymentRequired || w.Body.String() != `{"owe":1}` {
		t.Errorf("status %d, body %q", w.Code, w.Body)
	}
	if len(errs) != 1 || errs[0].Err != io.ErrUnexpectedEOF {
		t.Errorf("errors %v", errs)
	}
}

// Behind the middleware, nothing runs for the server's own path, be there a
// route for it or not.
func TestMiddlewareAborts(t *testing.T) {
	next := func(c *gin.Context) { t.Errorf("%s goes on", c.Request.URL.Path) }
	e := gin.New()
	e.Use(siogin.Middleware(sio.New(nil)), next)
	e.GET("/socket.io/x", next)
	e.NoRoute(next)
	for _, path := range []string{"/socket.io", "/socket.io/", "/socket.io/x"} {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}
