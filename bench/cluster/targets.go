package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/siokit/sio/bench/internal/choice"
	"github.com/siokit/sio/bench/internal/load"
	"github.com/siokit/sio/bench/internal/process"
	"github.com/siokit/sio/bench/internal/record"
)

// A target is a kind of cluster. Its servers are told in their environment what to be:
//
//	PORT        where to listen
//	ENGINE      alone; classic, sharded or streams, by Redis; or nats
//	REDIS       host:port
//	ROUTE       host:port where the NATS server in the process listens for others
//	PEER        the ROUTE of the other one
//	THIRD       that of one that has no clients, so that JetStream goes on without any of them
//	RECOVERY    if set, clients may come back to any server
//	RECEIVES    if set, sockets enter rooms: the first of "/" enters the room first, the
//	            others room0 to room9 in turn, those of other namespaces the room called room
//	ROOMS       how many of these rooms there are: 10
//	NAMESPACES  how many there are beside "/": /n0, /n1 and so on
//
// A client has a server emit by the events first, rooms, namespaces and nobody: (count,
// payload), with an ack. So many times an event msg with the payload goes to that room, to
// all rooms, to the room of all namespaces; or a hundred times to a room where nobody is
// and once to the room first.
type target struct {
	name   string
	server *server
	engine string
}

func (t target) usesRedis() bool {
	return t.engine == "classic" || t.engine == "sharded" || t.engine == "streams"
}

func (t target) usesNATS() bool { return t.engine == "nats" || t.engine == "jetstream" }

// recovers tells whether clients may come back to any server.
func (t target) recovers() bool { return t.engine == "streams" || t.engine == "jetstream" }

// A server is a program.
type server struct {
	dir   string
	build [][]string
	run   []string
}

func goServer(name string) *server {
	return &server{
		dir:   "servers/" + name,
		build: [][]string{{"go", "build", "-o", "../../.build/" + name, "."}},
		run:   []string{"../../.build/" + name},
	}
}

var (
	byRedis = goServer("cluster")
	byNATS  = goServer("cluster-nats") // where it is linked, nats-server has something to do each second
	node    = &server{
		dir:   "servers/cluster-reference",
		build: [][]string{{"npm", "ci", "--no-audit", "--no-fund"}},
		run:   []string{"node", "server.mjs"},
	}
)

// The targets that goals are about.
const (
	subject   = "sio"
	nats      = "sio, NATS"
	reference = "socket.io"
	alone     = "sio, alone"
	streams   = "sio, recovery"
	jetStream = "sio, NATS, recovery"
)

func targets() []target {
	return []target{
		{subject, byRedis, "classic"},
		{"sio, sharded", byRedis, "sharded"},
		{nats, byNATS, "nats"},
		{reference, node, "classic"},
		{"socket.io, sharded", node, "sharded"},
		{alone, byRedis, "alone"},
		{streams, byRedis, "streams"},
		{jetStream, byNATS, "jetstream"},
	}
}

func choose(names string) ([]target, error) {
	// A comma separates what is chosen, so that it is left out of names.
	return choice.Of("targets", names, targets(), func(t target) string { return strings.ReplaceAll(t.name, ",", "") })
}

func build(ctx context.Context, chosen []target, log io.Writer) error {
	done := make(map[*server]bool)
	for _, t := range chosen {
		if done[t.server] {
			continue
		}
		done[t.server] = true
		if err := process.Build(ctx, t.name, t.server.dir, t.server.build, log); err != nil {
			return err
		}
	}
	return nil
}

// versions tells what took part. What can't be told is "".
func versions(ctx context.Context) string {
	var all []string
	add := func(dir, name string, command ...string) {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Dir = dir
		output, err := cmd.Output()
		if text, _, _ := strings.Cut(strings.TrimSpace(string(output)), "\n"); err == nil && text != "" {
			all = append(all, strings.TrimSpace(name+" "+text))
		}
	}
	add("", "sio", "git", "describe", "--always", "--dirty", "--tags")
	add("", "", "go", "version")
	for _, module := range []string{"github.com/redis/rueidis", "github.com/nats-io/nats-server/v2"} {
		add("", module, "go", "list", "-m", "-f", "{{.Version}}", module)
	}
	for _, name := range []string{"socket.io", "socket.io-adapter", "@socket.io/redis-adapter", "redis"} {
		if v := record.PackageVersion(filepath.Join(node.dir, "node_modules", name, "package.json")); v != "" {
			all = append(all, name+" "+v)
		}
	}
	add("", "node", "node", "--version")
	add("", "", "redis-server", "--version")
	return strings.Join(all, "; ")
}

