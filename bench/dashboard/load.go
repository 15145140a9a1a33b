package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/internal/testclient"
	sioprometheus "github.com/siokit/sio/metrics/prometheus"
)

// A server is one of the cluster.
type server struct {
	addr   string
	srv    *sio.Server
	engine *memory.Engine
	part   *cluster.Cluster
	web    *http.Server
}

type servers struct {
	all [2]*server
}

func startServers(ctx context.Context) (*servers, error) {
	hub := memory.NewHub()
	s := new(servers)
	for i := range s.all {
		one, err := startServer(ctx, hub.Engine(), fmt.Sprint("server ", i))
		if err != nil {
			s.stop()
			return nil, err
		}
		s.all[i] = one
	}
	return s, nil
}

func startServer(ctx context.Context, e *memory.Engine, name string) (*server, error) {
	c, err := cluster.New(ctx, e, wire.Sharded("", wire.Dynamic), &cluster.Options{Name: name, Heartbeat: time.Second})
	if err != nil {
		return nil, err
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	nop := zerolog.Nop()
	srv := sio.New(&sio.Options{
		Cluster: c, Recovery: &sio.Recovery{}, Logger: &nop, MaxPacketRate: 200, EventQueue: 16, QueueBytes: 64 << 10,
		PingInterval: 2 * time.Second, MaxRooms: 20,
		Observers: []*sio.Observer{sioprometheus.New(reg, &sioprometheus.Options{Cluster: c})},
	})
	register(srv)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	web := &http.Server{Handler: mux}
	go web.Serve(l) // until Close
	return &server{l.Addr().String(), srv, e, c, web}, nil
}

func (s *servers) stop() {
	for _, one := range s.all {
		if one == nil {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		_ = one.srv.Shutdown(ctx)
		cancel()
		_ = one.web.Close()
		_ = one.part.Close()
	}
}

// register has handlers that take as long as those of an application.
func register(srv *sio.Server) {
	wait := func(most time.Duration) { time.Sleep(time.Duration(rand.Int64N(int64(most)))) }
	for _, n := range []*sio.Namespace{srv.Namespace, srv.Of("/tenant-{id}")} {
		n.OnConnect(func(c *sio.Context) error { return c.Join(fmt.Sprint("room ", rand.IntN(30))) })
		n.On("message", func(c *sio.Context) error { return c.To(c.Rooms()...).Emit("message", c.ID()) })
		n.On("read", func(c *sio.Context) error {
			wait(4 * time.Millisecond)
			return c.Ack("ok")
		})
	}
	srv.On("typing", func(c *sio.Context) error { return c.To(c.Rooms()...).Volatile().Emit("typing", c.ID()) })
	srv.On("report", func(c *sio.Context) error {
		wait(300 * time.Millisecond)
		return c.Ack("ok")
	})
	srv.On("order", func(c *sio.Context) error {
		switch wait(20 * time.Millisecond); rand.IntN(20) {
		case 0:
			return errors.New("the database is away")
		case 1, 2:
			return &sio.Error{Message: "sold out"}
		case 3:
			if rand.IntN(20) == 0 {
				panic("a fault")
			}
		}
		return c.Ack("ok")
	})
}

// load has clients come and go.
func (s *servers) load(ctx context.Context, length time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	began := time.Now()
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			// The first to come are there from the beginning, the last in the middle.
			rest(ctx, time.Duration(i)*length/400)
			for ctx.Err() == nil {
				s.visit(ctx, r)
			}
		})
	}
	wg.Go(func() { // what no client of ours does
		for ctx.Err() == nil {
			for _, query := range []string{"?EIO=3&transport=polling", "?EIO=4&transport=websocket", "?EIO=4&transport=polling&sid=nobody"} {
				s.ask(query, "")
			}
			s.ask("?EIO=4&transport=polling", "https://elsewhere.test")
			rest(ctx, 200*time.Millisecond)
		}
	})
	wg.Go(func() {
		rest(ctx, length*2/3-time.Since(began))
		s.all[1].engine.Cut()
		rest(ctx, 10*time.Second)
		s.all[1].engine.Heal()
	})
	wg.Wait()
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (s *servers) ask(query, origin string) {
	r, err := http.NewRequest(http.MethodGet, "http://"+s.all[0].addr+"/socket.io/"+query, nil)
	if err != nil {
		return
	}
	if origin != "" {
		r.Header.Set("Origin", origin)
		r.Header.Set("Upgrade", "websocket")
		r.Header.Set("Connection", "Upgrade")
		r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "polling", "websocket", 1)
	}
	if res, err := http.DefaultClient.Do(r); err == nil {
		res.Body.Close()
	}
}

// visit is that of a client, some ten seconds long.
func (s *servers) visit(ctx context.Context, r *rand.Rand) {
	one := s.all[r.IntN(len(s.all))]
	c, err := testclient.Dial("http://"+one.addr+"/socket.io/", testclient.Options{WebSocket: r.IntN(3) == 0})
	if err != nil {
		rest(ctx, time.Second)
		return
	}
	defer c.Close()
	nsp := "/"
	if r.IntN(3) == 0 {
		nsp = fmt.Sprint("/tenant-", r.IntN(10))
	}
	if r.IntN(4) == 0 {
		_ = c.Send(`0` + nsp + `,{"pid":"` + strings.Repeat("A", 20) + `","offset":"x"}`) // who has been away for too long
	} else if _, err := c.Connect(nsp, nil); err != nil {
		return
	}
	if r.IntN(10) == 0 {
		_ = c.Send("0/nowhere,")
	}
	if r.IntN(3) > 0 {
		_ = c.Upgrade() // it has a WebSocket already, or takes it now
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer c.Close() // first
	if r.IntN(20) > 0 {
		wg.Go(func() { // until it is closed; others take nothing
			for {
				if _, err := c.Next(); err != nil {
					return
				}
			}
		})
	}
	events := []string{"message", "read", "read", "typing", "order", "report", "unknown"}
	for range 10 + r.IntN(10) {
		if ctx.Err() != nil {
			return
		}
		event := events[r.IntN(len(events))]
		n := 1
		if r.IntN(300) == 0 {
			n = 1500 // too many
		}
		for range n {
			if c.Ask(nsp, event) != nil {
				return
			}
		}
		rest(ctx, time.Duration(200+r.IntN(600))*time.Millisecond)
	}
}
