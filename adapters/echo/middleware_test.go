package sioecho_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/siokit/sio"
	sioecho "github.com/siokit/sio/adapters/echo"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/internal/timetest"
)

const origin = "https://app.example.com"

// Each of Echo's usual middlewares leaves a whole conversation alone, over each
// transport, and in front of each form of mounting.
func TestMiddlewares(t *testing.T) {
	all := []echo.MiddlewareFunc{
		middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
			LogStatus:     true,
			LogValuesFunc: func(echo.Context, middleware.RequestLoggerValues) error { return nil },
		}),
		middleware.Recover(),
		middleware.RequestID(),
		middleware.Secure(),
		middleware.CORSWithConfig(middleware.CORSConfig{AllowOrigins: []string{origin}, AllowCredentials: true}),
		middleware.Gzip(),
		middleware.Decompress(),
		middleware.BodyLimit("10K"),
		middleware.BodyDump(func(echo.Context, []byte, []byte) {}),
		middleware.MethodOverride(),
	}
	header := http.Header{"Origin": {origin}, "Cookie": {"session=1"}}
	for name, tt := range map[string]struct {
		mw     []echo.MiddlewareFunc
		header http.Header
	}{
		"logger":     {all[:1], nil},
		"recover":    {all[1:2], nil},
		"request id": {all[2:3], nil},
		"secure":     {all[3:4], nil},
		"CORS":       {all[4:5], header},
		"gzip":       {all[5:6], nil},
		"decompress": {all[6:7], nil},
		"body limit": {all[7:8], nil},
		"body dump":  {all[8:9], nil},
		"override":   {all[9:], nil},
		"all":        {all, header},
	} {
		t.Run(name, func(t *testing.T) {
			for form, mount := range map[string]func(e *echo.Echo, srv *sio.Server){
				"Handler": func(e *echo.Echo, srv *sio.Server) {
					e.Use(tt.mw...)
					e.Any("/socket.io/*", sioecho.Handler(srv))
				},
				"Register": func(e *echo.Echo, srv *sio.Server) { sioecho.Register(e, "/socket.io", srv, tt.mw...) },
				"Use": func(e *echo.Echo, srv *sio.Server) {
					e.Use(tt.mw...)
					e.Use(sioecho.Middleware(srv))
				},
				"Pre": func(e *echo.Echo, srv *sio.Server) {
					e.Pre(tt.mw...)
					e.Pre(middleware.AddTrailingSlash())
					e.Pre(sioecho.Middleware(srv))
				},
			} {
				t.Run(form, func(t *testing.T) {
					srv := newServer(nil)
					e := newEcho()
					mount(e, srv)
					converse(t, serve(t, e, srv)+"/socket.io/", tt.header)
				})
			}
		})
	}
}

// Gzip compresses the answers to polls and posts, and leaves the handshake of a
// WebSocket as it is.
func TestGzip(t *testing.T) {
	srv := newServer(nil)
	e := newEcho()
	encodings := make(chan [2]string, 10)
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := next(c)
			encodings <- [2]string{c.Request().Method, c.Response().Header().Get("Content-Encoding")}
			return err
		}
	}, middleware.Gzip())
	e.Any("/socket.io/*", sioecho.Handler(srv))
	c := dial(t, serve(t, e, srv)+"/socket.io/", testclient.Options{})
	c.connect()
	c.send(`21["echo","x"]`)
	c.want(`31["x"]`)
	c.upgrade()
	for _, want := range [][2]string{{"GET", "gzip"}, {"POST", "gzip"}, {"GET", "gzip"}, {"POST", "gzip"}, {"GET", "gzip"}, {"GET", ""}} {
		if got := timetest.Receive(t, encodings, patience, "an answer"); got != want {
			t.Errorf("answer to %v, want %v", got, want)
		}
	}
}

