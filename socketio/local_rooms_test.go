package socketio_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
)

// TestTargets has four clients, a to d, and says who gets what.
func TestTargets(t *testing.T) {
	type sockets map[string]*socketio.Socket
	id := func(s sockets, names string) (ids []string) {
		for n := range strings.SplitSeq(names, "") {
			ids = append(ids, s[n].ID())
		}
		return ids
	}
	for _, tt := range []struct {
		name string
		to   func(n *nsp, s sockets) socketio.Target
		want string
	}{
		{"all", func(n *nsp, s sockets) socketio.Target { return n.All() }, "abcd"},
		{"room", func(n *nsp, s sockets) socketio.Target { return n.All().To("ab") }, "ab"},
		{"in", func(n *nsp, s sockets) socketio.Target { return n.All().In("ab") }, "ab"},
		{"unknown room", func(n *nsp, s sockets) socketio.Target { return n.All().To("nobody") }, ""},
		{"unknown room among others", func(n *nsp, s sockets) socketio.Target { return n.All().To("nobody", "ab") }, "ab"},
		{"union", func(n *nsp, s sockets) socketio.Target { return n.All().To("ab", "bc") }, "abc"},
		{"union in two steps", func(n *nsp, s sockets) socketio.Target { return n.All().To("ab").In("bc") }, "abc"},
		{"the same room twice", func(n *nsp, s sockets) socketio.Target { return n.All().To("ab", "ab") }, "ab"},
		{"except", func(n *nsp, s sockets) socketio.Target { return n.All().Except("bc") }, "ad"},
		{"room except", func(n *nsp, s sockets) socketio.Target { return n.All().To("ab").Except("bc") }, "a"},
		{"union except", func(n *nsp, s sockets) socketio.Target { return n.All().To("ab", "bc").Except("bc", "nobody") }, "a"},
		{"except everyone", func(n *nsp, s sockets) socketio.Target { return n.All().Except("ab", "cd") }, ""},
		{"except twice", func(n *nsp, s sockets) socketio.Target { return n.All().Except("ab").Except("cd") }, ""},
		{"id", func(n *nsp, s sockets) socketio.Target { return n.All().To(s["c"].ID()) }, "c"},
		{"ids", func(n *nsp, s sockets) socketio.Target { return n.All().To(id(s, "ad")...) }, "ad"},
		{"id and its room", func(n *nsp, s sockets) socketio.Target { return n.All().To(s["a"].ID(), "ab") }, "ab"},
		{"except an id", func(n *nsp, s sockets) socketio.Target { return n.All().Except(s["c"].ID()) }, "abd"},
		{"id except its room", func(n *nsp, s sockets) socketio.Target { return n.All().To(s["a"].ID()).Except("ab") }, ""},
		{"room that has its own id for a name", func(n *nsp, s sockets) socketio.Target {
			s["d"].Join(s["d"].ID())
			return n.All().To(s["d"].ID())
		}, "d"},
		{"room that has another's id for a name", func(n *nsp, s sockets) socketio.Target {
			s["a"].Join(s["d"].ID())
			return n.All().To(s["d"].ID())
		}, "ad"},
		{"socket's room", func(n *nsp, s sockets) socketio.Target { return s["a"].To("ab") }, "b"},
		{"socket's room, not being in it", func(n *nsp, s sockets) socketio.Target { return s["d"].To("ab") }, "ab"},
		{"socket's broadcast", func(n *nsp, s sockets) socketio.Target { return s["a"].Broadcast() }, "bcd"},
		{"socket's broadcast except", func(n *nsp, s sockets) socketio.Target { return s["a"].Broadcast().Except("bc") }, "d"},
		{"local", func(n *nsp, s sockets) socketio.Target { return n.All().Local() }, "abcd"},
		{"local room except", func(n *nsp, s sockets) socketio.Target { return n.All().Except("bc").Local().To("ab") }, "a"},
		{"socket's in", func(n *nsp, s sockets) socketio.Target { return s["a"].In("ab") }, "b"},
		{"socket's except", func(n *nsp, s sockets) socketio.Target { return s["a"].Except("cd") }, "b"},
		{"socket's local", func(n *nsp, s sockets) socketio.Target { return s["a"].Local() }, "bcd"},
		{"socket with modifiers, room", func(n *nsp, s sockets) socketio.Target { return s["a"].Compress(false).To("ab") }, "b"},
		{"socket with modifiers, in", func(n *nsp, s sockets) socketio.Target { return s["a"].Timeout(time.Hour).In("ab") }, "b"},
		{"socket with modifiers, except", func(n *nsp, s sockets) socketio.Target { return s["a"].Timeout(time.Hour).Except("cd") }, "b"},
		{"socket with modifiers, local", func(n *nsp, s sockets) socketio.Target { return s["a"].Timeout(0).Local() }, "bcd"},
		{"no room", func(n *nsp, s sockets) socketio.Target { return n.All().To() }, ""},
		{"none of an empty list", func(n *nsp, s sockets) socketio.Target { return n.All().In([]string{}...) }, ""},
		{"no room, local", func(n *nsp, s sockets) socketio.Target { return n.All().To().Local() }, ""},
		{"no room, except", func(n *nsp, s sockets) socketio.Target { return n.All().To().Except("ab") }, ""},
		{"no room, and one", func(n *nsp, s sockets) socketio.Target { return n.All().To().In("ab") }, "ab"},
		{"a room, and none", func(n *nsp, s sockets) socketio.Target { return n.All().To("ab").To() }, "ab"},
		{"except no room", func(n *nsp, s sockets) socketio.Target { return n.All().Except() }, "abcd"},
		{"room except no room", func(n *nsp, s sockets) socketio.Target { return n.All().To("ab").Except([]string{}...) }, "ab"},
		{"socket's to no room", func(n *nsp, s sockets) socketio.Target { return s["a"].To() }, ""},
		{"socket's in no room", func(n *nsp, s sockets) socketio.Target { return s["a"].In() }, ""},
		{"socket's except no room", func(n *nsp, s sockets) socketio.Target { return s["a"].Except() }, "bcd"},
		{"socket with modifiers, no room", func(n *nsp, s sockets) socketio.Target { return s["a"].Compress(false).To() }, ""},
		{"many ids", func(n *nsp, s sockets) socketio.Target {
			return n.All().Except(id(s, "aaaaaaaaaaab")...).To("all")
		}, "cd"},
		{"many that are unknown", func(n *nsp, s sockets) socketio.Target {
			return n.All().Except(strings.Split("v w x y z q r s t u bc", " ")...)
		}, "ad"},
		{"more names than are looked up at once", func(n *nsp, s sockets) socketio.Target {
			var many []string
			for i := range 3000 {
				many = append(many, fmt.Sprint(i))
			}
			return n.All().To(many...).To("ab", "cd").Except(many...).Except("bc")
		}, "ad"},
		{"a target is not changed", func(n *nsp, s sockets) socketio.Target {
			base := n.All().To("ab")
			base.To("cd")
			base.Except("ab")
			base.Local()
			base.Volatile()
			x, _ := base.To("x"), base.To("cd")
			return x
		}, "ab"},
	} {
		for _, volatile := range []bool{false, true} {
			bubble(t, fmt.Sprintf("%s/volatile %t", tt.name, volatile), &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
				n := h.of("/", nil)
				other := h.of("/other", nil)
				s := make(sockets)
				clients := make(map[string]*client)
				for name := range strings.SplitSeq("abcd", "") {
					c := h.ws()
					c.join("/")
					c.join("/other") // whose sockets share the rooms' names only
					c.alive("/")
					clients[name], s[name] = c, n.socket()
					for _, sock := range []*socketio.Socket{s[name], other.socket()} {
						for _, room := range []string{"ab", "bc", "cd"} {
							if strings.Contains(room, name) {
								if err := sock.Join(room, "all", room); err != nil {
									t.Fatal(err)
								}
							}
						}
					}
				}
				synctest.Wait() // for the last writes to be over: volatile packets do not wait
				target := tt.to(n, s)
				if volatile {
					target = target.Volatile()
				}
				if err := target.Emit("e", 1); err != nil {
					t.Fatal(err)
				}
				for name, c := range clients {
					if strings.Contains(tt.want, name) {
						c.want(`42["e",1]`)
					}
					c.alive("/") // once, and nobody else
					c.alive("/other")
				}
				if n, err := target.Count(t.Context()); err != nil || n != len(tt.want) {
					t.Errorf("Count: %d %v, want %d", n, err, len(tt.want))
				}
				described, err := target.Sockets(t.Context())
				local := target.Local().LocalSockets()
				if err != nil || len(described) != len(tt.want) || len(local) != len(tt.want) {
					t.Errorf("Sockets: %v %v, LocalSockets: %v, want %q", described, err, local, tt.want)
				}
				for name, sock := range s {
					is := func(r socketio.RemoteSocket) bool { return r.ID == sock.ID() }
					if got := slices.ContainsFunc(described, is); got != slices.Contains(local, sock) || got != strings.Contains(tt.want, name) {
						t.Errorf("%s is described: %t, want %t", name, got, !got)
					}
				}
				if err := target.Join("new", "newer"); err != nil {
					t.Fatal(err)
				}
				for name, sock := range s {
					if got := slices.Contains(sock.Rooms(), "new") && slices.Contains(sock.Rooms(), "newer"); got != strings.Contains(tt.want, name) {
						t.Errorf("%s is in the new rooms: %t", name, got)
					}
				}
				if err := target.Leave("new", "never"); err != nil {
					t.Fatal(err)
				}
				for name, sock := range s {
					if slices.Contains(sock.Rooms(), "new") || slices.Contains(sock.Rooms(), "newer") != strings.Contains(tt.want, name) {
						t.Errorf("%s is in %v", name, sock.Rooms())
					}
				}
				if err := target.Disconnect(false); err != nil {
					t.Fatal(err)
				}
				for name, c := range clients {
					if strings.Contains(tt.want, name) {
						c.want("41")
					} else {
						c.alive("/")
					}
					c.alive("/other")
				}
				synctest.Wait()
				if n.Len() != 4-len(tt.want) || other.Len() != 4 {
					t.Errorf("%d sockets are left, and %d in the other namespace", n.Len(), other.Len())
				}
			})
		}
	}
	bubble(t, "Disconnect with the connection", &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
		n, other := h.of("/", nil), h.of("/other", nil)
		a, b := h.ws(), h.ws()
		a.join("/")
		a.join("/other")
		n.socket().Join("room")
		b.join("/")
		if err := n.All().To("room").Disconnect(true); err != nil {
			t.Fatal(err)
		}
		a.want("41", "41/other,")
		a.closed()
		b.alive("/")
		other.wants("connect")
		other.leaves("server namespace disconnect")
	})
}

