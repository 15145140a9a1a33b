package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/cluster/internal/relay"
	"github.com/siokit/sio/cluster/wire"
)

// A Relay has servers connect to each other for requests of clients that have reached the
// wrong one. It is the same on all servers of a cluster, but for addresses. Between two of
// which one has none, requests go by the engine.
type Relay struct {
	// Listen is the address that other servers connect to, such as ":7400" or
	// "10.0.0.1:7400". Unless there is a Secret or TLS, it must be a loopback address.
	// Default: none, and requests go by the engine.
	Listen string
	// Advertise is what they are told of it: a host, or a host and a port, that they can
	// reach. Default: the host of Listen, or if that is none in particular, the first
	// address of this machine that is neither loopback nor link-local; and the port that
	// is listened on.
	Advertise string
	// Secret is what the servers of the cluster have in common, and nobody else: 16
	// random bytes or more. They speak TLS 1.3 with keys that are made of it, so that
	// there are no certificates to care for. It masks the ids of sessions, too.
	Secret string
	// TLS is used instead of the keys of Secret, by those who connect and those who are
	// connected to: it has Certificates, RootCAs and ClientCAs, and has to require client
	// certificates, but on a loopback address. The names of certificates are those that
	// are advertised.
	TLS *tls.Config
}

// relays are requests of sessions that are not where they have come.
type relays struct {
	c       *Cluster
	sids    sids
	tls     *tls.Config // or nil
	addr    string      // that is advertised; "" without Options.Relay
	handler atomic.Pointer[http.Handler]
	client  *relay.Client
	server  http.Server
	hears   atomic.Int64 // since when other servers are heard, in Unix nanoseconds
	failed  failures
	trials  chan struct{} // has room for maxTrials
}

// maxTrials is how many servers that are new are tried at a time.
const maxTrials = 16

// init listens where the options say so. It fails before anything is started.
func (r *relays) init(c *Cluster) error {
	r.c = c
	key := c.format.Servers()
	o := c.opts.Relay
	if o != nil && o.Secret != "" {
		key = o.Secret
	}
	r.sids.init(c.uid, key)
	r.client = relay.NewClient(r.dial)
	r.server = http.Server{
		Handler:           http.HandlerFunc(r.answer),
		ReadHeaderTimeout: handshakeTimeout,
		IdleTimeout:       relay.ServerIdleTime,
		ErrorLog:          stdlog.New(debugWriter{c.log.Logger}, "", 0),
	}
	r.trials = make(chan struct{}, maxTrials)
	r.hear()
	if o != nil && o.Listen != "" {
		l, err := r.listen(o)
		if err != nil {
			return fmt.Errorf("Relay: %w", err)
		}
		r.serve(l)
	}
	r.serve(c.tunnels.Listen()) // for servers that can't use the address
	return nil
}

// A debugWriter logs what http.Server says: of strangers who come to the address, mostly.
type debugWriter struct{ log zerolog.Logger }

func (w debugWriter) Write(p []byte) (int, error) {
	w.log.Debug().Msg(strings.TrimSpace(string(p)))
	return len(p), nil
}

// minSecret is how long a secret is at least that strangers can try: the server shows its
// key before they show theirs.
const minSecret = 16

func (r *relays) listen(o *Relay) (net.Listener, error) {
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("Listen: %w", err)
	}
	ip := net.ParseIP(host)
	loopback := host == "localhost" || ip != nil && ip.IsLoopback()
	switch {
	case o.TLS != nil:
		if !loopback && o.TLS.ClientAuth < tls.RequireAndVerifyClientCert {
			return nil, errors.New("TLS does not require client certificates: anyone who reaches the address could act for every client")
		}
		r.tls = o.TLS.Clone()
		r.tls.NextProtos = nil // HTTP/1.1
	case o.Secret != "" && len(o.Secret) < minSecret && !loopback:
		return nil, fmt.Errorf("the Secret has less than %d bytes: who reaches the address could try all that it may be", minSecret)
	case o.Secret != "":
		if r.tls, err = relay.TLS(o.Secret); err != nil {
			return nil, err
		}
	case !loopback:
		return nil, fmt.Errorf("without a Secret or TLS, %q can't be listened on: anyone who reaches it could act for every client", o.Listen)
	}
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, err
	}
	if r.addr, err = o.advertised(l.Addr().(*net.TCPAddr)); err != nil {
		_ = l.Close()
		return nil, err
	}
	if r.tls != nil {
		l = tls.NewListener(l, r.tls)
	}
	return l, nil
}

// advertised returns the address that others are told.
func (o *Relay) advertised(at *net.TCPAddr) (string, error) {
	port := fmt.Sprint(at.Port)
	if o.Advertise != "" {
		if _, _, err := net.SplitHostPort(o.Advertise); err == nil {
			return o.Advertise, nil
		}
		return net.JoinHostPort(strings.Trim(o.Advertise, "[]"), port), nil
	}
	if !at.IP.IsUnspecified() {
		return at.String(), nil
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			return net.JoinHostPort(n.IP.String(), port), nil
		}
	}
	return "", errors.New("Advertise is needed: this machine has no address that others could reach")
}

// serve takes requests of others, until the server is closed.
func (r *relays) serve(l net.Listener) {
	r.c.house.Go(func() { // until close
		if err := r.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			r.c.log.Error().Err(err).Msg("requests of other servers are not taken any more")
		}
	})
}

