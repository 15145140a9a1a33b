package cluster

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/cluster/internal/tunnel"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/internal/fresh"
	"github.com/siokit/sio/internal/logline"
	"github.com/siokit/sio/socketio"
)

// Options configure a [Cluster]. The zero value has the defaults.
type Options struct {
	// Name is what errors, logs and [Cluster.Members] call this server. Default: the
	// name of the host and the process id.
	Name string
	// RequestsTimeout is how long other servers are waited for, if a context allows that
	// long. Clients that have been asked by EmitWithAck are waited for as long as it
	// allows, those of other servers for an hour at most. Default 5 s.
	RequestsTimeout time.Duration
	// Heartbeat is how often a server tells the others that it is there. One that has not
	// for two and a half times as long is taken for dead: it is to be the same on all.
	// Default 5 s.
	Heartbeat time.Duration
	// Relay has servers connect to each other for requests of clients that have reached
	// the wrong one. Default: nil, and such requests go by the engine, which takes longer
	// and costs it two messages for each.
	Relay *Relay
	// HistoryBytes bounds the events that this server remembers for clients that come back, of all
	// namespaces, if the engine is a [Journal] and there is an option Recovery. A
	// client that has missed an event that is gone starts anew. Default 64 MiB.
	HistoryBytes int
	// OnLoss, if set, is told of messages that may not have arrived, here or elsewhere, once
	// a second at most, in a goroutine of its own. It may block, and use the Cluster: what
	// happens meanwhile is told together, afterwards.
	OnLoss func(Loss)
	// Logger gets a line when the engine goes away and when it is back, for what is lost,
	// and for servers that come and go. [sio.SlogLogger] makes one of a handler of log/slog.
	// Default: none.
	//
	// [sio.SlogLogger]: https://pkg.go.dev/github.com/siokit/sio#SlogLogger
	Logger *zerolog.Logger
}

func (o *Options) withDefaults() (Options, error) {
	var out Options
	if o != nil {
		out = *o
	}
	var errs []error
	if out.RequestsTimeout < 0 {
		errs = append(errs, fmt.Errorf("RequestsTimeout is negative (%v)", out.RequestsTimeout))
	}
	if out.Heartbeat < 0 {
		errs = append(errs, fmt.Errorf("Heartbeat is negative (%v)", out.Heartbeat))
	}
	if out.HistoryBytes < 0 {
		errs = append(errs, fmt.Errorf("HistoryBytes is negative (%d)", out.HistoryBytes))
	}
	out.HistoryBytes = cmp.Or(out.HistoryBytes, 64<<20)
	out.RequestsTimeout = cmp.Or(out.RequestsTimeout, 5*time.Second)
	out.Heartbeat = cmp.Or(out.Heartbeat, 5*time.Second)
	if out.Name == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "unknown"
		}
		out.Name = fmt.Sprint(host, ":", os.Getpid())
	}
	if out.Logger == nil {
		nop := zerolog.Nop()
		out.Logger = &nop
	}
	return out, errors.Join(errs...)
}

// A Cluster is this server's part in a cluster. It serves one Server, and may be used from
// any goroutine.
type Cluster struct {
	engine Engine
	format wire.Format
	opts   Options
	log    *logline.Logger
	uid    string // of this server

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // what others have asked for, and OnLoss
	house  sync.WaitGroup // housekeeping
	wake   chan struct{}  // housekeeping has losses to tell of
	hailed chan struct{}  // housekeeping is to tell others that this server is there

	measuring atomic.Bool // the lag, by a goroutine

	closing atomic.Bool
	closed  chan struct{} // when Close has returned

	inbox    string                                           // the channel for this server alone
	directs  map[directKind]func(from string, payload []byte) // what comes there; set before the engine is started
	tunnels  *tunnel.Mux
	journal  *journaling // nil unless the engine is a Journal
	channels channels
	fresh    fresh.Rooms
	members  members
	requests requests
	serving  serving
	relays   relays
	counts   counts
	lag      lag
	away     atomic.Pointer[outage]
}

