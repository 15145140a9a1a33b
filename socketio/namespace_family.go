package socketio

import (
	"context"
	"sync"
)

// A family is the Broker of a parent: what is addressed to it goes to the
// brokers of all its namespaces.
type family struct{ parent *Namespace }

// each tries all, and returns the first error.
func (f family) each(act func(Broker) error) error {
	var first error
	for _, n := range f.parent.living() {
		if err := n.ifLive(act); first == nil {
			first = err
		}
	}
	return first
}

func (n *Namespace) ifLive(act func(Broker) error) error {
	if !n.acquireLive() {
		return nil
	}
	defer n.release()
	return act(n.broker)
}

func (f family) Broadcast(b *Broadcast) error {
	return f.each(func(to Broker) error { return to.Broadcast(b) })
}

func (f family) Join(sel Selector, rooms []string) error {
	return f.each(func(b Broker) error { return b.Join(sel, rooms) })
}

func (f family) Leave(sel Selector, rooms []string) error {
	return f.each(func(b Broker) error { return b.Leave(sel, rooms) })
}

func (f family) Disconnect(sel Selector, closeConn bool) error {
	return f.each(func(b Broker) error { return b.Disconnect(sel, closeConn) })
}

// gather has all work at the same time, and returns everything together with the
// first error. A panic, of arguments' methods, is one of the caller.
func gather[T any](f family, ask func(Broker, *Namespace) ([]T, error)) ([]T, error) {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex // protects the following
		all   []T
		first error
		fatal any // what somebody has panicked with
	)
	for _, n := range f.parent.living() {
		wg.Go(func() { // ends with its context
			defer func() {
				if v := recover(); v != nil {
					mu.Lock()
					defer mu.Unlock()
					fatal = v
				}
			}()
			_ = n.ifLive(func(b Broker) error {
				some, err := ask(b, n)
				mu.Lock()
				defer mu.Unlock()
				all = append(all, some...)
				if first == nil {
					first = err
				}
				return nil
			})
		})
	}
	wg.Wait()
	if fatal != nil {
		panic(fatal)
	}
	return all, first
}

func (f family) BroadcastWithAck(ctx context.Context, b *Broadcast) ([]Answer, error) {
	return gather(f, func(to Broker, _ *Namespace) ([]Answer, error) { return to.BroadcastWithAck(ctx, b) })
}

func (f family) Sockets(ctx context.Context, sel Selector) ([]RemoteSocket, error) {
	return gather(f, func(b Broker, n *Namespace) ([]RemoteSocket, error) {
		sockets, err := b.Sockets(ctx, sel)
		for i := range sockets {
			sockets[i].nsp = n
		}
		return sockets, err
	})
}

func (f family) Count(ctx context.Context, sel Selector) (int, error) {
	counts, err := gather(f, func(b Broker, _ *Namespace) ([]int, error) {
		n, err := b.Count(ctx, sel)
		return []int{n}, err
	})
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return sum, err
}

func (f family) ServerSideEmit(event string, args []any) error {
	return f.each(func(b Broker) error { return b.ServerSideEmit(event, args) })
}

func (f family) ServerSideEmitWithAck(ctx context.Context, event string, args []any) ([]Answer, error) {
	return gather(f, func(b Broker, _ *Namespace) ([]Answer, error) { return b.ServerSideEmitWithAck(ctx, event, args) })
}

func (family) Interest(string, bool) {} // nobody joins a room of a parent
