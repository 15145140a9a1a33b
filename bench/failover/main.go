// Command failover kills servers of a cluster under load, one after the other and at random
// moments, and checks that their clients go on on other ones: that each gets exactly the events
// that it was due, once and in order, and is in its rooms.
//
//	go run ./failover                                # some kills, by Redis
//	go run ./failover -engine nats -kills 1000 -balancer haproxy
//	go run ./failover -graceful 1                    # servers end by themselves
//	go run ./failover -seed 7 -v                     # the same again
//
// What counts as emitted, and what a client was due, is in the comment of check: it follows
// from what servers and clients have logged, and from nothing else.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// Servers end with the thread that started them: the main one, which lasts.
func init() { runtime.LockOSThread() }

func main() {
	if actRole() {
		return
	}
	p := shortPlan()
	p.log = os.Stdout
	flag.StringVar(&p.engine, "engine", p.engine, "redis or nats")
	flag.StringVar(&p.balancer, "balancer", p.balancer, "haproxy or nginx, which know no sessions; default: clients take any server")
	flag.StringVar(&p.relay, "relay", p.relay, "tcp; by default requests for other servers go by the engine")
	flag.BoolVar(&p.files, "files", p.files, "by NATS: servers have what JetStream keeps in files, and find them when they are started again")
	flag.IntVar(&p.clients, "clients", p.clients, "how many there are")
	flag.IntVar(&p.official, "official", p.official, "how many official ones, in Node, there are beside")
	flag.IntVar(&p.kills, "kills", p.kills, "how many servers are killed")
	flag.IntVar(&p.each, "each", p.each, "kills between two checks")
	flag.Float64Var(&p.graceful, "graceful", p.graceful, "which part of the servers are told to end, and not killed")
	flag.DurationVar(&p.limit, "limit", p.limit, "end then, whatever was done")
	flag.IntVar(&p.rate, "rate", p.rate, "events a second of each server")
	flag.DurationVar(&p.window, "window", p.window, "for how long clients may be away")
	flag.DurationVar(&p.delay, "delay", p.delay, "after which a client connects again, about")
	flag.DurationVar(&p.grace, "grace", p.grace, "how old an event may be that ends with its server; default: 1s, by NATS 20s, for which it may elect a leader")
	flag.Uint64Var(&p.seed, "seed", rand.Uint64N(1_000_000), "of all that is random")
	flag.BoolVar(&p.verbose, "v", false, "tell of each check")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	res, err := run(ctx, p)
	if res != nil {
		fmt.Println(res)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "failover: seed %d: %v\n", p.seed, err)
		stop()
		os.Exit(1)
	}
}

// shortPlan is for some seconds.
func shortPlan() plan {
	return plan{
		engine: "redis", servers: 3, clients: 90, official: 6, dir: ".", kills: 10, each: 5, graceful: .3, limit: 20 * time.Minute,
		rate: 50, window: 30 * time.Second, delay: 50 * time.Millisecond, most: 500 * time.Millisecond,
		every: 60,
	}
}

// actRole is a server if this process has been started to be one.
func actRole() bool {
	if os.Getenv(roleVar) != "server" {
		return false
	}
	if err := serve(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Getenv(nameVar), err)
		os.Exit(1)
	}
	return true
}
