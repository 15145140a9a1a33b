package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/siokit/sio/bench/internal/load"
	"github.com/siokit/sio/bench/internal/process"
	"github.com/siokit/sio/bench/internal/record"
)

// A plan is how each size is measured.
type plan struct {
	each  int           // clients of a server, at most
	ping  time.Duration // interval of the heartbeat
	watch time.Duration // how long clients are idle
}

// Measured is what a number of clients takes. Memory is in bytes and CPU time in seconds, of
// all servers together.
type measured struct {
	clients, servers int
	ping             time.Duration

	connect, connectCPU float64 // seconds, and of CPU time

	lies, collected float64 // anonymous memory of the servers, more than with nobody connected
	heap, stack     float64 // of it live; the same
	base            float64 // of one server with nobody connected
	kernel          float64 // slabs and socket buffers of both ends of all connections

	watched, idleCPU float64 // seconds, and of CPU time
	pings            int     // answered meanwhile

	broadcast, broadcastCPU float64 // one to all

	left float64 // anonymous memory, more than at first, after all have left and the garbage is collected
}

func (m *measured) String() string {
	return fmt.Sprintf("%d clients of %d servers: connected in %.1f s; %.0f bytes each, %.0f collected, and %.0f of the kernel's; %.3f cores for heartbeats; a broadcast in %.2f s",
		m.clients, m.servers, m.connect, m.lies/float64(m.clients), m.collected/float64(m.clients), m.kernel/float64(m.clients), m.idleCPU/m.watched, m.broadcast)
}

// A pair is a server and its clients.
type pair struct {
	server  *process.Server
	clients *clients
	n       int // how many there are to be
	pings   int
}

// limits of what may take long when there are many.
const (
	connectLimit   = 10 * time.Minute
	broadcastLimit = time.Minute
)

// measure connects n clients and has them do nothing, hear two broadcasts, and leave.
func measure(ctx context.Context, n int, p plan) (_ *measured, err error) {
	m := &measured{clients: n, servers: (n + p.each - 1) / p.each, ping: p.ping}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var all crowd
	defer func() { all.stop() }()
	for i := range m.servers {
		s, err := process.Start(ctx, process.Command{Run: []string{self}, Env: []string{roleVar + "=server", pingVar + "=" + p.ping.String()}})
		if err != nil {
			return nil, err
		}
		all = append(all, &pair{server: s, n: n/m.servers + min(1, max(0, n%m.servers-i))})
		if all[i].clients, err = startClients(s.Addr, s.PID()); err != nil {
			return nil, err
		}
	}
	before, err := all.weigh()
	if err != nil {
		return nil, err
	}
	m.base = before.collected / float64(m.servers)

	kernel, err := kernelMemory()
	if err != nil {
		return nil, err
	}
	if m.connect, m.connectCPU, err = all.tell(ctx, order{Do: "connect", Limit: connectLimit}); err != nil {
		return nil, err
	}
	// Whoever has come first is pinged soon. The others are to be by then, too.
	if m.lies, err = all.anonymous(); err != nil {
		return nil, err
	}
	m.lies -= before.lies
	if err := all.idle(ctx, m, p.watch); err != nil {
		return nil, err
	}
	held, err := kernelMemory()
	if err != nil {
		return nil, err
	}
	m.kernel = held - kernel
	after, err := all.weigh()
	if err != nil {
		return nil, err
	}
	m.collected, m.heap, m.stack = after.collected-before.collected, after.heap-before.heap, after.stack-before.stack

	if m.broadcast, m.broadcastCPU, err = all.tell(ctx, order{Do: "broadcast", Limit: broadcastLimit}); err != nil {
		return nil, err
	}
	const rounds = 2 // the crowd warms up with one
	m.broadcast /= rounds
	m.broadcastCPU /= rounds

	if _, _, err := all.tell(ctx, order{Do: "leave"}); err != nil {
		return nil, err
	}
	if err := all.settle(ctx); err != nil {
		return nil, err
	}
	if after, err = all.weigh(); err != nil {
		return nil, err
	}
	m.left = after.collected - before.collected
	return m, nil
}

// A crowd is all clients of a size, and their servers.
type crowd []*pair

