package adminui_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/adminui"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/siotest"
)

// A model is what a page knows of the sockets in "/", as the real one keeps it.
type model map[string]*socket

// apply does what the page does with an event.
func (m model) apply(t *testing.T, e *siotest.Event) {
	t.Helper()
	var nsp, room, id string
	switch e.Name() {
	case "all_sockets":
		clear(m)
		for _, s := range bind[[]socket](t, e) {
			m.add(s)
		}
	case "socket_connected":
		m.add(bind[socket](t, e))
	case "socket_updated":
		if s := bind[socket](t, e); m[s.ID] != nil && s.Data != nil {
			maps.Copy(m[s.ID].Data, s.Data)
		}
	case "socket_disconnected":
		e.Bind(&nsp, &id)
		if s := m[id]; s != nil && len(s.Rooms) > 0 {
			t.Errorf("a socket has left that is in %q", s.Rooms)
		}
		delete(m, id)
	case "room_joined":
		e.Bind(&nsp, &room, &id)
		if s := m[id]; s != nil {
			if slices.Contains(s.Rooms, room) {
				t.Errorf("a socket joins %q twice", room)
			}
			s.Rooms = append(s.Rooms, room)
		}
	case "room_left":
		e.Bind(&nsp, &room, &id)
		if s := m[id]; s != nil {
			s.Rooms = slices.DeleteFunc(s.Rooms, func(r string) bool { return r == room })
		}
	}
}

// read has the page read what it was told by its server.
func (m model) read(t *testing.T, p page, srv *sio.Server) {
	t.Helper()
	if err := srv.Of("/admin").Local().Emit("end"); err != nil {
		t.Fatal(err)
	}
	for e := p.Next(); e.Name() != "end"; e = p.Next() {
		m.apply(t, e)
	}
}

func (m model) add(s socket) {
	if s.Nsp == "/" && m[s.ID] == nil { // one that it knows stays as it is
		m[s.ID] = &s
	}
}

func (m model) String() string {
	var lines []string
	for id, s := range m {
		slices.Sort(s.Rooms)
		lines = append(lines, fmt.Sprint(id, s.Rooms, s.Data["n"]))
	}
	slices.Sort(lines)
	return fmt.Sprint(lines)
}

// Whatever sockets do, and whenever a page comes, it knows in the end what there is, on all
// servers; also if clients may come back, when events go by a journal.
func TestModel(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testModel(t, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func testModel(t *testing.T, random *rand.Rand) {
	hub := memory.NewHub()
	engine, recovery := func() cluster.Engine { return hub.Engine() }, (*sio.Recovery)(nil)
	if random.IntN(2) == 0 {
		engine, recovery = func() cluster.Engine { return hub.Journal() }, new(sio.Recovery)
	}
	var all []*sio.Server
	for i := range 2 {
		opts := clustered(t, engine())
		opts.Recovery = recovery
		all = append(all, mount(t, opts, adminui.Options{Unprotected: true, Mode: adminui.Development, ServerID: fmt.Sprint("s", i+1)}))
	}
	for _, srv := range all {
		sio.On(srv, "join", func(c *sio.Context, room string) error { return c.Join(room) })
		sio.On(srv, "leave", func(c *sio.Context, room string) error { c.Leave(room); return nil })
		if recovery != nil {
			greet(srv)
		}
		sio.On(srv, "set", func(c *sio.Context, n int) error { return c.Set("n", n) })
	}
	var clients []*siotest.Client
	var travellers []*traveller
	var pages []page
	step := func(n int) {
		if recovery != nil && random.IntN(20) == 0 {
			at := all[random.IntN(2)]
			if len(travellers) < 5 {
				travellers = append(travellers, travel(t, at, nil))
			} else {
				i := random.IntN(5)
				travellers[i].Close()
				synctest.Wait() // whose old connection is not known to have ended may be sent away once more
				travellers[i] = travel(t, at, travellers[i])
			}
		}
		c := clients
		room := fmt.Sprint("room", random.IntN(4))
		switch k := random.IntN(10); {
		case k < 2 && len(c) < 40 || len(c) == 0:
			clients = append(c, siotest.Connect(t, all[random.IntN(2)]))
		case k == 2:
			i := random.IntN(len(c))
			c[i].Disconnect()
			clients = slices.Delete(c, i, i+1)
		case k < 6:
			c[random.IntN(len(c))].Emit("join", room)
		case k < 8:
			c[random.IntN(len(c))].Emit("leave", room)
		case k == 8:
			c[random.IntN(len(c))].Emit("set", n)
		default:
			_ = all[random.IntN(2)].To(room).Join("other")
		}
		if random.IntN(3) == 0 {
			time.Sleep(time.Duration(random.IntN(200)) * time.Millisecond)
		}
	}
	for n := range 100 {
		step(n)
	}
	for i := range 3 {
		pages = append(pages, open(t, all[i%2], nil))
		for n := range 150 {
			step(n)
		}
	}
	time.Sleep(15 * time.Second)
	truth := make(model)
	for _, srv := range all {
		if err := srv.Of("/admin").Local().Emit("end"); err != nil {
			t.Fatal(err)
		}
		for _, s := range srv.Local().LocalSockets() {
			truth[s.ID()] = &socket{Rooms: s.Rooms(), Data: s.Values()}
		}
	}
	for i, p := range pages {
		m := make(model)
		for e := p.Next(); e.Name() != "end"; e = p.Next() {
			m.apply(t, e)
		}
		if got, want := m.String(), truth.String(); got != want {
			t.Errorf("page %d knows\n%s, want\n%s", i, got, want)
		}
	}
}

func TestData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var data any
		srv := mount(t, nil, adminui.Options{Unprotected: true, Mode: adminui.Development, Data: func(*sio.Socket) any { return data }})
		siotest.Connect(t, srv)
		for _, c := range []struct {
			data any
			want string
		}{
			{map[string]any{"name": "Ada"}, `map[name:Ada]`},
			{struct{ Name string }{"Ada"}, `map[Name:Ada]`},
			{nil, `map[]`},
			{"text", `map[]`},
			{make(chan int), `map[(error):json: unsupported type: chan int]`},
			{map[string]any{"much": make([]byte, 4<<10)}, `map[(error):too much to show]`},
		} {
			data = c.data
			p := open(t, srv, nil)
			features(t, p)
			if got := fmt.Sprint(bind[[]socket](t, p.Expect("all_sockets"))[0].Data); got != c.want {
				t.Errorf("%v: %s, want %s", c.data, got, c.want)
			}
			p.Disconnect()
			time.Sleep(10 * time.Second)
		}
	})
}
