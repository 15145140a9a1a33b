// Package pipe has a listener in memory. In a testing/synctest bubble, where a
// goroutine that waits for a real socket keeps time from passing, it takes the place of
// one.
package pipe

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// A Listener is connected to by Dial, through [net.Pipe].
type Listener struct {
	// Wrap, if set, makes what Accept returns of the listener's end of a pipe. It is to
	// be set before Dial is called.
	Wrap func(net.Conn) net.Conn

	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// Listen returns a new listener.
func Listen() *Listener { return &Listener{conns: make(chan net.Conn), done: make(chan struct{})} }

// Dial connects to the listener. It waits for Accept, and fails with [net.ErrClosed] once
// the listener is closed.
func (l *Listener) Dial() (net.Conn, error) { return l.DialContext(context.Background(), "", "") }

// DialContext connects to the listener as Dial does. It is for [http.Transport].
func (l *Listener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	if l.Wrap != nil {
		far = l.Wrap(far)
	}
	select {
	case l.conns <- far:
		return near, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Accept implements [net.Listener].
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr implements [net.Listener].
func (l *Listener) Addr() net.Addr { return addr{} }

type addr struct{}

func (addr) Network() string { return "pipe" }
func (addr) String() string  { return "pipe" }

// Serve has web serve what connects, until stop is called. Stop closes web, and waits
// until it accepts no more.
func (l *Listener) Serve(web *http.Server) (stop func()) {
	ended := make(chan struct{})
	go func() { // until web is closed, joined by stop
		defer close(ended)
		_ = web.Serve(l)
	}()
	return func() {
		_ = web.Close()
		<-ended
	}
}
