// Gin-sessions has users who log in with a form: Gin with a session in a cookie.
package main

import (
	"crypto/rand"
	"flag"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	"github.com/gin-gonic/gin"

	"github.com/siokit/sio"
	siogin "github.com/siokit/sio/adapters/gin"
	"github.com/siokit/sio/examples/internal/web"
)

var user = sio.NewKey[string]("user")

func main() {
	addr := flag.String("addr", "localhost:3000", "`address` to listen on")
	flag.Parse()

	srv := sio.New(nil)
	srv.OnConnect(func(c *sio.Context) error {
		name, ok := sessions.Default(siogin.Context(c)).Get("user").(string) // read it, never save it
		if !ok {
			return &sio.Error{Message: "log in first"}
		}
		user.Set(c, name)
		return c.Join("user:" + name)
	})
	sio.On(srv, "say", func(c *sio.Context, text string) error {
		return srv.Emit("said", user.MustGet(c), text)
	})

	store := cookie.NewStore([]byte(rand.Text()))
	// Strict: no other site can make a browser send this cookie.
	store.Options(sessions.Options{Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})

	e := gin.New()
	e.Use(gin.LoggerWithFormatter(func(p gin.LogFormatterParams) string {
		// Without the query: it has the session's id, by which one could act for the client.
		return fmt.Sprintln(p.TimeStamp.Format(time.RFC3339), p.Method, p.Request.URL.Path, p.StatusCode, p.Latency)
	}), gin.Recovery())
	e.Use(sessions.Sessions("session", store))
	siogin.Register(e, "/socket.io", srv)
	e.GET("/", func(c *gin.Context) {
		page := login
		if sessions.Default(c).Get("user") != nil {
			page = chat
		}
		page.ServeHTTP(c.Writer, c.Request)
	})
	e.POST("/login", func(c *gin.Context) { // where the password would be checked
		s := sessions.Default(c)
		s.Set("user", c.PostForm("name"))
		finish(c, s.Save())
	})
	e.POST("/logout", func(c *gin.Context) {
		s := sessions.Default(c)
		var err error
		if name, ok := s.Get("user").(string); ok {
			err = srv.To("user:" + name).Disconnect(true) // in all windows
		}
		s.Clear()
		if err == nil {
			err = s.Save()
		}
		finish(c, err)
	})
	e.GET(web.ClientPath, gin.WrapH(web.Client()))

	web.Run(&http.Server{Addr: *addr, Handler: e}, srv)
}

func finish(c *gin.Context, err error) {
	if err != nil {
		_ = c.AbortWithError(http.StatusInternalServerError, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/")
}

var (
	login = web.Page("Log in", `<form method="post" action="/login"><input name="name" required placeholder="Your name"> <button>Log in</button></form>`, "")
	chat  = web.Page("A session in a cookie", `
<form id="say"><input required placeholder="Say something"> <button>Send</button></form>
<form method="post" action="/logout"><button>Log out</button></form>`, `
const socket = io();
socket.on("connect", () => say("connected"));
socket.on("connect_error", (err) => say("refused:", err.message));
socket.on("disconnect", (reason) => { say("disconnected:", reason); if (!socket.active) location.reload(); });
socket.on("said", (name, text) => say(name + ":", text));
document.querySelector("#say").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = event.target.querySelector("input");
  socket.emit("say", input.value);
  input.value = "";
});
`)
)
