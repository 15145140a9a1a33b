package presence_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/presence"
	"github.com/siokit/sio/siotest"
)

// A server is one of a cluster in memory, or alone.
type server struct {
	*sio.Server
	p      *presence.Presence[string]
	engine *memory.Engine

	mu  sync.Mutex
	saw []string // changes
}

// seat is what a client of these tests asks for.
type seat struct{ Room, Key, Value string }

// start starts a server, which ends with the test. Hub may be nil.
func start(t testing.TB, hub *memory.Hub, o *presence.Options) *server {
	t.Helper()
	return startAt(t, hub, "/", o)
}

func startAt(t testing.TB, hub *memory.Hub, nsp string, o *presence.Options) *server {
	t.Helper()
	if hub == nil {
		return startOn(t, nil, nsp, o)
	}
	e := hub.Engine()
	s := startOn(t, e, nsp, o)
	s.engine = e
	return s
}

// startOn starts a server that is alone if e is nil.
func startOn(t testing.TB, e cluster.Engine, nsp string, o *presence.Options) *server {
	t.Helper()
	s, quiet := new(server), zerolog.Nop()
	opts := &sio.Options{Logger: &quiet, Recovery: &sio.Recovery{}}
	if e != nil {
		cl, err := cluster.New(t.Context(), e, wire.Classic("", wire.ClassicOptions{}), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := cl.Close(); err != nil {
				t.Error(err)
			}
		})
		opts.Broker = cl.Broker
	}
	s.Server = sio.New(opts)
	siotest.Cleanup(t, s.Server)
	n := s.Of(nsp)
	s.p = presence.New[string](n, o)
	s.p.OnChange(func(c presence.Change[string]) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for what, list := range map[string][]presence.Member[string]{"joined": c.Joined, "updated": c.Updated, "left": c.Left} {
			for _, m := range list {
				s.saw = append(s.saw, fmt.Sprintf("%s %s:%s=%s", what, c.Room, m.Key, m.Value))
			}
		}
	})
	sio.OnWithAck(n, "enter", func(c *sio.Context, in seat) (bool, error) {
		return true, s.p.Enter(c.Socket(), in.Room, in.Key, in.Value)
	})
	sio.OnWithAck(n, "update", func(c *sio.Context, in seat) (bool, error) {
		return true, s.p.Update(c.Socket(), in.Room, in.Value)
	})
	sio.OnWithAck(n, "stand", func(c *sio.Context, room string) (bool, error) {
		s.p.Leave(c.Socket(), room)
		return true, nil
	})
	sio.OnWithAck(n, "leave", func(c *sio.Context, room string) (bool, error) {
		c.Leave(room)
		return true, nil
	})
	sio.OnWithAck(n, "watch", func(c *sio.Context, room string) (bool, error) {
		err := c.Join(room)
		s.p.SendList(c.Socket(), room)
		return true, err
	})
	return s
}

// enter connects a client that is a member of room "r".
func (s *server) enter(t testing.TB, key, value string) *siotest.Client {
	t.Helper()
	c := siotest.Connect(t, s.Server)
	c.Call("enter", seat{"r", key, value})
	return c
}

// members returns who is in a room.
func members(p *presence.Presence[string], room string) string {
	var all []string
	for _, m := range p.List(room) {
		all = append(all, m.Key+"="+m.Value)
	}
	return strings.Join(all, " ")
}

// agree waits for d, and wants all servers to have the same in room "r".
func agree(t *testing.T, d time.Duration, when, want string, servers ...*server) {
	t.Helper()
	time.Sleep(d)
	synctest.Wait()
	for i, s := range servers {
		if got := members(s.p, "r"); got != want {
			t.Errorf("%s, server %d has %q, want %q", when, i, got, want)
		}
	}
}

// sees wants these changes, in any order, since the last call.
func (s *server) sees(t *testing.T, when string, want ...string) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.saw)
	slices.Sort(want)
	if !slices.Equal(s.saw, want) {
		t.Errorf("%s: saw %q, want %q", when, s.saw, want)
	}
	s.saw = nil
}

// soon is enough for what nothing holds up.
const soon = 200 * time.Millisecond

func TestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil, nil)
		ada := s.enter(t, "ada", "1")
		bob := s.enter(t, "", "2")
		both := []string{"ada=1", bob.ID() + "=2"}
		slices.Sort(both)
		agree(t, soon, "with two", strings.Join(both, " "), s)
		s.sees(t, "with two", "joined r:ada=1", "joined r:"+bob.ID()+"=2")
		bob.Call("leave", "r")
		ada.Call("update", seat{Room: "r", Value: "3"})
		agree(t, 0, "at once", "ada=3", s)
		agree(t, soon, "with one", "ada=3", s)
		s.sees(t, "with one", "updated r:ada=3", "left r:"+bob.ID()+"=2")
		if err := bob.CallError("update", seat{Room: "r", Value: "3"}); err.Message != presence.ErrNotMember.Message {
			t.Errorf("who has left updates: %v", err)
		}
		if v, ok := s.p.Get("r", "ada"); v != "3" || !ok || s.p.Count("r") != 1 {
			t.Errorf("ada is %q, %t, of %d", v, ok, s.p.Count("r"))
		}

		// Two tabs are one member.
		tab := s.enter(t, "ada", "4")
		ada.Call("stand", "r")
		agree(t, soon, "with the other tab", "ada=4", s)
		s.sees(t, "with the other tab", "updated r:ada=4")

		// Another key is another member.
		tab.Call("enter", seat{"r", "eve", "5"})
		agree(t, soon, "with another key", "eve=5", s)
		s.sees(t, "with another key", "joined r:eve=5", "left r:ada=4")

		// Who is there for a moment, while others have just been told, is not told of.
		bob.Call("enter", seat{"r", "bob", "1"})
		synctest.Wait()
		ada.Call("enter", seat{"r", "ada", "6"})
		ada.Call("stand", "r")
		time.Sleep(soon)
		s.sees(t, "after a moment's visit", "joined r:bob=1")
		bob.Call("stand", "r")
		time.Sleep(soon)
		s.sees(t, "in the room, but no member", "left r:bob=1")

		tab.Disconnect()
		agree(t, soon, "when the last one has left", "", s)
		if _, ok := s.p.Get("r", "eve"); ok || s.p.Count("r") != 0 {
			t.Error("somebody is left")
		}
		s.sees(t, "when the last one has left", "left r:eve=5")
	})
}

func TestGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil, &presence.Options{Grace: 2 * time.Second})
		s.enter(t, "ada", "1").Close()
		agree(t, time.Second, "for a while", "ada=1", s)
		back := s.enter(t, "ada", "1")
		agree(t, 3*time.Second, "when back", "ada=1", s)
		s.sees(t, "when back", "joined r:ada=1")
		back.Close()
		agree(t, 1900*time.Millisecond, "for a while", "ada=1", s)
		agree(t, soon, "when gone", "", s)
		s.sees(t, "when gone", "left r:ada=1")

		none := start(t, nil, &presence.Options{Grace: -1})
		none.enter(t, "ada", "1").Close()
		agree(t, 0, "without grace", "", none)
	})
}

func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil, &presence.Options{MaxValue: 10, MaxMembers: 2, MaxRooms: 2})
		c := siotest.Connect(t, s.Server)
		refused := func(in seat, want error) {
			t.Helper()
			if err := c.CallError("enter", in); err.Message != want.Error() {
				t.Errorf("%v: %v, want %v", in, err, want)
			}
		}
		c.Call("enter", seat{"r", strings.Repeat("k", 256), "12345678"})
		refused(seat{"r", strings.Repeat("k", 257), ""}, presence.ErrTooLarge)
		refused(seat{"r", "k", "123456789"}, presence.ErrTooLarge)
		if err := c.CallError("update", seat{Room: "r", Value: "123456789"}); err.Message != presence.ErrTooLarge.Error() {
			t.Error(err)
		}
		c.Call("enter", seat{"s", "k", ""})
		c.Call("enter", seat{"s", "k", "2"})
		refused(seat{"t", "k", ""}, presence.ErrTooMany)
		if s.p.Count("t") != 0 {
			t.Error("who is refused is there")
		}
		s.enter(t, "2", "")
		c = siotest.Connect(t, s.Server)
		refused(seat{"r", "3", ""}, presence.ErrTooMany)
		c.Call("enter", seat{"r", "2", ""})
	})
}

func TestCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := memory.NewHub()
		a, b := start(t, hub, nil), start(t, hub, nil)
		ada := a.enter(t, "ada", "1")
		bob := b.enter(t, "bob", "1")
		agree(t, soon, "with two", "ada=1 bob=1", a, b)
		for _, s := range []*server{a, b} {
			s.sees(t, "with two", "joined r:ada=1", "joined r:bob=1")
		}

		// A server that is new learns all.
		c := start(t, hub, nil)
		agree(t, time.Second, "with a new server", "ada=1 bob=1", a, b, c)
		cleo := c.enter(t, "cleo", "1")
		bob.Call("update", seat{Room: "r", Value: "2"})
		agree(t, soon, "after a change", "ada=1 bob=2 cleo=1", a, b, c)

		// One user on two servers is one member, with what was said last.
		bob2 := c.enter(t, "bob", "3")
		agree(t, soon, "with two tabs", "ada=1 bob=3 cleo=1", a, b, c)
		bob.Call("update", seat{Room: "r", Value: "4"})
		agree(t, soon, "with two tabs", "ada=1 bob=4 cleo=1", a, b, c)
		bob2.Call("update", seat{Room: "r", Value: "5"})
		agree(t, soon, "with two tabs", "ada=1 bob=5 cleo=1", a, b, c)
		a.sees(t, "with two tabs", "joined r:cleo=1", "updated r:bob=2", "updated r:bob=3", "updated r:bob=4", "updated r:bob=5")
		bob2.Disconnect()
		agree(t, soon, "with the first tab", "ada=1 bob=5 cleo=1", a, b, c)

		// Who leaves by another server's word leaves.
		if err := a.In(cleo.ID()).Leave("r"); err != nil {
			t.Fatal(err)
		}
		agree(t, soon, "when one had to leave", "ada=1 bob=5", a, b, c)
		a.sees(t, "when one had to leave", "left r:cleo=1")
		ada.Disconnect()
		agree(t, soon, "when one has left", "bob=5", a, b, c)
		a.sees(t, "when one has left", "left r:ada=1")
	})
}

// TestServers has servers that die, hang, are cut off and end.
func TestServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := memory.NewHub()
		a, b, c := start(t, hub, nil), start(t, hub, nil), start(t, hub, nil)
		a.enter(t, "ada", "1")
		b.enter(t, "bob", "1")
		cleo := c.enter(t, "cleo", "1")
		const all = "ada=1 bob=1 cleo=1"
		agree(t, time.Second, "in the beginning", all, a, b, c)

		// A moment without messages is made up for.
		c.engine.Cut()
		adam := a.enter(t, "adam", "1")
		time.Sleep(soon)
		c.engine.Heal()
		agree(t, 2*time.Second, "after a moment", "ada=1 adam=1 bob=1 cleo=1", a, b, c)
		adam.Disconnect()
		agree(t, soon, "in the beginning", all, a, b, c)
		for _, s := range []*server{a, b, c} {
			s.sees(t, "after a moment", "joined r:ada=1", "joined r:adam=1", "joined r:bob=1", "joined r:cleo=1", "left r:adam=1")
		}

		// One that dies, or seems to, says nothing. When it is back it has all again.
		for _, down := range []struct {
			what     string
			from, to func()
		}{
			{"cut off", c.engine.Cut, c.engine.Heal},
			{"frozen", c.engine.Freeze, c.engine.Thaw},
		} {
			down.from()
			agree(t, 1900*time.Millisecond, down.what+", shortly after", all, a, b)
			agree(t, 2*time.Second, down.what+", after a timeout", "ada=1 bob=1", a, b)
			agree(t, 0, down.what+", alone", "cleo=1", c)
			time.Sleep(10 * time.Second)
			a.sees(t, down.what, "left r:cleo=1")
			c.sees(t, down.what, "left r:ada=1", "left r:bob=1")
			down.to()
			agree(t, 2*time.Second, down.what+", back", all, a, b, c)
			a.sees(t, down.what+", back", "joined r:cleo=1")
			c.sees(t, down.what+", back", "joined r:ada=1", "joined r:bob=1")
		}

		// One that ends has its clients elsewhere soon.
		if err := c.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		cleo.ExpectDisconnect(siotest.TransportClose)
		agree(t, time.Second, "when one has ended", all, a, b)
		b.enter(t, "cleo", "1")
		agree(t, 10*time.Second, "when its client is back", all, a, b)
		a.sees(t, "when its client is back")
	})
}

// TestAtOnce has clients come and go at once on servers that hear nothing at times.
func TestAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := memory.NewHub()
		servers := []*server{start(t, hub, nil), start(t, hub, nil), start(t, hub, nil)}
		var want []string
		var wg sync.WaitGroup
		for i, s := range servers {
			for j := range 8 {
				key := fmt.Sprint("own", i, j)
				if j%2 == 0 {
					key = fmt.Sprint("shared", j)
				}
				want = append(want, key+"=end")
				c := siotest.Connect(t, s.Server)
				wg.Go(func() {
					for k := range 20 {
						c.Emit("enter", seat{"r", key, fmt.Sprint(k)})
						time.Sleep(time.Duration(i+j+k) * time.Millisecond)
						c.Emit("leave", "r")
						time.Sleep(time.Duration(j) * time.Millisecond)
					}
					c.Emit("enter", seat{"r", key, "end"})
				})
			}
		}
		for range 5 {
			servers[2].engine.Cut()
			time.Sleep(30 * time.Millisecond)
			servers[2].engine.Heal()
			time.Sleep(30 * time.Millisecond)
		}
		wg.Wait()
		slices.Sort(want)
		agree(t, 3*time.Second, "in the end", strings.Join(slices.Compact(want), " "), servers...)
	})
}

