package adminui

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/siotest"
)

// Other servers name the pages.
func TestRoundsAreBounded(t *testing.T) {
	f := &feed{entries: map[*sio.Socket]*entry{nil: {told: true}}}
	for i := range 10 * maxRounds {
		f.welcome(greeting{id: fmt.Sprint(i)})
	}
	if len(f.rounds) != maxRounds {
		t.Errorf("%d rounds, want %d", len(f.rounds), maxRounds)
	}
}

func TestShares(t *testing.T) {
	for _, most := range []int{1, 7, 20, 100, 1000, 10_000} {
		for servers := 1; servers <= 1+maxPeers; servers++ {
			n := shareOf(most, servers)
			if all := n * servers; all > 2*most || all > most && n > minShare {
				t.Errorf("%d servers show %d sockets each, of %d", servers, n, most)
			}
			if servers*minShare <= 2*most && n < min(minShare, most) {
				t.Errorf("%d servers show only %d sockets each, of %d", servers, n, most)
			}
		}
		if n := shareOf(most, 1); n != most {
			t.Errorf("one server shows %d of %d", n, most)
		}
	}
}

// Nothing of a server is looked at when the last page has left, and when it has ended.
func TestNobodyLooksOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sio.New(nil)
		u := mount(srv, &Options{Unprotected: true, Mode: Development})
		siotest.Cleanup(t, srv)
		c := siotest.Connect(t, srv)
		looks := func() bool {
			if err := srv.Emit("event"); err != nil {
				t.Fatal(err)
			}
			f := u.feed
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.entries != nil || f.limit > 0 || f.events.more.Swap(0) > 0 || f.events.left.Load() > 0
		}
		open := func() *siotest.Client {
			page := siotest.Connect(t, srv, &siotest.Options{Namespace: "/admin"})
			page.Expect("config")
			synctest.Wait()
			if !looks() {
				t.Error("a page is open, and is not told of an event")
			}
			return page
		}
		open().Disconnect()
		time.Sleep(3 * statsEvery)
		if looks() {
			t.Error("the page has left")
		}
		open()
		c.Close()
		if err := srv.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if looks() {
			t.Error("the server has ended")
		}
	})
}

// Who comes is told of so many sockets at a time, and who has left of none.
func TestRoundsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sio.New(nil)
		u := mount(srv, &Options{Unprotected: true, Mode: Development})
		siotest.Cleanup(t, srv)
		const clients = 2*maxGreeted + 50
		for range clients {
			siotest.Connect(t, srv)
		}
		gone := siotest.Connect(t, srv)
		page := srv.Socket(gone.ID())
		gone.Disconnect()
		synctest.Wait()
		f := u.feed
		f.open(2 * clients)
		defer f.close()
		f.welcome(greeting{id: "elsewhere"})
		f.rounds = append(f.rounds, &round{greeting{page, page.ID()}, f.rounds[0].left})
		for _, want := range []int{clients - maxGreeted, clients - 2*maxGreeted} {
			if f.greet(); len(f.rounds) != 1 || len(f.rounds[0].left) != want {
				t.Fatalf("%d rounds, want one with %d left", len(f.rounds), want)
			}
		}
		if f.greet(); len(f.rounds) != 0 {
			t.Error("a round does not end")
		}
	})
}

// A page that does not keep up is told nothing more until it does.
func TestRoundsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sio.New(&sio.Options{KeepSlow: true, AllowEIO3: true})
		u := mount(srv, &Options{Unprotected: true, Mode: Development})
		siotest.Cleanup(t, srv)
		srv.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/socket.io/?EIO=3&transport=polling", nil)) // and polls no more
		synctest.Wait()
		slow := srv.Local().LocalSockets()[0]
		for slow.Emit("event") == nil {
		}
		siotest.Connect(t, srv)
		synctest.Wait()
		if slow.Session().Room() == nil {
			t.Fatal("its queue is not full")
		}
		f := u.feed
		f.open(2)
		defer f.close()
		f.welcome(greeting{id: "elsewhere"})
		f.rounds[0].page = slow
		if f.greet(); len(f.rounds) != 1 || len(f.rounds[0].left) != 2 {
			t.Error("it is told of sockets")
		}
	})
}

// An application may end sessions for any reason.
func TestReasonsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sio.New(nil)
		u := mount(srv, &Options{Unprotected: true})
		siotest.Cleanup(t, srv)
		for i := range 5 {
			c := siotest.Connect(t, srv)
			srv.Socket(c.ID()).Session().Abort(engineio.Reason(fmt.Sprint("for reason ", i)))
		}
		siotest.Connect(t, srv).Close()
		synctest.Wait()
		u.count.mu.Lock()
		defer u.count.mu.Unlock()
		if closed := u.count.closed; len(closed) != 2 || closed["other"] != 5 || closed[engineio.ReasonTransportClose] != 1 {
			t.Errorf("%v", closed)
		}
	})
}

// A server beyond those that are remembered is answered as little as one that is.
func TestTooManyServers(t *testing.T) {
	var a audience
	a.init()
	now := time.Now()
	for i := range maxPeers + 1 {
		a.heardLocked(word{Server: fmt.Sprint(i), Pages: 1}, now)
	}
	a.answer, a.retell = false, false
	for _, server := range []int{maxPeers - 1, maxPeers} {
		a.heardLocked(word{Server: fmt.Sprint(server), Pages: 1}, now)
		if a.answer || a.retell {
			t.Errorf("server %d is new each time", server)
		}
	}
	if len(a.peers) != maxPeers {
		t.Errorf("%d are remembered, want %d", len(a.peers), maxPeers)
	}
}
