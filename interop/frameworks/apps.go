package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gin-contrib/cors"
	"github.com/gin-contrib/gzip"
	"github.com/gin-contrib/requestid"
	"github.com/gin-contrib/secure"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	chimw "github.com/go-chi/chi/v5/middleware"
	chicors "github.com/go-chi/cors"
	"github.com/labstack/echo/v4"
	echomw "github.com/labstack/echo/v4/middleware"
	echov5 "github.com/labstack/echo/v5"
	echov5mw "github.com/labstack/echo/v5/middleware"

	"github.com/siokit/sio"
	siochi "github.com/siokit/sio/adapters/chi"
	sioecho "github.com/siokit/sio/adapters/echo"
	sioechov5 "github.com/siokit/sio/adapters/echov5"
	siogin "github.com/siokit/sio/adapters/gin"
)

// In each framework, "plain" has no middleware, "usual" has all those that need
// no care, "pre" mounts in front of what would break the path, and the others
// are what refuses.

const origin = "https://app.example"

func echoApp(mw ...echo.MiddlewareFunc) app {
	return func(srv *sio.Server, path string) http.Handler {
		e := echo.New()
		e.Logger.SetOutput(io.Discard)
		e.Use(mw...)
		sioecho.Register(e, path, srv)
		return e
	}
}

var echoApps = map[string]app{
	"plain": echoApp(),
	"usual": echoApp(
		echomw.LoggerWithConfig(echomw.LoggerConfig{Output: io.Discard}), echomw.Recover(), echomw.RequestID(), echomw.Secure(),
		echomw.CORSWithConfig(echomw.CORSConfig{AllowOrigins: []string{origin}, AllowCredentials: true}),
		echomw.Gzip(), echomw.Decompress(), echomw.BodyLimit("1M"),
		echomw.BodyDump(func(echo.Context, []byte, []byte) {}),
	),
	"timeout": echoApp(echomw.ContextTimeout(limit)),
	"csrf":    echoApp(echomw.CSRF()),
	"rate": func(srv *sio.Server, path string) http.Handler { // per app: two requests, then one in 100 s
		store := echomw.NewRateLimiterMemoryStoreWithConfig(echomw.RateLimiterMemoryStoreConfig{Rate: 0.01, Burst: 2})
		return echoApp(echomw.RateLimiter(store))(srv, path)
	},
	"pre": func(srv *sio.Server, path string) http.Handler {
		e := echo.New()
		e.Pre(at(path, sioecho.Handler(srv)), echomw.RemoveTrailingSlashWithConfig(echomw.TrailingSlashConfig{RedirectCode: http.StatusMovedPermanently}))
		return e
	},
}

// at is sioecho.Middleware for another path than the server's own.
func at(path string, h echo.HandlerFunc) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if p := c.Request().URL.Path; p == path || p == path+"/" {
				return h(c)
			}
			return next(c)
		}
	}
}

func echoV5App(mw ...echov5.MiddlewareFunc) app {
	return func(srv *sio.Server, path string) http.Handler {
		e := echov5.New()
		e.Logger = slog.New(slog.DiscardHandler)
		e.Use(mw...)
		sioechov5.Register(e, path, srv)
		return e
	}
}

var echoV5Apps = map[string]app{
	"plain": echoV5App(),
	"usual": echoV5App(
		echov5mw.RequestLogger(), echov5mw.Recover(), echov5mw.RequestID(), echov5mw.Secure(),
		echov5mw.CORSWithConfig(echov5mw.CORSConfig{AllowOrigins: []string{origin}, AllowCredentials: true}),
		echov5mw.Gzip(), echov5mw.Decompress(), echov5mw.BodyLimit(1<<20),
		echov5mw.BodyDump(func(*echov5.Context, []byte, []byte, error) {}),
	),
	"timeout": echoV5App(echov5mw.ContextTimeout(limit)),
	"csrf":    echoV5App(echov5mw.CSRF()),
}

func init() { gin.SetMode(gin.ReleaseMode) }

func ginApp(mw ...gin.HandlerFunc) app {
	return func(srv *sio.Server, path string) http.Handler {
		e := gin.New()
		e.Use(mw...)
		siogin.Register(e, path, srv)
		return e
	}
}

var ginApps = map[string]app{
	"plain": ginApp(),
	"usual": ginApp(
		gin.LoggerWithWriter(io.Discard), gin.Recovery(), requestid.New(), secure.New(secure.Config{FrameDeny: true}),
		cors.New(cors.Config{AllowOrigins: []string{origin}, AllowCredentials: true}),
		gzip.Gzip(gzip.DefaultCompression),
	),
}

func chiApp(mw ...func(http.Handler) http.Handler) app {
	return func(srv *sio.Server, path string) http.Handler {
		r := chi.NewRouter()
		r.Use(mw...)
		siochi.Register(r, path, srv)
		return r
	}
}

var chiApps = map[string]app{
	"plain": chiApp(),
	"usual": chiApp(
		chimw.RequestLogger(&chimw.DefaultLogFormatter{Logger: quiet{}}), chimw.Recoverer, chimw.RequestID, chimw.RealIP, chimw.NoCache,
		chicors.Handler(chicors.Options{AllowedOrigins: []string{origin}, AllowCredentials: true}),
		chimw.Compress(5), chimw.Throttle(1000), chimw.RequestSize(1<<20), scs.New().LoadAndSave,
	),
	"timeout":  chiApp(chimw.Timeout(limit)),
	"json":     chiApp(chimw.AllowContentType("application/json")),
	"redirect": chiApp(chimw.RedirectSlashes),
}

// quiet is a log for chi.
type quiet struct{}

func (quiet) Print(v ...any) { _ = fmt.Sprint(v...) }

var httpApps = map[string]app{
	"plain": func(srv *sio.Server, path string) http.Handler {
		mux := http.NewServeMux()
		serve := func(w http.ResponseWriter, r *http.Request) { _ = srv.ServeWith(w, r, nil) }
		mux.HandleFunc(path, serve)
		mux.HandleFunc(path+"/", serve)
		return mux
	},
	"usual": func(srv *sio.Server, path string) http.Handler {
		sessions := scs.New()
		sessions.Lifetime = time.Hour
		app := httpApp(srv)
		return chicors.Handler(chicors.Options{AllowedOrigins: []string{origin}, AllowCredentials: true})(sessions.LoadAndSave(app))
	},
	// Go's own protection against cross-site requests knows that there is none.
	"csrf": func(srv *sio.Server, _ string) http.Handler {
		return http.NewCrossOriginProtection().Handler(httpApp(srv))
	},
}

func httpApp(srv *sio.Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = srv.ServeWith(w, r, nil) })
}
