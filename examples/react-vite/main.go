// React-vite serves a board of tasks: a page in React, built by Vite, whose types are made
// of those of the server.
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
	"github.com/siokit/sio/examples/react-vite/board"
)

func main() {
	addr := flag.String("addr", "localhost:3000", "`address` to listen on")
	dist := flag.String("dist", "dist", "`directory` of the page, as npm run build makes it")
	flag.Parse()
	if _, err := os.Stat(filepath.Join(*dist, "index.html")); err != nil {
		fmt.Printf("There is no page in %s: npm run build makes it, npm run dev serves it without.\n", *dist)
	}
	if err := serve(*addr, *dist); err != nil {
		log.Fatal(err)
	}
}

// serve serves the page and its board until Ctrl-C.
func serve(addr, dist string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", ln.Addr())

	srv := board.NewServer()
	files := http.FileServerFS(os.DirFS(dist))
	web := &http.Server{Handler: sio.Wrap(srv, files), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10}
	served := make(chan error, 1)
	go func() { served <- web.Serve(ln) }() // ends with web
	select {
	case err = <-served:
	case <-ctx.Done():
	}

	// Socket.IO first: its connections are not the HTTP server's to close.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(err, srv.Shutdown(ctx), web.Shutdown(ctx))
}
