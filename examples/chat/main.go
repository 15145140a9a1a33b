// Chat is a chat for the browser: an Echo application around a sio server.
//
// The application is in package app. The page has the namespace "/" (app/chat.go).
// Namespace "/chat" (app/lobby.go) is there for any other client to be pointed at.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/examples/chat/app"
)

func main() {
	addr := flag.String("addr", "localhost:3000", "`address` to listen on")
	client := flag.String("client", app.FindClient(), "`directory` of "+app.ClientFile+", the official client; without it the page takes the one at cdn.socket.io")
	flag.Parse()
	log := zerolog.New(zerolog.ConsoleWriter{Out: os.Stderr, TimeFormat: time.TimeOnly}).
		With().Timestamp().Logger().Level(zerolog.InfoLevel)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once

	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal().Err(err).Msg("listen")
	}
	fmt.Println("chat on", app.URL(*addr, ln))
	if err := app.New(app.Options{Client: *client, Log: log}).Serve(ctx, ln); err != nil {
		log.Fatal().Err(err).Msg("serve")
	}
}
