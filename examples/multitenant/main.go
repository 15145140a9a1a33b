// Multitenant serves many tenants side by side, at /t/:tenant/socket.io.
package main

import (
	"errors"
	"flag"
	"net/http"
	"regexp"

	"github.com/labstack/echo/v4"

	"github.com/siokit/sio"
	sioecho "github.com/siokit/sio/adapters/echo"
	"github.com/siokit/sio/examples/internal/web"
)

// tenant is the room that a client is in, and the only one it reaches.
var tenant = sio.NewKey[string]("tenant")

var valid = regexp.MustCompile(`^[a-z]{1,20}$`)

func main() {
	addr := flag.String("addr", "localhost:3000", "`address` to listen on")
	flag.Parse()

	srv := sio.New(nil)
	srv.OnConnect(func(c *sio.Context) error {
		room := "tenant:" + sioecho.Context(c).Param("tenant") // checked below
		tenant.Set(c, room)
		return c.Join(room)
	})
	sio.On(srv, "say", func(c *sio.Context, text string) error {
		return srv.To(tenant.MustGet(c)).Emit("said", text)
	})

	e := echo.New()
	e.GET("/", func(c echo.Context) error { return c.Redirect(http.StatusFound, "/t/acme/") })
	t := e.Group("/t/:tenant", known)
	sioecho.Register(t, "/socket.io", srv)
	t.GET("/", echo.WrapHandler(web.Page("One server, many tenants", body, script)))
	e.GET(web.ClientPath, echo.WrapHandler(web.Client()))

	web.Run(&http.Server{Addr: *addr, Handler: e}, srv)
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

const (
	body   = `<p><a href="/t/acme/">acme</a> · <a href="/t/globex/">globex</a></p><form id="say"><input required placeholder="Say something"> <button>Send</button></form>`
	script = `
const socket = io({ path: location.pathname + "socket.io" });
socket.on("connect", () => say("connected at", socket.io.opts.path));
socket.on("connect_error", (err) => say("refused:", err.message));
socket.on("said", (text) => say(text));
document.querySelector("#say").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = event.target.querySelector("input");
  socket.emit("say", input.value);
  input.value = "";
});
`
)
