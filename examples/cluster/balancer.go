package main

import (
	"cmp"
	"context"
	"hash/fnv"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	// cookie names the server that a browser is on: all requests of a session must reach
	// the same one.
	cookie = "server"
	// checkEvery is how often servers are asked whether they are well, and how long they
	// may take to say so.
	checkEvery = time.Second
)

// A balancer is an [http.Handler] that hands each request to a server: to that of the
// cookie, or else the next in turn, which the cookie is then about. Clients that keep no
// cookies, as most do that are not browsers, have a server by their address.
type balancer struct {
	log     zerolog.Logger
	proxy   httputil.ReverseProxy
	client  http.Client // checks
	changed chan struct{}

	mu      sync.Mutex // protects the following
	servers []backend
	turn    int
}

type backend struct {
	name string
	addr string // host:port; "" while it does not run
	well bool
}

func newBalancer(names []string, log zerolog.Logger) *balancer {
	b := &balancer{log: log, client: http.Client{Timeout: checkEvery}, changed: make(chan struct{}, 1)}
	for _, name := range names {
		b.servers = append(b.servers, backend{name: name})
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.MaxIdleConns = 0 // no limit: each client that polls has one under way
	transport.MaxIdleConnsPerHost = 1000
	b.client.Transport = transport
	b.proxy = httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			s := r.In.Context().Value(chosen{}).(backend)
			r.SetURL(&url.URL{Scheme: "http", Host: s.addr})
			r.Out.Host = r.In.Host // what the page's origin is compared with
			r.SetXForwarded()
		},
		ModifyResponse: func(r *http.Response) error {
			s := r.Request.Context().Value(chosen{}).(backend)
			if c, err := r.Request.Cookie(cookie); err != nil || c.Value != s.name {
				r.Header.Add("Set-Cookie", (&http.Cookie{Name: cookie, Value: s.name, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}).String())
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			log.Debug().Err(err).Str("path", r.URL.Path).Msg("no answer of a server")
			w.WriteHeader(http.StatusBadGateway) // clients try again
		},
	}
	return b
}

// chosen is the key of the server in the context of a request.
type chosen struct{}

// ServeHTTP implements [http.Handler].
func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s, ok := b.choose(r)
	if !ok {
		http.Error(w, "no server is there", http.StatusServiceUnavailable)
		return
	}
	b.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), chosen{}, s)))
}

// choose returns the server for a request. There is none if no server is well.
func (b *balancer) choose(r *http.Request) (backend, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var well []backend
	for _, s := range b.servers {
		if s.well {
			well = append(well, s)
		}
	}
	if len(well) == 0 {
		return backend{}, false
	}
	c, err := r.Cookie(cookie)
	switch {
	case err == nil:
		if i := slices.IndexFunc(well, func(s backend) bool { return s.name == c.Value }); i >= 0 {
			return well[i], true
		}
	case strings.HasPrefix(r.URL.Path, "/socket.io/"):
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		return slices.MaxFunc(well, func(s, t backend) int { return cmp.Compare(rank(s.name, host), rank(t.name, host)) }), true
	}
	b.turn++
	return well[b.turn%len(well)], true
}

// rank is how much a server is that of an address. Which one is the first of those that
// are well changes for the clients of a server that is not, and for no others.
func rank(name, host string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name + " " + host))
	return h.Sum32()
}

// set says where a server is, or with "" that it is not there.
func (b *balancer) set(name, addr string) {
	b.update(name, func(s *backend) { s.addr, s.well = addr, addr != "" })
}

func (b *balancer) update(name string, f func(s *backend)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.servers, func(s backend) bool { return s.name == name })
	was := b.servers[i].well
	f(&b.servers[i])
	if well := b.servers[i].well; well != was {
		b.log.Info().Str("server", name).Bool("well", well).Msg("load balancer")
		select {
		case b.changed <- struct{}{}:
		default:
		}
	}
}

// ready waits until all servers are well. It returns false if ctx ends first.
func (b *balancer) ready(ctx context.Context) bool {
	for {
		if !slices.ContainsFunc(b.all(), func(s backend) bool { return !s.well }) {
			return true
		}
		select {
		case <-b.changed:
		case <-ctx.Done():
			return false
		}
	}
}

func (b *balancer) all() []backend {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.servers)
}

// watch asks the servers whether they are well, until ctx ends. One that hangs gets no
// requests until it answers again.
func (b *balancer) watch(ctx context.Context) {
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		var wg sync.WaitGroup
		for _, s := range b.all() {
			if s.addr != "" {
				wg.Go(func() { b.check(ctx, s) })
			}
		}
		wg.Wait()
	}
}

func (b *balancer) check(ctx context.Context, s backend) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/ready", nil)
	if err != nil {
		return
	}
	res, err := b.client.Do(req)
	if err == nil {
		_ = res.Body.Close()
	}
	well := err == nil && res.StatusCode == http.StatusOK
	b.update(s.name, func(now *backend) {
		if now.addr == s.addr { // else it has been started again meanwhile
			now.well = well
		}
	})
}
