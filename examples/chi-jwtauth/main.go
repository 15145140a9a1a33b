// Chi-jwtauth has clients that carry a token in a cookie: chi with jwtauth.
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

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/jwtauth/v5"

	"github.com/siokit/sio"
	siochi "github.com/siokit/sio/adapters/chi"
)

//go:embed page.html
var page []byte

// A user is what the handlers need to know of a client.
type user struct {
	name    string
	expires time.Time
}

func main() {
	addr := flag.String("addr", "localhost:3000", "`address` to listen on")
	flag.Parse()
	tokens := jwtauth.New("HS256", []byte(rand.Text()), nil)

	srv := sio.New(&sio.Options{ForgetRequest: true}) // nothing is kept of it but the user
	srv.OnConnect(func(c *sio.Context) error {
		u, ok := sio.Captured[user](c)
		if !ok {
			return &sio.Error{Message: "not authorized"}
		}
		c.ExpireAt(u.expires)
		return c.Join("user:" + u.name)
	})
	sio.OnWithAck(srv, "whoami", func(c *sio.Context, _ struct{}) (string, error) {
		u, _ := sio.Captured[user](c)
		return u.name, nil
	})

	r := chi.NewRouter()
	r.Use(middleware.RequestID, middleware.RequestLogger(withoutQuery{&middleware.DefaultLogFormatter{Logger: log.Default()}}), middleware.Recoverer)
	r.With(jwtauth.Verifier(tokens)).Mount("/socket.io", siochi.HandlerWith(srv, func(r *http.Request) (user, error) {
		token, claims, err := jwtauth.FromContext(r.Context())
		if err != nil {
			return user{}, err // 403
		}
		name, _ := claims["name"].(string)
		return user{name, token.Expiration()}, nil
	}))
	r.Post("/login", func(w http.ResponseWriter, r *http.Request) { // where the password would be checked
		expires := time.Now().Add(time.Hour)
		claims := map[string]any{"name": r.FormValue("name")}
		jwtauth.SetExpiry(claims, expires)
		_, token, err := tokens.Encode(claims)
		if err != nil {
			http.Error(w, "cannot sign", http.StatusInternalServerError)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "jwt", Value: token, Path: "/", Expires: expires, HttpOnly: true, SameSite: http.SameSiteStrictMode})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	r.Get("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	})

	if err := serve(*addr, r, srv); err != nil {
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

// withoutQuery logs the path alone: the query has the session's id, by which one could
// act for the client.
type withoutQuery struct{ middleware.LogFormatter }

func (f withoutQuery) NewLogEntry(r *http.Request) middleware.LogEntry {
	logged := *r
	logged.RequestURI = r.URL.Path
	return f.LogFormatter.NewLogEntry(&logged)
}
