package redis

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/siokit/sio/cluster/redis/internal/redistest"
)

// patience is how long anything may take on a machine that is busy.
const patience = 30 * time.Second

// A peer is an engine, and the receiver that keeps what it is told.
type peer struct {
	*engine
	t testing.TB

	mu   sync.Mutex // protects the following
	told *sync.Cond // of each change
	busy func()     // called by Receive, if not nil
	record
}

// A record is what a peer was told.
type record struct {
	messages []string // channel and data
	count    int      // of messages
	last     string   // message's data
	lost     int
	missed   map[string]bool
	reasons  map[string]bool
	aways    int
	backs    int
}

// now returns what the peer was told so far.
func (p *peer) now() record {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.record
	r.messages, r.missed, r.reasons = slices.Clone(r.messages), maps.Clone(r.missed), maps.Clone(r.reasons)
	return r
}

// clear forgets the messages.
func (p *peer) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages, p.count = nil, 0
}

func (p *peer) Receive(sub, channel string, data []byte) {
	p.mu.Lock()
	busy := p.busy
	p.mu.Unlock()
	if busy != nil {
		busy()
	}
	p.change(func() {
		p.count++
		p.last = string(data)
		if len(p.messages) < 1000 {
			if sub != channel {
				channel += " by " + sub
			}
			p.messages = append(p.messages, channel+" "+string(data))
		}
	})
}

func (p *peer) Lost(messages int, err error) {
	p.change(func() {
		p.lost += messages
		p.reasons[err.Error()] = true
	})
}

func (p *peer) Missed(messages int, err error) {
	p.change(func() { p.missed[err.Error()] = true })
}

func (p *peer) Away(err error) { p.change(func() { p.aways++ }) }
func (p *peer) Back()          { p.change(func() { p.backs++ }) }

func (p *peer) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	p.told.Broadcast()
}

// wait waits until what the peer was told is as is, under p.mu, says.
func (p *peer) wait(what string, is func() bool) {
	p.t.Helper()
	expired := false
	timer := time.AfterFunc(patience, func() { p.change(func() { expired = true }) })
	defer timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for !is() {
		if expired {
			p.t.Fatalf("waiting for %s: %d messages %.500s, %d lost %v, missed %v, %d times away, %d back",
				what, p.count, fmt.Sprintf("%q", p.messages), p.lost, p.reasons, p.missed, p.aways, p.backs)
		}
		p.told.Wait()
	}
}

// has waits until these messages, and no others, have come.
func (p *peer) has(want ...string) {
	p.t.Helper()
	p.wait(fmt.Sprintf("%q", want), func() bool { return len(p.messages) >= len(want) })
	p.mu.Lock()
	defer p.mu.Unlock()
	if got := fmt.Sprintf("%q", p.messages); got != fmt.Sprintf("%q", want) {
		p.t.Fatalf("received %s, want %q", got, want)
	}
	p.messages = nil
}

// settled waits until Redis knows of all subscriptions.
func (p *peer) settled() {
	p.t.Helper()
	p.wait("Back", func() bool { return p.aways == p.backs })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, l := range p.allLinks() {
		if err := l.settle(ctx); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *peer) allLinks() []*link {
	if p.shards == nil {
		return []*link{p.only}
	}
	p.shards.mu.RLock()
	defer p.shards.mu.RUnlock()
	var links []*link
	for _, l := range p.shards.links {
		links = append(links, l)
	}
	return links
}

func (p *peer) send(channel, data string) { p.Publish(channel, []byte(data), false) }

// start starts an engine with a client of its own.
func start(t testing.TB, o *Options, c rueidis.ClientOption) *peer {
	t.Helper()
	p, err := tryStart(t, o, c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tryStart(t testing.TB, o *Options, c rueidis.ClientOption) (*peer, error) {
	t.Helper()
	client, err := newClient(c)
	if err != nil {
		return nil, err
	}
	p := &peer{engine: newEngine(client, true, o), t: t, record: record{reasons: make(map[string]bool), missed: make(map[string]bool)}}
	p.told = sync.NewCond(&p.mu)
	t.Cleanup(func() { p.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return p, p.Start(ctx, p)
}

func at(servers ...*redistest.Server) rueidis.ClientOption {
	var o rueidis.ClientOption
	for _, s := range servers {
		o.InitAddress = append(o.InitAddress, s.Addr)
	}
	return o
}