// New joins a cluster by an engine, which it closes with itself. It fails if the engine
// can't be reached.
func New(ctx context.Context, e Engine, f wire.Format, o *Options) (*Cluster, error) {
	opts, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	c := &Cluster{
		engine: e,
		format: f,
		opts:   opts,
		log:    logline.New(opts.Logger, "cluster"),
		uid:    strings.ToLower(rand.Text()[:16]),
		wake:   make(chan struct{}, 1),
		hailed: make(chan struct{}, 1),
		closed: make(chan struct{}),
	}
	c.inbox, c.directs = f.Direct(c.uid), make(map[directKind]func(string, []byte))
	c.openTunnels()
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.channels.init(c)
	c.members.init()
	c.requests.init()
	c.serving.init()
	if err := c.relays.init(c); err != nil {
		c.cancel()
		return nil, fmt.Errorf("cluster: %w", err)
	}
	if j, ok := e.(Journal); ok {
		c.journal = newJournaling(c, j)
	}
	if err := e.Start(ctx, receiver{c}); err != nil {
		c.cancel()
		c.relays.close()
		c.house.Wait()
		return nil, fmt.Errorf("cluster: %w", err)
	}
	e.Subscribe(c.inbox)
	c.channels.use(f.Servers(), "")
	c.greet(wire.TypeHello)
	c.measureLag()
	c.house.Go(c.keepHouse) // until Close
	if c.journal != nil {
		c.house.Go(c.journal.records.run) // likewise, and until all is written
	}
	return c, nil
}

// UID returns the id by which other servers know this one. It is another one for each
// Cluster.
func (c *Cluster) UID() string { return c.uid }

// Broker returns the broker of a namespace. It is what the option Broker of a Server takes.
// It panics if there is one of a namespace of that name already: a Cluster serves one
// Server.
func (c *Cluster) Broker(l *socketio.Local) socketio.Broker {
	b := &broker{c: c, local: l, nsp: l.Namespace().Name(), codec: l.Codec(), linger: lingerOf(l)}
	if c.journal == nil {
		c.channels.open(b)
		return b
	}
	j := &journaled{b, c.journal}
	c.journal.history.keepFor(3 * l.RecoveryWindow())
	l.Share(j)
	c.channels.open(b)
	return j
}

// Close tells the other servers that this one leaves, sends what is queued, and ends. It
// waits a second at most for each, and for OnLoss and handlers of other servers' events: it
// fails if these still run. For a [Journal] it waits, before all that, up to five seconds for
// what other servers are to know of its clients, or one if the engine is away. Close it after
// the Server's Shutdown: what is emitted afterwards stays in this process. A second call waits
// for the first, and returns nil.
func (c *Cluster) Close() error {
	if !c.closing.CompareAndSwap(false, true) {
		<-c.closed
		return nil
	}
	defer close(c.closed)
	c.cancel()
	c.relays.close()
	c.house.Wait() // it does not tell others any more that this server is there
	_ = c.tunnels.Close()
	c.channels.discount()
	c.greet(wire.TypeClose)
	c.requests.abandon()
	err := c.engine.Close()
	c.serving.stop()
	c.tellLosses()
	done := make(chan struct{})
	go func() { // ends with the last handler
		c.wg.Wait()
		close(done)
	}()
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		err = errors.Join(err, errors.New("cluster: OnLoss or handlers of other servers' events still run"))
	}
	return err
}

// publish sends a message to other servers.
func (c *Cluster) publish(m *wire.Message) error {
	if c.ctx.Err() != nil && m.Type != wire.TypeClose {
		return nil
	}
	if c.journal != nil && m.Kept() {
		_, err := c.journal.append(m, nil)
		if err == socketio.ErrJournalFull { // it is counted
			return nil
		}
		return err
	}
	m.UID = c.uid
	data, err := c.format.Append(nil, m)
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	c.counts.published.Add(1)
	c.engine.Publish(c.format.Channel(m), data, m.Flags.Volatile)
	return nil
}

// try publishes what nobody waits for.
func (c *Cluster) try(m *wire.Message) {
	if err := c.publish(m); err != nil {
		c.log.Sparse(zerolog.WarnLevel, "", "encode").Err(logline.Error(err)).Msg("a message to other servers can't be encoded")
	}
}

// lossEvery is how often losses are told.
const lossEvery = time.Second

// keepHouse does what is due from time to time.
func (c *Cluster) keepHouse() {
	heartbeat := time.NewTicker(c.opts.Heartbeat)
	defer heartbeat.Stop()
	var quiet, mute <-chan time.Time // so long nothing is told of losses, and not answered to who is new
	wake, hailed := c.wake, c.hailed
	checked := time.Now() // who is not heard of
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-wake:
			c.tellLosses()
			wake, quiet = nil, time.After(lossEvery)
		case <-quiet:
			wake, quiet = c.wake, nil
		case <-hailed:
			c.greet(c.members.greeting())
			hailed, mute = nil, time.After(c.members.pause())
		case <-mute:
			hailed, mute = c.hailed, nil
		case <-heartbeat.C:
			c.greet(wire.TypeHeartbeat)
			c.measureLag()
			if time.Since(checked) > 2*c.opts.Heartbeat { // it is this process that stood still, and has yet to read what came
				c.members.refresh()
			}
			c.expireMembers()
			checked = time.Now()
		}
	}
}
