package redis

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/siokit/sio/cluster/redis/internal/redistest"
)

// kinds runs a test with channels of both kinds.
func kinds(t *testing.T, f func(t *testing.T, o *Options)) {
	t.Run("classic", func(t *testing.T) { f(t, &Options{}) })
	t.Run("sharded", func(t *testing.T) { f(t, &Options{Sharded: true}) })
}

func TestSubscribeAndPublish(t *testing.T) {
	kinds(t, func(t *testing.T, o *Options) {
		s := redistest.Start(t)
		a, b := start(t, o, at(s)), start(t, o, at(s))
		b.Subscribe("all", "room 1")
		b.settled()
		a.send("all", "1")
		a.send("room 2", "2")
		a.send("room 1", "\x00\xff\r\n")
		a.send("all", "")
		b.has("all 1", "room 1 \x00\xff\r\n", "all ")
		b.Unsubscribe("room 1")
		b.settled()
		a.send("room 1", "3")
		a.send("all", "4")
		b.has("all 4")
	})
}

// What a server publishes after it has subscribed comes back to it: one connection has
// both, in order.
func TestPublishedBehindSubscription(t *testing.T) {
	kinds(t, func(t *testing.T, o *Options) {
		s := redistest.Start(t)
		a := start(t, o, at(s))
		var want []string
		for i := range 500 {
			room := "room " + strconv.Itoa(i)
			a.Subscribe(room)
			a.send(room, "x")
			want = append(want, room+" x")
		}
		a.has(want...)
	})
}

func TestOrderOfEachPublisher(t *testing.T) {
	const publishers, each = 8, 5_000
	kinds(t, func(t *testing.T, o *Options) {
		s := redistest.Start(t)
		a, b := start(t, o, at(s)), start(t, o, at(s))
		next := make([]int, publishers)
		channels := []string{"x", "y", "z"}
		b.Subscribe(channels...)
		b.settled()
		got := make(chan string, 1000)
		b.receiver = receiverFunc{b, func(data []byte) { got <- string(data) }}
		var wg sync.WaitGroup
		for p := range publishers {
			wg.Go(func() {
				for i := range each {
					a.send(channels[i%3], fmt.Sprint(p, " ", i))
				}
			})
		}
		for range publishers * each {
			var p, i int
			fmt.Sscan(<-got, &p, &i)
			if next[p] != i {
				t.Fatalf("publisher %d: got %d, want %d", p, i, next[p])
			}
			next[p]++
		}
		wg.Wait()
	})
}

// A receiverFunc receives by a function, and the rest as its peer.
type receiverFunc struct {
	*peer
	receive func(data []byte)
}

func (r receiverFunc) Receive(_, _ string, data []byte) { r.receive(data) }

func TestPatterns(t *testing.T) {
	s := redistest.Start(t)
	a, b := start(t, &Options{}, at(s)), start(t, &Options{}, at(s))
	b.Subscribe("p#/#*", "p-request#/#")
	b.settled()
	a.send("p#/#", "1")
	a.send("p#/#room#", "2")
	a.send("p#/other#", "3")
	a.send("p-request#/#", "4")
	b.has("p#/# by p#/#* 1", "p#/#room# by p#/#* 2", "p-request#/# 4")
	b.Unsubscribe("p#/#*")
	b.settled()
	a.send("p#/#", "5")
	a.send("p-request#/#", "6")
	b.has("p-request#/# 6")
}

func TestCount(t *testing.T) {
	kinds(t, func(t *testing.T, o *Options) {
		s := redistest.Start(t)
		a, b := start(t, o, at(s)), start(t, o, at(s))
		count := func(want int) {
			t.Helper()
			if n, err := a.Count(t.Context(), "all"); n != want || err != nil {
				t.Errorf("counted %d, %v; want %d", n, err, want)
			}
		}
		count(0)
		a.Subscribe("all")
		count(1) // what has been asked for is counted
		b.Subscribe("all")
		b.settled()
		count(2)
		a.Unsubscribe("all")
		count(1)
	})
}

// A channel that is joined and left while nothing can be sent costs one change at most.
func TestChangesAreCoalesced(t *testing.T) {
	var o outbox
	o.subs = make(map[string]state)
	for range 1000 {
		o.want(true, []string{"kept", "left"})
		o.want(false, []string{"kept", "left"})
	}
	o.want(true, []string{"kept"})
	if len(o.dirty) != 2 {
		t.Errorf("%d changes wait", len(o.dirty))
	}
	if add, remove := o.changes(); fmt.Sprint(add, remove) != "[kept] []" {
		t.Errorf("changes %v, %v", add, remove)
	}
	o.want(false, []string{"kept"})
	o.want(true, []string{"kept"})
	if add, remove := o.changes(); len(add)+len(remove) != 0 {
		t.Errorf("changes %v, %v", add, remove)
	}
	o.want(false, []string{"kept"})
	if add, remove := o.changes(); fmt.Sprint(add, remove) != "[] [kept]" {
		t.Errorf("changes %v, %v", add, remove)
	}
	if len(o.subs) != 0 {
		t.Errorf("%v are left", o.subs)
	}
}

// A link that has been woken, and was lost before it took notice, blocks nobody.
func TestWakingDoesNotBlock(t *testing.T) {
	l := &link{e: &engine{queueBytes: defaultQueueBytes}, wake: make(chan struct{}, 1), outbox: outbox{subs: make(map[string]state)}}
	for i := range 3 {
		l.idle = true
		l.want(true, []string{strconv.Itoa(i)})
		l.idle = true
		if err := l.publish(message{channel: "x"}, false); err != nil {
			t.Error(err)
		}
	}
	if len(l.wake) != 1 {
		t.Error("the link is not woken")
	}
}

func TestCloseSendsWhatIsQueued(t *testing.T) {
	const n = 5_000 // far less than a second's worth
	s := redistest.Start(t)
	a, b := start(t, &Options{}, at(s)), start(t, &Options{}, at(s))
	b.Subscribe("all")
	b.settled()
	for i := range n {
		a.send("all", strconv.Itoa(i))
	}
	a.Close()
	b.wait("all that was queued", func() bool { return b.count == n })
	if lost := a.now().lost; lost != 0 {
		t.Errorf("%d messages are said to be lost", lost)
	}
	a.send("all", "after")
	a.Close()
	if _, err := a.Count(context.Background(), "all"); err == nil {
		t.Error("counted after Close")
	}
}
