package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
	"unsafe"

	"github.com/redis/rueidis"

	"github.com/siokit/sio/cluster"
)

// closeTimeout is how long Close sends what is queued.
const closeTimeout = time.Second

var (
	errFull     = errors.New("redis: the queue is full")
	errVolatile = errors.New("redis: away: volatile messages are not queued")
	errClosed   = errors.New("redis: closed before it was sent")
)

// An engine is a [cluster.Engine]. It has a [link] to Redis, or, for sharded channels in a
// Redis Cluster, one to each node that they belong to.
type engine struct {
	client     rueidis.Client
	owned      bool // the client is closed with the engine
	prefix     string
	sharded    bool
	queueBytes int // of each link

	ctx    context.Context // ends what has to do with connections
	cancel context.CancelFunc
	wg     sync.WaitGroup // the goroutines of links
	losses losses

	only     *link    // nil if there are shards
	shards   *shards  // of a Redis Cluster; nil if there is one link
	journal  *journal // nil if there is none
	appender *link    // by which entries of the journal go; nil if there is none

	// The receiver is told one thing at a time: messages come from the readers of
	// connections, the rest from links.
	hear     sync.Mutex
	receiver cluster.Receiver
	told     bool // that the engine is away
	closed   bool

	counting sync.Mutex // protects the following; innermost
	away     int        // how many links are
	left     error      // why the first of them left; nil if that was told
}

func newEngine(client rueidis.Client, owned bool, o *Options) *engine {
	e := &engine{client: client, owned: owned, prefix: o.Prefix, sharded: o.Sharded, queueBytes: cmp.Or(o.QueueBytes, defaultQueueBytes)}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// Start implements [cluster.Engine].
func (e *engine) Start(ctx context.Context, r cluster.Receiver) error {
	e.use(r)
	err := e.connect(ctx)
	if err != nil {
		e.cancel()
	}
	return err
}

func (e *engine) use(r cluster.Receiver) { e.receiver, e.losses.receiver = r, r }

func (e *engine) connect(ctx context.Context) error {
	if e.sharded && e.client.Mode() == rueidis.ClientModeCluster {
		if e.journal != nil {
			e.appender = newLink(e, "")
		}
		s, err := startShards(ctx, e)
		e.shards = s
		if err == nil && e.appender != nil {
			e.appender.start(nil)
		}
		return err
	}
	l := newLink(e, "")
	c, err := l.dial(ctx)
	if err != nil {
		return err
	}
	e.only = l
	if e.journal != nil {
		e.appender = l
	}
	l.start(c)
	return nil
}

// Publish implements [cluster.Engine].
func (e *engine) Publish(channel string, data []byte, volatile bool) {
	m := message{channel: channel, data: data}
	var err error
	if e.shards != nil {
		err = e.shards.publish(m, volatile)
	} else {
		err = e.only.publish(m, volatile)
	}
	if err != nil {
		e.losses.add(1, err.Error(), err)
	}
}

// Subscribe implements [cluster.Engine]. A channel that ends in an asterisk is a pattern,
// as PSUBSCRIBE takes it; the formats have none else.
func (e *engine) Subscribe(channels ...string) { e.want(true, channels) }

// Unsubscribe implements [cluster.Engine].
func (e *engine) Unsubscribe(channels ...string) { e.want(false, channels) }

func (e *engine) want(wanted bool, channels []string) {
	if e.shards != nil {
		e.shards.want(wanted, channels)
	} else {
		e.only.want(wanted, channels)
	}
}

// Count implements [cluster.Engine]. In a Redis Cluster it is the sum of all nodes, or of
// a sharded channel what the node says that owns it.
func (e *engine) Count(ctx context.Context, channel string) (int, error) {
	l := e.only
	if e.shards != nil {
		l = e.shards.of(channel)
	}
	if err := l.settle(ctx); err != nil {
		return 0, err
	}
	switch {
	case e.shards != nil:
		node := e.client.Nodes()[l.addr]
		if node == nil {
			return 0, fmt.Errorf("redis: counting servers: %w", errUnknownNode)
		}
		return subscribers(e.numsub(ctx, node, channel))
	case e.client.Mode() == rueidis.ClientModeCluster:
		return e.countAll(ctx, channel)
	default:
		return subscribers(e.numsub(ctx, e.client, channel))
	}
}

// numsub asks once more if the connection turns out to be lost. The command is not built
// as one that only reads, which rueidis would try until ctx ends.
func (e *engine) numsub(ctx context.Context, node rueidis.Client, channel string) (r rueidis.RedisResult) {
	command := "NUMSUB"
	if e.sharded {
		command = "SHARDNUMSUB"
	}
	for range 2 {
		r = node.Do(ctx, node.B().Arbitrary("PUBSUB", command).Args(channel).Build())
		if r.NonRedisError() == nil || ctx.Err() != nil {
			break
		}
	}
	return r
}

// countAll asks all nodes. Of one that can't be reached nobody hears either.
func (e *engine) countAll(ctx context.Context, channel string) (int, error) {
	nodes := e.client.Nodes()
	results := make(chan rueidis.RedisResult, len(nodes))
	for _, node := range nodes {
		go func() { results <- e.numsub(ctx, node, channel) }() // until ctx ends; awaited below
	}
	sum, reached := 0, 0
	var failed error
	for range nodes {
		switch n, err := subscribers(<-results); {
		case err == nil:
			sum, reached = sum+n, reached+1
		case reached == 0:
			failed = err
		}
	}
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("redis: counting servers: %w", context.Cause(ctx))
	}
	if reached == 0 {
		return 0, failed
	}
	return sum, nil
}

