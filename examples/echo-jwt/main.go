// Echo-jwt has clients that show a token in a header, as to any API: Echo with
// its JWT middleware.
package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/golang-jwt/jwt/v5"
	echojwt "github.com/labstack/echo-jwt/v4"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/siokit/sio"
	sioecho "github.com/siokit/sio/adapters/echo"
)

//go:embed page.html
var page []byte

var user = sio.NewKey[string]("user")

func main() {
	addr := flag.String("addr", "localhost:3000", "`address` to listen on")
	lifetime := flag.Duration("lifetime", 20*time.Second, "of a token")
	flag.Parse()
	key := []byte(rand.Text())

	srv := sio.New(nil)
	srv.OnConnect(func(c *sio.Context) error {
		token, ok := sioecho.Context(c).Get("user").(*jwt.Token) // set by the middleware
		if !ok {
			return &sio.Error{Message: "not authorized"}
		}
		claims := token.Claims.(*jwt.RegisteredClaims)
		c.ExpireAt(claims.ExpiresAt.Time)
		return errors.Join(user.Set(c, claims.Subject), c.Join("user:"+claims.Subject))
	})
	sio.OnWithAck(srv, "whoami", func(c *sio.Context, _ struct{}) (string, error) {
		return user.MustGet(c), nil
	})

	e := echo.New()
	e.Use(middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
		// The path alone: the query has the session's id, by which one could act for the client.
		LogMethod: true, LogURIPath: true, LogStatus: true, LogLatency: true,
		LogValuesFunc: func(_ echo.Context, v middleware.RequestLoggerValues) error {
			log.Print(v.Method, " ", v.URIPath, " ", v.Status, " ", v.Latency)
			return nil
		},
	}), middleware.Recover())
	// A browser sets no header on a WebSocket: the token is checked with the
	// handshake, and whoever knows the session's id goes on.
	sioecho.Register(e, "/socket.io", srv, sioecho.HandshakeOnly(srv, echojwt.WithConfig(echojwt.Config{
		SigningKey:    key,
		NewClaimsFunc: func(echo.Context) jwt.Claims { return new(jwt.RegisteredClaims) },
	})))
	e.POST("/token", func(c echo.Context) error { // where the password would be checked
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
			Subject:   c.FormValue("name"),
			ExpiresAt: jwt.NewNumericDate(time.Now().Add(*lifetime)),
		}).SignedString(key)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, token)
	})
	e.POST("/revoke", func(c echo.Context) error { // where only an administrator would get
		return srv.To("user:" + c.FormValue("name")).Disconnect(true)
	})
	e.GET("/", func(c echo.Context) error { return c.HTMLBlob(http.StatusOK, page) })

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
