package siochi_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/siokit/sio"
	siochi "github.com/siokit/sio/adapters/chi"
	"github.com/siokit/sio/internal/testclient"
)

type viewerKey struct{}

// authenticate stands for a middleware that finds out who the user is.
func authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := r.Header.Get("X-User")
		if user == "" {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), viewerKey{}, user)))
	})
}

// The server is mounted in a chi router, behind its middlewares. What they have
// put into the request's context is there in every handler, for as long as the
// client stays.
func Example() {
	srv := sio.New(nil)
	srv.OnConnect(func(c *sio.Context) error {
		return c.Join("tenant:" + chi.URLParam(c.Request(), "tenant"))
	})
	srv.On("whoami", func(c *sio.Context) error {
		return c.Ack(siochi.Context(c).Value(viewerKey{}), c.Rooms())
	})

	r := chi.NewRouter()
	r.Use(middleware.Recoverer)
	r.With(authenticate).Mount("/t/{tenant}/socket.io", siochi.Handler(srv))

	web := httptest.NewServer(r) // or http.ListenAndServe(addr, r)
	defer web.Close()

	// const socket = io(origin, {path: "/t/acme/socket.io", extraHeaders: {"X-User": "Ada"}})
	// console.log(await socket.emitWithAck("whoami"))
	fmt.Println(ask(web.URL+"/t/acme/socket.io/", http.Header{"X-User": {"Ada"}}, "whoami"))
	fmt.Println(ask(web.URL+"/t/acme/socket.io/", nil, "whoami"))
	// Output:
	// 31["Ada",["tenant:acme"]] <nil>
	//  status 401: unauthorized
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
