package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

const (
	// The first attempt to connect again is made at once; then the pauses grow to
	// this, so that Redis is found well within a second.
	minPause = 20 * time.Millisecond
	maxPause = 250 * time.Millisecond
	// stableAfter is how long a connection has to last for the pauses to begin anew.
	stableAfter = time.Second

	// regroup is how long what is queued waits when Redis is back: the other servers may
	// need maxPause longer, and then have to subscribe. What came earlier they would miss.
	regroup = 500 * time.Millisecond

	// flightChannels is how many channels are subscribed to in one round trip.
	// Redis ends a connection that has 32 MB of answers to read.
	flightChannels = 32 * subscribeChannels

	// watchPause is how often it is looked whether Sentinel has replaced the server,
	// which costs no round trip.
	watchPause = time.Second

	// refusedPause is how often channels are asked for again that a user may not subscribe
	// to: permissions change.
	refusedPause = 5 * time.Second

	// lostTimeout is how long rueidis may take to say why a command has failed.
	lostTimeout = time.Second

	// maxHops is how often a message follows a slot that moves.
	maxHops = 5
	// movePause is what a node gets to hear of a slot that another one says it owns.
	movePause = 10 * time.Millisecond
)

// A link is one connection after another, by which subscriptions and messages go in one
// order. Its goroutine alone waits for Redis.
type link struct {
	e        *engine
	addr     string // of the node that it leads to; "" is any that the client chooses
	commands commands
	wake     chan struct{} // has room for one; may tell of nothing new

	// Owned by the goroutine.
	taken   []message
	multi   []rueidis.Completed
	bounced []message         // that another node is to get
	refused bool              // a channel was, since refused channels were asked for
	moved   map[uint16]string // slots, and the nodes that they are said to be with

	mu      sync.Mutex // protects the following
	outbox  outbox
	idle    bool          // the goroutine waits for wake
	down    bool          // there is no connection, or not everything is subscribed to
	why     error         // it is down
	told    bool          // the engine counts it as away
	misses  int           // how often that was found
	ending  bool          // the goroutine ends when nothing is left to send
	retired bool          // all of its slots are elsewhere
	changed chan struct{} // closed when Redis has heard of all changes; nil if there are none
	flying  chan struct{} // the same of changes that are under way

	slots int // that it is for; protected by shards.mu
}

func newLink(e *engine, addr string) *link {
	return &link{
		e:        e,
		addr:     addr,
		commands: commands{b: e.client.B(), sharded: e.sharded, bySlot: addr != "", journal: e.journal},
		wake:     make(chan struct{}, 1),
		moved:    make(map[uint16]string),
		outbox:   outbox{subs: make(map[string]state)},
	}
}

// start lets the link run, on a connection that it may have.
func (l *link) start(c *conn) {
	l.e.wg.Add(1)
	go l.run(c) // until close and all is sent, or the engine's context ends
}

func (l *link) publish(m message, volatile bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.ending:
		return errClosed
	case volatile && l.down:
		return errVolatile
	case l.outbox.bytes > 0 && l.outbox.bytes+m.bytes() > l.e.queueBytes:
		return errFull
	}
	l.outbox.push(m)
	l.signalLocked()
	return nil
}

func (l *link) want(want bool, channels []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outbox.want(want, channels)
	l.changedLocked()
}

func (l *link) changedLocked() {
	if len(l.outbox.dirty) == 0 {
		return
	}
	if l.changed == nil && !l.down {
		l.changed = make(chan struct{})
	}
	l.signalLocked()
}

func (l *link) signalLocked() {
	if l.idle {
		l.idle = false
		l.nudge()
	}
}

// nudge wakes the goroutine, whatever it waits for but answers.
func (l *link) nudge() {
	select {
	case l.wake <- struct{}{}:
	default: // the last nudge was not taken notice of yet
	}
}

// settle waits until Redis knows of all subscriptions. It fails if Redis is away.
func (l *link) settle(ctx context.Context) error {
	for {
		l.mu.Lock()
		wait, down, why := l.changed, l.down, l.why
		if wait == nil {
			wait = l.flying
		}
		l.mu.Unlock()
		if down {
			return fmt.Errorf("redis: away: %w", why)
		}
		if wait == nil {
			return nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return fmt.Errorf("redis: subscribing: %w", context.Cause(ctx))
		}
	}
}

