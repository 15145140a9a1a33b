// Command sio-echo is the bench's contract on sio, mounted in Echo.
package main

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/siokit/sio"
	sioecho "github.com/siokit/sio/adapters/echo"
	"github.com/siokit/sio/bench/servers/internal/contract"
	"github.com/siokit/sio/bench/servers/internal/host"
)

func main() {
	srv := sio.New(nil)
	contract.Register(srv)
	e := echo.New()
	e.Any("/socket.io/*", sioecho.Handler(srv))
	e.Any("/*", echo.WrapHandler(http.DefaultServeMux))
	host.Serve(e)
}
