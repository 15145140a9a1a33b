package main

import (
	"context"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// checkEvery is how often servers are asked whether they are ready, and how long they may
// take to say so.
const checkEvery = time.Second

// A balancer is an [http.Handler] that hands each request to the next server in turn. It knows
// nothing of sessions.
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
	s, ok := b.choose()
	if !ok {
		http.Error(w, "no server is there", http.StatusServiceUnavailable)
		return
	}
	b.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), chosen{}, s)))
}

// choose returns the server for a request. There is none if no server is well.
func (b *balancer) choose() (backend, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.servers {
		b.turn++
		if s := b.servers[b.turn%len(b.servers)]; s.well {
			return s, true
		}
	}
	return backend{}, false
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
