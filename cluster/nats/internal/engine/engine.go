// Package engine carries the messages of a cluster over NATS.
package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/siokit/sio/cluster"
)

var (
	errFull     = errors.New("nats: the queue of messages to send is full")
	errVolatile = errors.New("nats: away: volatile messages are not queued")
	errSlow     = errors.New("nats: messages come faster than they can be handled here")
)

// DefaultQueueBytes holds a second of what a server takes, in small messages.
const DefaultQueueBytes = 16 << 20

const (
	// inboxMessages is how many received messages wait for collect, which only hands
	// them on: what the connection reads between two turns of a busy scheduler.
	inboxMessages = 16 << 10
	// inboxBytes bounds what waits to be delivered here. It is what nats.go takes for
	// one subscription.
	inboxBytes = 64 << 20
	// overhead is what a queued message takes beside its bytes, about.
	overhead = 128
	// flushTimeout bounds the wait for the server to confirm what it has got.
	flushTimeout = 10 * time.Second
	// maxHold bounds how long a connection that is back is not used.
	maxHold = 3 * time.Second
	// closeTimeout is for what is queued when the engine is closed.
	closeTimeout = time.Second
)

// An Engine is a [cluster.Engine]. Publish and Subscribe of nats.go wait for a write to
// the socket, and while the server is dialled anew, so nobody but the goroutines of the
// engine calls them.
type Engine struct {
	nc     *nats.Conn
	end    func() // with which Close ends nc; nil: it stays
	prefix string // of all channels, without the dot behind it

	r      cluster.Receiver
	ctx    context.Context // of the goroutines
	cancel context.CancelFunc
	wg     sync.WaitGroup

	out    *queue[publication]
	gone   atomic.Bool // what is queued waits
	flight flight
	sent   chan struct{} // wakes confirm

	mu      sync.Mutex      // protects the following
	changes map[string]bool // of subscriptions: whether there is to be one, by channel
	closing bool

	applying sync.Mutex // protects subs, and keeps changes in order. Taken before mu
	subs     map[string]*nats.Subscription

	msgs  chan *nats.Msg // of all subscriptions
	inbox *queue[event]

	status chan nats.Status
	causes chan error    // why the connection was lost
	drain  chan struct{} // closed by write when Close was called, and nothing more can be sent
	closed chan struct{} // closed when Close is done

	returned chan struct{} // has an element if others can be reached that could not be before; for a Journal
}

type publication struct {
	channel string
	data    []byte
}

// An event is what the receiver is told: a message, that the engine is away, and why, or,
// if it is neither, that it is back.
type event struct {
	msg  *nats.Msg
	away error
}

