package brokertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/siotest"
)

// A cluster is the servers of one test. Nodes are counted from 0.
type cluster struct {
	*testing.T
	join  Join
	late  time.Duration // for quick
	nodes []*node
	marks int
}

// A node is a server of a cluster.
type node struct {
	*sio.Server
	in   Server
	gone bool

	heard chan string   // what "hear" events of other servers had as argument
	busy  chan struct{} // gets one for each handler of "wait" that has begun
	ready chan struct{} // closed to let them go on
}

// add has another server join the cluster.
func (c *cluster) add() *node {
	c.Helper()
	quiet := zerolog.Nop()
	n := &node{in: c.join(), heard: make(chan string, 4096), busy: make(chan struct{}, 16), ready: make(chan struct{})}
	n.Server = sio.New(&sio.Options{Broker: n.in.Broker, Recovery: n.in.Recovery, Logger: &quiet, MaxPayload: 4 << 20})
	c.nodes = append(c.nodes, n)
	c.Cleanup(func() { c.leave(n) })
	n.serve(n.Namespace)
	n.serve(n.Of("/dynamic-{id}"))
	return n
}

// leave shuts a server down, which leaves the cluster.
func (c *cluster) leave(n *node) {
	c.Helper()
	if n.gone {
		return
	}
	n.gone = true
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.Shutdown(ctx); err != nil {
		c.Errorf("Shutdown: %v", err)
	}
	if n.in.Close == nil {
		return
	}
	if err := n.in.Close(); err != nil {
		c.Errorf("Close: %v", err)
	}
	c.nodes = slices.DeleteFunc(c.nodes, func(o *node) bool { return o == n })
}

// serve registers the handlers of a namespace.
func (n *node) serve(nsp *sio.Namespace) {
	nsp.OnConnect(func(c *sio.Context) error {
		var auth struct {
			Name  string
			Rooms []string
		}
		if err := c.BindAuth(&auth); err != nil {
			return err
		}
		if err := c.Socket().SetValue("name", auth.Name); err != nil {
			return err
		}
		return c.Join(auth.Rooms...)
	})
	on := func(event string, h sio.ServerHandler) { nsp.OnServerEvent(event, h) }
	on("sync", func(context.Context, *sio.Namespace, sio.Args) (any, error) { return nil, nil })
	on("hear", func(_ context.Context, _ *sio.Namespace, args sio.Args) (any, error) {
		var s string
		err := args.Bind(&s)
		n.heard <- s
		return nil, err
	})
	on("echo", func(_ context.Context, _ *sio.Namespace, args sio.Args) (any, error) {
		var v any
		err := args.Bind(&v)
		return v, err
	})
	on("bytes", func(_ context.Context, _ *sio.Namespace, args sio.Args) (any, error) {
		var v struct{ Deep []struct{ Bytes []byte } }
		err := args.Bind(&v)
		for i, d := range v.Deep {
			v.Deep[i].Bytes = slices.Clone(d.Bytes)
			clear(d.Bytes) // they are the handler's
		}
		return v, err
	})
	on("fail", func(context.Context, *sio.Namespace, sio.Args) (any, error) { return nil, errors.New("no") })
	on("wait", func(ctx context.Context, _ *sio.Namespace, _ sio.Args) (any, error) {
		n.busy <- struct{}{}
		select {
		case <-n.ready:
			return "ready", nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	})
	on("ask back", func(ctx context.Context, nsp *sio.Namespace, _ sio.Args) (any, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		servers, err := nsp.ServerSideEmitWithAck(ctx, "sync")
		clients, countErr := nsp.Count(ctx)
		return []int{len(servers), clients}, errors.Join(err, countErr)
	})
}

// nsp returns a namespace that has the handlers.
func (n *node) nsp(name string) *sio.Namespace {
	nsp := n.Of(name)
	if !strings.HasPrefix(name, "/dynamic-") {
		n.serve(nsp)
	}
	return nsp
}

// client connects a client to a server. Its socket's value "name" is the name.
func (c *cluster) client(n *node, name string, rooms ...string) *siotest.Client {
	c.Helper()
	return c.clientOf(n, "/", name, rooms...)
}

func (c *cluster) clientOf(n *node, nsp, name string, rooms ...string) *siotest.Client {
	c.Helper()
	return siotest.Connect(c, n.Server, &siotest.Options{
		Namespace: nsp,
		Auth:      map[string]any{"name": name, "rooms": rooms},
		Timeout:   patience,
	})
}

// soon returns a context for what has to be answered by all.
func (c *cluster) soon() context.Context { return c.within(patience) }

func (c *cluster) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(c.Context(), d)
	c.Cleanup(cancel)
	return ctx
}