// A system is a cluster that is up: what emits, what has the clients, and Redis if there
// is one.
type system struct {
	target
	redis            *process.Server
	sender, receiver *process.Server
	third            *process.Server // with JetStream only
}

// A setup says how a system is to be.
type setup struct {
	namespaces int
	// via returns the address by which the receiver reaches what listens at another one.
	via func(addr string) (string, error)
}

const rooms = 10

func start(ctx context.Context, t target, u setup) (_ *system, err error) {
	s := &system{target: t}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	env := []string{"ENGINE=" + t.engine, "ROOMS=" + strconv.Itoa(rooms), "NAMESPACES=" + strconv.Itoa(u.namespaces)}
	if t.recovers() {
		env = append(env, "RECOVERY=1")
	}
	sender, receiver := slices.Clone(env), append(slices.Clone(env), "RECEIVES=1")
	switch {
	case t.usesRedis():
		s.redis, err = process.Start(ctx, process.Command{
			Run:   []string{"redis-server", "--port", "$PORT", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"},
			Ready: "Ready to accept connections",
		})
		if err != nil {
			return nil, err
		}
		addr := s.redis.Addr.String()
		sender = append(sender, "REDIS="+addr)
		if u.via != nil {
			if addr, err = u.via(addr); err != nil {
				return nil, err
			}
		}
		receiver = append(receiver, "REDIS="+addr)
	case t.usesNATS():
		all, err := addrs(3)
		if err != nil {
			return nil, err
		}
		a, b, c := all[0], all[1], all[2]
		sender = append(sender, "ROUTE="+a, "PEER="+b)
		receiver = append(receiver, "ROUTE="+b, "PEER="+a)
		if t.recovers() {
			sender, receiver = append(sender, "THIRD="+c), append(receiver, "THIRD="+c)
			third := append(slices.Clone(env), "ROUTE="+c, "PEER="+a, "THIRD="+b)
			return s, s.startAll(ctx, receiver, sender, third)
		}
	}
	return s, s.startAll(ctx, receiver, sender)
}

// startAll starts the servers. Those with JetStream wait for each other.
func (s *system) startAll(ctx context.Context, envs ...[]string) error {
	var all sync.WaitGroup
	errs := make([]error, len(envs))
	for i, to := range []**process.Server{&s.receiver, &s.sender, &s.third}[:len(envs)] {
		all.Go(func() { // until it is ready
			*to, errs[i] = process.Start(ctx, process.Command{Dir: s.server.dir, Run: s.server.run, Env: envs[i]})
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func (s *system) stop() {
	for _, p := range []*process.Server{s.sender, s.receiver, s.third, s.redis} {
		if p != nil {
			p.Stop()
		}
	}
}

// used returns the CPU time of the processes, by what they do.
func (s *system) used() (map[string]time.Duration, error) {
	used := make(map[string]time.Duration)
	for name, p := range map[string]*process.Server{"sender": s.sender, "receiver": s.receiver, "redis": s.redis} {
		if p == nil {
			continue
		}
		var err error
		if used[name], err = (load.Server{PID: p.PID()}).CPU(); err != nil {
			return nil, err
		}
	}
	return used, nil
}

// crowd returns n clients of the receiver. The sender emits to them by the event.
func (s *system) crowd(ctx context.Context, n, namespaces int, event string, p plan) (*load.Crowd, error) {
	c, err := load.NewCrowd(ctx, load.Server{Addr: s.receiver.Addr, PID: s.receiver.PID(), Namespaces: namespaces})
	if err != nil {
		return nil, err
	}
	if _, err := c.Connect(n, p.connect); err != nil {
		c.Close()
		return nil, err
	}
	if c.Size() != n {
		c.Close()
		return nil, fmt.Errorf("%s: %d of %d could connect", s.name, c.Size(), n)
	}
	if event != "" {
		if err := c.SendFrom(load.Server{Addr: s.sender.Addr}, event, p.connect); err != nil {
			c.Close()
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	// So that all are subscribed everywhere.
	return c, c.Idle(p.settle)
}

// addrs returns addresses that nobody listened on just now.
func addrs(n int) ([]string, error) {
	var all []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		all = append(all, l.Addr().String())
	}
	return all, nil
}
