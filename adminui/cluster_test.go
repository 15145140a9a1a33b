package adminui_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/adminui"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/siotest"
)

func clustered(t *testing.T, e cluster.Engine) *sio.Options {
	t.Helper()
	cl, err := cluster.New(t.Context(), e, wire.Sharded("", wire.Dynamic), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cl.Close() })
	return &sio.Options{Cluster: cl}
}

// servers returns so many, s1, s2 and so on, of a cluster.
func servers(t *testing.T, hub *memory.Hub, n int, o adminui.Options) []*sio.Server {
	t.Helper()
	var list []*sio.Server
	for i := range n {
		o.ServerID = fmt.Sprint("s", i+1)
		list = append(list, mount(t, clustered(t, hub.Engine()), o))
	}
	return list
}

func TestClusterStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := servers(t, memory.NewHub(), 3, adminui.Options{})
		siotest.Connect(t, all[1])
		p := open(t, all[0], login)
		var session string
		p.Expect("session").Bind(&session)
		features(t, p)
		counts := make(map[string]int)
		for len(counts) < 3 {
			s := bind[stats](t, p.until("server_stats", nil))
			counts[s.ServerID] = s.ClientsCount
		}
		if counts["s1"] != 1 || counts["s2"] != 1 || counts["s3"] != 0 {
			t.Errorf("clients %v", counts)
		}
		other := open(t, all[2], credentials{"sessionId": session})
		features(t, other)
		other.until("server_stats", func(e *siotest.Event) bool { return bind[stats](t, e).ServerID == "s2" })
	})
}

func TestClusterSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := memory.NewHub()
		all := servers(t, hub, 2, adminui.Options{Unprotected: true, Mode: adminui.Development})
		here, there := siotest.Connect(t, all[0]), siotest.Connect(t, all[1])
		all[1].On("echo", func(c *sio.Context) error { return c.Ack(1) })
		if err := all[1].Local().Join("room"); err != nil {
			t.Fatal(err)
		}
		p := open(t, all[0], nil)
		features(t, p)
		of := func(c *siotest.Client) func(e *siotest.Event) bool {
			return func(e *siotest.Event) bool { return strings.Contains(e.String(), c.ID()) }
		}
		list := bind[[]socket](t, p.Expect("all_sockets"))
		if !slices.ContainsFunc(list, func(s socket) bool { return s.ID == here.ID() }) {
			t.Errorf("this server's socket is not in %+v", list)
		}
		if s := bind[socket](t, p.until("socket_connected", of(there))); !slices.Equal(s.Rooms, []string{"room"}) || s.Nsp != "/" {
			t.Errorf("%+v", s)
		}

		// What is done to sockets of the other server, and what they do.
		p.Call("join", "/", "other", there.ID())
		p.until("room_joined", of(there))
		p.Call("leave", "/", "room")
		p.until("room_left", of(there))
		p.Call("emit", "/", "other", "news")
		there.Expect("news")
		p.until("event_sent", of(there))
		there.Call("echo")
		p.until("event_received", of(there))
		late := siotest.Connect(t, all[1])
		p.until("socket_connected", of(late))
		p.Call("_disconnect", "/", true, there.ID())
		there.ExpectDisconnect(siotest.ServerDisconnect)
		p.until("socket_disconnected", of(there))

		second := open(t, all[1], nil)
		second.until("socket_connected", of(here))
	})
}

// Servers share what a page lists, once they know of each other.
func TestClusterShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := servers(t, memory.NewHub(), 2, adminui.Options{Unprotected: true, Mode: adminui.Development, MaxSockets: 100})
		for range 80 {
			siotest.Connect(t, all[1])
		}
		first := open(t, all[0], nil)
		features(t, first)
		time.Sleep(time.Minute)
		told := 0
		p := open(t, all[0], nil)
		synctest.Wait()
		time.Sleep(5 * time.Second)
		for e := p.Next(); ; e = p.Next() {
			if e.Name() == "socket_connected" && bind[socket](t, e).Nsp == "/" {
				told++
			}
			if e.Name() == "server_stats" && bind[stats](t, e).ServerID == "s2" && told > 0 {
				break
			}
		}
		if told != 50 {
			t.Errorf("%d sockets of the other server are listed, want 50", told)
		}
	})
}

// Nothing is sent, and nothing runs, when no page is open at any server.
func TestClusterRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := memory.NewHub()
		all := servers(t, hub, 2, adminui.Options{Unprotected: true, Mode: adminui.Development})
		plain := sio.New(clustered(t, hub.Engine())) // what is emitted to the namespace arrives here, too
		plain.Of("/admin")
		siotest.Cleanup(t, plain)
		ear := page{t, siotest.Connect(t, plain, &siotest.Options{Namespace: "/admin"})}
		c := siotest.Connect(t, all[1])
		time.Sleep(time.Minute)
		ear.ExpectNone()
		p := open(t, all[0], nil)
		ear.until("server_stats", func(e *siotest.Event) bool { return bind[stats](t, e).ServerID == "s2" })
		time.Sleep(time.Minute) // it goes on while the page is there
		ear.until("server_stats", func(e *siotest.Event) bool { return bind[stats](t, e).ServerID == "s2" })
		p.Disconnect()
		time.Sleep(time.Minute)
		if err := plain.Of("/admin").Local().Emit("end"); err != nil {
			t.Fatal(err)
		}
		ear.until("end", nil)
		if err := all[1].Emit("event"); err != nil {
			t.Fatal(err)
		}
		c.Expect("event")
		time.Sleep(time.Minute)
		ear.ExpectNone()
	})
}

func TestManyPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mount(t, nil, adminui.Options{Unprotected: true})
		var pages []page
		for range 32 {
			p := open(t, srv, nil)
			features(t, p)
			pages = append(pages, p)
		}
		one := open(t, srv, nil)
		features(t, one)
		one.ExpectDisconnect(siotest.ServerDisconnect)
		pages[0].Disconnect()
		synctest.Wait()
		again := open(t, srv, nil)
		features(t, again)
		again.Expect("server_stats")
	})
}

// Whatever is said in a cluster, nothing is done that a server would not have said.
func TestWordsThatMakeNoSense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := memory.NewHub()
		servers(t, hub, 1, adminui.Options{Unprotected: true})
		plain := sio.New(clustered(t, hub.Engine()))
		plain.Of("/admin")
		siotest.Cleanup(t, plain)
		ear := page{t, siotest.Connect(t, plain, &siotest.Options{Namespace: "/admin"})}
		time.Sleep(time.Minute) // they know of each other
		say := func(word any) (err error) {
			t.Helper()
			answers, failed := plain.Of("/admin").ServerSideEmitWithAck(t.Context(), "adminui", word)
			if failed != nil || len(answers) != 1 {
				t.Fatalf("%v, %v", answers, failed)
			}
			return answers[0].Err
		}
		long := strings.Repeat("x", 129)
		for _, word := range []any{
			"text", map[string]any{"pages": 1}, map[string]any{"server": long, "pages": 1}, map[string]any{"server": "x", "pages": 1, "page": long},
			map[string]any{"server": "x", "pages": "1"},
		} {
			if say(word) == nil {
				t.Errorf("%v is taken", word)
			}
		}
		time.Sleep(time.Minute)
		ear.ExpectNone()
		if err := say(map[string]any{"server": "x", "pages": 1}); err != nil {
			t.Error(err)
		}
		ear.Expect("server_stats")
	})
}
