// Package relay hands HTTP requests over to other servers of a cluster.
package relay

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

const (
	// idleTime is how long a connection is kept that nobody uses. Middleboxes forget
	// connections after minutes.
	idleTime = 60 * time.Second
	// ServerIdleTime is for who answers, so that no connection is closed that is about to
	// be used.
	ServerIdleTime = 2 * idleTime
	// maxIdle bounds how many are kept to one server: each poll that waits takes one, and
	// they come and go together.
	maxIdle = 1024
	// maxDials is how many are being made to one server. A thousand that begin at once
	// keep each other from being done in time, and for most of them one comes back first.
	maxDials = 32
	// dialWait is how long a request waits to be one of them: if the address is a black
	// hole, it must not wait for all that came before.
	dialWait = 10 * time.Second
	// writeTimeout is how long it, or a WebSocket's client, may take to accept what fits
	// into one buffer.
	writeTimeout = 10 * time.Second
)

var (
	errClosed = errors.New("relay: closed")
	errGone   = errors.New("relay: the server has gone")
	errBusy   = errors.New("relay: too many connections are being made to the server")
)

// A Client hands requests over. Its methods may be called from any goroutine.
type Client struct {
	dial func(ctx context.Context, to string) (net.Conn, error)

	mu     sync.Mutex // protects the following
	peers  map[string]*peer
	closed bool
	wg     sync.WaitGroup // pipes
}

// A peer is a server that there are connections to.
type peer struct {
	idle  []*link // the one that was used last is at the end
	busy  map[*link]struct{}
	reap  *time.Timer     // ends those that are idle; nil if none is
	dials chan struct{}   // has room for maxDials
	left  bool            // it is in no map any more: only close touches it
	here  context.Context // ends then
	leave context.CancelFunc
}

// A link is a connection to a server. It carries one request at a time.
type link struct {
	to   string
	conn net.Conn
	in   *bufio.Reader
	used time.Time
}

// NewClient returns a client that reaches servers by dial, which knows what to is.
func NewClient(dial func(ctx context.Context, to string) (net.Conn, error)) *Client {
	return &Client{dial: dial, peers: make(map[string]*peer)}
}

// take returns a connection to a server, which is busy until it is put back or dropped.
func (c *Client) take(ctx context.Context, to string) (*link, error) {
	l, p, err := c.takeIdle(to)
	if l != nil || err != nil {
		return l, err
	}
	if err := p.await(ctx); err != nil {
		return nil, err
	}
	defer func() { <-p.dials }()
	if l, err = c.takeIdleOf(to, p); l != nil || err != nil { // it may have taken a while
		return l, err
	}
	dialing, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(p.here, func() { cancel(errGone) })()
	conn, err := c.dial(dialing, to)
	if err != nil {
		return nil, err
	}
	l = &link{to: to, conn: conn, in: bufio.NewReader(conn)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.peers[to] != p {
		_ = conn.Close()
		return nil, errGone
	}
	p.busy[l] = struct{}{}
	return l, nil
}

// Try connects to a server, unless there is a connection. It keeps none: who answers does
// not wait for a first request as long as for the next.
func (c *Client) Try(ctx context.Context, to string) error {
	l, err := c.take(ctx, to)
	if err == nil {
		c.drop(l)
	}
	return err
}

// takeIdle returns a connection that nobody uses, if there is one.
func (c *Client) takeIdle(to string) (*link, *peer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, err := c.peerLocked(to)
	if err != nil {
		return nil, nil, err
	}
	return p.takeIdle(), p, nil
}

// takeIdleOf does the same for a server that may have gone.
func (c *Client) takeIdleOf(to string, p *peer) (*link, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.peers[to] != p {
		return nil, errGone
	}
	return p.takeIdle(), nil
}

// takeIdle is called with Client.mu held.
func (p *peer) takeIdle() *link {
	n := len(p.idle)
	if n == 0 || time.Since(p.idle[n-1].used) >= idleTime {
		return nil
	}
	l := p.idle[n-1]
	p.idle[n-1], p.idle = nil, p.idle[:n-1]
	p.busy[l] = struct{}{}
	return l
}

// await waits until a connection may be made, which takes a place in dials.
func (p *peer) await(ctx context.Context) error {
	select {
	case p.dials <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(dialWait)
	defer timer.Stop()
	select {
	case p.dials <- struct{}{}:
		return nil
	case <-p.here.Done():
		return errGone
	case <-timer.C:
		return errBusy
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *Client) peerLocked(to string) (*peer, error) {
	if c.closed {
		return nil, errClosed
	}
	p := c.peers[to]
	if p == nil {
		p = &peer{busy: make(map[*link]struct{}), dials: make(chan struct{}, maxDials)}
		p.here, p.leave = context.WithCancel(context.Background())
		c.peers[to] = p
	}
	return p, nil
}

// put keeps a connection for the next request.
func (c *Client) put(l *link) {
	c.mu.Lock()
	p := c.peers[l.to]
	if p != nil {
		if _, ok := p.busy[l]; ok && len(p.idle) < maxIdle {
			delete(p.busy, l)
			l.used = time.Now()
			p.idle = append(p.idle, l)
			if p.reap == nil {
				p.reap = time.AfterFunc(idleTime, func() { c.reap(p) })
			}
			c.mu.Unlock()
			return
		}
	}
	c.mu.Unlock()
	c.drop(l)
}

// drop closes a connection.
func (c *Client) drop(l *link) {
	c.mu.Lock()
	if p := c.peers[l.to]; p != nil {
		delete(p.busy, l)
	}
	c.mu.Unlock()
	_ = l.conn.Close()
}

// reap closes what was not used for long.
func (c *Client) reap(p *peer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.left {
		return
	}
	n := 0
	for n < len(p.idle) && time.Since(p.idle[n].used) >= idleTime {
		_ = p.idle[n].conn.Close()
		n++
	}
	if p.idle = append(p.idle[:0:0], p.idle[n:]...); len(p.idle) == 0 {
		p.reap = nil
		return
	}
	p.reap.Reset(idleTime - time.Since(p.idle[0].used))
}

// Gone closes all connections to a server. Requests that it has not answered fail.
func (c *Client) Gone(to string) {
	c.mu.Lock()
	p := c.peers[to]
	delete(c.peers, to)
	if p != nil {
		p.left = true
	}
	c.mu.Unlock()
	if p != nil {
		p.close()
	}
}

// close closes all connections of a peer that is in no map any more.
func (p *peer) close() {
	p.leave()
	if p.reap != nil {
		p.reap.Stop()
	}
	for _, l := range p.idle {
		_ = l.conn.Close()
	}
	for l := range p.busy {
		_ = l.conn.Close()
	}
}

// Close does what Gone does for all servers, and waits for what copies bytes of WebSockets.
// No request is taken any more.
func (c *Client) Close() {
	c.mu.Lock()
	peers := c.peers
	c.peers, c.closed = nil, true
	for _, p := range peers {
		p.left = true
	}
	c.mu.Unlock()
	for _, p := range peers {
		p.close()
	}
	c.wg.Wait()
}