// works ends the test if something has failed.
func (c *cluster) works(errs ...error) {
	c.Helper()
	if err := errors.Join(errs...); err != nil {
		c.Fatal(err)
	}
}

// settle waits until all servers know each other, and what each has published and
// subscribed to has taken effect.
func (c *cluster) settle(nsps ...string) {
	c.Helper()
	if len(nsps) == 0 {
		nsps = []string{"/"}
	}
	for _, nsp := range nsps {
		for i, n := range c.nodes {
			c.eventually(func() error {
				got, err := n.Of(nsp).ServerSideEmitWithAck(c.within(patience/10), "sync")
				if err == nil && len(got) != len(c.nodes)-1 {
					err = fmt.Errorf("%d servers have answered server %d in %s, want %d", len(got), i, nsp, len(c.nodes)-1)
				}
				return err
			})
		}
	}
}

// eventually tries something until it does not fail any more.
func (c *cluster) eventually(try func() error) {
	c.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			c.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond) // what is waited for is no event
	}
}

// quick ends the test if f takes much longer than d. What waits for the engine for ever goes
// on at last, so that the test ends.
func (c *cluster) quick(what string, d time.Duration, f func()) {
	c.Helper()
	nodes := slices.Clone(c.nodes)
	stuck := time.AfterFunc(d+c.late+patience, func() {
		for _, n := range nodes {
			if n.in.Cut != nil {
				n.in.Heal()
			}
			if n.in.Freeze != nil {
				n.in.Thaw()
			}
		}
	})
	defer stuck.Stop()
	start := time.Now()
	f()
	if took := time.Since(start); took > d+c.late {
		c.Fatalf("%s took %v, want at most %v", what, took, d)
	}
}

// mark has a server emit an event to all, behind what it has emitted before. So a client
// whose next event it is has got nothing else.
func (c *cluster) mark(n *node, clients ...*siotest.Client) {
	c.Helper()
	c.marks++
	c.works(n.Emit("mark", c.marks))
	for _, x := range clients {
		x.Expect("mark").Is(c.marks)
	}
}

// A result is what EmitWithAck or ServerSideEmitWithAck returns.
type result struct {
	answers []sio.Answer
	err     error
}

// ask calls EmitWithAck in another goroutine.
func ask(ctx context.Context, to sio.Target, event string, args ...any) <-chan result {
	return begin(func() ([]sio.Answer, error) { return to.EmitWithAck(ctx, event, args...) })
}

// askServers calls ServerSideEmitWithAck in another goroutine.
func askServers(ctx context.Context, n *sio.Namespace, event string, args ...any) <-chan result {
	return begin(func() ([]sio.Answer, error) { return n.ServerSideEmitWithAck(ctx, event, args...) })
}

func begin(f func() ([]sio.Answer, error)) <-chan result {
	done := make(chan result, 1)
	go func() { // until f returns, whose context ends with the test
		got, err := f()
		done <- result{got, err}
	}()
	return done
}

// receive returns what comes from a channel.
func receive[T any](c *cluster, from <-chan T, what string) T {
	c.Helper()
	return timetest.Receive(c, from, patience, what)
}
