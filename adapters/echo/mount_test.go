package sioecho_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/siokit/sio"
	sioecho "github.com/siokit/sio/adapters/echo"
	"github.com/siokit/sio/internal/testclient"
)

// converse has a whole conversation over each transport, and through an upgrade.
func converse(t *testing.T, url string, header http.Header) {
	t.Helper()
	long := make([]byte, 5000) // enough for a middleware that compresses
	for i := range long {
		long[i] = 'a'
	}
	for _, mode := range []string{"polling", "websocket", "upgrade"} {
		c := dial(t, url, testclient.Options{WebSocket: mode == "websocket", Header: header})
		c.connect()
		c.send(`21["echo","short"]`)
		c.want(`31["short"]`)
		if mode == "upgrade" {
			c.upgrade()
		}
		c.send(`22["echo","` + string(long) + `"]`)
		c.want(`32["` + string(long) + `"]`)
		c.send(`23["panic"]`)
		c.want(`33[{"error":{"message":"internal error"}}]`)
		c.send(`24["echo","again"]`)
		c.want(`34["again"]`)
		c.Close()
	}
}

// newServer is what converse talks to.
func newServer(opts *sio.Options) *sio.Server {
	srv := sio.New(opts)
	srv.On("echo", func(c *sio.Context) error {
		var s string
		if err := c.Bind(&s); err != nil {
			return err
		}
		return c.Ack(s)
	})
	srv.On("panic", func(*sio.Context) error { panic("in a handler") })
	return srv
}

func TestMounting(t *testing.T) {
	for _, tt := range []struct {
		name  string
		mount func(e *echo.Echo, srv *sio.Server)
		yes   []string
		no    []string
	}{
		{
			"Handler",
			func(e *echo.Echo, srv *sio.Server) { e.Any("/socket.io/*", sioecho.Handler(srv)) },
			[]string{"/socket.io/"},
			[]string{"/socket.iox", "/socket.iox/", "/x/socket.io/"},
		},
		{
			"Handler on another path than the server's",
			func(e *echo.Echo, srv *sio.Server) { e.Any("/realtime/*", sioecho.Handler(srv)) },
			[]string{"/realtime/", "/realtime/x"},
			[]string{"/socket.io/", "/realtimex/"},
		},
		{
			"Register",
			func(e *echo.Echo, srv *sio.Server) { sioecho.Register(e, "/socket.io", srv) },
			[]string{"/socket.io", "/socket.io/", "/socket.io/x"},
			[]string{"/socket.iox", "/socket.iox/", "/socket.i", "/"},
		},
		{
			"Register with a slash at the end",
			func(e *echo.Echo, srv *sio.Server) { sioecho.Register(e, "/socket.io/", srv) },
			[]string{"/socket.io", "/socket.io/", "/socket.io/x"},
			[]string{"/socket.iox", "/"},
		},
		{
			"Register in a group",
			func(e *echo.Echo, srv *sio.Server) {
				sioecho.Register(e.Group("/t/:tenant"), "/socket.io", srv)
			},
			[]string{"/t/a/socket.io", "/t/b/socket.io/"},
			[]string{"/t/a/socket.iox/", "/t/socket.io/", "/socket.io/"},
		},
		{
			"Use",
			func(e *echo.Echo, srv *sio.Server) { e.Use(sioecho.Middleware(srv)) },
			[]string{"/socket.io", "/socket.io/", "/socket.io/x"},
			[]string{"/socket.iox", "/socket.iox/", "/x/socket.io/"},
		},
		{
			"Pre",
			func(e *echo.Echo, srv *sio.Server) { e.Pre(sioecho.Middleware(srv)) },
			[]string{"/socket.io", "/socket.io/", "/socket.io/x"},
			[]string{"/socket.iox", "/socket.iox/", "/x/socket.io/"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := newServer(nil)
			e := newEcho()
			e.GET("/other", func(c echo.Context) error { return c.String(http.StatusOK, "other") })
			tt.mount(e, srv)
			url := serve(t, e, srv)
			converse(t, url+tt.yes[0], nil)
			for _, path := range tt.yes {
				dial(t, url+path, testclient.Options{})
				dial(t, url+path, testclient.Options{WebSocket: true})
			}
			for _, path := range tt.no {
				wantStatus(t, url+path, testclient.Options{}, http.StatusNotFound)
				wantStatus(t, url+path, testclient.Options{WebSocket: true}, http.StatusNotFound)
			}
			res, err := http.Get(url + "/other")
			if err != nil {
				t.Fatal(err)
			}
			defer http.DefaultClient.CloseIdleConnections()
			defer res.Body.Close()
			if b, err := io.ReadAll(res.Body); string(b) != "other" || err != nil {
				t.Errorf("another route: %q %v", b, err)
			}
		})
	}
}

// wantStatus tries to open a session, in vain.
func wantStatus(t *testing.T, url string, opts testclient.Options, code int) {
	t.Helper()
	c, err := testclient.Dial(url, opts)
	if err == nil {
		c.Close()
	}
	if !isStatus(err, code) {
		t.Errorf("%s: %v, want status %d", url, err, code)
	}
}

func isStatus(err error, code int) bool {
	var status *testclient.StatusError
	return errors.As(err, &status) && status.Code == code
}
