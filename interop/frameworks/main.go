// Command frameworks mounts the same Socket.IO server in every framework, behind
// every middleware, for the official client to be tried with: each at a path of
// its own, such as /gin/gzip/socket.io. It is a module of its own, so that nobody
// else needs what it needs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/siokit/sio"
)

// limit is what the timeouts are set to.
const limit = 2 * time.Second

// An app mounts srv at path, behind middlewares.
type app func(srv *sio.Server, path string) http.Handler

func main() {
	log.SetFlags(0)
	addr := flag.String("addr", "127.0.0.1:0", "`host:port` to listen on")
	writeTimeout := flag.Int("write-timeout", 0, "of the HTTP server, in `milliseconds`")
	flag.Parse()

	srv := sio.New(&sio.Options{CORS: &sio.CORS{Origins: []string{"https://app.example"}, Credentials: true}})
	sio.OnWithAck(srv, "echo", func(_ *sio.Context, text string) (string, error) { return text, nil })
	sio.OnWithAck(srv, "later", func(c *sio.Context, ms int) (string, error) {
		select {
		case <-time.After(time.Duration(ms) * time.Millisecond):
			return "now", nil
		case <-c.Context().Done():
			return "", context.Cause(c.Context())
		}
	})
	apps := make(map[string]http.Handler)
	for framework, variants := range map[string]map[string]app{
		"echo": echoApps, "echov5": echoV5Apps, "gin": ginApps, "chi": chiApps, "nethttp": httpApps,
	} {
		for name, app := range variants {
			prefix := "/" + framework + "/" + name
			apps[prefix] = app(srv, prefix+"/socket.io")
		}
		for name, wrap := range outer {
			prefix := "/" + framework + "/" + name
			apps[prefix] = wrap(variants["plain"](srv, prefix+"/socket.io"))
		}
	}
	if err := serve(*addr, &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if parts := strings.SplitN(r.URL.Path, "/", 4); len(parts) == 4 && apps["/"+parts[1]+"/"+parts[2]] != nil {
				apps["/"+parts[1]+"/"+parts[2]].ServeHTTP(w, r)
				return
			}
			http.NotFound(w, r)
		}),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		WriteTimeout:      time.Duration(*writeTimeout) * time.Millisecond,
		ErrorLog:          log.New(complaints{}, "", 0),
	}, srv); err != nil {
		log.Fatal(err)
	}
}

// complaints end the program: the HTTP server has nothing to complain about.
type complaints struct{}

func (complaints) Write(p []byte) (int, error) {
	log.Fatalf("the HTTP server complains: %s", p)
	return 0, nil
}

// serve serves until SIGTERM, then shuts down gracefully.
func serve(addr string, hs *http.Server, srv *sio.Server) error {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Println("listening on", l.Addr())
	served := make(chan error, 1)
	go func() { served <- hs.Serve(l) }() // ends with the Shutdown below
	select {
	case err := <-served:
		return err
	case <-stop.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(srv.Shutdown(ctx), hs.Shutdown(ctx))
}