// TestRooms has the life of a room.
func TestRooms(t *testing.T) {
	h := newHost(t, nil)
	n := h.of("/", nil)
	c := h.ws()
	id := c.join("/")
	c.alive("/")
	s := n.socket()
	if n.Socket(id) != s || n.Socket("nobody") != nil || n.Len() != 1 {
		t.Errorf("Socket(%q) = %v, %d sockets", id, n.Socket(id), n.Len())
	}
	if got := s.Rooms(); len(got) != 0 {
		t.Errorf("rooms %v at first", got)
	}
	s.Join("a", "b", "")
	s.Join("a")
	s.Leave("nobody", "b")
	got := s.Rooms()
	slices.Sort(got)
	if !slices.Equal(got, []string{"", "a"}) {
		t.Errorf("rooms %q", got)
	}
	if err := n.All().To("").Emit("e"); err != nil { // no name like any other
		t.Error(err)
	}
	c.want(`42["e"]`)
	s.Leave("a", "")
	if _, _, rooms := n.Left(); rooms != 0 {
		t.Errorf("%d empty rooms are kept", rooms)
	}
	s.Join("a")
	c.leave()
	n.wants("connect", "event alive")
	n.leaves("transport close")
	if n.Socket(id) != nil || n.Len() != 0 {
		t.Error("a socket that has left is still there")
	}
	if err := s.Join("b"); err == nil || len(s.Rooms()) != 0 {
		t.Errorf("Join behind the end: %v, rooms %v", err, s.Rooms())
	}
	s.Leave("a")
}

