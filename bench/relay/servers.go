package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/redis/rueidis"
	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/nats"
	"github.com/siokit/sio/cluster/nats/embedded"
	"github.com/siokit/sio/cluster/redis"
)

// A kind is an engine and a way from one server to another.
type kind struct {
	engine string
	tcp    bool
	redis  string // its address, or ""
}

func (k kind) way() string {
	if k.tcp {
		return "TCP, TLS"
	}
	return "the engine"
}

func kinds(redis string) []kind {
	return []kind{{"Redis", true, redis}, {"Redis", false, redis}, {"embedded NATS", true, ""}, {"embedded NATS", false, ""}}
}

// A server is one of a cluster.
type server struct {
	addr    string
	cluster *cluster.Cluster
	sio     *sio.Server
	http    *http.Server
}

// start starts n servers of a cluster.
func start(k kind, n int) (all []*server, err error) {
	defer func() {
		if err != nil {
			stop(all)
		}
	}()
	peers, err := freeAddrs(n)
	if err != nil {
		return nil, err
	}
	log := zerolog.New(os.Stderr).Level(zerolog.WarnLevel) // why a request has not got there
	for i := range n {
		o := cluster.Options{Name: fmt.Sprint("s", i), Logger: &log}
		if k.tcp {
			o.Relay = &cluster.Relay{Listen: "127.0.0.1:0", Secret: "of the benchmark"}
		}
		s := new(server)
		if k.redis != "" {
			s.cluster, err = redis.Open(rueidis.ClientOption{InitAddress: []string{k.redis}}, &redis.Options{
				Options: o, Prefix: fmt.Sprint(k.engine, k.tcp, os.Getpid()),
			})
		} else {
			s.cluster, err = embedded.Open(&embedded.Options{Options: nats.Options{Options: o}, Listen: peers[i], Peers: peers})
		}
		if err != nil {
			return all, err
		}
		all = append(all, s)
		if err := s.serve(); err != nil {
			return all, err
		}
	}
	for _, s := range all {
		for len(s.cluster.Members()) < n-1 {
			time.Sleep(time.Millisecond)
		}
	}
	return all, nil
}

// freeAddrs returns addresses that nobody listens on.
func freeAddrs(n int) (addrs []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}

func (s *server) serve() error {
	s.sio = sio.New(&sio.Options{Cluster: s.cluster})
	s.sio.On("event", func(c *sio.Context) error {
		var n int
		if err := c.Bind(&n); err != nil {
			return err
		}
		return c.Emit("event", n)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.addr = l.Addr().String()
	s.http = &http.Server{Handler: s.sio}
	go func() { _ = s.http.Serve(l) }() // until stop
	return nil
}

func stop(all []*server) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, s := range all {
		if s.sio != nil {
			_ = s.sio.Shutdown(ctx)
		}
		_ = s.cluster.Close()
		if s.http != nil {
			_ = s.http.Close()
		}
	}
}

// balance starts HAProxy in front of servers, and returns its address.
func balance(ctx context.Context, all []*server) (addr string, end func(), err error) {
	free, err := freeAddrs(1)
	if err != nil {
		return "", nil, err
	}
	addr = free[0]
	dir, err := os.MkdirTemp("", "relay")
	if err != nil {
		return "", nil, err
	}
	var conf strings.Builder
	fmt.Fprintf(&conf, "global\n  maxconn 8000\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  timeout tunnel 60s\n"+
		"frontend web\n  bind %s\n  default_backend sio\nbackend sio\n  balance roundrobin\n", addr)
	for i, s := range all {
		fmt.Fprintf(&conf, "  server s%d %s\n", i, s.addr)
	}
	file := filepath.Join(dir, "conf")
	if err := os.WriteFile(file, []byte(conf.String()), 0o600); err != nil {
		return "", nil, err
	}
	cmd := exec.Command("haproxy", "-q", "-db", "-f", file)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin")
	if path, err := exec.LookPath("/usr/sbin/haproxy"); err == nil { // Debian has it where only root looks
		cmd.Path, cmd.Err = path, nil
	}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	end = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	}
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
			return addr, end, nil
		}
		if ctx.Err() != nil || time.Since(begin) > 10*time.Second {
			end()
			return "", nil, errors.Join(err, ctx.Err())
		}
	}
}
