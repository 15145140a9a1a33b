package redis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// topologyTimeout is how long a node may take to say which slots are where.
const topologyTimeout = time.Second

var errSlotMoved = errors.New("redis: a slot moves to another node")

// shards are the links to the nodes of a Redis Cluster that sharded channels belong to.
// Which node has a slot is asked when the engine starts and when a node is lost; else the
// nodes say that a slot has moved.
type shards struct {
	e *engine

	mu    sync.RWMutex // protects the following. Taken before link.mu
	addrs [slots]string
	owner [slots]*link     // nil until there is something to send
	links map[string]*link // by address
	ended bool
}

// startShards connects to one node.
func startShards(ctx context.Context, e *engine) (*shards, error) {
	s := &shards{e: e, links: make(map[string]*link)}
	addrs, known, err := e.topology(ctx)
	if err == nil && known < slots {
		err = fmt.Errorf("redis: %d slots of the cluster have no node", slots-known)
	}
	if err != nil {
		return s, err
	}
	s.addrs = *addrs
	l := newLink(e, addrs[0])
	c, err := l.dial(ctx)
	if err != nil {
		return s, err
	}
	s.links[l.addr] = l
	l.start(c)
	return s, nil
}

// topology asks nodes which has which slots, until one knows.
func (e *engine) topology(ctx context.Context) (addrs *[slots]string, known int, err error) {
	err = errNoNodes
	for addr, node := range e.client.Nodes() {
		if addrs, known, err = topologyOf(ctx, addr, node); err == nil {
			break
		}
	}
	return addrs, known, err
}

// topologyOf asks a node. Its answer is an array of arrays: the first and the last of some
// slots, and nodes: a host, which may be empty for its own, a port, and more.
func topologyOf(ctx context.Context, addr string, node rueidis.Client) (addrs *[slots]string, known int, err error) {
	ctx, cancel := context.WithTimeout(ctx, topologyTimeout)
	defer cancel()
	ranges, err := node.Do(ctx, node.B().Arbitrary("CLUSTER", "SLOTS").Build()).ToArray()
	if err != nil {
		return nil, 0, fmt.Errorf("redis: CLUSTER SLOTS: %w", err)
	}
	addrs = new([slots]string)
	for _, r := range ranges {
		fields, err := r.ToArray()
		if err != nil || len(fields) < 3 {
			continue
		}
		first, err1 := fields[0].AsInt64()
		last, err2 := fields[1].AsInt64()
		master, err3 := fields[2].ToArray()
		if errors.Join(err1, err2, err3) != nil || len(master) < 2 || first < 0 || last >= slots {
			continue
		}
		host, _ := master[0].ToString()
		port, err := master[1].AsInt64()
		if err != nil || host == "?" {
			continue
		}
		at := resolve(net.JoinHostPort(host, strconv.FormatInt(port, 10)), addr)
		for slot := first; slot <= last; slot++ {
			addrs[slot] = at
			known++
		}
	}
	return addrs, known, nil
}

// resolve returns an address that a node has told. Without a host it is on the node's.
func resolve(addr, node string) string {
	if host, port, err := net.SplitHostPort(addr); err == nil && host == "" {
		if host, _, err := net.SplitHostPort(node); err == nil {
			return net.JoinHostPort(host, port)
		}
	}
	return addr
}

func (s *shards) resolve(addr string, l *link) string { return resolve(addr, l.addr) }

// acquire returns the link for a slot, which does not move before s.mu.RUnlock.
func (s *shards) acquire(slot uint16) *link {
	s.mu.RLock()
	if l := s.owner[slot]; l != nil {
		return l
	}
	s.mu.RUnlock()
	s.mu.Lock()
	s.ownLocked(slot)
	s.mu.Unlock()
	s.mu.RLock()
	return s.owner[slot]
}

// ownLocked returns the link for a slot, and has it used.
func (s *shards) ownLocked(slot uint16) *link {
	l := s.owner[slot]
	if l != nil {
		return l
	}
	addr := s.addrs[slot]
	l = s.links[addr]
	if l == nil {
		l = newLink(s.e, addr)
		s.links[addr] = l
		if s.ended {
			l.ending = true
		} else {
			l.start(nil)
		}
	}
	l.slots++
	s.owner[slot] = l
	return l
}

func (s *shards) publish(m message, volatile bool) error {
	l := s.acquire(slotOf(m.channel))
	defer s.mu.RUnlock()
	return l.publish(m, volatile)
}

func (s *shards) want(want bool, channels []string) {
	for i, channel := range channels {
		s.acquire(slotOf(channel)).want(want, channels[i:i+1])
		s.mu.RUnlock()
	}
}

