package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/siotest"
)

// storm is how long TestStorm does everything at once.
const storm = time.Second

// staying is how many servers stay, so that clients can connect to them.
const staying = 3

// stormServer returns a server in the storm.
func stormServer(t *testing.T, hub *memory.Hub, f wire.Format) *server {
	n := newServer(t, hub, f, &cluster.Options{Heartbeat: 200 * time.Millisecond, RequestsTimeout: time.Second, OnLoss: func(cluster.Loss) {}}, nil)
	for _, nsp := range []*sio.Namespace{n.Of("/"), n.Of("/room-{id}")} {
		nsp.OnConnect(func(c *sio.Context) error { return c.Join("all", fmt.Sprint("room ", rand.IntN(4))) })
		nsp.OnServerEvent("e", func(ctx context.Context, nsp *sio.Namespace, _ sio.Args) (any, error) {
			return nsp.Count(ctx)
		})
	}
	return n
}

// TestStorm has servers that do everything at once, while some of them are cut off, stand
// still, leave and join. Afterwards everything works, and nothing is left.
func TestStorm(t *testing.T) {
	for name, hub := range map[string]*memory.Hub{"counted": memory.NewHub(), "countless": memory.NewCountlessHub()} {
		for format, f := range map[string]wire.Format{"classic": wire.Classic("", wire.ClassicOptions{}), "sharded": wire.Sharded("", wire.Dynamic), "subjects": wire.Subjects("")} {
			if (format == "subjects") != (name == "countless") {
				continue
			}
			t.Run(format, func(t *testing.T) { testStorm(t, hub, f) })
		}
	}
}

func testStorm(t *testing.T, hub *memory.Hub, f wire.Format) {
	before := runtime.NumGoroutine()
	var mu sync.Mutex // protects those of the nodes that do not stay
	nodes := make([]*server, 5)
	for i := range nodes {
		nodes[i] = stormServer(t, hub, f)
	}
	any := func() *server {
		mu.Lock()
		defer mu.Unlock()
		return nodes[rand.IntN(len(nodes))]
	}
	ctx, cancel := context.WithTimeout(context.Background(), storm)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 6 { // who use the servers
		wg.Go(func() {
			for ctx.Err() == nil {
				n := any()
				nsp := n.Of([]string{"/", "/room-1", fmt.Sprint("/room-", rand.IntN(5))}[rand.IntN(3)])
				to := nsp.To([]string{"all", fmt.Sprint("room ", rand.IntN(4))}[rand.IntN(2)])
				soon, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(50))*time.Millisecond)
				switch (i + rand.IntN(3)) % 8 {
				case 0:
					_ = to.Emit("e", "text", []byte{1})
				case 1:
					_, _ = to.EmitWithAck(soon, "q")
				case 2:
					_, _ = to.Sockets(soon)
				case 3:
					_, _ = to.Count(soon)
				case 4:
					_, _ = nsp.ServerSideEmitWithAck(soon, "e")
				case 5:
					_ = nsp.ServerSideEmit("e")
				case 6:
					_ = to.Join(fmt.Sprint("room ", rand.IntN(8)))
					_ = to.Leave(fmt.Sprint("room ", rand.IntN(8)))
				case 7:
					_ = to.Volatile().Emit("e")
				}
				cancel()
			}
		})
	}
	for range 3 { // clients that come and go, and never answer
		wg.Go(func() {
			for ctx.Err() == nil {
				n := nodes[rand.IntN(staying)]
				c := siotest.Connect(t, n.Server, &siotest.Options{Namespace: []string{"/", "/room-1", "/room-2"}[rand.IntN(3)]})
				time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
				c.Close()
			}
		})
	}
	wg.Go(func() { // servers that leave, and others that join
		for ctx.Err() == nil {
			n, i := stormServer(t, hub, f), staying+rand.IntN(len(nodes)-staying)
			mu.Lock()
			n, nodes[i] = nodes[i], n
			mu.Unlock()
			leave(t, n)
			time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
		}
	})
	for range 2 { // what goes wrong
		wg.Go(func() {
			for ctx.Err() == nil {
				n := any()
				n.engine.Cut()
				any().engine.Freeze()
				time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
				n.engine.Heal()
				mu.Lock()
				for _, n := range nodes {
					n.engine.Thaw()
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, n := range nodes {
		n.engine.Heal()
		n.engine.Thaw()
	}
	within(t, func() error { return works(t, nodes) })
	for _, n := range nodes {
		within(t, n.cl.Idle)
	}
	wg.Go(func() { // others are asked while one leaves
		for range 20 {
			_, _ = nodes[1].Count(context.Background())
		}
	})
	for _, n := range nodes {
		leave(t, n)
	}
	wg.Wait()
	if n := hub.Channels(); n != 0 {
		t.Errorf("%d channels are subscribed to", n)
	}
	within(t, func() error {
		if n := runtime.NumGoroutine(); n > before {
			return fmt.Errorf("%d goroutines more than before", n-before)
		}
		return nil
	})
}

func leave(t *testing.T, n *server) {
	if err := errors.Join(n.Shutdown(context.Background()), n.cl.Close()); err != nil {
		t.Error(err)
	}
}

// works has each server count the clients of all, and reach them.
func works(t *testing.T, nodes []*server) error {
	for i, n := range nodes {
		if got := n.cl.Members(); len(got) != len(nodes)-1 {
			return fmt.Errorf("server %d: %d members", i, len(got))
		}
	}
	var clients []*siotest.Client
	for _, n := range nodes {
		clients = append(clients, siotest.Connect(t, n.Server))
	}
	var first error
	for i, n := range nodes {
		if got, err := n.To("all").Count(context.Background()); got != len(nodes) || err != nil {
			first = errors.Join(first, fmt.Errorf("server %d counts %d, %w", i, got, err))
		}
	}
	if first == nil {
		for i, n := range nodes {
			if err := n.To("all").Emit("works", i); err != nil {
				return err
			}
			for _, c := range clients {
				c.Expect("works")
			}
		}
	}
	for _, c := range clients {
		c.Close()
	}
	return first
}

// within waits until f returns nil, for a time that is enough on any machine.
func within(t *testing.T, f func() error) {
	t.Helper()
	end := time.Now().Add(20 * time.Second)
	for err := f(); err != nil; err = f() {
		if time.Now().After(end) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
