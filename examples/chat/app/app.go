// Package app is the chat as an Echo application, for one server or for each of a
// cluster.
package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	sioecho "github.com/siokit/sio/adapters/echo"
)

// Options configure a server of the chat.
type Options struct {
	Client string // the directory of ClientFile; without it the page loads the client from its CDN
	Log    zerolog.Logger

	// Cluster is what the server is part of, if it is, and Server is what the page calls it.
	Cluster sio.Cluster
	Server  string
}

// An App is a server of the chat.
type App struct {
	srv  *sio.Server
	echo *echo.Echo
}

// New makes the chat. The page loads the official client from the server, if it is
// there, or else from its CDN.
func New(o Options) *App {
	srv := newServer(o)
	a := &App{srv: srv, echo: echo.New()}
	script := clientCDN
	if hasClient(o.Client) {
		script = "socket.io/" + ClientFile
	}
	sioecho.Register(a.echo, "/socket.io", srv)
	servePage(a.echo, script)
	a.echo.GET("/ready", echo.WrapHandler(http.HandlerFunc(srv.ServeReady))) // for load balancers
	a.echo.GET("/live", echo.WrapHandler(http.HandlerFunc(srv.ServeLive)))   // for what starts us anew
	o.Log.Info().Str("script", script).Msg("official client")
	return a
}

func newServer(o Options) *sio.Server {
	// Who was away for up to two minutes gets what was said meanwhile.
	opts := &sio.Options{Logger: &o.Log, Recovery: &sio.Recovery{}, Cluster: o.Cluster}
	if hasClient(o.Client) {
		opts.ClientFiles = os.DirFS(o.Client)
	}
	srv := sio.New(opts)
	srv.Use(sio.Logger())
	serveChat(srv.Of("/"), o.Server)
	serveLobby(srv.Of("/chat"))
	return srv
}

// Server returns a server of the chat alone: siogen makes the types of the page, in
// web/events.d.ts, of its contract.
func Server() *sio.Server { return newServer(Options{Log: zerolog.Nop()}) }

// Serve serves the chat until ctx ends, then sees everybody out.
func (a *App) Serve(ctx context.Context, ln net.Listener) error {
	web := &http.Server{Handler: a.echo, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10}
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
	return errors.Join(err, a.srv.Shutdown(ctx), web.Shutdown(ctx))
}

// Drain has everybody go to the other servers, one after the other. By then the load
// balancer has noticed that this one is not ready.
func (a *App) Drain(ctx context.Context) error {
	return a.srv.Drain(ctx, &sio.DrainOptions{Notice: 3 * time.Second, Period: 2 * time.Second})
}

// URL is what to open in a browser: the host as it was asked for, and the port that
// came of it.
func URL(addr string, ln net.Listener) string {
	host, _, _ := net.SplitHostPort(addr)
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
