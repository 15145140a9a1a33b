package redis

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/siokit/sio/cluster/redis/internal/redistest"
)

func TestSlotOf(t *testing.T) {
	c := redistest.StartCluster(t, 1, false)
	client, err := newClient(at(c.Nodes...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, channel := range []string{"", "a", "socket.io#/#", "socket.io#/chat#room#", "{a}b", "b{a}c{d}", "{}a", "a{", "{a", "ü{世界}"} {
		cmd := client.B().Spublish().Channel(channel).Message("").Build()
		if got := slotOf(channel); got != cmd.Slot() {
			t.Errorf("%q is in slot %d, want %d", channel, got, cmd.Slot())
		}
	}
}

// Sharded channels of a Redis Cluster are spread over its nodes, by a connection to each.
func TestShardsOfRedisCluster(t *testing.T) {
	t.Parallel()
	const n = 200
	c := redistest.StartCluster(t, 3, false)
	o := &Options{Sharded: true}
	a, b := start(t, o, at(c.Nodes[0])), start(t, o, at(c.Nodes[1]))
	var channels []string
	for i := range n {
		channels = append(channels, "room "+strconv.Itoa(i))
	}
	b.Subscribe(channels...)
	b.settled()
	if links := b.allLinks(); len(links) != 3 {
		t.Errorf("%d links", len(links))
	}
	for _, channel := range channels {
		a.send(channel, "x")
	}
	b.wait("all", func() bool { return b.count == n })
	for _, channel := range channels[:10] {
		if got, err := a.Count(t.Context(), channel); got != 1 || err != nil {
			t.Errorf("counted %d, %v", got, err)
		}
	}
	b.Unsubscribe(channels...)
	b.settled()
	for _, channel := range channels[:10] {
		if got, err := a.Count(t.Context(), channel); got != 0 || err != nil {
			t.Errorf("counted %d, %v", got, err)
		}
	}
	if a.now().aways+b.now().aways != 0 {
		t.Error("an engine was away")
	}
}

// floods publishes numbers until stop is called, which returns how many.
func (p *peer) floods(channel string) (stop func() int) {
	var wg sync.WaitGroup
	done, sent := make(chan struct{}), 0
	wg.Go(func() {
		tick := time.NewTicker(200 * time.Microsecond)
		defer tick.Stop()
		for {
			p.send(channel, strconv.Itoa(sent))
			sent++
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	return func() int {
		close(done)
		wg.Wait()
		return sent
	}
}

// inOrder fails unless what was received are numbers that grow.
func (p *peer) inOrder() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	last := -1
	for _, m := range p.messages {
		n, err := strconv.Atoi(m[strings.LastIndexByte(m, ' ')+1:])
		if err != nil || n <= last {
			p.t.Fatalf("got %q behind %d", m, last)
		}
		last = n
	}
}

// A slot that moves takes its channels and what waits for them along, to a node that was
// there before, and to one that is new. It is told that something may have been missed.
func TestSlotMoves(t *testing.T) {
	t.Parallel()
	const channel = "room"
	c := redistest.StartCluster(t, 3, false)
	o := &Options{Sharded: true}
	a, b := start(t, o, at(c.Nodes[0])), start(t, o, at(c.Nodes[0]))
	b.Subscribe(channel, "another")
	b.settled()
	slot := slotOf(channel)
	old := c.Owner(slot)
	next := c.Nodes[0]
	if next == old {
		next = c.Nodes[2]
	}
	for _, to := range []*redistest.Server{next, c.Add()} {
		a.settled()
		b.settled()
		aways := b.now().aways
		stop := a.floods(channel)
		b.wait("the flood", func() bool { return b.count > 0 })
		c.Move(slot, to)
		b.wait("Away and Back", func() bool { return b.aways > aways && b.backs == b.aways })
		before := b.now().count
		b.wait("more", func() bool { return b.count > before+10 })
		sent := stop()
		a.settled()
		b.wait("the last", func() bool {
			return b.last == strconv.Itoa(sent-1)
		})
		b.inOrder()
		t.Logf("%d sent, %d received", sent, b.now().count)
		if got := to.Do("pubsub", "shardnumsub", channel); !strings.Contains(got.String(), "1") {
			t.Errorf("SHARDNUMSUB at the new node: %v", &got)
		}
		if n, err := a.Count(t.Context(), channel); n != 1 || err != nil {
			t.Errorf("counted %d, %v", n, err)
		}
		b.clear()
	}
	if got := a.now(); got.lost != 0 {
		t.Errorf("%d lost: %v", got.lost, got.reasons)
	}
}

// When a master dies, its replica has its channels.
func TestMasterOfRedisClusterFails(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3, true)
	o := &Options{Sharded: true}
	a, b := start(t, o, at(c.Nodes[1:]...)), start(t, o, at(c.Nodes[1:]...))
	var channels []string
	for i := range 50 {
		channels = append(channels, "room "+strconv.Itoa(i))
	}
	b.Subscribe(channels...)
	b.settled()
	for _, channel := range channels {
		a.send(channel, "0")
	}
	b.wait("all", func() bool { return b.count == len(channels) })
	c.Nodes[0].Kill()
	b.wait("Away", func() bool { return b.aways > 0 })
	for _, channel := range channels {
		a.send(channel, "1") // some wait, others arrive
	}
	b.wait("Back", func() bool { return b.aways == b.backs })
	a.wait("Back", func() bool { return a.aways == a.backs && a.aways > 0 })
	b.clear()
	for _, channel := range channels {
		a.send(channel, "2")
	}
	b.wait("all", func() bool { return b.count >= len(channels) })
	// The old master comes back as a replica, and changes nothing.
	c.Nodes[0].Restart()
	if len(b.allLinks()) != 3 {
		t.Errorf("%d links", len(b.allLinks()))
	}
}

// Other channels go by one node of a Redis Cluster, and by another one when that is lost.
func TestClassicInRedisCluster(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3, false)
	for _, node := range c.Nodes {
		node.Do("config", "set", "cluster-require-full-coverage", "no")
	}
	var peers []*peer
	for i := range 6 {
		p := start(t, &Options{}, at(c.Nodes...))
		p.Subscribe("all")
		p.settled()
		peers = append(peers, p)
		if n, err := p.Count(t.Context(), "all"); n != i+1 || err != nil {
			t.Errorf("counted %d, %v", n, err)
		}
	}
	peers[0].send("all", "1")
	for _, p := range peers {
		p.has("all 1")
	}
	used := slices.IndexFunc(c.Nodes, func(s *redistest.Server) bool { return subscribersAt(t, s) == len(peers) })
	if used < 0 {
		t.Fatal("the servers do not use the same node")
	}
	c.Nodes[used].Kill()
	for _, p := range peers {
		p.wait("Away and Back", func() bool { return p.aways > 0 && p.aways == p.backs })
	}
	if n, err := peers[0].Count(t.Context(), "all"); n != len(peers) || err != nil {
		t.Errorf("counted %d, %v", n, err)
	}
}

func subscribersAt(t *testing.T, s *redistest.Server) int {
	m := s.Do("pubsub", "numsub", "all")
	n, err := subscribers(rueidis.NewResult(m, nil))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
