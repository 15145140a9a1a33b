package siotest

import (
	"net"
	"net/http"

	"github.com/siokit/sio/internal/pipe"
)

// An inMemory is an HTTP server that is reached through pipes.
type inMemory struct {
	*pipe.Listener
	close func()
}

// serve serves h until close is called.
func serve(h http.Handler) *inMemory {
	l := pipe.Listen()
	l.Wrap = func(c net.Conn) net.Conn { return serverEnd{c} }
	return &inMemory{l, l.Serve(&http.Server{Handler: h})}
}

// A serverEnd is the server's end of a pipe, with addresses for those who look at them:
// those of [httptest.NewRequest] and of documentation.
type serverEnd struct{ net.Conn }

var (
	clientAddr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1234}
	serverAddr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 80}
)

func (serverEnd) RemoteAddr() net.Addr { return clientAddr }
func (serverEnd) LocalAddr() net.Addr  { return serverAddr }
