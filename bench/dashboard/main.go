// Command dashboard feeds the dashboard of metrics/prometheus by a load, and draws it: what a person
// sees in Grafana, made of the same file, by the answers of a Prometheus server. It writes dashboard.png.
//
// The load is two servers of a cluster with some two hundred clients that come and go, in a few namespaces, by polling and
// by WebSocket. Some of them send too much, take nothing, come from origins that are refused, or break off and come back;
// some handlers are slow, fail or panic. After two thirds the engine of the cluster is away for a while.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/siokit/sio/bench/internal/process"
	"github.com/siokit/sio/bench/internal/program"
)

func main() { program.Main("dashboard", run) }

func run(ctx context.Context) error {
	length := flag.Duration("time", 2*time.Minute, "how long the load takes")
	file := flag.String("file", "../metrics/prometheus/dashboard.json", "the dashboard")
	out := flag.String("out", "results", "`folder` for dashboard.png")
	flag.Parse()

	d, err := readDashboard(*file)
	if err != nil {
		return err
	}
	servers, err := startServers(ctx)
	if err != nil {
		return err
	}
	defer servers.stop()
	dir, err := os.MkdirTemp("", "dashboard")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs:\n  - {job_name: app, static_configs: [{targets: [%q, %q]}]}\n", servers.all[0].addr, servers.all[1].addr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	prometheus, err := process.Start(ctx, process.Command{
		Dir: dir, Quiet: true,
		Run: []string{"prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:$PORT", "--log.level=error"},
	})
	if err != nil {
		return err
	}
	defer prometheus.Stop()

	begin := time.Now()
	servers.load(ctx, *length)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return d.draw("http://"+prometheus.Addr.String(), begin.Add(15*time.Second), time.Now(), filepath.Join(*out, "dashboard.png"))
}
