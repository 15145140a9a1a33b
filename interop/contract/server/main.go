// Command server serves the contracts of packages app and checked for the official
// client, and writes the types that are generated of these and of package odd.
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

	"github.com/siokit/sio"
	"github.com/siokit/sio/contract"
	"github.com/siokit/sio/interop/contract/server/app"
	"github.com/siokit/sio/interop/contract/server/app/checked"
	"github.com/siokit/sio/interop/contract/server/app/odd"
)

func main() {
	log.SetFlags(0)
	addr := flag.String("addr", "127.0.0.1:0", "`host:port` to listen on")
	checked := flag.Bool("checked", false, "serve the contract of package checked")
	types := flag.String("types", "", "write the types into this `folder`, and serve nothing")
	changes := flag.Bool("changes", false, "with -types: those of each change, too, into a folder below it")
	flag.Parse()
	run := func() error { return serve(*addr, *checked) }
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
		if err == nil {
			err = writeTypes(filepath.Join(dir, change, "events.ts"), srv, app.Options())
		}
		if err != nil {
			return fmt.Errorf("%q: %w", change, err)
		}
	}
	if err := writeTypes(filepath.Join(dir, "odd.ts"), odd.Server(), nil); err != nil {
		return err
	}
	return writeTypes(filepath.Join(dir, "checked.ts"), checked.Server(), nil)
}

func writeTypes(file string, srv *sio.Server, o *contract.Options) error {
	source, err := contract.TypeScript(srv.Contract(), o)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, source, 0o644)
}

// serve serves until SIGTERM.
func serve(addr string, rules bool) error {
	srv := app.Server()
	if rules {
		srv = checked.Server()
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
