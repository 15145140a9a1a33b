package sio_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/siotest"
)

// TestObserveBeside has what other servers of a cluster, or a scraper, may do while something is
// mounted that observes.
func TestObserveBeside(t *testing.T) {
	srv := sio.New(nil)
	handled := make(chan sio.Handled, 1)
	srv.On("echo", func(c *sio.Context) error { return c.Ack() })
	c := siotest.Connect(t, srv)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // until stop
		for {
			select {
			case <-stop:
				return
			default:
				srv.Stats()
			}
		}
	})
	for range 20 {
		c.Call("echo")
		srv.Observe(&sio.Observer{Handled: func(_ *sio.Context, h sio.Handled) {
			select {
			case handled <- h:
			default:
			}
		}})
	}
	close(stop)
	wg.Wait()
	c.Call("echo")
	if h := timetest.Receive(t, handled, patience, "what was handled"); h.Route.Event != "echo" || h.Outcome != sio.OutcomeOK {
		t.Errorf("handled %+v", h)
	}
	if n := srv.Stats().Namespaces[0].In.Events; n == 0 {
		t.Error("no traffic is counted")
	}
}

// A notebook is what an observer was told.
type notebook struct {
	mu    sync.Mutex
	notes []string
}

func (n *notebook) note(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.notes = append(n.notes, fmt.Sprintf(format, args...))
}

// wants checks what has been noted since the last call, in any order.
func (n *notebook) wants(t *testing.T, want ...string) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	slices.Sort(n.notes)
	slices.Sort(want)
	if !slices.Equal(n.notes, want) {
		t.Errorf("noted %q, want %q", n.notes, want)
	}
	n.notes = nil
}

func (n *notebook) observer() *sio.Observer {
	o := sio.Observer{Created: func(srv *sio.Server) { n.note("created, with %d", srv.Stats().Engine.Polling.Sessions) }}
	o.SocketConnected = func(s *sio.Socket) {
		n.note("connected to %s of %s", s.Namespace().Name(), s.Namespace().RegisteredName())
	}
	o.SocketDisconnected = func(s *sio.Socket, reason sio.Reason) { n.note("%s", reason) }
	o.NamespaceRefused = func(_ *engineio.Session, name string) { n.note("no %s", name) }
	o.LimitReached = func(_ *engineio.Session, limit engineio.Limit) { n.note("limit %s", limit) }
	o.Handled = func(c *sio.Context, h sio.Handled) { n.note("%s %s %s", h.Route.Namespace, h.Route.Event, h.Outcome) }
	return &o
}

func TestObserver(t *testing.T) {
	var n notebook
	h := newHost(t, &sio.Options{Observers: []*sio.Observer{n.observer(), nil, {}}, MaxRooms: 2, MaxClientNamespaces: 1})
	tenants := h.Of("/tenant-{id}")
	tenants.OnConnect(func(c *sio.Context) error {
		if c.Param("id") == "0" {
			return &sio.Error{Message: "closed"}
		}
		return c.Join("a")
	})
	tenants.On("rooms", func(c *sio.Context) error {
		return c.Join("b", "c")
	})
	h.On("ok", func(c *sio.Context) error { return c.Ack() })
	h.On("panic", func(*sio.Context) error { panic("x") })
	h.On("fail", func(*sio.Context) error { return errors.New("x") })
	h.On("refuse", func(*sio.Context) error { return &sio.Error{Message: "no"} })
	gone := make(chan struct{})
	h.OnDisconnect(func(*sio.Context) error {
		close(gone)
		return nil
	})

	c := h.join("/", "/tenant-1")
	c.refused("/elsewhere", nil)
	c.refused("/tenant-2", nil)
	n.wants(t, "created, with 0", "connected to / of /", "/tenant-{id} connect ok", "connected to /tenant-1 of /tenant-{id}", "no /elsewhere", "limit MaxClientNamespaces")
	st := h.Stats()
	if got := st.Namespaces[1]; got.Name != "/tenant-{id}" || got.Namespaces != 1 || got.Sockets != 1 || got.Rooms != 1 {
		t.Errorf("%+v, want a socket in a room of one tenant", got)
	}
	if got := st.Engine.WebSocket.Sessions; got != 1 {
		t.Errorf("%d sessions, want 1", got)
	}

	c.send(`2["nobody knows"]`, `2["panic"]`, `2["fail"]`, `2["refuse"]`, `21["ok"]`)
	c.want(`31[]`)
	c.send(`2/tenant-1,2["rooms"]`)
	c.want(`3/tenant-1,2[{"error":{"message":"too many rooms"}}]`)
	c.Close()
	receive(t, gone, "the end")
	shut(t, h.Server)
	n.wants(t, "/  unhandled", "/ panic panicked", "/ fail failed", "/ refuse refused", "/ ok ok",
		"limit MaxRooms", "/tenant-{id} rooms refused",
		"transport close", "transport close", "/ disconnect ok")

	st = h.Stats()
	if got := st.Namespaces[0]; got.In.Events != 5 || got.Out.Acks != 1 || got.Sockets != 0 {
		t.Errorf("%+v, want 5 events and their one ack", got)
	}
	if got := st.Namespaces[1]; got.In.Events != 1 || got.Out.Acks != 1 || got.Sockets+got.Rooms+got.Namespaces != 0 {
		t.Errorf("%+v, want an event and its ack", got)
	}
}

