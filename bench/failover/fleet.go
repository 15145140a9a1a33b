package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/siokit/sio/bench/internal/process"
	"github.com/siokit/sio/internal/freeport"
)

// patience bounds what clients and servers wait for.
const patience = 20 * time.Second

// A plan says what is to be done. All that is random follows from the seed, but for what the
// machine does meanwhile.
type plan struct {
	engine   string // redis or nats
	balancer string // "", haproxy or nginx
	relay    string // "", which is by the engine, or tcp
	files    bool   // for NATS: what JetStream keeps is in files, which outlive a server
	servers  int
	clients  int
	official int           // and so many in Node
	dir      string        // of this module
	kills    int           // how many servers are killed
	each     int           // kills between two checks
	graceful float64       // which part of them are told to end, and not killed
	limit    time.Duration // for all
	rate     int           // events a second of each server
	window   time.Duration // for which clients may be away
	delay    time.Duration // after which a client connects again, about, the first time
	most     time.Duration // the same, at most
	every    int           // of how many events a client answers one by doing something
	grace    time.Duration // how old an event may be that dies with its server; 0: as slackOf has it
	seed     uint64
	log      io.Writer
	verbose  bool
}

// A node is a place in the cluster, where one server runs after the other.
type node struct {
	letter string
	lives  int
	addr   netip.AddrPort
	route  string // for NATS
	store  string // likewise: the folder for its files, "" if what it keeps is in memory
	origin string // of what it emits now
	proc   *process.Server
}

func (n *node) name() string { return n.letter + strconv.Itoa(n.lives) }

// A fleet is all that runs: the engine, servers, a balancer, and clients.
type fleet struct {
	plan
	nodes   []*node
	redis   *process.Server
	store   string // the folder of those of the nodes
	proxy   *proxy
	node    *process.Server // the official clients
	history *history
	clients []*client
	shared  *http.Transport
	wg      sync.WaitGroup // clients
	cancel  context.CancelFunc
	acting  atomic.Bool // clients may do something by themselves

	mu    sync.Mutex // protects the following
	errs  []error
	blame verdict // what clients have found
}

// launch starts everything, and waits until all clients are connected.
func launch(ctx context.Context, p plan) (_ *fleet, err error) {
	f := &fleet{plan: p, history: newHistory(), shared: &http.Transport{MaxIdleConnsPerHost: 10_000, MaxConnsPerHost: 0, IdleConnTimeout: time.Minute}}
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	if p.engine == "redis" {
		f.redis, err = process.Start(ctx, process.Command{
			Run:   []string{"redis-server", "--port", "$PORT", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"},
			Ready: "Ready to accept connections",
		})
		if err != nil {
			return nil, err
		}
	}
	if p.files {
		if f.store, err = os.MkdirTemp("", "sio-failover-"); err != nil {
			return nil, err
		}
	}
	for i := range p.servers {
		n := &node{letter: string(rune('a' + i))}
		if p.files {
			n.store = filepath.Join(f.store, n.letter)
		}
		for _, addr := range []*string{new(string), &n.route} {
			if *addr, err = freeport.Find(); err != nil {
				return nil, err
			}
			if addr != &n.route {
				n.addr = netip.MustParseAddrPort(*addr)
			}
		}
		f.nodes = append(f.nodes, n)
	}
	started := make(chan error, len(f.nodes))
	for _, n := range f.nodes { // together: those of NATS wait for each other
		go func() { started <- f.start(ctx, n) }()
	}
	for range f.nodes {
		err = errors.Join(err, <-started)
	}
	if err != nil {
		return nil, err
	}
	if f.proxy, err = startProxy(ctx, p.balancer, f.nodes); err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	f.cancel = cancel
	for i := range p.clients {
		c := f.client(i)
		f.clients = append(f.clients, c)
		f.wg.Go(func() { c.run(running) }) // until close
	}
	if p.official > 0 {
		if f.node, err = f.officials(ctx, p.official); err != nil {
			return nil, err
		}
	}
	return f, f.settled(ctx)
}

// close ends everything.
func (f *fleet) close() {
	if f.cancel != nil {
		f.cancel()
		f.wg.Wait()
	}
	if f.node != nil {
		f.node.Stop()
	}
	f.shared.CloseIdleConnections()
	f.proxy.stop()
	for _, n := range f.nodes {
		if n.proc != nil {
			n.proc.Stop()
		}
	}
	if f.redis != nil {
		f.redis.Stop()
	}
	_ = os.RemoveAll(f.store)
}

// start starts the next server of a node.
func (f *fleet) start(ctx context.Context, n *node) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	n.lives++
	env := []string{roleVar + "=server", nameVar + "=" + n.name(), windowVar + "=" + f.window.String()}
	if f.relay != "" {
		env = append(env, relayVar+"="+fmt.Sprintf("a secret of %d servers", f.servers))
	}
	if f.redis != nil {
		env = append(env, redisVar+"="+f.redis.Addr.String())
	} else {
		var routes []string
		for _, other := range f.nodes {
			routes = append(routes, other.route)
		}
		env = append(env, routeVar+"="+n.route, peersVar+"="+strings.Join(routes, ","), storeVar+"="+n.store)
	}
	n.proc, err = process.Start(ctx, process.Command{Run: []string{self}, Env: env, Addr: n.addr, Line: f.hear})
	if err != nil {
		return fmt.Errorf("%s: %w", n.name(), err)
	}
	return nil
}