// of returns the link for a channel, as it is now.
func (s *shards) of(channel string) *link {
	defer s.mu.RUnlock()
	return s.acquire(slotOf(channel))
}

// move notes which nodes have some slots, and hands over what waits for them: first what
// came back, which was published before.
func (s *shards) move(moved map[uint16]string, cameBack []message) {
	var left []*link
	s.mu.Lock()
	for slot, addr := range moved {
		s.addrs[slot] = addr
		if old := s.owner[slot]; old != nil && old.addr != addr {
			if !slices.Contains(left, old) {
				left = append(left, old)
			}
			old.slots--
			s.owner[slot] = nil
			s.ownLocked(slot)
		}
	}
	for _, m := range cameBack {
		s.ownLocked(slotOf(m.channel)).inherit(m)
	}
	for _, old := range left {
		channels, messages, told := old.part(s)
		for i, channel := range channels {
			l := s.owner[slotOf(channel)]
			l.want(true, channels[i:i+1])
			if told {
				l.miss(errSlotMoved)
			}
		}
		for _, m := range messages {
			s.owner[slotOf(m.channel)].inherit(m)
		}
	}
	for _, old := range left {
		if old.slots == 0 {
			delete(s.links, old.addr)
			old.retire()
		}
	}
	for addr, l := range s.links { // the first one may never have been used
		if l.slots == 0 && !slices.Contains(s.addrs[:], addr) {
			delete(s.links, addr)
			l.retire()
		}
	}
	s.mu.Unlock()
	s.e.tell()
}

// inherit queues a message that another link had, even if there is no room.
func (l *link) inherit(m message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outbox.push(m)
	l.signalLocked()
}

// part removes what belongs to slots that the link is no longer for.
func (l *link) part(s *shards) (channels []string, messages []message, told bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for channel, st := range l.outbox.subs {
		if s.owner[slotOf(channel)] == l {
			continue
		}
		if st&wanted != 0 {
			channels = append(channels, channel)
			l.outbox.mark(channel, st&^wanted)
		}
	}
	for range l.outbox.queue.Len() {
		m := l.outbox.queue.Pop()
		if s.owner[slotOf(m.channel)] == l {
			l.outbox.queue.Push(m)
			continue
		}
		l.outbox.bytes -= m.bytes()
		messages = append(messages, m)
	}
	l.changedLocked()
	return channels, messages, l.told
}

// miss notes that there is something to subscribe to that others were told is not.
func (l *link) miss(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.missLocked(err)
	l.signalLocked()
}

// retire lets a link end whose slots are all elsewhere.
func (l *link) retire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told {
		l.told = false
		l.e.back()
	}
	l.retired, l.ending = true, true
	l.nudge()
}

// subscription is called by the reader of a connection. A node that loses a slot ends the
// subscriptions to its channels. It is asked again, and says who has it.
func (l *link) subscription(change rueidis.PubSubSubscription) {
	if change.Kind != "sunsubscribe" {
		return
	}
	l.mu.Lock()
	if s := l.outbox.subs[change.Channel]; s != wanted|sent { // the link has asked for it
		l.mu.Unlock()
		return
	}
	l.outbox.mark(change.Channel, wanted)
	l.changedLocked()
	l.missLocked(errSlotMoved)
	l.mu.Unlock()
	l.e.tell()
}

// refresh asks anew which node has which slots.
func (s *shards) refresh() {
	addrs, _, err := s.e.topology(s.e.ctx)
	if err != nil {
		return
	}
	moved := make(map[uint16]string)
	s.mu.RLock()
	for slot, addr := range addrs {
		if addr != "" && addr != s.addrs[slot] {
			moved[uint16(slot)] = addr
		}
	}
	s.mu.RUnlock()
	if len(moved) > 0 {
		s.move(moved, nil)
	}
}

// discover makes the client look for nodes, as it does when one tells it that a slot has
// moved: it asks for a channel of the link by a connection that is closed then.
func (s *shards) discover(l *link) {
	l.mu.Lock()
	channel := ""
	for name := range l.outbox.subs {
		channel = name
		break
	}
	if l.outbox.queue.Len() > 0 {
		channel = l.outbox.queue.All()[0].channel
	}
	l.mu.Unlock()
	if channel == "" {
		return
	}
	d, _ := s.e.client.Dedicate()
	defer d.Close()
	ctx, cancel := context.WithTimeout(s.e.ctx, topologyTimeout)
	defer cancel()
	d.Do(ctx, d.B().Ssubscribe().Channel(channel).Build())
}

// end lets all links end, and returns them.
func (s *shards) end() []*link {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	return slices.Collect(maps.Values(s.links))
}