// answer answers a request that another server has relayed.
func (r *relays) answer(w http.ResponseWriter, req *http.Request) {
	r.c.counts.answered.Add(1)
	if h := r.handler.Load(); h != nil {
		(*h).ServeHTTP(w, req)
		return
	}
	http.NotFound(w, req) // nobody can have a session yet
}

// close ends all requests that are relayed, and all WebSockets.
func (r *relays) close() {
	_ = r.server.Close()
	r.client.Close()
}

// dialer connects to servers: the kernel of one that is there accepts at once.
var dialer = net.Dialer{Timeout: 2 * time.Second}

// handshakeTimeout is for servers that are busy: when a balancer is new, each poll that
// waits may need a connection, and all of them at the same time. One that has stopped is
// given up by housekeeping, before.
const handshakeTimeout = 20 * time.Second

// dial connects to a server.
func (r *relays) dial(ctx context.Context, uid string) (net.Conn, error) {
	m, ok := r.c.members.get(uid)
	switch {
	case !ok:
		return nil, errGone
	case r.addr == "" || m.addr == "":
		return r.c.tunnels.Dial(ctx, uid)
	}
	conn, err := dialer.DialContext(ctx, "tcp", m.addr)
	if err != nil || r.tls == nil {
		return conn, err
	}
	config := r.tls
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName, _, _ = net.SplitHostPort(m.addr)
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

var errGone = errors.New("cluster: the server is gone")

// hear notes that other servers are heard from now on.
func (r *relays) hear() { r.hears.Store(time.Now().UnixNano()) }

// owner returns the UID of the other server that has made an id, or "". A server that is
// new, or is back, waits for a second to hear of the others.
func (r *relays) owner(ctx context.Context, id string) string {
	n, ok := r.sids.number(id)
	if !ok || n == r.sids.own {
		return ""
	}
	for {
		uid, more := r.c.members.numbered(n)
		wait := joinTime - time.Since(time.Unix(0, r.hears.Load()))
		if uid != "" || wait <= 0 {
			return uid
		}
		timer := time.NewTimer(wait)
		select {
		case <-more:
		case <-timer.C:
		case <-ctx.Done():
			return ""
		case <-r.c.ctx.Done():
			return ""
		}
		timer.Stop()
	}
}

// NewID makes the id of a session of this server. This method and the next three are for
// the Server that the Cluster is given to.
func (c *Cluster) NewID() string { return c.relays.sids.make() }

// Knows reports whether another server, one that is there, has made the id of a session.
func (c *Cluster) Knows(id string) bool { return c.relays.owner(c.ctx, id) != "" }

// Attach tells what answers requests of this server's sessions that others relay.
func (c *Cluster) Attach(h http.Handler) { c.relays.handler.Store(&h) }

// Relay has the server that has made id answer r. It reports false, with nothing written,
// if there is no such server, or it can't be reached.
func (c *Cluster) Relay(w http.ResponseWriter, r *http.Request, id string) bool {
	uid := c.relays.owner(r.Context(), id)
	return uid != "" && c.relayTo(w, r, uid)
}

func (c *Cluster) relayTo(w http.ResponseWriter, r *http.Request, uid string) bool {
	err := c.relays.client.Forward(w, r, uid)
	switch {
	case err == nil:
		c.counts.relayed.Add(1)
		c.reached(uid)
		return true
	case r.Context().Err() != nil, errors.Is(err, relay.ErrRequest): // the client's doing
	case c.ctx.Err() != nil: // this server's
	case r.Method == http.MethodDelete: // of this server's own, which is to end; the other one may have ended before
	default:
		c.unreached(uid, err)
	}
	return false
}

// try connects to a server that is new, so that people are told of what will not work before
// clients need it. If many are new, it leaves some out. Members that others claim to be are
// no more than a connection each.
func (r *relays) try(m *wire.Message) {
	if r.addr == "" || m.Addr == "" {
		return
	}
	select {
	case r.trials <- struct{}{}:
	default:
		return
	}
	uid := m.UID
	r.c.wg.Go(func() {
		defer func() { <-r.trials }()
		if err := r.client.Try(r.c.ctx, uid); err != nil && r.c.ctx.Err() == nil {
			if m, was := r.c.members.unreachable(uid, true); m.UID != "" && !was {
				r.c.log.Warn().Str("server", m.Name).Str("addr", m.addr).Err(err).Msg("a server can't be reached: requests of its sessions would not get there")
			}
		}
	})
}

// failures bounds what the log says of requests that did not get there.
type failures struct {
	mu     sync.Mutex // protects the following
	told   time.Time  // when the log said something last
	untold int        // since then
}

// tellEvery is how often the log does.
const tellEvery = time.Second

// add reports whether one is to be told, with how many that were not.
func (f *failures) add() (untold int, tell bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.told.IsZero() && time.Since(f.told) < tellEvery {
		f.untold++
		return 0, false
	}
	untold, f.untold, f.told = f.untold, 0, time.Now()
	return untold, true
}

// reached and unreached tell people of servers that are there and can't be reached.
func (c *Cluster) reached(uid string) {
	if m, was := c.members.unreachable(uid, false); was {
		c.log.Info().Str("server", m.Name).Msg("a server can be reached by others' requests again")
	}
}

func (c *Cluster) unreached(uid string, err error) {
	c.counts.unrelayed.Add(1)
	m, _ := c.members.unreachable(uid, true)
	if m.UID == "" {
		return // it has left
	}
	if untold, tell := c.relays.failed.add(); tell {
		c.log.Warn().Str("server", m.Name).Str("addr", m.addr).Int("untold", untold).Err(err).
			Msg("a request of a session of another server can't get there: its client starts anew")
	}
}