// TestClients has a client put together who is there, from what it is sent.
func TestClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, o := memory.NewHub(), &presence.Options{Event: "presence"}
		a, b := start(t, hub, o), start(t, hub, o)
		type change = presence.Change[string]
		m := func(key, value string) presence.Member[string] {
			return presence.Member[string]{Key: key, Value: value}
		}
		is := func(c *siotest.Client, want change) {
			t.Helper()
			got := siotest.Expect[change](c, "presence")
			want.Room = "r"
			if fmt.Sprint(got) != fmt.Sprint(want) || (got.Members == nil) != (want.Members == nil) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
		list := func(ms ...presence.Member[string]) []presence.Member[string] {
			return append([]presence.Member[string]{}, ms...)
		}
		watcher := siotest.Connect(t, b.Server)
		watcher.Call("watch", "r")
		is(watcher, change{Members: list()})
		ada := a.enter(t, "ada", "1")
		is(ada, change{Joined: list(m("ada", "1"))})
		is(ada, change{Members: list(m("ada", "1"))})
		is(watcher, change{Joined: list(m("ada", "1"))})
		time.Sleep(soon)
		bob := b.enter(t, "bob", "1")
		for _, c := range []*siotest.Client{ada, watcher, bob} {
			is(c, change{Joined: list(m("bob", "1"))})
		}
		is(bob, change{Members: list(m("ada", "1"), m("bob", "1"))})
		time.Sleep(soon)
		bob.Call("update", seat{Room: "r", Value: "2"})
		bob2 := a.enter(t, "bob", "3") // both are told of together, or one after the other
		time.Sleep(soon)
		var last change
		for _, c := range []*siotest.Client{ada, watcher, bob, bob2} {
			last = siotest.Expect[change](c, "presence")
			if len(last.Updated) == 1 && last.Updated[0].Value == "2" {
				last = siotest.Expect[change](c, "presence")
			}
			if fmt.Sprint(last.Updated) != fmt.Sprint(list(m("bob", "3"))) {
				t.Errorf("got %v", last)
			}
		}
		is(bob2, change{Members: list(m("ada", "1"), m("bob", "3"))})
		bob.Disconnect()
		bob2.Disconnect()
		time.Sleep(soon)
		for _, c := range []*siotest.Client{ada, watcher} {
			is(c, change{Left: list(m("bob", "3"))})
			c.ExpectNone()
		}
	})
}

// TestPattern has namespaces that come and go, each with its own members.
func TestPattern(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, o := memory.NewHub(), &presence.Options{Event: "presence"}
		a, b := startAt(t, hub, "/t-{id}", o), startAt(t, hub, "/t-{id}", o)
		enter := func(s *server, nsp, key string) *siotest.Client {
			c := siotest.Connect(t, s.Server, &siotest.Options{Namespace: nsp})
			c.Call("enter", seat{"r", key, ""})
			time.Sleep(soon)
			return c
		}
		one := enter(a, "/t-1", "ada")
		two := enter(b, "/t-2", "bob")
		also := enter(b, "/t-1", "cleo")
		for _, s := range []*server{a, b} {
			if one, two := members(s.p.Of("/t-1"), "r"), members(s.p.Of("/t-2"), "r"); one != "ada= cleo=" || two != "bob=" {
				t.Errorf("%q and %q", one, two)
			}
		}
		one.Expect("presence")
		one.Expect("presence")
		one.Expect("presence") // of cleo, on the other server
		one.ExpectNone()
		two.Expect("presence")
		two.Expect("presence")
		two.ExpectNone()
		also.Disconnect()
		two.Disconnect()
		time.Sleep(soon)
		if n := b.p.Of("/t-2").Count("r"); n != 0 {
			t.Errorf("%d are left", n)
		}
		if got := members(b.p.Of("/t-1"), "r"); got != "ada=" {
			t.Errorf("%q are left", got)
		}
	})
}

func TestShutdownTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil, nil)
		s.enter(t, "ada", "1")
		for range 2 {
			if err := s.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
}