// close lets the link end when all is sent, or there is nothing to send.
func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ending = true
	l.nudge()
}

// drop empties the queue of a link that has ended.
func (l *link) drop() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.outbox.queue.Len()
	l.outbox = outbox{subs: make(map[string]state)}
	return n
}

func (l *link) run(c *conn) {
	defer l.e.wg.Done()
	for tries := 0; ; tries++ {
		var err error
		if c == nil {
			c, err = l.dial(l.e.ctx)
		}
		if c != nil {
			begin := time.Now()
			err = l.serve(c)
			c.Close()
			c = nil
			if time.Since(begin) > stableAfter {
				tries = 0
			}
		}
		if err == nil || l.e.ctx.Err() != nil {
			return
		}
		l.leave(err)
		if l.e.shards != nil {
			l.e.shards.refresh()
		}
		if !l.pause(tries) {
			return
		}
	}
}

// leave notes that there is no connection.
func (l *link) leave(err error) {
	l.mu.Lock()
	l.down, l.why, l.idle = true, err, false
	for _, waits := range []chan struct{}{l.changed, l.flying} {
		if waits != nil {
			close(waits)
		}
	}
	l.changed, l.flying = nil, nil
	if !l.retired {
		l.missLocked(err)
	}
	l.mu.Unlock()
	l.e.tell()
}

// missLocked counts the link as away, since it is not subscribed to everything.
func (l *link) missLocked(err error) {
	l.misses++
	if !l.told {
		l.told = true
		l.e.leave(err)
	}
}

// pause waits before the next attempt. It says whether to make one.
func (l *link) pause(tries int) bool {
	timer := time.NewTimer(pauseAfter(tries))
	defer timer.Stop()
	for {
		l.mu.Lock()
		if l.ending && l.outbox.queue.Len() == 0 {
			l.mu.Unlock()
			return false
		}
		l.mu.Unlock()
		select {
		case <-l.wake: // perhaps to end
			continue
		case <-timer.C:
		case <-l.e.ctx.Done():
		}
		return l.e.ctx.Err() == nil
	}
}

// pauseAfter returns how long to wait after so many attempts that failed.
func pauseAfter(tries int) time.Duration {
	if tries == 0 {
		return 0
	}
	wait := min(minPause<<min(tries-1, 8), maxPause)
	return wait - rand.N(wait/2)
}

// serve uses a connection until it is lost. It returns nil when the link is to end.
func (l *link) serve(c *conn) error {
	watch, stop := l.watch()
	defer stop()
	var held <-chan time.Time  // what is queued waits for it, unless it is nil
	var again <-chan time.Time // what is refused waits for it, if there is something
	l.refused = false
	if l == l.e.appender {
		if err := l.e.journal.resume(c); err != nil {
			return l.broken(c, err)
		}
	}
	l.mu.Lock()
	l.outbox.forget()
	if l.down {
		held = time.After(regroup)
	}
	l.mu.Unlock()
	for {
		l.mu.Lock()
		add, remove := l.outbox.changes()
		l.taken = l.taken[:0]
		// More than goes in one flight goes ahead.
		if len(add) <= flightChannels && (held == nil || l.ending) {
			l.taken = l.outbox.batch(l.taken)
		}
		if l.changed != nil {
			l.flying, l.changed = l.changed, nil
		}
		told, misses := l.told, l.misses
		nothing := len(add)+len(remove)+len(l.taken) == 0
		if nothing && l.ending {
			l.mu.Unlock()
			return nil
		}
		idle := nothing && l.flying == nil && !told && !l.down
		l.idle = idle
		l.mu.Unlock()
		if idle {
			select {
			case <-l.wake:
			case <-held:
				held = nil
			case <-again:
				again = nil
				l.askAgain()
			case err, ok := <-c.lost:
				return lostError(err, ok)
			case <-watch:
				if l.isStale(c) {
					return errReplaced
				}
			case <-l.e.ctx.Done():
				return l.e.ctx.Err()
			}
			continue
		}
		if err := l.send(c, add, remove); err != nil {
			return err
		}
		clear(l.taken)
		l.back(told, misses)
		if l.refused && again == nil {
			again = time.After(refusedPause)
		}
		select {
		case <-held:
			held = nil
		case <-again:
			again = nil
			l.askAgain()
		case <-watch:
			if l.isStale(c) {
				return errReplaced
			}
		default:
		}
	}
}

