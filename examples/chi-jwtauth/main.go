// Chi-jwtauth has clients that carry a token in a cookie: chi with jwtauth.
package main

import (
	"crypto/rand"
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/jwtauth/v5"

	"github.com/siokit/sio"
	siochi "github.com/siokit/sio/adapters/chi"
	"github.com/siokit/sio/examples/internal/web"
)

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
	r.Handle("/", web.Page("A token in a cookie", form, script))
	r.Handle(web.ClientPath, web.Client())

	web.Run(&http.Server{Addr: *addr, Handler: r}, srv)
}

const (
	form   = `<form method="post" action="/login"><input name="name" required placeholder="Your name"> <button>Log in</button></form>`
	script = `
const socket = io();
socket.on("connect", async () => say("connected, and the server knows me as", await socket.emitWithAck("whoami")));
socket.on("connect_error", (err) => say("refused:", err.message, err.description ?? ""));
socket.on("disconnect", (reason) => say("disconnected:", reason));
`
)

// withoutQuery logs the path alone: the query has the session's id, by which one could
// act for the client.
type withoutQuery struct{ middleware.LogFormatter }

func (f withoutQuery) NewLogEntry(r *http.Request) middleware.LogEntry {
	logged := *r
	logged.RequestURI = r.URL.Path
	return f.LogFormatter.NewLogEntry(&logged)
}
