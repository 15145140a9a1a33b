package cluster_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/internal/testclient"
)

// show connects and shows what a client shows when it comes back. It returns the connection, the
// pid of the answer, or "", and what came before.
func show(t *testing.T, m *member, auth string) (c *testclient.Client, pid string, before []string) {
	t.Helper()
	c, err := testclient.Dial(m.url, testclient.Options{WebSocket: true})
	ok(t, err)
	t.Cleanup(func() { c.Close() })
	pid, before = connect(c, auth)
	return c, pid, before
}

func connect(c *testclient.Client, auth string) (pid string, before []string) {
	if c.Send("0"+auth) != nil {
		return "", nil
	}
	for {
		p, err := c.Next()
		if err != nil {
			return "", before
		}
		switch p[0] {
		case '0':
			var a struct{ PID string }
			_ = json.Unmarshal([]byte(p[1:]), &a)
			return a.PID, before
		case '4':
			return "", before
		}
		before = append(before, p)
	}
}

func (r *roamer) auth() string { return fmt.Sprintf(`{"pid":%q,"offset":%q}`, r.pid, r.offset) }

// TestSomebodyElse has others show the pid of a client that is there, on its server, on another
// one, and in another namespace's name on the same connection: they are new clients, and it
// stays what it is.
func TestSomebodyElse(t *testing.T) {
	hub := memory.NewHub()
	a, b := newMember(t, hub, time.Minute), newMember(t, hub, time.Minute)
	a.Of("/more")
	r := (&roamer{t: t}).come(a)
	ok(t, a.To("room").Emit("first"))
	r.hears("first")
	until(t, "the record", func() bool { return len(b.cl.Members()) == 1 && saved(t, a, r.pid, "room") })
	for _, m := range []*member{a, b} {
		var wg sync.WaitGroup
		wg.Go(func() { // ends with the event behind its pong
			r.hears("second")
		})
		if _, pid, before := show(t, m, r.auth()); pid == "" || pid == r.pid || len(before) > 0 {
			t.Errorf("%q, with %q", pid, before)
		}
		ok(t, b.To(r.sid).Emit("second"))
		wg.Wait()
	}
	if pid, _ := connect(r.c, "/more,"+r.auth()); pid == r.pid {
		t.Error("it is the same in another namespace")
	}
	ok(t, b.To(r.sid).Emit("third"))
	r.hears("third")
}

// TestRefusedReturn has a connect handler refuse a client that has come back: nothing of it
// changes.
func TestRefusedReturn(t *testing.T) {
	hub := memory.NewHub()
	a, b := newMember(t, hub, time.Minute), newMember(t, hub, time.Minute)
	r := (&roamer{t: t}).come(a)
	ok(t, a.To("room").Emit("first"))
	r.hears("first")
	r.send(`2["set","Ann"]`)
	r.send(`2["join","more"]`)
	until(t, "the record", func() bool { return len(b.cl.Members()) == 1 && saved(t, a, r.pid, "more") })
	r.c.Close()
	ok(t, a.To("room").Emit("missed", 1))
	for _, m := range []*member{b, a} {
		m.refuse.Store(true)
		if _, pid, _ := show(t, m, r.auth()); pid != "" {
			t.Fatal("it is not refused")
		}
		m.refuse.Store(false)
	}
	ok(t, a.To("other").Emit("not for it"), a.To("room").Emit("missed", 2))
	if r.come(b); !r.recovered {
		t.Fatal("not recovered")
	}
	r.hears("missed 1", "missed 2")
	r.send(`2["get"]`)
	r.hears("got Ann map[X:1 Y:2] true")
}

// TestReturnTwice has a client come to several servers at once: one of them has it, and the
// others do not say so.
func TestReturnTwice(t *testing.T) {
	hub := memory.NewHub()
	members := []*member{newMember(t, hub, time.Minute), newMember(t, hub, time.Minute), newMember(t, hub, time.Minute)}
	until(t, "all", func() bool { return len(members[0].cl.Members()) == 2 && len(members[2].cl.Members()) == 2 })
	r := (&roamer{t: t}).come(members[0])
	ok(t, members[0].To("room").Emit("first"))
	r.hears("first")
	for round := range 20 {
		until(t, "the record", func() bool { return saved(t, members[0], r.pid, "room") })
		r.c.Close()
		ok(t, members[round%3].To("room").Emit("missed", round))
		var all sync.WaitGroup
		var mu sync.Mutex
		var has []*testclient.Client
		auth := r.auth()
		for _, m := range append(members, members...) {
			c, err := testclient.Dial(m.url, testclient.Options{WebSocket: true})
			ok(t, err)
			all.Add(1)
			go func() { // ends with the connection
				pid, before := connect(c, auth)
				mu.Lock()
				if pid == r.pid {
					has = append(has, c)
					for _, p := range before {
						r.hear(p)
					}
				}
				mu.Unlock()
				all.Done()
				for err == nil { // it answers pings
					_, err = c.Next()
				}
			}()
			defer c.Close()
		}
		all.Wait()
		if len(has) > 1 {
			t.Fatalf("round %d: %d servers have it", round, len(has))
		}
		if len(has) == 1 {
			has[0].Close()
		}
		if r.come(members[(round+1)%3]); !r.recovered {
			t.Fatalf("round %d: it is not to be had any more", round)
		}
		r.hears(fmt.Sprint("missed ", round))
	}
}