// askAgain has channels subscribed to that were refused.
func (l *link) askAgain() {
	l.refused = false
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outbox.retry()
}

// watch says when to look whether the connection is to the right server: a Sentinel tells
// the client at once that a master is replaced, but may leave the old one in place, with
// its connections, for ten seconds.
func (l *link) watch() (ticks <-chan time.Time, stop func()) {
	if l.e.client.Mode() != rueidis.ClientModeSentinel {
		return nil, func() {}
	}
	t := time.NewTicker(watchPause)
	return t.C, t.Stop
}

// back notes that Redis has heard of everything that serve took. What was found missing
// meanwhile is still to be subscribed to.
func (l *link) back(told bool, misses int) {
	l.mu.Lock()
	if l.flying != nil {
		close(l.flying)
		l.flying = nil
	}
	l.down = false
	told = told && l.told && misses == l.misses
	if told {
		l.told = false
		l.e.back()
	}
	l.mu.Unlock()
	if told {
		l.e.tell()
	}
}

// send sends changes of subscriptions and then what was taken from the queue, and waits
// for the answers.
func (l *link) send(c *conn, add, remove []string) error {
	adds, removes := l.commands.split(add), l.commands.split(remove)
	for {
		l.multi = l.multi[:0]
		channels, n := 0, 0
		for ; n < len(adds) && channels < flightChannels; n++ {
			channels += len(adds[n])
			l.multi = append(l.multi, l.commands.subscribe(adds[n]))
		}
		if n == len(adds) {
			for _, channels := range removes {
				l.multi = append(l.multi, l.commands.unsubscribe(channels))
			}
			if l == l.e.appender {
				l.e.journal.sending(l.taken)
			}
			for i := range l.taken {
				l.multi = append(l.multi, l.commands.publish(&l.taken[i]))
			}
		}
		if len(l.multi) == 0 {
			return nil
		}
		results := c.DoMulti(l.e.ctx, l.multi...)
		refused, err := l.subscribed(adds[:n], results)
		if n == len(adds) {
			err = cmp.Or(l.published(results[n+len(removes):]), err)
		}
		err = cmp.Or(results[len(results)-1].NonRedisError(), err)
		if err == nil {
			err = l.subscribeEach(c, refused)
		}
		if err != nil {
			l.multi = nil // rueidis may still write it
			return l.broken(c, err)
		}
		if adds = adds[n:]; len(adds) == 0 {
			return l.follow()
		}
	}
}

// subscribeEach subscribes to channels one by one, since Redis refuses a command as a
// whole if one of its channels is not allowed.
func (l *link) subscribeEach(c *conn, channels []string) error {
	if len(channels) == 0 {
		return nil
	}
	each := make([][]string, len(channels))
	l.multi = l.multi[:0]
	for i := range channels {
		each[i] = channels[i : i+1]
		l.multi = append(l.multi, l.commands.subscribe(each[i]))
	}
	results := c.DoMulti(l.e.ctx, l.multi...)
	_, err := l.subscribed(each, results)
	return cmp.Or(results[len(results)-1].NonRedisError(), err)
}

// follow hands over what belongs to other nodes.
func (l *link) follow() error {
	if len(l.moved) == 0 {
		return nil
	}
	l.e.shards.move(l.moved, l.bounced)
	clear(l.moved)
	clear(l.bounced)
	l.bounced = l.bounced[:0]
	select {
	case <-time.After(movePause):
		return nil
	case <-l.e.ctx.Done():
		return l.e.ctx.Err()
	}
}

// broken returns why a connection that failed was lost, as far as it is known.
func (l *link) broken(c *conn, err error) error {
	if followed := l.follow(); followed != nil {
		return followed
	}
	if _, ok := errors.AsType[*rueidis.RedisError](err); ok || err == errBehind || l.e.ctx.Err() != nil {
		return err
	}
	select {
	case err, ok := <-c.lost:
		return lostError(err, ok)
	case <-time.After(lostTimeout):
		return lostError(err, true)
	}
}

func lostError(err error, ok bool) error {
	if !ok || err == nil {
		return errors.New("redis: the connection was closed")
	}
	return fmt.Errorf("redis: the connection was lost: %w", err)
}
