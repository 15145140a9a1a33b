package sioecho_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/gommon/log"

	"github.com/siokit/sio"
	sioecho "github.com/siokit/sio/adapters/echo"
	"github.com/siokit/sio/internal/logtest"
	"github.com/siokit/sio/internal/testclient"
)

// customContext is how Echo's guide extends its context.
type customContext struct {
	echo.Context
	store map[string]any // has nothing to do with Echo's
}

func (c *customContext) Get(key string) any {
	if v, ok := c.store[key]; ok {
		return v
	}
	return c.Context.Get(key)
}

// What is set through a context that wraps Echo's is there, and so is what was
// set before.
func TestWrappedContext(t *testing.T) {
	srv := sio.New(nil)
	srv.On("get", func(c *sio.Context) error {
		ec := sioecho.Context(c)
		return c.Ack(ec.Get("before"), ec.Get("after"), ec.Get("unset"), ec.Path(), ec.Param("id"))
	})
	e := newEcho()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Set("before", 1)
			w := &customContext{c, map[string]any{"own": 3}}
			w.Set("after", 2)
			return next(struct{ echo.Context }{w})
		}
	})
	sioecho.Register(e, "/of/:id/socket.io", srv)
	url := serve(t, e, srv) + "/of/7/socket.io/"
	for _, webSocket := range []bool{false, true} {
		c := dial(t, url, testclient.Options{WebSocket: webSocket})
		c.connect()
		c.send(`21["get"]`)
		c.want(`31[1,2,null,"/of/:id/socket.io/*","7"]`)
	}
}

// The context is one and the same for all handlers of a connection, and its
// values are a copy: what a handler sets is there for the others.
func TestContextIsOne(t *testing.T) {
	srv := sio.New(nil)
	seen := make(chan echo.Context, 10)
	for _, n := range []*sio.Namespace{srv.Namespace, srv.Of("/chat")} {
		n.OnConnect(func(c *sio.Context) error {
			seen <- sioecho.Context(c)
			return nil
		})
		n.On("x", func(c *sio.Context) error {
			seen <- sioecho.Context(c)
			return c.Ack()
		})
	}
	e := newEcho()
	e.Any("/socket.io/*", sioecho.Handler(srv))
	c := dial(t, serve(t, e, srv)+"/socket.io/", testclient.Options{})
	c.connect()
	first := <-seen
	if _, err := c.Connect("/chat", nil); err != nil {
		t.Fatal(err)
	}
	c.upgrade()
	c.send(`21["x"]`)
	c.want(`31[]`)
	c.send(`2/chat,1["x"]`)
	c.want(`3/chat,1[]`)
	for range 3 {
		if ec := <-seen; ec != first {
			t.Error("another context")
		}
	}
	if first.Echo() != e || first.Request().Method != http.MethodGet {
		t.Errorf("Echo %p, request %v", first.Echo(), first.Request())
	}
}

// Whatever an application writes to the detached context fails or has no
// effect. It does not panic, and no client sees any of it.
func TestDetachedWriter(t *testing.T) {
	srv := sio.New(nil)
	srv.On("write", func(c *sio.Context) error {
		ec := sioecho.Context(c)
		for what, err := range map[string]error{
			"JSON":   ec.JSON(200, "leak"),
			"String": ec.String(200, "leak"),
			"HTML":   ec.HTML(200, "leak"),
			"XML":    ec.XML(200, "leak"),
			"Blob":   ec.Blob(200, "text/plain", []byte("leak")),
			"Stream": ec.Stream(200, "text/plain", strings.NewReader("leak")),
			"JSONP":  ec.JSONP(200, "f", "leak"),
		} {
			if err == nil {
				t.Errorf("%s did not fail", what)
			}
		}
		if n, err := ec.Response().Write([]byte("leak")); n != 0 || err == nil {
			t.Errorf("Write: %d %v", n, err)
		}
		if conn, _, err := ec.Response().Hijack(); conn != nil || err == nil {
			t.Errorf("Hijack: %v", err)
		}
		_ = ec.NoContent(204)
		_ = ec.Redirect(302, "/leak")
		_ = ec.File("adapter.go")
		ec.SetCookie(&http.Cookie{Name: "leak", Value: "leak"})
		ec.Response().Header().Set("X-Leak", "leak")
		ec.Response().WriteHeader(500)
		ec.Response().Flush()
		ec.Error(errors.New("leak"))
		return c.Ack("written")
	})
	e := newEcho()
	e.Any("/socket.io/*", sioecho.Handler(srv))
	url := serve(t, e, srv) + "/socket.io/"

	polling := dial(t, url, testclient.Options{})
	polling.connect()
	polling.send(`21["write"]`)
	polling.want(`31["written"]`)
	for _, webSocket := range []bool{false, true} {
		c := dial(t, url, testclient.Options{WebSocket: webSocket})
		if c.Header.Get("X-Leak") != "" || c.Header.Get("Set-Cookie") != "" {
			t.Errorf("header of another client: %v", c.Header)
		}
		c.connect()
		c.send(`21["write"]`)
		c.want(`31["written"]`)
	}
}

// A logger that a middleware has set for the request goes on to the handlers.
func TestContextLogger(t *testing.T) {
	srv := sio.New(nil)
	srv.On("log", func(c *sio.Context) error {
		sioecho.Context(c).Logger().Error("from a handler")
		return c.Ack()
	})
	var out logtest.Buffer
	e := newEcho()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			l := log.New("request")
			l.SetOutput(&out)
			c.SetLogger(l)
			return next(c)
		}
	})
	e.Any("/socket.io/*", sioecho.Handler(srv))
	c := dial(t, serve(t, e, srv)+"/socket.io/", testclient.Options{})
	c.connect()
	c.send(`21["log"]`)
	c.want(`31[]`)
	if !strings.Contains(out.String(), "from a handler") {
		t.Errorf("logged %q", out.String())
	}
}

// Without the adapter there is no Echo context.
func TestContextOfOthers(t *testing.T) {
	none := func(c *sio.Context) error {
		ec, ok := sioecho.Lookup(c)
		return c.Ack(ec == nil && !ok)
	}
	plain, forgetful := sio.New(nil), sio.New(&sio.Options{ForgetRequest: true})
	plain.On("none", none)
	forgetful.On("none", none)
	e := newEcho()
	e.Any("/socket.io/*", echo.WrapHandler(plain))
	sioecho.Register(e, "/forgetful", forgetful)
	url := serve(t, e, plain)
	defer func() {
		if err := forgetful.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	for _, path := range []string{"/socket.io/", "/forgetful/"} {
		c := dial(t, url+path, testclient.Options{})
		c.connect()
		c.send(`21["none"]`)
		c.want(`31[true]`)
		c.Close()
	}
}
