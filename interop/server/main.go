// Command server is the interop contract (see ../README.md) on sio, for the official
// clients to be run against. ../reference.mjs is the same on the reference server.
package main

import (
	"context"
	"encoding/json"
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

	"github.com/siokit/sio"
	"github.com/siokit/sio/socketio/parser"
	"github.com/siokit/sio/socketio/parser/msgpack"
)

var parsers = map[string]parser.Parser{"msgpack": msgpack.Parser{}}

func main() {
	log.SetFlags(0)
	addr := flag.String("addr", "127.0.0.1:0", "`host:port` to listen on")
	pingInterval := flag.Int("ping-interval", 25_000, "in `milliseconds`")
	pingTimeout := flag.Int("ping-timeout", 20_000, "in `milliseconds`")
	connectTimeout := flag.Int("connect-timeout", 45_000, "in `milliseconds`")
	maxNamespaces := flag.Int("max-client-namespaces", 0, "`how many` dynamic ones (sio only)")
	maxPayload := flag.Int("max-payload", 1_000_000, "in `bytes`")
	allowEIO3 := flag.Bool("allow-eio3", false, "serve clients of version 2")
	client := flag.String("client", "", "`folder` of the official client to serve")
	corsOrigin := flag.String("cors-origin", "", "`origin` of a page that is let in")
	hijack := flag.Bool("hijack-polling", false, "read polls without net/http (sio only)")
	parser := flag.String("parser", "", "the `name` of another format of packets: msgpack")
	compress := flag.Int("compress", 0, "messages of so many `bytes` and more; 0: none")
	window := flag.Int("recovery", 0, "in `milliseconds`; 0 is off")
	flag.Parse()

	opts := &sio.Options{
		Parser:         parsers[*parser],
		PingInterval:   time.Duration(*pingInterval) * time.Millisecond,
		PingTimeout:    time.Duration(*pingTimeout) * time.Millisecond,
		ConnectTimeout: time.Duration(*connectTimeout) * time.Millisecond,
		MaxPayload:     *maxPayload,
		AllowEIO3:      *allowEIO3,
		HijackPolling:  *hijack,

		MaxClientNamespaces: *maxNamespaces,
	}
	if *client != "" {
		opts.ClientFiles = os.DirFS(*client)
	}
	if *compress > 0 {
		opts.Compression = &sio.Compression{Threshold: *compress}
	}
	if *window > 0 {
		opts.Recovery = &sio.Recovery{Window: time.Duration(*window) * time.Millisecond}
	}
	if *corsOrigin != "" {
		opts.CORS = &sio.CORS{Origins: []string{*corsOrigin}}
	}
	srv := sio.New(opts)
	register(srv)
	transport(srv)
	if err := serve(*addr, srv); err != nil {
		log.Fatal(err)
	}
}

// serve serves until SIGTERM, then shuts down gracefully.
func serve(addr string, srv *sio.Server) error {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Println("listening on", l.Addr())

	httpServer := &http.Server{Handler: srv, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- httpServer.Serve(l) }() // ends with the Shutdown below
	select {
	case err := <-served:
		return err
	case <-stop.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(srv.Shutdown(ctx), httpServer.Shutdown(ctx))
}

// A departure is what monitors hear.
type departure struct {
	Event  string     `json:"event"`
	ID     string     `json:"id"`
	Nsp    string     `json:"nsp"`
	Reason sio.Reason `json:"reason"`
	Rooms  []string   `json:"rooms"`
}

// watch reports every departure from n to the monitors, and on standard output for
// when the monitors leave too.
func watch(n, monitor *sio.Namespace) {
	report := func(event string) sio.Handler {
		return func(c *sio.Context) error {
			d := departure{event, c.ID(), c.Namespace(), c.Reason(), rooms(c)}
			line, err := json.Marshal(d)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(os.Stdout, "%s\n", line)
			return errors.Join(err, monitor.Emit(event, d))
		}
	}
	n.OnDisconnecting(report("leaving"))
	n.OnDisconnect(report("left"))
}
