// Multitenant serves many tenants side by side, at /t/:tenant/socket.io.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/siokit/sio"
	sioecho "github.com/siokit/sio/adapters/echo"
)

//go:embed page.html
var page []byte

// tenant is the room that a client is in, and the only one it reaches.
var tenant = sio.NewKey[string]("tenant")

var valid = regexp.MustCompile(`^[a-z]{1,20}$`)

func main() {
	addr := flag.String("addr", "localhost:3000", "`address` to listen on")
	flag.Parse()

	srv := sio.New(nil)
	srv.OnConnect(func(c *sio.Context) error {
		room := "tenant:" + sioecho.Context(c).Param("tenant") // checked below
		return errors.Join(tenant.Set(c, room), c.Join(room))
	})
	sio.On(srv, "say", func(c *sio.Context, text string) error {
		return srv.To(tenant.MustGet(c)).Emit("said", text)
	})

	e := echo.New()
	e.GET("/", func(c echo.Context) error { return c.Redirect(http.StatusFound, "/t/acme/") })
	t := e.Group("/t/:tenant", known)
	sioecho.Register(t, "/socket.io", srv)
	t.GET("/", func(c echo.Context) error { return c.HTMLBlob(http.StatusOK, page) })

	if err := serve(*addr, e, srv); err != nil {
		log.Fatal(err)
	}
}

// serve serves h until Ctrl-C. Then it shuts down srv first: its connections are
// not the HTTP server's to close, and a pending poll would hold that up.
func serve(addr string, h http.Handler, srv *sio.Server) error {
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(stop, cancel) // a second signal ends the program at once
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", ln.Addr())
	hs := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10}
	served := make(chan error, 1)
	go func() { served <- hs.Serve(ln) }() // ends with hs
	select {
	case err = <-served:
	case <-stop.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(err, srv.Shutdown(ctx), hs.Shutdown(ctx))
}

// known lets only tenants in that there are: here, any lower-case word.
func known(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !valid.MatchString(c.Param("tenant")) {
			return echo.NewHTTPError(http.StatusNotFound).SetInternal(errors.New("no such tenant"))
		}
		return next(c)
	}
}
