package adaptertest_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/alexedwards/scs/v2"
	"github.com/go-chi/cors"
	"github.com/go-chi/jwtauth/v5"
	"go.uber.org/goleak"

	"github.com/siokit/sio"
	"github.com/siokit/sio/adapters/adaptertest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreCurrent(), // the JWT library has goroutines from its init
		goleak.IgnoreAnyFunction("github.com/alexedwards/scs/v2/memstore.(*MemStore).startCleanup"),
	)
}

// net/http needs no adapter, and must do all that the adapters do.
func TestNetHTTP(t *testing.T) {
	adaptertest.Run(t, adaptertest.Framework{
		New:   newApp,
		Facts: readFacts,
		Auth:  []adaptertest.Auth{jwtHeader(), sessionCookie()},
	})
}

func newApp(cfg adaptertest.Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(adaptertest.OtherPath, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(adaptertest.Other)) })
	mux.HandleFunc("GET "+adaptertest.ReadyPath, cfg.Server.ServeReady)
	mux.HandleFunc("GET "+adaptertest.LivePath, cfg.Server.ServeLive)
	var app http.Handler = mux
	switch cfg.Form {
	case adaptertest.Register:
		anywhere := func(w http.ResponseWriter, r *http.Request) { _ = cfg.Server.ServeWith(w, r, nil) }
		mux.HandleFunc("/t/{tenant}/socket.io", anywhere)
		mux.HandleFunc("/t/{tenant}/socket.io/", anywhere)
	case adaptertest.Handler:
		mux.Handle("/socket.io/", cfg.Server)
	case adaptertest.HandlerWith:
		mux.Handle("/socket.io/", sio.HandlerWith(cfg.Server, func(r *http.Request) (adaptertest.Captured, error) {
			user, _ := r.Context().Value(userKey{}).(string)
			return cfg.Capture(user)
		}))
	case adaptertest.Middleware:
		app = sio.Wrap(cfg.Server, mux)
	}
	switch cfg.Guard {
	case adaptertest.Always:
		app = requireUser(app)
	case adaptertest.Handshakes:
		app = sio.HandshakeOnly(cfg.Server, requireUser)(app)
	}
	if cfg.Origin != "" {
		app = cors.Handler(cors.Options{AllowedOrigins: []string{cfg.Origin}, AllowCredentials: true})(app)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "id")
		if cfg.Log == nil {
			app.ServeHTTP(w, r)
			return
		}
		l := &logged{ResponseWriter: w}
		app.ServeHTTP(l, r)
		cfg.Log(r.URL.Path, l.status)
	})
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
	f.User, _ = c.Context().Value(userKey{}).(string)
	f.Tenant = c.Request().PathValue("tenant")
	return f
}

// A logged writer is that of an access log.
type logged struct {
	http.ResponseWriter
	status int
}

func (l *logged) WriteHeader(status int) {
	l.status = status
	l.ResponseWriter.WriteHeader(status)
}

func (l *logged) Write(p []byte) (int, error) {
	if l.status == 0 {
		l.status = http.StatusOK
	}
	return l.ResponseWriter.Write(p)
}

func (l *logged) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	l.status = http.StatusSwitchingProtocols
	return http.NewResponseController(l.ResponseWriter).Hijack()
}

func (l *logged) Unwrap() http.ResponseWriter { return l.ResponseWriter }

// jwtHeader is a token in a header, as of an API.
func jwtHeader() adaptertest.Auth {
	tokens := jwtauth.New("HS256", []byte("key"), nil)
	return adaptertest.Auth{
		Name: "jwtauth",
		New:  func(srv *sio.Server) http.Handler { return jwtauth.Verifier(tokens)(srv) },
		Credentials: func(t *testing.T, _, user string) http.Header {
			_, token, err := tokens.Encode(map[string]any{"user": user})
			if err != nil {
				t.Fatal(err)
			}
			return http.Header{"Authorization": {"Bearer " + token}}
		},
		User: func(c *sio.Context) string {
			_, claims, err := jwtauth.FromContext(c.Context())
			if err != nil {
				return ""
			}
			user, _ := claims["user"].(string)
			return user
		},
	}
}

// sessionCookie is a session of the server's, its id in a cookie.
func sessionCookie() adaptertest.Auth {
	sessions := scs.New()
	return adaptertest.Auth{
		Name: "scs",
		New: func(srv *sio.Server) http.Handler {
			mux := http.NewServeMux()
			mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
				sessions.Put(r.Context(), "user", r.FormValue("user"))
			})
			return sessions.LoadAndSave(sio.Wrap(srv, mux))
		},
		Credentials: func(t *testing.T, url, user string) http.Header {
			return adaptertest.Cookies(t, url+"/login?user="+user)
		},
		User: func(c *sio.Context) string { return sessions.GetString(c.Context(), "user") },
	}
}
