// Echo-jwt has clients that show a token in a header, as to any API: Echo with
// its JWT middleware.
package main

import (
	"crypto/rand"
	"flag"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
	echojwt "github.com/labstack/echo-jwt/v4"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/siokit/sio"
	sioecho "github.com/siokit/sio/adapters/echo"
	"github.com/siokit/sio/examples/internal/web"
)

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
		user.Set(c, claims.Subject)
		c.ExpireAt(claims.ExpiresAt.Time)
		return c.Join("user:" + claims.Subject)
	})
	sio.OnWithAck(srv, "whoami", func(c *sio.Context, _ struct{}) (string, error) {
		return user.MustGet(c), nil
	})

	e := echo.New()
	// The query has the session's id, by which one could act for the client.
	withoutQuery := middleware.LoggerConfig{Format: "${time_rfc3339} ${method} ${path} ${status} ${latency_human}\n"}
	e.Use(middleware.LoggerWithConfig(withoutQuery), middleware.Recover())
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
	e.GET("/", echo.WrapHandler(web.Page("A token in a header", "", script)))
	e.GET(web.ClientPath, echo.WrapHandler(web.Client()))

	web.Run(&http.Server{Addr: *addr, Handler: e}, srv)
}

const script = `
const name = "user" + Math.floor(Math.random() * 1000);
const post = (path) => fetch(path, { method: "POST", body: new URLSearchParams({ name }) });
const socket = io({ autoConnect: false, extraHeaders: {} });

async function authorize() {
  const token = await (await post("/token")).text();
  socket.io.opts.extraHeaders.Authorization = "Bearer " + token;
}

socket.on("connect", async () => say("connected, and the server knows me as", await socket.emitWithAck("whoami")));
socket.on("disconnect", (reason) => {
  say("disconnected:", reason);           // "transport close" when the token ends: the client comes back by itself
  if (socket.active) return authorize();  // in time: it waits before it tries
  say("revoked");
});
socket.on("connect_error", (err) => {
  say("refused:", err.message);
  if (socket.active) authorize();
});
authorize().then(() => socket.connect());
setTimeout(() => post("/revoke"), 60_000);
`
