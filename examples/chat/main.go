// Chat is a chat for the browser: an Echo application around a sio server.
//
// The page has the namespace "/" (chat.go). Namespace "/chat" (lobby.go) is
// there for any other client to be pointed at.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	sioecho "github.com/siokit/sio/adapters/echo"
)

func main() {
	addr := flag.String("addr", "localhost:3000", "`address` to listen on")
	client := flag.String("client", findClient(), "`directory` of "+clientFile+", the official client; without it the page takes the one at cdn.socket.io")
	flag.Parse()
	log := zerolog.New(zerolog.ConsoleWriter{Out: os.Stderr, TimeFormat: time.TimeOnly}).
		With().Timestamp().Logger().Level(zerolog.InfoLevel)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once

	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal().Err(err).Msg("listen")
	}
	fmt.Println("chat on", pageURL(*addr, ln))
	if err := run(ctx, ln, *client, log); err != nil {
		log.Fatal().Err(err).Msg("serve")
	}
}

// run serves the chat until ctx ends, then sees everybody out.
func run(ctx context.Context, ln net.Listener, client string, log zerolog.Logger) error {
	srv, e := app(client, log)
	web := &http.Server{Handler: e, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10}
	served := make(chan error, 1)
	go func() { served <- web.Serve(ln) }() // ends with web
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
	}

	// Socket.IO first: its connections are not the HTTP server's to close.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(err, srv.Shutdown(ctx), web.Shutdown(ctx))
}

// app makes the chat. The page loads the official client from the server, if it is
// there, or else from its CDN.
func app(client string, log zerolog.Logger) (*sio.Server, *echo.Echo) {
	// Who was away for up to two minutes gets what was said meanwhile.
	opts := &sio.Options{Logger: &log, Recovery: &sio.Recovery{}}
	script := clientCDN
	if hasClient(client) {
		opts.ClientFiles = os.DirFS(client)
		script = "socket.io/" + clientFile
	}
	srv := sio.New(opts)
	srv.Use(sio.Logger())
	serveChat(srv)
	serveLobby(srv.Of("/chat"))

	e := echo.New()
	sioecho.Register(e, "/socket.io", srv)
	servePage(e, script)
	log.Info().Str("script", script).Msg("official client")
	return srv, e
}

// pageURL is what to open in a browser: the host as it was asked for, and the
// port that came of it.
func pageURL(addr string, ln net.Listener) string {
	host, _, _ := net.SplitHostPort(addr)
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
