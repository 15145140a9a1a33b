// Gin-sessions has users who log in with a form: Gin with a session in a cookie.
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
	"sync"
	"syscall"
	"time"

	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	"github.com/gin-gonic/gin"

	"github.com/siokit/sio"
	siogin "github.com/siokit/sio/adapters/gin"
)

var (
	//go:embed login.html
	loginPage []byte
	//go:embed chat.html
	chatPage []byte

	// logins are the users by the ids that their sessions have: where a database
	// would be.
	logins sync.Map
	user   = sio.NewKey[string]("user")
)

func main() {
	addr := flag.String("addr", "localhost:3000", "`address` to listen on")
	flag.Parse()

	srv := sio.New(nil)
	srv.OnConnect(func(c *sio.Context) error {
		id := loginOf(siogin.Context(c))
		if err := c.Join("login:" + id); err != nil { // before the look: who logs out meanwhile finds it there
			return err
		}
		name, ok := logins.Load(id)
		if !ok {
			return &sio.Error{Message: "log in first"}
		}
		return user.Set(c, name.(string))
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
		page := loginPage
		if _, ok := logins.Load(loginOf(c)); ok {
			page = chatPage
		}
		c.Data(http.StatusOK, "text/html; charset=utf-8", page)
	})
	e.POST("/login", func(c *gin.Context) { // where the password would be checked
		id := rand.Text()
		logins.Store(id, c.PostForm("name"))
		s := sessions.Default(c)
		s.Set("login", id)
		finish(c, s.Save())
	})
	e.POST("/logout", func(c *gin.Context) {
		// Before anybody is disconnected: their pages come back at once, with the
		// cookie that they had.
		id := loginOf(c)
		logins.Delete(id)
		s := sessions.Default(c)
		s.Clear()
		err := errors.Join(s.Save(), srv.To("login:"+id).Disconnect(true)) // in all windows
		finish(c, err)
	})

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

// loginOf reads the session; a handler of the server must never save one.
func loginOf(c *gin.Context) string {
	id, _ := sessions.Default(c).Get("login").(string)
	return id
}

func finish(c *gin.Context, err error) {
	if err != nil {
		_ = c.AbortWithError(http.StatusInternalServerError, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/")
}
