// Package natstest has what tests of engines need: a receiver that keeps what it is told, and
// a proxy whose connections can be cut.
package natstest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A Proxy forwards connections to an address.
type Proxy struct {
	to       string
	listener net.Listener
	wg       sync.WaitGroup

	mu    sync.Mutex // protects the following
	isCut bool
	conns map[net.Conn]struct{}
}

// NewProxy starts a proxy that ends with the test.
func NewProxy(t testing.TB, to string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{to: to, listener: l, conns: make(map[net.Conn]struct{})}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		l.Close()
		p.Cut()
		p.wg.Wait()
	})
	return p
}

// Addr returns the address that it listens on.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut ends all connections, and new ones as soon as they are made.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut = true
	for c := range p.conns {
		c.Close()
	}
}

// Heal lets new connections through.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut = false
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.forward(c) })
	}
}

// forward copies both ways until one of the ends is closed.
func (p *Proxy) forward(near net.Conn) {
	far, err := net.Dial("tcp", p.to)
	if err != nil {
		near.Close()
		return
	}
	if p.add(near, far) {
		p.wg.Go(func() {
			io.Copy(far, near)
			far.Close()
		})
		io.Copy(near, far)
	}
	near.Close()
	far.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, near)
	delete(p.conns, far)
}

func (p *Proxy) add(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = struct{}{}
	}
	return !p.isCut
}
