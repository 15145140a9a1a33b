package main

import (
	"slices"
	"time"

	"github.com/siokit/sio/bench/internal/load"
)

// A step is a measurement of operations, or of latency.
type step struct {
	kind, key string
	do        func(*run) (*load.Sample, error)
}

func echo(kind load.Kind, n int) func(*run) (*load.Sample, error) {
	return func(r *run) (*load.Sample, error) { return r.crowd.Echo(kind, n, r.plan.window) }
}

func latency(n int) func(*run) (*load.Sample, error) {
	return func(r *run) (*load.Sample, error) { return r.crowd.Latency(n, echoRate, r.plan.latency) }
}

func broadcast(count int) func(*run) (*load.Sample, error) {
	return func(r *run) (*load.Sample, error) { return r.crowd.Broadcast(count, r.plan.window) }
}

func broadcastOf(size int) func(*run) (*load.Sample, error) {
	return func(r *run) (*load.Sample, error) { return r.crowd.BroadcastOf(size, 1, r.plan.window) }
}

// byThousand are the steps of some, which are connected.
func byThousand() []step {
	return []step{
		{"echo", "echo.50", echo(load.WithAck, few)},
		{"echo", "text.50", echo(load.Text, few)},
		{"echo", "echo.1k", echo(load.WithAck, some)},
		{"latency", "latency.50", latency(few)},
		{"latency", "latency.1k", latency(some)},
		{"event", "event.1k", echo(load.Event, some)},
		{"binary", "binary.1k", echo(load.Binary, some)},
		{"broadcast", "broadcast.1k", broadcast(1)},
		{"broadcast", "burst.1k", broadcast(10)},
		{"large", "large.50", echo(load.Large, few)},
		{"large", "large.all", broadcastOf(large)},
	}
}

// byCrowd are those of ten thousand.
func byCrowd() []step {
	return []step{
		{"echo", "echo.10k", echo(load.WithAck, crowd)},
		{"latency", "latency.10k", latency(crowd)},
		{"broadcast", "broadcast.10k", broadcast(1)},
		{"broadcast", "burst.10k", broadcast(10)},
	}
}

// byVisitors are those for which others come.
func byVisitors() []step {
	return []step{
		{"polling", "polling.50", func(r *run) (*load.Sample, error) { return r.crowd.Polling(few, r.plan.window) }},
		{"churn", "churn", func(r *run) (*load.Sample, error) { return r.crowd.Churn(r.plan.window) }},
		{"churn", "connect.beside", func(r *run) (*load.Sample, error) { return r.crowd.ConnectBeside(beside, r.plan.connect) }},
		{"churn", "arrivals", func(r *run) (*load.Sample, error) { return r.crowd.Arrivals(r.plan.window) }},
	}
}

// A part is what is measured on a process of its own.
type part struct {
	name      string // also the kind of its steps
	arg       string // by which the server is told of it; "" if it has not to be
	prepare   func(*load.Server)
	clients   int    // over WebSocket
	listeners int    // that wait for a poll; else there are clients
	memory    string // what each of them holds is measured, and nothing else
	steps     []step
}

func parts() []part {
	return []part{
		{
			name: "msgpack", arg: "-msgpack", clients: some,
			prepare: func(s *load.Server) { s.Dialect = load.Msgpack },
			steps: []step{
				{"msgpack", "msgpack.echo", echo(load.WithAck, some)},
				{"msgpack", "msgpack.binary", echo(load.Binary, some)},
				{"msgpack", "msgpack.broadcast", broadcast(1)},
			},
		},
		{
			name: "deflate", arg: "-deflate", clients: some,
			prepare: func(s *load.Server) { s.Deflate = true },
			steps: []step{
				{"deflate", "deflate.echo", echo(load.Page, few)},
				{"deflate", "deflate.broadcast", broadcastOf(page)},
			},
		},
		{name: "listen", listeners: some, memory: "memory.polling"},
		{
			name: "listen", listeners: listening,
			steps: []step{
				{"listen", "listen.100", func(r *run) (*load.Sample, error) { return r.listeners.Broadcast(r.plan.window) }},
			},
		},
	}
}

// The kinds of what is measured besides: with ten thousand clients at all, and with one that does not read.
const (
	crowded = "crowd"
	stalled = "stall"
)

// kinds returns those of all that is measured and can be left out.
func kinds() []string {
	var all []string
	add := func(kind string) {
		if !slices.Contains(all, kind) {
			all = append(all, kind)
		}
	}
	for _, s := range slices.Concat(byThousand(), []step{{kind: crowded}}, byCrowd(), byVisitors(), []step{{kind: stalled}}) {
		add(s.kind)
	}
	for _, p := range parts() {
		add(p.name)
	}
	return all
}

// has says that a server can do a part: to be polled, all can that speak Socket.IO.
func (t target) has(p part) bool {
	if p.name == "listen" {
		return t.polls()
	}
	return slices.Contains(t.Parts, p.name)
}

// settleLimit is for servers that are not done when all has been answered.
const settleLimit = 3 * time.Second