// TestRoomChanges broadcasts between the changes of a room.
func TestRoomChanges(t *testing.T) {
	h := newHost(t, nil)
	n := h.of("/", nil)
	var clients [3]*client
	var sockets [3]*socketio.Socket
	for i := range clients {
		clients[i] = h.ws()
		clients[i].join("/")
		clients[i].alive("/")
		sockets[i] = n.socket()
		n.wants("connect", "event alive")
		for _, c := range clients[:i+1] { // those that have come so far
			n.All().Emit("come", i)
			for _, c := range clients[:i+1] {
				c.want(fmt.Sprintf(`42["come",%d]`, i))
			}
			c.alive("/")
			n.wants("event alive")
		}
	}
	reaches := func(want ...int) {
		t.Helper()
		if err := n.All().To("room").Emit("e"); err != nil {
			t.Fatal(err)
		}
		for i, c := range clients {
			if slices.Contains(want, i) {
				c.want(`42["e"]`)
			}
			if sockets[i].Reason() == "" {
				c.alive("/")
				n.wants("event alive")
			}
		}
	}
	reaches()
	sockets[0].Join("room")
	reaches(0)
	sockets[1].Join("room")
	reaches(0, 1)
	sockets[0].Leave("room")
	reaches(1)
	sockets[0].Join("room")
	sockets[2].Join("room")
	reaches(0, 1, 2)
	clients[1].leave()
	n.leaves("transport close")
	reaches(0, 2)
	if got := len(n.Local().Select(socketio.Selector{Rooms: []string{"room"}})); got != 2 {
		t.Errorf("%d sockets in the room", got)
	}
	if got := len(n.Local().Select(socketio.Selector{})); got != 2 {
		t.Errorf("%d sockets in the namespace", got)
	}
}

