// Command sio is the bench's contract on sio, on net/http and with nothing beside it.
package main

import (
	"flag"
	"net/http"

	"github.com/siokit/sio"
	"github.com/siokit/sio/bench/servers/internal/contract"
	"github.com/siokit/sio/bench/servers/internal/host"
)

func main() {
	forget := flag.Bool("forget", false, "keep nothing of the handshake request")
	hijack := flag.Bool("hijack", false, "have polls read by the server itself")
	flag.Parse()

	srv := sio.New(&sio.Options{ForgetRequest: *forget, HijackPolling: *hijack})
	contract.Register(srv)
	http.Handle("/socket.io/", srv)
	host.Serve(http.DefaultServeMux)
}
