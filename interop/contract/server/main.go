// Command server serves the contract of package app for the official client, and
// writes the types that are generated of it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/siokit/sio/contract"
	"github.com/siokit/sio/interop/contract/server/app"
)

func main() {
	log.SetFlags(0)
	addr := flag.String("addr", "127.0.0.1:0", "`host:port` to listen on")
	types := flag.String("types", "", "write the types into this `folder`, and serve nothing")
	changes := flag.Bool("changes", false, "with -types: those of each change, too, into a folder below it")
	flag.Parse()
	run := func() error { return serve(*addr) }
	if *types != "" {
		run = func() error { return write(*types, *changes) }
	}
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// write writes events.ts, if need be with each change, too.
func write(dir string, changed bool) error {
	all := []string{""}
	if changed {
		all = append(all, app.Changes()...)
	}
	for _, change := range all {
		srv, err := app.New(change)
		if err != nil {
			return err
		}
		source, err := contract.TypeScript(srv.Contract(), app.Options())
		if err != nil {
			return fmt.Errorf("%q: %w", change, err)
		}
		into := filepath.Join(dir, change)
		if err := os.MkdirAll(into, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(into, "events.ts"), source, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// serve serves until SIGTERM.
func serve(addr string) error {
	srv, err := app.New("")
	if err != nil {
		return err
	}
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