func TestObserverOfHandlerTimes(t *testing.T) {
	var o sio.Observer
	var took chan sio.Handled
	o.Handled = func(_ *sio.Context, h sio.Handled) { took <- h }
	inBubble(t, &sio.Options{Observers: []*sio.Observer{&o}}, func(t *testing.T, srv *sio.Server, dial func(testclient.Options) *client) {
		took = make(chan sio.Handled, 10)
		srv.On("slow", func(*sio.Context) error {
			time.Sleep(3 * time.Second)
			return nil
		})
		c := dial(testclient.Options{WebSocket: true})
		c.connect("/", nil)
		c.send(`2["slow"]`)
		if h := <-took; h != (sio.Handled{Route: sio.Route{Namespace: "/", Event: "slow"}, Outcome: sio.OutcomeOK, Took: 3 * time.Second}) {
			t.Errorf("%+v, want 3 s", h)
		}
	})
}

// TestDeliveries counts an event for each that it goes to, by whatever way.
func TestDeliveries(t *testing.T) {
	for name, recovery := range map[string]*sio.Recovery{"": nil, "with recovery": {}} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, &sio.Options{Observers: []*sio.Observer{{}}, Recovery: recovery})
			h.OnConnect(func(c *sio.Context) error { return c.Emit("hello") }) // is held back
			stats := make(chan sio.Stats, 1)
			h.On("stats", func(*sio.Context) error {
				stats <- h.Stats() // what the handler before has sent is counted
				return nil
			})
			h.On("go", func(c *sio.Context) error {
				_ = c.Emit("one")
				_ = c.Volatile().Emit("one")
				_ = c.Broadcast().Emit("two")
				_ = h.Emit("three")
				_ = h.Volatile().Emit("three")
				return c.Ack()
			})
			a, b, c := h.join("/"), h.join("/"), h.join("/")
			a.send(`21["go"]`, `2["stats"]`)
			for range 1 + 2 + 2 + 1 {
				if _, err := a.Next(); err != nil {
					t.Fatal(err)
				}
			}
			for _, other := range []*client{b, c} {
				for range 1 + 3 {
					if _, err := other.Next(); err != nil {
						t.Fatal(err)
					}
				}
			}
			if got := receive(t, stats, "stats").Namespaces[0].Out; got.Events != 3+2+2+3+3 || got.Acks != 1 {
				t.Errorf("%+v, want 13 events and one ack", got)
			}
		})
	}
}

// TestObserverOfLimits has those of a connection act that are not the engine's.
func TestObserverOfLimits(t *testing.T) {
	var n notebook
	o := &sio.Observer{}
	o.LimitReached = func(_ *engineio.Session, limit engineio.Limit) { n.note("%s", limit) }
	opts := &sio.Options{Observers: []*sio.Observer{o}, EventQueue: 4, MaxDynamicNamespaces: 1, QueuePackets: 2, KeepSlow: true, ConnectTimeout: time.Minute, PingInterval: time.Hour}
	inBubble(t, opts, func(t *testing.T, srv *sio.Server, dial func(testclient.Options) *client) {
		goOn := make(chan struct{})
		srv.On("slow", func(*sio.Context) error {
			<-goOn
			return nil
		})
		srv.Of("/a-{x}").OnConnect(func(c *sio.Context) error {
			for range 3 {
				_ = c.Emit("e")
			}
			return nil
		})
		c := dial(testclient.Options{WebSocket: true})
		c.connect("/", nil)
		for range 5 { // of which one is being handled
			c.send(`2["slow"]`)
			synctest.Wait()
		}
		n.wants(t, "EventQueue")
		if st := srv.Stats(); st.Waiting != 4 || st.Engine.Paused != 1 {
			t.Errorf("%d wait, %d are paused, want 4 and 1", st.Waiting, st.Engine.Paused)
		}
		close(goOn)
		synctest.Wait()
		if st := srv.Stats(); st.Waiting != 0 || st.Engine.Paused != 0 {
			t.Errorf("%d wait, %d are paused, want none", st.Waiting, st.Engine.Paused)
		}
		c.connect("/a-1", nil)
		n.wants(t, "QueueBytes")
		c.want(`2/a-1,["e"]`, `2/a-1,["e"]`)
		synctest.Wait() // until the server, too, knows that its queue is empty
		c.refused("/a-2", nil)
		n.wants(t, "MaxDynamicNamespaces")
		dial(testclient.Options{WebSocket: true})
		time.Sleep(2 * time.Minute)
		n.wants(t, "ConnectTimeout")
	})
}