// New returns an engine on a connection. All its channels begin with the prefix and a dot. It
// queues as many bytes as it is told to, or, if that is 0, a default. When it is closed it
// calls end, which is to close the connection, unless end is nil.
func New(nc *nats.Conn, prefix string, queueBytes int, end func()) *Engine {
	e := &Engine{
		nc:     nc,
		end:    end,
		prefix: prefix,
		out:    newQueue[publication](cmp.Or(queueBytes, DefaultQueueBytes)),
		sent:   make(chan struct{}, 1),
		subs:   make(map[string]*nats.Subscription),
		msgs:   make(chan *nats.Msg, inboxMessages),
		inbox:  newQueue[event](inboxBytes),
		causes: make(chan error, 1),
		drain:  make(chan struct{}),
		closed: make(chan struct{}),

		returned: make(chan struct{}, 1),
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// Start implements [cluster.Engine].
func (e *Engine) Start(ctx context.Context, r cluster.Receiver) error {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	e.status = e.nc.StatusChanged(nats.CONNECTED, nats.RECONNECTING, nats.DISCONNECTED, nats.CLOSED)
	if err := e.nc.FlushWithContext(ctx); err != nil {
		e.nc.RemoveStatusListener(e.status)
		return fmt.Errorf("nats: the server does not answer: %w", err)
	}
	e.r = r
	e.listen()
	for _, f := range []func(){e.write, e.confirm, e.collect, e.receive, e.watch} {
		e.wg.Go(f) // until Close
	}
	return nil
}

// Publish implements [cluster.Engine].
func (e *Engine) Publish(channel string, data []byte, volatile bool) {
	switch {
	case e.ctx.Err() != nil: // closed
	case volatile && e.gone.Load():
		e.r.Lost(1, errVolatile)
	case !e.out.push(publication{channel, data}, len(channel)+len(data)+overhead):
		e.r.Lost(1, errFull)
	}
}

// Subscribe implements [cluster.Engine].
func (e *Engine) Subscribe(channels ...string) { e.change(channels, true) }

// Unsubscribe implements [cluster.Engine].
func (e *Engine) Unsubscribe(channels ...string) { e.change(channels, false) }

func (e *Engine) change(channels []string, on bool) {
	e.mu.Lock()
	if e.changes == nil {
		e.changes = make(map[string]bool)
	}
	for _, c := range channels {
		e.changes[c] = on
	}
	e.mu.Unlock()
	nudge(e.out.wake)
}

// Count implements [cluster.Engine]. NATS keeps to itself who has subscribed.
func (e *Engine) Count(context.Context, string) (int, error) { return -1, nil }

// write sends what is queued, until Close. Changes of subscriptions come before what was
// queued after them. That they overtake what was queued before does no harm.
func (e *Engine) write() {
	for e.wait(e.out.wake) {
		closing := e.isClosing() // first: who closes has published before
		for {
			var p publication
			ok := !e.gone.Load()
			if ok {
				p, ok = e.out.pop()
			}
			e.apply()
			if !ok {
				break
			}
			e.send(p)
		}
		if closing {
			close(e.drain)
			return
		}
	}
}

// wait waits for c, and tells whether the engine still runs.
func (e *Engine) wait(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-e.ctx.Done():
		return false
	}
}

// apply brings the subscriptions up to date. While the connection is lost, nats.go takes
// note of them, and subscribes when it is back.
func (e *Engine) apply() {
	e.applying.Lock()
	defer e.applying.Unlock()
	e.mu.Lock()
	changes := e.changes
	e.changes = nil
	e.mu.Unlock()
	for channel, on := range changes {
		sub := e.subs[channel]
		if on == (sub != nil) {
			continue
		}
		var err error
		if on {
			if sub, err = e.nc.ChanSubscribe(channel, e.msgs); err == nil {
				e.subs[channel] = sub
			}
		} else {
			delete(e.subs, channel)
			sub.Unsubscribe() // fails if the connection is closed
		}
		if err != nil {
			e.r.Missed(0, fmt.Errorf("nats: no subscription: %w", err))
		}
	}
}

func (e *Engine) send(p publication) {
	e.flight.depart()
	err := e.nc.Publish(p.channel, p.data)
	if err == nil {
		e.flight.left()
		nudge(e.sent)
		return
	}
	if !e.flight.fail() {
		return // the connection was lost meanwhile, and with it this message
	}
	if errors.Is(err, nats.ErrMaxPayload) {
		err = fmt.Errorf("%w: %d bytes, where the server takes %d", err, len(p.data), e.nc.MaxPayload())
	}
	e.r.Lost(1, err)
}

// confirm asks the server, now and then, whether it has got what was sent.
func (e *Engine) confirm() {
	const pause = 50 * time.Millisecond
	for e.wait(e.sent) && e.pause(pause) {
		mark := e.flight.mark()
		if e.flush(flushTimeout) == nil {
			e.flight.arrive(mark)
		}
	}
}

// flush waits until the server has got all that was sent before.
func (e *Engine) flush(timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(e.ctx, timeout)
	defer cancel()
	return e.nc.FlushWithContext(ctx)
}

// RoundTrip implements [cluster.RoundTripper].
func (e *Engine) RoundTrip(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // it has to have a deadline
	defer cancel()
	return e.nc.FlushWithContext(ctx)
}

// pause waits, and tells whether the engine still runs.
func (e *Engine) pause(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-e.ctx.Done():
		return false
	}
}

func (e *Engine) isClosing() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closing
}

// Close implements [cluster.Engine]. If the server hangs, it waits for as long as writes to
// its connection may take. An engine that was not started only ends its connection.
func (e *Engine) Close() error {
	e.mu.Lock()
	closing := e.closing
	e.closing = true
	e.mu.Unlock()
	if closing {
		<-e.closed
		return nil
	}
	defer close(e.closed)
	if e.r == nil {
		e.cancel()
		if e.end != nil {
			e.end()
		}
		return nil
	}
	nudge(e.out.wake)
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	select {
	case <-e.drain:
		if mark := e.flight.mark(); !e.gone.Load() && e.nc.FlushWithContext(ctx) == nil {
			e.flight.arrive(mark)
		}
	case <-ctx.Done():
	}
	e.cancel()
	if e.end != nil {
		e.end()
	}
	e.wg.Wait()
	e.nc.RemoveStatusListener(e.status)
	for _, sub := range e.subs {
		sub.Unsubscribe() // fails if the connection is closed
	}
	if n := e.out.len() + e.flight.lose(); n > 0 {
		e.r.Lost(n, nats.ErrConnectionClosed)
	}
	return nil
}
