// Cluster is the chat on three servers and a load balancer in front of them, each a
// process of its own. The servers are one by NATS, which runs inside them, or by a Redis.
//
// What a server does to be part of a cluster is in server.go, all else is to show it on
// one machine: the program starts itself for each server, and starts one again that has
// died.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/examples/chat/app"
)

// again is how long a server that has died stays so, for what becomes of its users to
// be seen.
const again = 5 * time.Second

func main() {
	addr := flag.String("addr", "localhost:3000", "`address` of the load balancer")
	var s server
	flag.StringVar(&s.redis, "redis", "", "`address` of a Redis that makes the servers one, instead of NATS")
	flag.StringVar(&s.client, "client", app.FindClient(), "`directory` of "+app.ClientFile+", the official client; without it the page takes the one at cdn.socket.io")
	flag.StringVar(&s.name, "server", "", "be one server, with this `name`, until standard input ends, or a signal comes")
	flag.StringVar(&s.listen, "listen", "", "`address` at which the other servers reach the NATS of this one")
	peers := flag.String("peers", "", "`addresses` of theirs, with commas between them")
	flag.Parse()
	if *peers != "" {
		s.peers = strings.Split(*peers, ",")
	}
	log := zerolog.New(zerolog.ConsoleWriter{Out: os.Stderr, TimeFormat: time.TimeOnly}).
		With().Timestamp().Logger().Level(zerolog.InfoLevel)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once

	var err error
	if s.name != "" {
		err = s.run(untilEOF(context.Background(), os.Stdin), ctx, log.With().Str("on", s.name).Logger())
	} else {
		err = balance(ctx, *addr, s, log)
	}
	if err != nil {
		log.Fatal().Err(err).Send()
	}
}

// untilEOF returns a context that ends when r does, as with the process that writes to
// it.
func untilEOF(ctx context.Context, r io.Reader) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() { // until the process ends
		_, _ = io.Copy(io.Discard, r)
		cancel()
	}()
	return ctx
}

// balance starts the servers, like s, and the load balancer at addr. It ends with ctx.
func balance(ctx context.Context, addr string, s server, log zerolog.Logger) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	names := []string{"a", "b", "c"}
	routes, err := freeAddresses(len(names))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	b := newBalancer(names, log)
	var wg sync.WaitGroup
	wg.Go(func() { b.watch(ctx) })
	for i, name := range names {
		s := s
		s.name, s.listen, s.peers = name, routes[i], routes
		wg.Go(func() { keep(ctx, s, b, log) }) // until ctx ends
	}
	web := &http.Server{Handler: b, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10}
	served := make(chan error, 1)
	go func() { served <- web.Serve(ln) }() // ends with web
	if b.ready(ctx) {
		fmt.Println("chat on", app.URL(addr, ln))
		fmt.Println("open it in two tabs; then kill one of the pids, or kill -9")
	}
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	cancel()
	wg.Wait() // the servers see everybody out
	return errors.Join(err, web.Close())
}

// freeAddresses returns addresses of this machine that nobody listens on. On machines
// of their own, servers have the same port. It is below those that the system gives out,
// which the servers have for other listeners.
func freeAddresses(n int) ([]string, error) {
	var addrs []string
	for len(addrs) < n {
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 12_000+rand.N(20_000)))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer ln.Close()
		addrs = append(addrs, ln.Addr().String())
	}
	return addrs, nil
}
