package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/socketio/parser/msgpack"
)

// A server is that of a case: the guide has what is right in the column "change".
type server struct{ wrong, right func() http.Handler }

// with is a case of options.
func with(wrong, right sio.Options) server {
	return server{func() http.Handler { return serve(wrong) }, func() http.Handler { return serve(right) }}
}

// same is a case whose line is not the server's.
func same(o sio.Options) server { return with(o, o) }

var cases = map[string]server{
	"path": with(sio.Options{}, sio.Options{
		Path: "/ws",
	}),
	"path of the mux": {mounted, func() http.Handler {
		srv := serve(sio.Options{
			Path: "/ws",
		})
		mux := http.NewServeMux()
		mux.Handle("/ws/", srv)
		return mux
	}},
	"version": with(sio.Options{}, sio.Options{
		AllowEIO3: true,
	}),
	"origin": with(sio.Options{}, sio.Options{
		CORS: &sio.CORS{Origins: []string{"https://app.example"}},
	}),
	"head": with(sio.Options{}, sio.Options{
		MaxHeaderBytes: 64 << 10,
	}),
	"large POST": with(sio.Options{MaxPayload: 10_000}, sio.Options{
		MaxPayload: 10_000_000,
	}),
	"large message": with(sio.Options{MaxPayload: 10_000}, sio.Options{
		MaxPayload: 10_000_000,
	}),
	"large POST behind nginx": same(sio.Options{MaxPayload: 10_000_000}),
	"transport":               same(sio.Options{Transports: []string{sio.TransportWebSocket}}),
	"format":                  same(sio.Options{Parser: msgpack.Parser{}}),
	"idle poll, sent again":   same(sio.Options{PingInterval: 3 * time.Second}),
	"another format":          same(sio.Options{}),
	"no CONNECT":              same(sio.Options{ConnectTimeout: 300 * time.Millisecond}),
	"no pong":                 same(brisk),
	"silence":                 same(brisk),
	"idle WebSocket":          same(sio.Options{PingInterval: 3 * time.Second}),
	"idle poll":               same(sio.Options{PingInterval: 3 * time.Second}),

	"attachments":        {func() http.Handler { return sends(11) }, func() http.Handler { return sends(10) }},
	"browser":            {plain, listed},
	"browser, WebSocket": {plain, listed},
	"browser, cookies": {listed, func() http.Handler {
		return serve(sio.Options{
			CORS: &sio.CORS{Origins: []string{origin}, Credentials: true},
		})
	}},
	"browser, any origin": {func() http.Handler {
		return serve(sio.Options{
			CORS: &sio.CORS{Origins: []string{"*"}},
		})
	}, func() http.Handler {
		return serve(sio.Options{
			CORS: &sio.CORS{Origins: []string{origin}, Credentials: true},
		})
	}},
	"namespace": {plain, func() http.Handler {
		srv := serve(sio.Options{})
		srv.Of("/admin")
		return srv
	}},
	"namespaces": {func() http.Handler {
		srv := serve(sio.Options{MaxClientNamespaces: 1})
		srv.Of("/room-{n}")
		return srv
	}, func() http.Handler {
		srv := serve(sio.Options{
			MaxClientNamespaces: 100,
		})
		srv.Of("/room-{n}")
		return srv
	}},
	"refused":     {guarded, guarded},
	"writer":      {behindTimeout, outside},
	"writer, too": {behindTimeout, outside},
	"sticky":      {func() http.Handler { return byTurns(nil) }, func() http.Handler { return byTurns(join()) }},
	"no handler":  {plain, func() http.Handler { return withEvent(func(c *sio.Context) error { return c.Ack() }) }},
	"no ack":      {func() http.Handler { return withEvent(func(*sio.Context) error { return nil }) }, func() http.Handler { return withEvent(acks) }},
	"wrong type":  {func() http.Handler { return typed() }, func() http.Handler { return typed() }},
	"failing":     {func() http.Handler { return failing(errors.New("no database")) }, func() http.Handler { return failing(&sio.Error{Message: "try again later"}) }},
	"failing event": {func() http.Handler { return withEvent(func(*sio.Context) error { return errors.New("no database") }) },
		func() http.Handler {
			return withEvent(func(*sio.Context) error {
				return &sio.Error{Message: "try again later"}
			})
		}},

	// For the table of answers over HTTP.
	"busy":      same(sio.Options{TotalBytes: 100_000, MaxPayload: 10_000_000}),
	"shut down": {shutDown, shutDown},
}

// brisk finds out soon that a client is gone.
var brisk = sio.Options{PingInterval: 300 * time.Millisecond, PingTimeout: 2 * time.Second}

func guarded() http.Handler {
	srv := serve(sio.Options{})
	srv.OnConnect(func(c *sio.Context) error {
		var auth struct{ Token string }
		if err := c.BindAuth(&auth); err != nil || auth.Token != "good" {
			return &sio.Error{Message: "not authorized"}
		}
		return nil
	})
	return srv
}

// listed lets the page in that the browser has.
func listed() http.Handler {
	return serve(sio.Options{
		CORS: &sio.CORS{Origins: []string{origin}},
	})
}

// mounted serves one path, as most programs do.
func mounted() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", serve(sio.Options{}))
	return mux
}

func shutDown() http.Handler {
	srv := serve(sio.Options{})
	if err := srv.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
	return srv
}

func failing(err error) http.Handler {
	srv := serve(sio.Options{})
	srv.OnConnect(func(*sio.Context) error { return err })
	return srv
}

// behindTimeout is mounted as it must not be: no connection can be taken over there.
func behindTimeout() http.Handler {
	return http.TimeoutHandler(mounted(), time.Minute, "too late")
}

func outside() http.Handler {
	srv := serve(sio.Options{})
	rest := http.NewServeMux()
	mux := http.NewServeMux()
	mux.Handle("/", http.TimeoutHandler(rest, time.Minute, "too late"))
	mux.Handle("/socket.io/", srv)
	return mux
}

// byTurns has two servers, which a load balancer gives requests by turns.
func byTurns(members []*cluster.Cluster) http.Handler {
	var servers [2]http.Handler
	for i := range servers {
		var o sio.Options
		if members != nil {
			cl := members[i]
			o = sio.Options{
				Cluster: cl,
			}
		}
		servers[i] = serve(o)
	}
	var turn atomic.Uint32
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		servers[turn.Add(1)%2].ServeHTTP(w, r)
	})
}

func join() (members []*cluster.Cluster) {
	hub := memory.NewHub()
	for _, name := range []string{"a", "b"} {
		cl, err := cluster.New(context.Background(), hub.Engine(), wire.Subjects(""), &cluster.Options{Name: name})
		if err != nil {
			log.Fatal(err)
		}
		members = append(members, cl)
	}
	return members
}

func withEvent(h sio.Handler) http.Handler {
	srv := serve(sio.Options{})
	srv.On("save", h)
	return srv
}

// sends emits so many files at once.
func sends(n int) http.Handler {
	srv := serve(sio.Options{
		MaxAttachments: n,
	})
	srv.On("files, please", func(c *sio.Context) error {
		files := make([][]byte, n)
		for i := range files {
			files[i] = []byte{1}
		}
		return c.Emit("files", files)
	})
	return srv
}

func acks(c *sio.Context) error {
	return c.Ack("saved")
}

func typed() http.Handler {
	srv := serve(sio.Options{})
	sio.OnWithAck(srv.Namespace, "add", func(_ *sio.Context, n struct{ A, B int }) (int, error) { return n.A + n.B, nil })
	return srv
}
