package brokertest

import (
	"net"
	"sync"
	"testing"
)

// A Proxy is what a server reaches its engine through, over TCP. Its methods are the Cut,
// Heal, Freeze and Thaw of a [Server].
type Proxy struct {
	to       string
	listener net.Listener
	wg       sync.WaitGroup

	mu     sync.Mutex // protects the following
	thawed sync.Cond
	cut    bool
	frozen bool
	conns  map[net.Conn]bool
}

// NewProxy starts a proxy to an address, which ends with the test.
func NewProxy(t testing.TB, to string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{to: to, listener: l, conns: make(map[net.Conn]bool)}
	p.thawed.L = &p.mu
	p.wg.Go(p.accept) // until the listener is closed
	t.Cleanup(func() {
		_ = l.Close() // it has no more to say
		p.Cut()
		p.wg.Wait()
	})
	return p
}

// Addr returns the address to connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut ends all connections, and new ones as soon as they are made.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for c := range p.conns {
		_ = c.Close() // whoever uses it hears of it
	}
	p.thawed.Broadcast()
}

// Heal lets new connections through.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
}

// Freeze holds back what connections carry, both ways, without ending them.
func (p *Proxy) Freeze() { p.freeze(true) }

// Thaw lets through what was held back.
func (p *Proxy) Thaw() { p.freeze(false) }

func (p *Proxy) freeze(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = on
	p.thawed.Broadcast()
}

func (p *Proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.connect(near) }) // until either end is closed
	}
}

func (p *Proxy) connect(near net.Conn) {
	far, err := net.Dial("tcp", p.to)
	if err != nil {
		_ = near.Close()
		return
	}
	p.mu.Lock()
	p.conns[near], p.conns[far] = true, true
	cut := p.cut
	p.mu.Unlock()
	if cut {
		p.end(near, far)
		return
	}
	p.wg.Go(func() { p.carry(far, near) }) // the same
	p.carry(near, far)
}

// carry copies until either end is closed.
func (p *Proxy) carry(to, from net.Conn) {
	defer p.end(to, from)
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if !p.pass() {
			return
		}
		if _, failed := to.Write(buf[:n]); failed != nil || err != nil {
			return
		}
	}
}

// pass waits while the proxy is frozen, and reports false if it is cut.
func (p *Proxy) pass() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.frozen && !p.cut {
		p.thawed.Wait()
	}
	return !p.cut
}

func (p *Proxy) end(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close() // the other direction may have done so
		delete(p.conns, c)
	}
}
