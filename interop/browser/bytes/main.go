// Bytes is a server that pages send attachments to. It sends them back the other way
// round, in the answer and in an event.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/siokit/sio"
)

const page = `<!doctype html><link rel=icon href=data:,><script src="https://cdn.socket.io/4.8.3/socket.io.min.js"></script>`

// An upload has attachments at different depths.
type upload struct {
	Name  string            `json:"name"`
	Data  []byte            `json:"data"`
	Parts [][]byte          `json:"parts"`
	Named map[string][]byte `json:"named"`
}

var (
	oneEvent    = sio.NewEvent[[]byte]("bytes")
	uploadEvent = sio.NewEvent[upload]("upload")
)

func main() {
	addr := flag.String("addr", "localhost:3000", "`address` to listen on")
	flag.Parse()
	srv := sio.New(&sio.Options{MaxAttachments: 20})
	srv.Declare(oneEvent, uploadEvent)
	sio.OnWithAck(srv, "bytes", func(c *sio.Context, b []byte) ([]byte, error) {
		b = reversed(b)
		return b, oneEvent.Emit(c, b)
	})
	sio.OnWithAck(srv, "upload", func(c *sio.Context, u upload) (upload, error) {
		u.Data = reversed(u.Data)
		for i, part := range u.Parts {
			u.Parts[i] = reversed(part)
		}
		for key, b := range u.Named {
			u.Named[key] = reversed(b)
		}
		return u, uploadEvent.Emit(c, u)
	})
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", ln.Addr())
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, page) })
	web := &http.Server{Handler: sio.Wrap(srv, h), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(web.Serve(ln))
}

func reversed(b []byte) []byte {
	b = slices.Clone(b)
	slices.Reverse(b)
	return b
}
