package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/siokit/sio/bench/internal/process"
	"github.com/siokit/sio/internal/freeport"
)

// A proxy is a load balancer that sends each request to the next server, whatever session it
// is of. It may be nil.
type proxy struct {
	addr string
	dir  string
	proc *process.Server
}

// proxies have a configuration each. ADDR, DIR and SERVERS stand for what is put in.
var proxies = map[string]struct {
	run            []string
	server, config string
}{
	"haproxy": {
		run:    []string{"haproxy", "-db", "-f", "DIR/conf"},
		server: "server s%d %s check",
		config: `global
	maxconn 8000
defaults
	mode http
	timeout connect 1s
	timeout client 1m
	timeout server 1m
	timeout tunnel 1h
	retries 2
	option redispatch 1
	default-server inter 100ms fall 1 rise 1
frontend all
	bind ADDR
	default_backend servers
backend servers
	balance roundrobin
	option httpchk GET /ready
	SERVERS
`,
	},
	"nginx": {
		run:    []string{"nginx", "-p", "DIR", "-c", "conf", "-e", "stderr"},
		server: "server %[2]s max_fails=1 fail_timeout=1s;",
		config: `daemon off;
pid DIR/pid;
master_process off;
events { worker_connections 10000; }
http {
	access_log off;
	client_body_temp_path DIR/body; proxy_temp_path DIR/proxy; fastcgi_temp_path DIR/fastcgi;
	uwsgi_temp_path DIR/uwsgi; scgi_temp_path DIR/scgi;
	map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
	upstream servers {
		SERVERS
		keepalive 64;
	}
	server {
		listen ADDR;
		location / {
			proxy_pass http://servers;
			proxy_http_version 1.1;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $connection_upgrade;
			proxy_set_header Host $host;
			proxy_read_timeout 1h;
			proxy_connect_timeout 1s;
			proxy_buffering off;
		}
	}
}
`,
	},
}

func startProxy(ctx context.Context, kind string, nodes []*node) (*proxy, error) {
	if kind == "" {
		return nil, nil
	}
	k, ok := proxies[kind]
	if !ok {
		return nil, fmt.Errorf("no balancer %q", kind)
	}
	addr, err := freeport.Find()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "failover-")
	if err != nil {
		return nil, err
	}
	p := &proxy{addr: addr, dir: dir}
	var servers []string
	for i, n := range nodes {
		servers = append(servers, fmt.Sprintf(k.server, i, n.addr))
	}
	fill := strings.NewReplacer("ADDR", addr, "DIR", dir, "SERVERS", strings.Join(servers, "\n\t\t"))
	if err := os.WriteFile(filepath.Join(dir, "conf"), []byte(fill.Replace(k.config)), 0o600); err != nil {
		p.stop()
		return nil, err
	}
	var run []string
	for _, word := range k.run {
		run = append(run, fill.Replace(word))
	}
	if _, err := exec.LookPath(run[0]); err != nil {
		run[0] = "/usr/sbin/" + run[0] // where Debian has it
	}
	if p.proc, err = process.Start(ctx, process.Command{Run: run, Addr: netip.MustParseAddrPort(addr), Quiet: true}); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func (p *proxy) stop() {
	if p == nil {
		return
	}
	if p.proc != nil {
		p.proc.Stop()
	}
	_ = os.RemoveAll(p.dir) // in the folder for what is temporary
}