// The status that an access log sees, and the time at which it does: with the
// handshake, not with the end of the connection.
func TestAccessLog(t *testing.T) {
	srv := newServer(nil)
	e := newEcho()
	type line struct {
		method string
		status int
	}
	lines := make(chan line, 100)
	e.Use(middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
		LogStatus: true,
		LogMethod: true,
		LogValuesFunc: func(_ echo.Context, v middleware.RequestLoggerValues) error {
			lines <- line{v.Method, v.Status}
			return nil
		},
	}))
	e.Any("/socket.io/*", sioecho.Handler(srv))
	url := serve(t, e, srv) + "/socket.io/"
	want := func(want ...line) {
		t.Helper()
		for _, w := range want {
			if got := timetest.Receive(t, lines, patience, "a line"); got != w {
				t.Errorf("access log %v, want %v", got, w)
			}
		}
	}

	c := dial(t, url, testclient.Options{WebSocket: true})
	want(line{"GET", 101}) // the handler has returned
	c.connect()            // and the connection is in use
	c.send(`21["echo","x"]`)
	c.want(`31["x"]`)

	p := dial(t, url, testclient.Options{})
	want(line{"GET", 200})
	p.connect()
	want(line{"POST", 200}, line{"GET", 200})
	p.upgrade()
	want(line{"GET", 101})
	p.send(`21["echo","x"]`)
	p.want(`31["x"]`)

	wantStatus(t, url, testclient.Options{WebSocket: true, Header: http.Header{"Origin": {origin}}}, http.StatusForbidden)
	want(line{"GET", 403})
}

// The 101 carries what earlier middlewares have set.
func TestSwitchingHeaders(t *testing.T) {
	srv := newServer(nil)
	e := newEcho()
	var mu sync.Mutex
	var ids []string
	e.Use(middleware.RequestIDWithConfig(middleware.RequestIDConfig{
		RequestIDHandler: func(_ echo.Context, id string) {
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, id)
		},
	}), middleware.Secure(), middleware.Gzip(), middleware.CORSWithConfig(middleware.CORSConfig{AllowOrigins: []string{origin}}))
	e.Any("/socket.io/*", sioecho.Handler(srv))
	c := dial(t, serve(t, e, srv)+"/socket.io/", testclient.Options{
		WebSocket: true,
		Header:    http.Header{"Origin": {origin}, "Accept-Encoding": {"gzip"}},
	})
	mu.Lock()
	defer mu.Unlock()
	if got := c.Header.Values("X-Request-Id"); !slices.Equal(got, ids) || len(ids) != 1 {
		t.Errorf("request ids %q, want %q", got, ids)
	}
	if got := c.Header.Values("Access-Control-Allow-Origin"); !slices.Equal(got, []string{origin}) {
		t.Errorf("allowed origins %q", got)
	}
	if got := c.Header.Get("X-Content-Type-Options"); got != "nosniff" {
		t.Errorf("X-Content-Type-Options %q", got)
	}
	if got := c.Header.Get("Content-Encoding"); got != "" {
		t.Errorf("Content-Encoding %q", got)
	}
}

// A body above the limit of a middleware is refused as one above our own: with
// 413, and the session lives.
func TestBodyLimit(t *testing.T) {
	srv := newServer(nil)
	e := newEcho()
	e.Use(middleware.BodyLimit("1K"))
	e.Any("/socket.io/*", sioecho.Handler(srv))
	c := dial(t, serve(t, e, srv)+"/socket.io/", testclient.Options{})
	c.connect()
	if err := c.Send(`2["echo","` + string(make([]byte, 2000)) + `"]`); !isStatus(err, http.StatusRequestEntityTooLarge) {
		t.Errorf("a large message: %v", err)
	}
	c.send(`21["echo","x"]`)
	c.want(`31["x"]`)
}

// A panic in what Echo runs is Echo's to recover, and leaves no session.
func TestRecover(t *testing.T) {
	srv := newServer(nil)
	e := newEcho()
	e.Use(middleware.Recover())
	e.Any("/socket.io/*", sioecho.HandlerWith(srv, func(c echo.Context) (int, error) {
		if c.QueryParam("panic") != "" {
			panic("in capture")
		}
		return 1, nil
	}))
	url := serve(t, e, srv) + "/socket.io/"
	for _, webSocket := range []bool{false, true} {
		wantStatus(t, url+"?panic=1", testclient.Options{WebSocket: webSocket}, http.StatusInternalServerError)
	}
	if n := srv.Connections(); n != 0 {
		t.Errorf("%d connections", n)
	}
	converse(t, url, nil)
}
