// Command relay has many sessions talk to three servers of a cluster by a balancer that sends
// each request to the next of them, and counts what goes wrong. It measures what a poll takes
// longer that reaches a server that does not have the session. It writes relay.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/siokit/sio/bench/internal/process"
	"github.com/siokit/sio/bench/internal/program"
	"github.com/siokit/sio/bench/internal/record"
)

func main() { program.Main("relay", run) }

func run(ctx context.Context) error {
	sessions := flag.Int("sessions", 100_000, "`number` of sessions, one after the other")
	atOnce := flag.Int("at-once", 1000, "`number` of them at a time")
	polls := flag.Int("polls", 2000, "`number` of polls that are timed at each server")
	sockets := flag.Int("sockets", 1000, "`number` of WebSockets that are weighed")
	out := flag.String("out", "", "`folder` for relay.md; none is written by default")
	flag.Parse()

	redis, err := process.Start(ctx, process.Command{
		Run:   []string{"redis-server", "--port", "$PORT", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"},
		Ready: "Ready to accept connections",
	})
	if err != nil {
		return err
	}
	defer redis.Stop()
	addr := redis.Addr.String()

	var report strings.Builder
	fmt.Fprintf(&report, "# Without sticky sessions\n\n%s.\n\n", record.Circumstances("relay"))
	fmt.Fprint(&report, "## A poll that reaches the wrong server\n\nTwo servers and one client at rest. An event is queued, then polled: at the server that has the session, and at the other one, by turns.\n\n",
		"| engine | between servers | right server, p50 | wrong server, p50 | added, p50 | right, p99 | wrong, p99 |\n|---|---|---|---|---|---|---|\n")
	for _, k := range kinds(addr) {
		line, err := timePolls(ctx, k, *polls)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", k.engine, k.way(), err)
		}
		fmt.Println(line)
		report.WriteString(line + "\n")
	}
	fmt.Fprintf(&report, "\n## A WebSocket that has reached the wrong server\n\nHeap and stacks of both servers and the client together, for each of %d that wait.\n\n"+
		"| engine | between servers | at the right server | at the wrong one | added |\n|---|---|---|---|---|\n", *sockets)
	for _, k := range kinds(addr)[:2] {
		line, err := weigh(ctx, k, *sockets)
		if err != nil {
			return err
		}
		fmt.Println(line)
		report.WriteString(line + "\n")
	}
	fmt.Fprintf(&report, "\n## %d sessions\n\nThree servers, HAProxy with `balance roundrobin` in front, %d sessions at a time. Each polls while it posts, two events in each of %d POSTs; every second one then moves to WebSocket and sends %d more. The server answers each event with another one.\n\n",
		*sessions, *atOnce, rounds, wsEvents)
	fmt.Fprint(&report, "| engine | between servers | sessions | requests | relayed | answers but 200 | events lost, twice or out of order | seconds |\n|---|---|---|---|---|---|---|---|\n")
	var failed bool
	for _, k := range kinds(addr)[:1] {
		r, err := crowd(ctx, k, *sessions, *atOnce)
		if err != nil {
			return err
		}
		fmt.Println(r.line(k))
		report.WriteString(r.line(k) + "\n")
		for _, f := range r.failures {
			fmt.Fprintln(os.Stderr, f)
		}
		failed = failed || r.refused+r.wrong > 0
	}
	if err := record.Write(*out, "relay.md", report.String()); err != nil {
		return err
	}
	if failed {
		return errors.New("something went wrong")
	}
	return nil
}
