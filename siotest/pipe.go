package siotest

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// An inMemory is an HTTP server that is reached through pipes.
type inMemory struct {
	http  http.Server
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	ended chan struct{}
}

// serve serves h until close is called.
func serve(h http.Handler) *inMemory {
	s := &inMemory{
		http:  http.Server{Handler: h},
		conns: make(chan net.Conn),
		done:  make(chan struct{}),
		ended: make(chan struct{}),
	}
	go func() { // until Close of the listener, joined by close
		defer close(s.ended)
		_ = s.http.Serve(s)
	}()
	return s
}

func (s *inMemory) close() {
	_ = s.http.Close()
	<-s.ended
}

// dial connects to the server.
func (s *inMemory) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case s.conns <- pipe{far}:
		return near, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Accept implements [net.Listener].
func (s *inMemory) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (s *inMemory) Close() error {
	s.once.Do(func() { close(s.done) })
	return nil
}

// Addr implements [net.Listener].
func (s *inMemory) Addr() net.Addr { return serverAddr }

// A pipe is the server's end of one, with addresses for those who look at them:
// those of [httptest.NewRequest] and of documentation.
type pipe struct{ net.Conn }

var (
	clientAddr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1234}
	serverAddr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 80}
)

func (pipe) RemoteAddr() net.Addr { return clientAddr }
func (pipe) LocalAddr() net.Addr  { return serverAddr }