// An interestBroker is the local one, and writes down its interests.
type interestBroker struct {
	*socketio.Local
	mu    sync.Mutex // protects the following
	calls []string
	last  map[string]bool
	wrong int // calls that repeat the one before
}

func (b *interestBroker) Interest(room string, joined bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last[room] == joined {
		b.wrong++
	}
	b.last[room] = joined
	if len(b.calls) < 100 {
		b.calls = append(b.calls, fmt.Sprint(room, " ", joined))
	}
}

func newInterestHost(t *testing.T) (h *host, n *nsp, b *interestBroker) {
	h = newHost(t, &socketio.Options{Broker: func(l *socketio.Local) socketio.Broker {
		b = &interestBroker{Local: l, last: make(map[string]bool)}
		return b
	}})
	n = h.of("/", &nsp{quiet: true})
	if b.Namespace() != n.Namespace {
		t.Error("the broker's Local is of another namespace")
	}
	return h, n, b
}

// TestInterest has what a broker is told of rooms.
func TestInterest(t *testing.T) {
	h, n, b := newInterestHost(t)
	a, c := h.ws(), h.ws()
	s, u := n.Socket(a.join("/")), n.Socket(c.join("/"))
	s.Join("~x", "~y", s.ID())
	u.Join("~x")
	u.Join("~x")
	s.Leave("~x", "~z")
	u.Leave("~x")
	n.All().Join("~z")
	n.All().Leave("~z")
	s.Leave(s.ID())
	s.Join(s.ID())
	s.Disconnect()
	a.want("41")
	<-s.Context().Done()
	// Who leaves is out of its rooms from the last name to the first: a ~ sorts behind every id.
	want := []string{s.ID() + " true", u.ID() + " true", "~x true", "~y true", "~x false", "~z true", "~z false", "~y false", s.ID() + " false"}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.calls, want) {
		t.Errorf("interests %q, want %q", b.calls, want)
	}
}

