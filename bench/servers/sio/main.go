// Command sio is the bench's contract on sio, on net/http and with nothing beside it.
package main

import (
	"flag"
	"net/http"

	"github.com/siokit/sio"
	"github.com/siokit/sio/bench/servers/internal/contract"
	"github.com/siokit/sio/bench/servers/internal/host"
	"github.com/siokit/sio/socketio/parser/msgpack"
)

func main() {
	forget := flag.Bool("forget", false, "keep nothing of the handshake request")
	hijack := flag.Bool("hijack", false, "have polls read by the server itself")
	packed := flag.Bool("msgpack", false, "speak MessagePack")
	deflate := flag.Bool("deflate", false, "compress messages for clients that offer it")
	flag.Parse()

	opts := &sio.Options{ForgetRequest: *forget, HijackPolling: *hijack}
	if *packed {
		opts.Parser = msgpack.Parser{}
	}
	if *deflate {
		opts.Compression = new(sio.Compression)
	}
	srv := sio.New(opts)
	contract.Register(srv)
	http.Handle("/socket.io/", srv)
	host.Serve(http.DefaultServeMux)
}
