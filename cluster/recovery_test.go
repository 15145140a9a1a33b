package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/brokertest"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/internal/testclient"
)

// A member is a server with recovery in a cluster by a journal.
type member struct {
	*sio.Server
	cl     *cluster.Cluster
	engine *memory.Journal
	url    string
	dead   bool
	refuse atomic.Bool // whoever comes back

	proxy *brokertest.Proxy
}

func newMember(t *testing.T, hub *memory.Hub, window time.Duration) *member {
	t.Helper()
	j := hub.Journal()
	return newMemberBy(t, j, j, window)
}

// newMemberBy starts a member by an engine that is, or wraps, a journal.
func newMemberBy(t *testing.T, j *memory.Journal, e cluster.Engine, window time.Duration) *member {
	t.Helper()
	m := &member{engine: j}
	log := zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel)
	if os.Getenv("TRACE") != "" {
		log = zerolog.New(os.Stderr)
	}
	var err error
	if m.cl, err = cluster.New(t.Context(), e, wire.Sharded("", wire.Dynamic), &cluster.Options{Heartbeat: 200 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	m.Server = sio.New(&sio.Options{Broker: m.cl.Broker, Recovery: &sio.Recovery{Window: window}, Logger: &log})
	m.OnConnect(func(c *sio.Context) error {
		if c.Recovered() && m.refuse.Load() {
			c.Leave("room")
			return errors.Join(c.Join("other"), c.Set("name", "Eve"), errors.New("no"))
		}
		if c.Recovered() {
			return nil
		}
		return c.Join("room")
	})
	m.On("join", func(c *sio.Context) error { return c.Join(text(c)) })
	m.On("leave", func(c *sio.Context) error { c.Leave(text(c)); return nil })
	m.On("set", func(c *sio.Context) error { return errors.Join(c.Set("name", text(c)), named.Set(c, point{1, 2})) })
	m.On("get", func(c *sio.Context) error {
		p, ok := named.Get(c)
		return c.Emit("got", c.Get("name"), p, ok)
	})
	web := httptest.NewServer(m)
	m.proxy = brokertest.NewProxy(t, web.Listener.Addr().String())
	m.url = "http://" + m.proxy.Addr() + "/socket.io/"
	t.Cleanup(func() {
		if !m.dead {
			if err := errors.Join(m.Shutdown(context.Background()), m.cl.Close()); err != nil {
				t.Error(err)
			}
		} else {
			_ = m.Shutdown(context.Background())
			_ = m.cl.Close()
		}
		web.Close()
	})
	return m
}

type point struct{ X, Y int }

var named = sio.NewKey[point]("point")

func text(c *sio.Context) (s string) {
	if err := c.Bind(&s); err != nil {
		panic(err)
	}
	return s
}

// kill ends a server as kill -9 does, as far as others can see.
func (m *member) kill() {
	m.engine.Kill()
	m.dead = true
	m.proxy.Cut()
}

// A roamer is a client that goes from one server to another, as the official one does: it
// takes the last argument of an event for the offset if it is a string.
type roamer struct {
	t         *testing.T
	c         *testclient.Client
	sid, pid  string
	offset    string
	got       []string
	recovered bool
	patient   int // so often it tries again when it is sent away without an answer, as the official one does
}

func (r *roamer) come(m *member) *roamer {
	r.t.Helper()
	if r.c != nil {
		r.c.Close()
	}
	c, err := testclient.Dial(m.url, testclient.Options{WebSocket: true})
	if err != nil {
		r.t.Fatal(err)
	}
	r.c = c
	r.t.Cleanup(func() { c.Close() })
	auth := ""
	if r.pid != "" {
		auth = fmt.Sprintf(`{"pid":%q}`, r.pid)
		if r.offset != "" {
			auth = fmt.Sprintf(`{"pid":%q,"offset":%q}`, r.pid, r.offset)
		}
	}
	r.send("0" + auth)
	for {
		p, err := r.c.Next()
		if err != nil && r.patient > 0 {
			r.patient--
			return r.come(m)
		} else if err != nil {
			r.t.Fatal(err)
		}
		answer, ok := strings.CutPrefix(p, "0")
		if !ok {
			r.hear(p)
			continue
		}
		var a struct{ SID, PID string }
		if err := json.Unmarshal([]byte(answer), &a); err != nil {
			r.t.Fatalf("answer %s", p)
		}
		r.recovered = r.pid != "" && a.PID == r.pid
		if r.recovered != (a.SID == r.sid) {
			r.t.Fatalf("answer %s to %s, %s", p, r.sid, r.pid)
		}
		r.sid, r.pid = a.SID, a.PID
		return r
	}
}

func (r *roamer) send(p string) {
	r.t.Helper()
	if err := r.c.Send(p); err != nil {
		r.t.Fatal(err)
	}
}

func (r *roamer) next() string {
	r.t.Helper()
	p, err := r.c.Next()
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

func (r *roamer) hear(p string) {
	r.t.Helper()
	data, ok := strings.CutPrefix(p, "2")
	var args []any
	if err := json.Unmarshal([]byte(data), &args); !ok || err != nil {
		r.t.Fatalf("packet %s", p)
	}
	if s, ok := args[len(args)-1].(string); ok && len(args) > 1 {
		r.offset = s
		args = args[:len(args)-1]
	}
	r.got = append(r.got, strings.Trim(fmt.Sprint(args), "[]"))
}

// hears wants these events, and no other ones.
func (r *roamer) hears(want ...string) {
	r.t.Helper()
	for len(r.got) < len(want) {
		r.hear(r.next())
	}
	if !slices.Equal(r.got, want) {
		r.t.Errorf("heard %q, want %q", r.got, want)
	}
	r.got = nil
}

func ok(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// until waits until something is so.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

// saved tells whether the record of a client has a room.
func saved(t *testing.T, m *member, pid, room string) bool {
	data, err := m.engine.Find(t.Context(), pid)
	ok(t, err)
	if data == nil {
		return false
	}
	s, err := wire.DecodeSession(data)
	ok(t, err)
	return slices.Contains(s.Rooms, room)
}

func TestRoaming(t *testing.T) {
	for _, end := range []string{"cut", "shutdown", "kill", "half open"} {
		t.Run(end, func(t *testing.T) {
			hub := memory.NewHub()
			a, b := newMember(t, hub, time.Minute), newMember(t, hub, time.Minute)
			r := (&roamer{t: t}).come(a)
			ok(t, a.To("room").Emit("first", 1), b.To("room").Emit("second", 2))
			until(t, "both", func() bool {
				for len(r.got) < 2 {
					r.hear(r.next())
				}
				return true
			})
			slices.Sort(r.got)
			r.hears("first 1", "second 2")
			r.send(`2["join","more"]`)
			r.send(`2["set","Ann"]`)
			r.send(`2["get"]`)
			r.hears("got Ann map[X:1 Y:2] true")
			until(t, "the record", func() bool { return len(a.cl.Members()) == 1 && saved(t, a, r.pid, "more") })
			switch end {
			case "cut":
				r.c.Close()
			case "shutdown":
				ok(t, a.Shutdown(context.Background()), a.cl.Close())
				a.dead = true
			case "kill":
				a.kill()
			}
			ok(t, b.To("room").Emit("missed", 3), b.To("more").Emit("missed", 4), b.To("other").Emit("foreign"), b.Emit("all", 5),
				b.To("room").Except("more").Emit("not"), b.To(r.sid).Emit("mine", 6), b.To("room").Volatile().Emit("volatile"))
			if end == "half open" {
				r.c = nil // it answers no more
			}
			r.come(b)
			if !r.recovered {
				t.Fatal("not recovered")
			}
			r.hears("missed 3", "missed 4", "all 5", "mine 6")
			ok(t, b.To("more").Emit("live", 7))
			r.hears("live 7")
			r.send(`2["get"]`)
			r.hears("got Ann map[X:1 Y:2] true")
		})
	}
}

// TestRoamingToNew has a client come to a server that was started when its events were dropped
// from the journal: it comes back unless it has missed some of them.
func TestRoamingToNew(t *testing.T) {
	for _, misses := range []bool{false, true} {
		t.Run(fmt.Sprint("misses ", misses), func(t *testing.T) {
			hub := memory.NewHub()
			a := newMember(t, hub, time.Minute)
			r := (&roamer{t: t}).come(a)
			ok(t, a.To("room").Emit("first", 1))
			r.hears("first 1")
			until(t, "the record", func() bool { return saved(t, a, r.pid, "room") })
			r.c.Close()
			if misses {
				ok(t, a.To("room").Emit("missed", 2))
			}
			hub.Trim(0)
			r.come(newMember(t, hub, time.Minute))
			if r.recovered == misses {
				t.Errorf("recovered: %v", r.recovered)
			}
			ok(t, a.To("room").Emit("live", 3))
			r.hears("live 3")
		})
	}
}

// A dying is a journal whose server is killed when it has taken a client.
type dying struct{ *memory.Journal }

func (d *dying) Replace(ctx context.Context, old []byte, by cluster.Record) (bool, error) {
	ok, err := d.Journal.Replace(ctx, old, by)
	d.Kill()
	return ok, err
}

// TestKilledByTaking has a server die when it has taken a client, which has heard nothing
// of it: it comes back to another one with all that it had.
func TestKilledByTaking(t *testing.T) {
	hub := memory.NewHub()
	a, b := newMember(t, hub, time.Minute), newMember(t, hub, time.Minute)
	d := &dying{hub.Journal()}
	m := newMemberBy(t, d.Journal, d, time.Minute)
	m.dead = true
	r := (&roamer{t: t}).come(a)
	ok(t, a.To("room").Emit("first", 1))
	r.hears("first 1")
	r.send(`2["set","Ann"]`)
	r.send(`2["join","more"]`)
	until(t, "the record", func() bool { return len(b.cl.Members()) == 2 && saved(t, a, r.pid, "more") })
	a.kill()
	ok(t, b.To("more").Emit("missed", 2))

	c, err := testclient.Dial(m.url, testclient.Options{WebSocket: true})
	ok(t, err)
	ok(t, c.Send(fmt.Sprintf(`0{"pid":%q,"offset":%q}`, r.pid, r.offset)))
	until(t, "the death", func() bool {
		_, err := m.engine.Find(t.Context(), r.pid)
		return err != nil
	})
	m.kill()
	c.Close()

	ok(t, b.To("room").Emit("missed", 3))
	if r.come(b); !r.recovered {
		t.Fatal("not recovered")
	}
	r.hears("missed 2", "missed 3")
	r.send(`2["get"]`)
	r.hears("got Ann map[X:1 Y:2] true")
}
