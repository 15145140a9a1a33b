// Command zishang is the bench's contract on zishang520/socket.io.
package main

import (
	"io"
	"net/http"
	"os"
	"slices"

	"github.com/zishang520/socket.io/servers/socket/v3"
	"github.com/zishang520/socket.io/v3/pkg/types"

	"github.com/siokit/sio/bench/servers/internal/host"
)

func main() {
	opts := socket.DefaultServerOptions()
	if slices.Contains(os.Args[1:], "-deflate") {
		opts.SetPerMessageDeflate(&types.PerMessageDeflate{Threshold: 1024}) // as the reference has it
	}
	server := socket.NewServer(nil, opts)
	server.On("connection", func(clients ...any) {
		client := clients[0].(*socket.Socket)
		client.Join("room")

		client.On("echo", func(data ...any) {
			if ack, ok := data[len(data)-1].(socket.Ack); ok {
				ack(data[:1], nil)
				return
			}
			client.Emit("echo", data...)
		})
		client.On("text", func(data ...any) { data[1].(socket.Ack)(data[:1], nil) })
		client.On("binary", func(data ...any) {
			// Attachments are buffers, which are read as they are sent.
			if r, ok := data[0].(io.Reader); ok {
				b, err := io.ReadAll(r)
				data[1].(socket.Ack)([]any{b}, err)
			}
		})
		client.On("blast", func(data ...any) {
			for range int(data[0].(float64)) {
				server.To("room").Emit("msg", data[1])
			}
			data[2].(socket.Ack)(nil, nil)
		})
	})
	http.Handle("/socket.io/", server.ServeHandler(nil))
	host.Serve(http.DefaultServeMux)
}
