package sioecho_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/siokit/sio"
	sioecho "github.com/siokit/sio/adapters/echo"
	"github.com/siokit/sio/internal/testclient"
)

// authenticate stands for a middleware that finds out who the user is.
func authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		user := c.Request().Header.Get("X-User")
		if user == "" {
			return echo.NewHTTPError(http.StatusUnauthorized)
		}
		c.Set("user", user)
		return next(c)
	}
}

// The server is a route of an Echo application, behind its middlewares. What
// they have set is there in every handler, for as long as the client stays.
func Example() {
	srv := sio.New(nil)
	srv.OnConnect(func(c *sio.Context) error {
		return c.Join("tenant:" + sioecho.Context(c).Param("tenant"))
	})
	srv.On("whoami", func(c *sio.Context) error {
		return c.Ack(sioecho.Context(c).Get("user"), c.Rooms())
	})

	e := echo.New()
	e.Use(middleware.Recover(), middleware.RequestID())
	tenants := e.Group("/t/:tenant", authenticate)
	sioecho.Register(tenants, "/socket.io", srv)

	web := httptest.NewServer(e) // or e.Start(addr)
	defer web.Close()

	// const socket = io(origin, {path: "/t/acme/socket.io", extraHeaders: {"X-User": "Ada"}})
	// console.log(await socket.emitWithAck("whoami"))
	fmt.Println(ask(web.URL+"/t/acme/socket.io/", http.Header{"X-User": {"Ada"}}, "whoami"))
	fmt.Println(ask(web.URL+"/t/acme/socket.io/", nil, "whoami"))
	// Output:
	// 31["Ada",["tenant:acme"]] <nil>
	//  status 401: {"message":"Unauthorized"}
}

// A typed capture reads from the Echo context what handlers need of it, once for
// each connection.
func ExampleHandlerWith() {
	type user struct{ Name string }

	srv := sio.New(&sio.Options{ForgetRequest: true}) // nothing else is kept
	srv.On("whoami", func(c *sio.Context) error {
		u, _ := sio.Captured[*user](c)
		return c.Ack(u.Name)
	})

	e := echo.New()
	e.Any("/socket.io/*", sioecho.HandlerWith(srv, func(c echo.Context) (*user, error) {
		return &user{Name: c.Get("user").(string)}, nil
	}), authenticate)

	web := httptest.NewServer(e)
	defer web.Close()
	fmt.Println(ask(web.URL+"/socket.io/", http.Header{"X-User": {"Ada"}}, "whoami"))
	// Output:
	// 31["Ada"] <nil>
}

// ask connects, emits an event, and returns the packet that comes.
func ask(url string, header http.Header, event string) (string, error) {
	c, err := testclient.Dial(url, testclient.Options{Header: header})
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := c.Connect("/", nil); err != nil {
		log.Fatal(err)
	}
	if err := c.Ask("/", event); err != nil {
		log.Fatal(err)
	}
	return c.Next()
}
