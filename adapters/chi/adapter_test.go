package siochi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/cors"
	"github.com/go-chi/jwtauth/v5"
	"go.uber.org/goleak"

	"github.com/siokit/sio"
	"github.com/siokit/sio/adapters/adaptertest"
	siochi "github.com/siokit/sio/adapters/chi"
	"github.com/siokit/sio/siotest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreCurrent(), // the JWT library has goroutines from its init
		goleak.IgnoreAnyFunction("github.com/alexedwards/scs/v2/memstore.(*MemStore).startCleanup"),
	)
}

func TestFramework(t *testing.T) {
	adaptertest.Run(t, adaptertest.Framework{
		New:   newApp,
		Facts: readFacts,
		Auth:  []adaptertest.Auth{chiJWT(), scsSessions()},
	})
}

func newApp(cfg adaptertest.Config) http.Handler {
	r := chi.NewRouter()
	if cfg.Log != nil {
		r.Use(middleware.RequestLogger(logTo(cfg.Log)))
	}
	r.Use(middleware.RequestID, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", middleware.GetReqID(r.Context()))
			next.ServeHTTP(w, r)
		})
	})
	if cfg.Origin != "" {
		r.Use(cors.Handler(cors.Options{AllowedOrigins: []string{cfg.Origin}, AllowCredentials: true}))
	}
	switch cfg.Guard {
	case adaptertest.Always:
		r.Use(requireUser)
	case adaptertest.Handshakes:
		r.Use(siochi.HandshakeOnly(cfg.Server, requireUser))
	}
	if cfg.Form == adaptertest.Middleware {
		r.Use(siochi.Middleware(cfg.Server))
	}
	r.Get(adaptertest.OtherPath, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(adaptertest.Other)) })
	r.Get(adaptertest.ReadyPath, cfg.Server.ServeReady)
	r.Get(adaptertest.LivePath, cfg.Server.ServeLive)
	switch cfg.Form {
	case adaptertest.Register:
		r.Route("/t/{tenant}", func(r chi.Router) { siochi.Register(r, "/socket.io", cfg.Server) })
	case adaptertest.Handler:
		r.Mount("/socket.io", siochi.Handler(cfg.Server))
	case adaptertest.HandlerWith:
		r.Mount("/socket.io", siochi.HandlerWith(cfg.Server, func(r *http.Request) (adaptertest.Captured, error) {
			user, _ := r.Context().Value(userKey{}).(string)
			return cfg.Capture(user)
		}))
	}
	return r
}

type userKey struct{}

func requireUser(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := adaptertest.User(r)
		if user == "" {
			adaptertest.Refuse(w)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, user)))
	})
}

func readFacts(c *sio.Context) adaptertest.Facts {
	f := adaptertest.FactsOf(c.Request())
	f.User, _ = siochi.Context(c).Value(userKey{}).(string)
	f.Tenant = chi.URLParam(c.Request(), "tenant")
	if again := chi.URLParamFromCtx(siochi.Context(c), "tenant"); again != f.Tenant {
		f.Tenant = "the request has " + f.Tenant + ", the context " + again
	}
	return f
}

// logTo is a log for chi's middleware.
type logTo func(path string, status int)

func (l logTo) NewLogEntry(r *http.Request) middleware.LogEntry { return entry{l, r.URL.Path} }

type entry struct {
	log  logTo
	path string
}

func (e entry) Write(status, _ int, _ http.Header, _ time.Duration, _ any) { e.log(e.path, status) }

func (entry) Panic(any, []byte) {}

// chiJWT is a token in a header, as of an API.
func chiJWT() adaptertest.Auth {
	tokens := jwtauth.New("HS256", []byte("key"), nil)
	return adaptertest.Auth{
		Name: "jwtauth",
		New: func(srv *sio.Server) http.Handler {
			r := chi.NewRouter()
			siochi.Register(r, "/socket.io", srv, jwtauth.Verifier(tokens))
			return r
		},
		Credentials: func(t *testing.T, _, user string) http.Header {
			_, token, err := tokens.Encode(map[string]any{"user": user})
			if err != nil {
				t.Fatal(err)
			}
			return http.Header{"Authorization": {"Bearer " + token}}
		},
		User: func(c *sio.Context) string {
			_, claims, err := jwtauth.FromContext(siochi.Context(c))
			if err != nil {
				return ""
			}
			user, _ := claims["user"].(string)
			return user
		},
	}
}

// scsSessions is a session of the server's, its id in a cookie.
func scsSessions() adaptertest.Auth {
	sessions := scs.New()
	return adaptertest.Auth{
		Name: "scs",
		New: func(srv *sio.Server) http.Handler {
			r := chi.NewRouter()
			r.Use(sessions.LoadAndSave)
			r.Get("/login", func(_ http.ResponseWriter, r *http.Request) {
				sessions.Put(r.Context(), "user", r.FormValue("user"))
			})
			siochi.Register(r, "/socket.io", srv)
			return r
		},
		Credentials: func(t *testing.T, url, user string) http.Header {
			return adaptertest.Cookies(t, url+"/login?user="+user)
		},
		User: func(c *sio.Context) string { return sessions.GetString(siochi.Context(c), "user") },
	}
}

// Chi has reused its routing context by the time that handlers run.
func TestServerMountedByItself(t *testing.T) {
	for mounted, want := range map[bool]string{true: "fine", false: "siochi.Context: the server is mounted in chi by itself"} {
		srv := sio.New(nil)
		r := chi.NewRouter()
		if mounted {
			siochi.Register(r, "/socket.io", srv)
		} else {
			r.Handle("/socket.io/*", srv)
		}
		got := make(chan string, 1)
		srv.OnConnect(func(c *sio.Context) error {
			defer func() {
				text := "fine"
				if v := recover(); v != nil {
					text = v.(string)
				}
				got <- text
			}()
			siochi.Context(c)
			return nil
		})
		siotest.Connect(t, r)
		if text := <-got; !strings.HasPrefix(text, want) {
			t.Errorf("mounted by siochi %t: %q, want %q", mounted, text, want)
		}
	}
}
