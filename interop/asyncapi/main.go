// This server has a contract with everything in it, and serves the page of it: what the
// tests here and in interop/browser look at.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"runtime"

	"github.com/siokit/sio"
	"github.com/siokit/sio/contract"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "where to listen")
	empty := flag.Bool("empty", false, "a server on which nothing is registered")
	flag.Parse()
	if err := serve(*addr, *empty); err != nil {
		log.Fatal(err)
	}
}

func serve(addr string, empty bool) error {
	srv := newServer()
	_, source, _, _ := runtime.Caller(0)
	o := &contract.Options{Dir: filepath.Dir(source), Info: contract.Info{
		Title:       "The <shop> & its chat",
		Version:     "2.1.0",
		Description: "Orders, chats and pictures.\n\nWhat is in angle brackets, such as <script>alert(1)</script>, is text.",
		Servers:     []contract.Server{{URL: "https://shop.example.com", Description: "Everybody's"}, {URL: "ws://localhost:3000/io/"}},
	}}
	if empty {
		srv, o = sio.New(nil), nil
	}
	docs, err := contract.Handler(srv.Contract(), o)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	mux.Handle("/", docs)
	fmt.Printf("http://%s\n", l.Addr())
	return http.Serve(l, mux) //nolint:gosec // for a test
}