// subscribers returns what PUBSUB NUMSUB or SHARDNUMSUB says of one channel.
func subscribers(r rueidis.RedisResult) (int, error) {
	pair, err := r.ToArray()
	if err != nil {
		return 0, fmt.Errorf("redis: counting servers: %w", err)
	}
	if len(pair) != 2 {
		return 0, fmt.Errorf("redis: counting servers: %d values", len(pair))
	}
	n, err := pair[1].AsInt64()
	return int(n), err
}

// Close implements [cluster.Engine]. If Redis hangs, it takes a second more.
func (e *engine) Close() error {
	links := e.links()
	timeout := time.AfterFunc(closeTimeout, e.cancel)
	closeClient := func() {}
	if e.owned {
		closeClient = sync.OnceFunc(e.client.Close)
	}
	context.AfterFunc(e.ctx, closeClient) // awaited below
	for _, l := range links {
		l.close()
	}
	e.wg.Wait()
	timeout.Stop()
	e.cancel()
	for _, l := range links {
		if n := l.drop(); n > 0 {
			e.losses.add(n, errClosed.Error(), errClosed)
		}
	}
	e.losses.close()
	e.hear.Lock()
	e.closed = true
	e.hear.Unlock()
	closeClient()
	return nil
}

func (e *engine) links() []*link {
	switch {
	case e.shards != nil && e.appender != nil:
		return append(e.shards.end(), e.appender)
	case e.shards != nil:
		return e.shards.end()
	case e.only != nil:
		return []*link{e.only}
	}
	return nil
}

// receive is called by the reader of a connection. Each message that rueidis has read is
// in memory of its own, which nobody writes to any more.
func (e *engine) receive(m rueidis.PubSubMessage) {
	sub := m.Pattern
	if sub == "" {
		sub = m.Channel
	}
	e.hear.Lock()
	defer e.hear.Unlock()
	if !e.closed {
		e.receiver.Receive(sub, m.Channel, unsafe.Slice(unsafe.StringData(m.Message), len(m.Message)))
	}
}

// leave counts a link that is away; tell tells of it.
func (e *engine) leave(err error) {
	e.counting.Lock()
	defer e.counting.Unlock()
	if e.away == 0 {
		e.left = err
	}
	e.away++
}

// back counts a link that has subscribed to everything again; tell tells of the last.
func (e *engine) back() {
	e.counting.Lock()
	defer e.counting.Unlock()
	e.away--
}

// tell tells the receiver if the engine has gone away, and if it is back. The caller holds
// no lock.
func (e *engine) tell() {
	e.hear.Lock()
	defer e.hear.Unlock()
	e.counting.Lock()
	left, away := e.left, e.away > 0
	e.left = nil
	e.counting.Unlock()
	if e.closed {
		return
	}
	if left != nil && !e.told {
		e.told = true
		e.receiver.Away(left)
	}
	if !away && e.told {
		e.told = false
		e.receiver.Back()
	}
}
