package adminui_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/adminui"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/siotest"
)

// Servers come one by one: each one's share is smaller then.
func TestSharesShrink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 100
		hub := memory.NewHub()
		var first *sio.Server
		var p page
		m := make(model)
		for i := range 7 {
			srv := mount(t, clustered(t, hub.Engine()), adminui.Options{
				Unprotected: true, Mode: adminui.Development, MaxSockets: most, ServerID: fmt.Sprint("s", i+1),
			})
			for range most + 50 {
				siotest.Connect(t, srv)
			}
			if i == 0 {
				first, p = srv, open(t, srv, nil)
			}
			time.Sleep(time.Minute)
			m.read(t, p, first)
			want := most / (i + 1) * (i + 1)
			if i > 4 { // of each a fifth is shown
				want = most / 5 * (i + 1)
			}
			if n := len(m); n > want || n < want-1 { // the page itself is one
				t.Errorf("%d sockets of %d servers are listed, want %d", n, i+1, want)
			}
		}
	})
}

// All servers learn of the first page, and of each other, at once.
func TestFirstPageOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 100
		all := servers(t, memory.NewHub(), 5, adminui.Options{Unprotected: true, Mode: adminui.Development, MaxSockets: most})
		for _, srv := range all {
			for range most {
				siotest.Connect(t, srv)
			}
		}
		p := open(t, all[0], nil)
		time.Sleep(time.Minute)
		if err := all[0].Of("/admin").Local().Emit("end"); err != nil {
			t.Fatal(err)
		}
		m, peak := make(model), 0
		for e := p.Next(); e.Name() != "end"; e = p.Next() {
			m.apply(t, e)
			peak = max(peak, len(m))
		}
		if peak > 2*most || len(m) < most {
			t.Errorf("%d sockets are listed, and before it were %d", len(m), peak)
		}
	})
}

// A page that is open is told of the sockets of a server that comes, also if that server hears
// of another page first.
func TestServerThatComes(t *testing.T) {
	for _, at := range []int{0, 1} {
		t.Run(fmt.Sprint("the other page at s", at+1), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := adminui.Options{Unprotected: true, Mode: adminui.Development, ServerID: "s1"}
				hub := memory.NewHub()
				all := []*sio.Server{mount(t, clustered(t, hub.Engine()), o)}
				first := open(t, all[0], nil)
				time.Sleep(time.Minute + time.Second) // and a second after a beat
				o.ServerID = "s2"
				all = append(all, mount(t, clustered(t, hub.Engine()), o))
				for range 5 {
					siotest.Connect(t, all[1])
				}
				second := open(t, all[at], nil)
				time.Sleep(20 * time.Second)
				for i, m := range []model{{}, {}} {
					m.read(t, []page{first, second}[i], all[[]int{0, at}[i]])
					if len(m) != 5 {
						t.Errorf("page %d knows %d sockets of the other server, want 5", i+1, len(m))
					}
				}
			})
		})
	}
}

// Servers that meet know of each other at once, not only when one of them has something to say.
func TestServersAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 40
		o := adminui.Options{Unprotected: true, Mode: adminui.Development, MaxSockets: most, ServerID: "s1"}
		hub := memory.NewHub()
		first := mount(t, clustered(t, hub.Engine()), o)
		open(t, first, nil)
		time.Sleep(time.Minute + time.Second) // and a second after a beat
		o.ServerID = "s2"
		second := mount(t, clustered(t, hub.Engine()), o)
		for range most {
			siotest.Connect(t, second)
		}
		p := open(t, second, nil)
		time.Sleep(5 * time.Second)
		m := make(model)
		if m.read(t, p, second); len(m) > most/2 {
			t.Errorf("%d sockets are listed, want %d", len(m), most/2)
		}
	})
}

// A page that is greeted is not told everything twice.
func TestTellsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := servers(t, memory.NewHub(), 2, adminui.Options{Unprotected: true, Mode: adminui.Development})
		for _, srv := range all {
			siotest.Connect(t, srv)
		}
		var pages []page
		for i := range 4 {
			pages = append(pages, open(t, all[i%2], nil))
			time.Sleep(time.Duration(i) * 7 * time.Second)
		}
		time.Sleep(time.Minute)
		for _, srv := range all {
			if err := srv.Of("/admin").Local().Emit("end"); err != nil {
				t.Fatal(err)
			}
		}
		for i, p := range pages {
			told := make(map[string]int)
			for e := p.Next(); e.Name() != "end"; e = p.Next() {
				switch e.Name() {
				case "all_sockets":
					for _, s := range bind[[]socket](t, e) {
						told[s.ID]++
					}
				case "socket_connected":
					if s := bind[socket](t, e); s.Nsp == "/" {
						told[s.ID]++
					}
				}
			}
			for id, n := range told {
				if n > 1 {
					t.Errorf("page %d is told %d times of %s", i, n, id)
				}
			}
		}
	})
}