func (all crowd) stop() {
	for _, each := range all {
		if each.clients != nil {
			each.clients.stop()
		}
		each.server.Stop()
	}
}

// tell has all clients do something at once, waits until they have, and returns how long that
// took and the CPU time of the servers. It fails if anything went wrong.
func (all crowd) tell(ctx context.Context, o order) (seconds, cpu float64, err error) {
	before, err := all.cpu()
	if err != nil {
		return 0, 0, err
	}
	begin := time.Now()
	for _, each := range all {
		if o.Do == "connect" {
			o.N = each.n
		}
		if err := each.clients.orders.Encode(o); err != nil {
			return 0, 0, err
		}
	}
	var expected int
	for _, each := range all {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		a, err := each.clients.hear()
		if err != nil {
			return 0, 0, err
		}
		each.pings = a.Pings
		if expected = each.n; o.Do == "leave" {
			expected = 0
		}
		for _, s := range []load.Sample{a.Sample, a.Between} {
			if s.Failures() > 0 || s.Cut {
				return 0, 0, fmt.Errorf("%s: %d lost, %d wrong, %d closed, cut off: %t; %s", o.Do, s.Lost, s.Wrong, s.Closed, s.Cut, s.Error)
			}
		}
		if a.Connected != expected {
			return 0, 0, fmt.Errorf("%s: %d connected, want %d", o.Do, a.Connected, expected)
		}
	}
	seconds = time.Since(begin).Seconds()
	after, err := all.cpu()
	return seconds, after - before, err
}

// idle measures what heartbeats take.
func (all crowd) idle(ctx context.Context, m *measured, d time.Duration) error {
	if _, _, err := all.tell(ctx, order{Do: "count"}); err != nil {
		return err
	}
	pings := all.pings()
	before, err := all.cpu()
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := pause(ctx, d); err != nil {
		return err
	}
	after, err := all.cpu()
	if err != nil {
		return err
	}
	m.watched, m.idleCPU = time.Since(begin).Seconds(), after-before
	if _, _, err := all.tell(ctx, order{Do: "count"}); err != nil {
		return err
	}
	m.pings = all.pings() - pings
	return nil
}

func (all crowd) pings() (n int) {
	for _, each := range all {
		n += each.pings
	}
	return n
}

// settle waits until the servers have nothing to do any more, for some seconds at most.
func (all crowd) settle(ctx context.Context) error {
	const step, steps = 200 * time.Millisecond, 50
	last, err := all.cpu()
	for range steps {
		if err != nil {
			return err
		}
		if err := pause(ctx, step); err != nil {
			return err
		}
		now, err := all.cpu()
		if err != nil || now-last < step.Seconds()/20 {
			return err
		}
		last = now
	}
	return nil
}

func (all crowd) cpu() (seconds float64, err error) {
	for _, each := range all {
		used, err := load.Server{PID: each.server.PID()}.CPU()
		if err != nil {
			return 0, err
		}
		seconds += used.Seconds()
	}
	return seconds, nil
}

// anonymous returns the memory that is not of files.
func (all crowd) anonymous() (sum float64, err error) {
	for _, each := range all {
		n, err := each.server.Anonymous()
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// A weight is the memory of all servers.
type weight struct{ lies, collected, heap, stack float64 }

func (all crowd) weigh() (w weight, err error) {
	if w.lies, err = all.anonymous(); err != nil {
		return w, err
	}
	for _, each := range all {
		live, err := each.server.Collect()
		if err != nil {
			return w, err
		}
		w.heap += *live.Heap
		w.stack += *live.Stack
	}
	w.collected, err = all.anonymous()
	return w, err
}

// kernelMemory returns what the kernel has in slabs, of which connections are made, and what
// waits in buffers of TCP.
func kernelMemory() (float64, error) {
	var sum float64
	for _, field := range []struct {
		file, pattern string
		unit          float64
	}{
		{"/proc/meminfo", `(?m)^Slab:\s*(\d+) kB`, 1 << 10},
		{"/proc/net/sockstat", `(?m)^TCP:.* mem (\d+)`, float64(os.Getpagesize())},
	} {
		n, err := strconv.ParseFloat(strings.TrimSpace(record.Find(field.file, field.pattern)), 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", field.file, err)
		}
		sum += n * field.unit
	}
	return sum, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