// hear takes a line of a server.
func (f *fleet) hear(line string) {
	words := strings.Fields(line)
	if len(words) < 3 {
		f.fail(fmt.Errorf("a server has said %q", line))
		return
	}
	n, err := strconv.Atoi(words[2])
	e := number{words[1], n}
	switch {
	case err != nil:
	case words[0] == "begin" && len(words) == 5:
		var at int64
		if at, err = strconv.ParseInt(words[3], 10, 64); err == nil {
			err = f.history.begin(e, words[4], time.UnixMicro(at))
		}
	case words[0] == "done":
		err = f.history.done(e)
	case words[0] == "failed":
		if f.verbose {
			fmt.Fprintln(f.log, "  ", line)
		}
	default:
		err = errors.New("unknown")
	}
	if err != nil {
		f.fail(fmt.Errorf("a server has said %q: %w", line, err))
	}
}

// fail is for what should not happen at all.
func (f *fleet) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.errs) < 10 {
		f.errs = append(f.errs, err)
	}
}

// accuse is for what clients find.
func (f *fleet) accuse(kind fault, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blame.add(kind, format, args...)
}

// late is for changes that were lost though the client had an answer.
func (f *fleet) late(age time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blame.addLate(age)
}

// door returns the address that a client connects to.
func (f *fleet) door(random *rand.Rand) string {
	if f.proxy != nil {
		return f.proxy.addr
	}
	return f.nodes[random.IntN(len(f.nodes))].addr.String()
}

// tell tells a server to do something.
func (f *fleet) tell(n *node, what string) error {
	resp, err := (&http.Client{Timeout: patience, Transport: f.shared}).Get("http://" + n.addr.String() + what)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // it is empty
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", n.name(), what, resp.Status)
	}
	return nil
}

// emit has a server begin to emit.
func (f *fleet) emit(n *node, check int) error {
	n.origin = fmt.Sprintf("%s.%d.%d", n.name(), f.seed, check)
	return f.tell(n, fmt.Sprintf("/emit?origin=%s&rate=%d&clients=%d", n.origin, f.rate, len(f.clients)))
}

// kill ends a server, and has it started again when its clients have left.
func (f *fleet) kill(ctx context.Context, n *node, graceful bool) error {
	var err error
	if graceful {
		err = n.proc.End(syscall.SIGTERM, patience+10*time.Second)
	} else {
		at := time.Now()
		n.proc.Stop()
		f.history.kill(at, n.origin, direct(n.origin))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", n.name(), err)
	}
	return nil
}

// settled waits until all clients are connected to servers that are there.
func (f *fleet) settled(ctx context.Context) error {
	there := make(map[string]bool)
	for _, n := range f.nodes {
		if n.proc.Alive() == nil {
			there[n.name()] = true
		}
	}
	return f.await(ctx, "connected", func(c *client) bool { return there[c.server] })
}

// await waits until something is true of all clients, under their lock.
func (f *fleet) await(ctx context.Context, what string, is func(*client) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience+f.window, errors.New("too late"))
	defer cancel()
	for _, c := range f.clients {
		for !c.is(is) {
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s: %w", c.state(what), context.Cause(ctx))
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	return nil
}

// state is for messages.
func (c *client) state(not string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%s is not %s, but on %q, has asked for %q, and was disconnected by: %v", c.rec.name, not, c.server, c.asked, c.err)
}

// path returns that of a folder of this module.
func (f *fleet) path(folder string) string { return filepath.Join(f.dir, folder) }

func seedOf(text string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, text) // never fails
	return h.Sum64()
}