// TestTorture has clients that come and go while rooms, broadcasts and
// disconnects go on all around. Afterwards nothing may be left of them.
func TestTorture(t *testing.T) {
	const clients, rounds = 12, 25
	h, n, b := newInterestHost(t)
	room := func() string { return fmt.Sprint("room", rand.IntN(6)) }
	n.onConnect = func(s *socketio.Socket) *socketio.Refusal {
		s.Join(room(), room())
		switch rand.IntN(12) {
		case 0:
			return &socketio.Refusal{Message: "no"}
		case 1:
			s.Disconnect(rand.IntN(2) == 0)
		}
		return nil
	}
	n.onEvent = func(s *socketio.Socket, e *socketio.Event) {
		switch rand.IntN(10) {
		case 0:
			s.Disconnect(rand.IntN(2) == 0)
		case 1:
			s.Leave(s.Rooms()...)
		default:
			s.Join(room(), s.ID())
			s.To(room()).Emit("to", []byte("binary"))
		}
		s.Ack(e)
	}
	n.onDisconnecting = func(s *socketio.Socket, _ socketio.Reason) {
		s.Join(room())
		s.Broadcast().Emit("bye", s.ID())
	}

	var outer, inner sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		outer.Go(func() { // until all clients are done
			for {
				select {
				case <-stop:
					return
				default:
				}
				switch target := n.All().To(room(), room()).Except(room()); rand.IntN(8) {
				case 0:
					target.Join(room())
				case 1:
					target.Leave(room())
				case 2:
					n.All().To(room()).Except(room(), room(), room()).Disconnect(rand.IntN(8) == 0)
				case 3:
					n.All().Volatile().Emit("all", 1)
				case 4:
					for _, s := range b.Select(socketio.Selector{Rooms: []string{room(), room()}}) {
						s.Join(room())
						s.Rooms()
						s.Context()
					}
				default:
					target.Emit("target", "x")
				}
			}
		})
	}
	for range clients {
		inner.Go(func() {
			for range rounds {
				c, err := h.tryWS()
				if err != nil {
					t.Errorf("connect: %v", err)
					return
				}
				drained := make(chan struct{})
				go func() { // ends with the connection
					defer close(drained)
					for {
						if _, _, err := c.tryRead(); err != nil {
							return
						}
					}
				}()
				c.trySend("40")
				for i := range rand.IntN(20) {
					c.trySend(fmt.Sprintf(`42%d["e",%d]`, i, i))
					if rand.IntN(10) == 0 {
						c.trySend("41", "40")
					}
				}
				switch rand.IntN(3) {
				case 0:
					c.trySend("41")
				case 1:
					c.write(frame(8, ""))
				}
				c.conn.Close()
				<-drained
			}
		})
	}
	inner.Wait()
	close(stop)
	outer.Wait()
	for range clients * rounds {
		timetest.Receive(t, h.ended, h.limit, "a session's end")
	}
	ctx, cancel := h.bound()
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		t.Fatalf("Shutdown: %v", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wrong > 0 {
		t.Errorf("%d interests repeat the one before", b.wrong)
	}
	for room, joined := range b.last {
		if joined {
			t.Errorf("there is interest in %s at the end", room)
		}
	}
}
