package sio_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/siotest"
	"github.com/siokit/sio/socketio"
)

func TestTap(t *testing.T) {
	srv := newServer(t, nil)
	tenants := srv.Of("/tenant-{id}")
	srv.On("join", func(c *sio.Context) error {
		if err := c.Set("name", "Ada"); err != nil {
			return err
		}
		return c.Join("room")
	})
	srv.On("leave", func(c *sio.Context) error { c.Leave("room"); return nil })
	srv.On("echo", func(c *sio.Context) error { return c.Emit("echo", 1) })
	tenants.On("echo", func(c *sio.Context) error { return tenants.Emit("echo", 2) })

	var mu sync.Mutex
	var heard []string
	changed := make(chan struct{}, 64)
	stop := srv.Tap(&sio.Tap{
		Changed: func(s *sio.Socket) {
			mu.Lock()
			defer mu.Unlock()
			state := s.Namespace().Name()
			if s.Connected() {
				state += " connected"
			} else {
				state += " " + string(s.Reason())
			}
			for _, room := range s.Rooms() {
				state += " " + room
			}
			if name := s.Value("name"); name != nil {
				state += " " + name.(string)
			}
			if len(heard) == 0 || heard[len(heard)-1] != state {
				heard = append(heard, state)
			}
			changed <- struct{}{}
		},
		Received: func(s *sio.Socket, e *socketio.Event) {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, "received "+e.Name())
		},
		Sent: func(s *sio.Socket, event string, args []any) {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, "sent "+event)
		},
	})
	expect := func(want ...string) {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
		heard = nil
	}
	c := siotest.Connect(t, srv)
	<-changed
	expect("/ connected")
	c.Emit("join")
	<-changed // the value
	<-changed // the room
	expect("received join", "/ connected Ada", "/ connected room Ada")
	c.Emit("leave")
	<-changed
	expect("received leave", "/ connected Ada")
	c.Emit("echo")
	c.Expect("echo")
	expect("received echo", "sent echo")
	tenant := c.Of("/tenant-7", nil)
	<-changed
	expect("/tenant-7 connected")
	tenant.Emit("echo")
	tenant.Expect("echo")
	expect("received echo", "sent echo")
	tenant.Disconnect()
	<-changed
	expect("/tenant-7 client namespace disconnect")

	stop()
	c.Emit("echo")
	c.Expect("echo")
	expect()
}

func TestTapHearsOfUpgrades(t *testing.T) {
	h := newHost(t, nil)
	transports := make(chan string, 8)
	h.Tap(&sio.Tap{Changed: func(s *sio.Socket) { transports <- s.Session().Transport() }})
	c := dial(t, h.url, testclient.Options{})
	c.connect("/", nil)
	if got := <-transports; got != sio.TransportPolling {
		t.Errorf("connected over %s", got)
	}
	c.upgrade()
	if got := <-transports; got != sio.TransportWebSocket {
		t.Errorf("upgraded to %s", got)
	}
}

func TestServes(t *testing.T) {
	srv := newServer(t, nil)
	srv.Of("/chat")
	srv.Of("/tenant-{id}")
	for name, want := range map[string]bool{
		"/": true, "/chat": true, "/tenant-7": true,
		"chat": false, "/other": false, "/tenant-{id}": false, "/tenant-": false, "": false,
	} {
		if got := srv.Serves(name); got != want {
			t.Errorf("Serves(%q): %t, want %t", name, got, want)
		}
	}
	if len(srv.Routes()) > 0 || srv.Serves("/other") {
		t.Error("asking has made a namespace")
	}
}

// An observer may be added while there are namespaces.
func TestObserve(t *testing.T) {
	srv := newServer(t, nil)
	srv.Of("/tenant-{id}").On("echo", func(c *sio.Context) error { return c.Ack() })
	var mu sync.Mutex
	opened, handled := 0, make(chan struct{}, 8)
	o := new(sio.Observer)
	o.SessionOpened = func(*engineio.Session, string) { mu.Lock(); opened++; mu.Unlock() }
	o.Handled = func(*sio.Context, sio.Handled) { handled <- struct{}{} }
	srv.Observe(o)
	siotest.Connect(t, srv).Of("/tenant-7", nil).Call("echo")
	receive(t, handled, "the handler's end") // which may be behind its answer
	st := srv.Stats()
	i := slices.IndexFunc(st.Namespaces, func(n socketio.NamespaceStats) bool { return n.Name == "/tenant-{id}" })
	if st.Engine.WebSocket.In.Packets == 0 || i < 0 || st.Namespaces[i].In.Events != 1 {
		t.Errorf("%+v", st)
	}
	mu.Lock()
	defer mu.Unlock()
	if opened != 1 || len(handled) > 0 {
		t.Errorf("%d sessions, want one, and %d handlers more than one", opened, len(handled))
	}
}

// Each of several taps is told, until it is stopped.
func TestTaps(t *testing.T) {
	srv := newServer(t, nil)
	srv.On("e", func(c *sio.Context) error { return c.Ack() })
	var first, second atomic.Int32
	gone := make(chan struct{}, 8)
	stop := srv.Tap(&sio.Tap{Received: func(*sio.Socket, *socketio.Event) { first.Add(1) }})
	srv.Tap(&sio.Tap{Received: func(*sio.Socket, *socketio.Event) { second.Add(1) }})
	c := siotest.Connect(t, srv)
	c.Call("e")
	stop()
	stop() // in vain
	c.Call("e")
	defer srv.Tap(&sio.Tap{Changed: func(*sio.Socket) { gone <- struct{}{} }})()
	c.Call("e")
	if got := [2]int32{first.Load(), second.Load()}; got != [2]int32{1, 3} {
		t.Errorf("told %d times, want 1 and 3", got)
	}
	c.Disconnect()
	<-gone
}
