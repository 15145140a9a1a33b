// Command troubleshooting is a server for each case of docs/troubleshooting.md, with what is
// wrong with it or, with -changed, with the line that the guide says. It logs as a server
// without a logger does, from the level -log on.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
)

func main() {
	name := flag.String("case", "", "the `name` of a case; none: a server that nothing is wrong with")
	changed := flag.Bool("changed", false, "with the line that the guide says")
	level := flag.String("log", "warn", "the `level` to log from")
	flag.StringVar(&origin, "origin", "", "that of the page, in the case \"browser\"")
	addr := flag.String("addr", "127.0.0.1:0", "`host:port` to listen on")
	flag.Parse()

	c, ok := cases[*name]
	if !ok {
		c = server{wrong: plain, right: plain}
	}
	build := c.wrong
	if *changed {
		build = c.right
	}
	from, err := zerolog.ParseLevel(*level)
	if err != nil {
		log.Fatal(err)
	}
	logger = zerolog.New(zerolog.ConsoleWriter{Out: os.Stderr, NoColor: true, TimeFormat: time.DateTime}).Level(from).With().Timestamp().Logger()
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", build())
	mux.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {}) // for interop/proxies.mjs
	fmt.Println("listening on", l.Addr())
	go func() { // until the test ends
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	log.Fatal((&http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}).Serve(l))
}

var (
	logger zerolog.Logger
	origin string
)

// serve returns a server with the events that the cases use.
func serve(o sio.Options) *sio.Server {
	o.Logger = &logger
	srv := sio.New(&o)
	srv.On("echo", func(c *sio.Context) error {
		var v any
		if err := c.Bind(&v); err != nil {
			return err
		}
		return c.Ack(v)
	})
	srv.On("leave me", func(c *sio.Context) error {
		c.Disconnect()
		return nil
	})
	srv.On("come back", func(c *sio.Context) error {
		c.Socket().Session().Close()
		return nil
	})
	srv.On("news, please", func(c *sio.Context) error {
		if err := c.Emit("news"); err != nil {
			return err
		}
		return c.Ack()
	})
	return srv
}

func plain() http.Handler { return serve(sio.Options{}) }
