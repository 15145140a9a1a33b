package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siokit/sio/bench/internal/load"
	"github.com/siokit/sio/bench/internal/process"
)

// A plan is how each server is measured.
type plan struct {
	clients, talkers int
	rest, echo       time.Duration
}

// Measured is what a client takes: bytes, and µs of CPU time.
type measured struct {
	Lies, Collected, Heap, Stack float64
	Connect, Again, Echo         float64
}

// measure runs a server. It listens for clients at one address, and tells of itself without
// TLS at another.
func measure(ctx context.Context, t target, secure bool, p plan) (*measured, error) {
	env := t.env
	if secure {
		dir, err := os.MkdirTemp("", "tls")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		if err := writeCertificate(dir); err != nil {
			return nil, err
		}
		env = append(slices.Clip(env), certVar+"="+filepath.Join(dir, certFile), keyVar+"="+filepath.Join(dir, keyFile))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // for a port that nobody uses just now
	if err != nil {
		return nil, err
	}
	addr := l.Addr().(*net.TCPAddr).AddrPort()
	_ = l.Close()
	s, err := process.Start(ctx, process.Command{Dir: t.dir, Run: t.run, Env: append(env, portVar+"="+strconv.Itoa(int(addr.Port())))})
	if err != nil {
		return nil, err
	}
	defer s.Stop()
	var clients crowd
	defer clients.hangUp()
	w := &weighing{server: s, of: p.clients}
	if err := clients.connect(addr, secure, p.talkers); err != nil { // what is there once is not to be counted
		return nil, err
	}
	if _, err := clients.echo(p.echo / 4); err != nil {
		return nil, err
	}
	clients.hangUp()
	time.Sleep(p.rest / 3)
	return w.measure(&clients, addr, secure, p)
}

type weighing struct {
	server *process.Server
	of     int
}

func (w *weighing) measure(clients *crowd, addr netip.AddrPort, secure bool, p plan) (m *measured, err error) {
	m = new(measured)
	before, err := w.server.Collect()
	if err != nil {
		return nil, err
	}
	empty, err := w.server.Anonymous()
	if err != nil {
		return nil, err
	}
	if m.Connect, err = w.cpu(func() (int, error) { return p.clients, clients.connect(addr, secure, p.clients) }); err != nil {
		return nil, err
	}
	time.Sleep(p.rest)
	if m.Lies, err = w.server.Anonymous(); err != nil {
		return nil, err
	}
	after, err := w.server.Collect()
	if err != nil {
		return nil, err
	}
	if m.Collected, err = w.server.Anonymous(); err != nil {
		return nil, err
	}
	n := float64(w.of)
	m.Lies, m.Collected = (m.Lies-empty)/n, (m.Collected-empty)/n
	m.Heap = (*after.Heap - *before.Heap) / n
	if after.Stack != nil {
		m.Stack = (*after.Stack - *before.Stack) / n
	}
	clients.tickets.resume = true
	if m.Again, err = w.cpu(func() (int, error) { return p.talkers * 4, clients.connect(addr, secure, p.talkers*4) }); err != nil {
		return nil, err
	}
	if secure && clients.resumed < p.talkers*4 {
		return nil, fmt.Errorf("%d of %d have resumed their TLS session", clients.resumed, p.talkers*4)
	}
	clients.conns = clients.conns[len(clients.conns)-p.talkers:]
	if m.Echo, err = w.cpu(func() (int, error) { return clients.echo(p.echo) }); err != nil {
		return nil, err
	}
	return m, nil
}

// cpu returns the CPU time in µs of each of the operations that f does.
func (w *weighing) cpu(f func() (int, error)) (float64, error) {
	s := load.Server{PID: w.server.PID()}
	before, err := s.CPU()
	if err != nil {
		return 0, err
	}
	n, err := f()
	if err != nil {
		return 0, err
	}
	after, err := s.CPU()
	if err == nil && n == 0 {
		err = errors.New("nothing was done")
	}
	return float64((after - before).Nanoseconds()) / 1e3 / float64(n), err
}

// A crowd is clients.
type crowd struct {
	conns   []net.Conn // in use
	all     []net.Conn
	tickets tickets
	resumed int // of those that connected last
}

// Tickets keep a TLS session. Unlike a client that may not be recognised, ours resume the
// same one, as often as they are to.
type tickets struct {
	mu      sync.Mutex
	resume  bool // or else all are new
	session *tls.ClientSessionState
}

func (t *tickets) Get(string) (*tls.ClientSessionState, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.session, t.resume && t.session != nil
}

func (t *tickets) Put(_ string, s *tls.ClientSessionState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s != nil {
		t.session = s
	}
}

const atOnce = 16 // that connect

func (c *crowd) connect(addr netip.AddrPort, secure bool, n int) error {
	conns, errs := make([]net.Conn, n), make([]error, atOnce)
	config := &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", ClientSessionCache: &c.tickets, CurvePreferences: []tls.CurveID{tls.X25519}}
	var next atomic.Int64
	var group sync.WaitGroup
	var resumed atomic.Int64
	for i := range errs {
		group.Go(func() {
			for errs[i] == nil {
				j := int(next.Add(1)) - 1
				if j >= n {
					return
				}
				var again bool
				conns[j], again, errs[i] = dial(addr, secure, config)
				if again {
					resumed.Add(1)
				}
			}
		})
	}
	group.Wait()
	c.resumed = int(resumed.Load())
	for _, conn := range conns {
		if conn != nil {
			c.all = append(c.all, conn)
		}
	}
	c.conns = append(c.conns, conns...)
	return errors.Join(errs...)
}

func (c *crowd) hangUp() {
	for _, conn := range c.all {
		_ = conn.Close()
	}
	c.all, c.conns = nil, nil
}

// echo has all clients ask for an answer as soon as they have one, and returns how many came.
func (c *crowd) echo(d time.Duration) (int, error) {
	end := time.Now().Add(d)
	var count atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, len(c.conns))
	for i, conn := range c.conns {
		group.Go(func() {
			for errs[i] == nil && time.Now().Before(end) {
				errs[i] = echo(conn)
				count.Add(1)
			}
		})
	}
	group.Wait()
	return int(count.Load()), errors.Join(errs...)
}
