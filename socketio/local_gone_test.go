package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
)

// TestGoneAtOnce has clients leave while a handler of theirs goes on: nobody finds
// them any more, but they know what they were in until they are told.
func TestGoneAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name   string
		leave  func(*client, *socketio.Socket)
		reason socketio.Reason
		queued bool // events that came before are handled
	}{
		{"by DISCONNECT", func(c *client, _ *socketio.Socket) { c.send("41") }, "client namespace disconnect", true},
		{"cut off", func(c *client, _ *socketio.Socket) { c.conn.Close() }, "transport close", true},
		{"thrown out", func(_ *client, s *socketio.Socket) { s.Disconnect() }, "server namespace disconnect", false},
		{"with its connection", func(_ *client, s *socketio.Socket) { s.Disconnect(true) }, "server namespace disconnect", false},
		{"expired", func(_ *client, s *socketio.Socket) { s.Session().Close() }, "forced close", true},
	} {
		for _, opts := range []*socketio.Options{{Engine: quiet}, {Engine: quiet, Recovery: &socketio.Recovery{}}} {
			bubble(t, fmt.Sprintf("%s/recovery %t", tt.name, opts.Recovery != nil), opts, func(t *testing.T, h *host) {
				release := make(chan bool)
				root := &nsp{}
				root.onEvent = func(s *socketio.Socket, e *socketio.Event) {
					if e.Name() == "hold" {
						<-release
					}
					if s.Reason() == "" {
						return
					}
					root.write("event " + e.Name())
					if err := s.Join("c"); err != socketio.ErrClosed {
						t.Errorf("Join: %v", err)
					}
					if !slices.Equal(s.Rooms(), []string{"a", "b"}) {
						t.Errorf("rooms of a handler: %q", s.Rooms())
					}
					done(t, s.To("b").Emit("from", e.Name()))
				}
				root.onDisconnecting = func(s *socketio.Socket, _ socketio.Reason) {
					root.write(fmt.Sprint(s.Rooms()))
					s.Leave("a")
					root.write(fmt.Sprint(s.Rooms()))
				}
				root.onDisconnect = func(s *socketio.Socket, _ socketio.Reason) { root.write(fmt.Sprint(s.Rooms())) }
				h.of("/", root)

				other := h.ws()
				other.send("40")
				other.read()
				synctest.Wait()
				stays := root.socket()
				done(t, stays.Join("b"))
				c := h.ws()
				c.send("40")
				c.read()
				synctest.Wait()
				s := root.socket()
				root.wants("connect", "connect")
				done(t, s.Join("a", "b"))
				c.send(`42["hold"]`, `42["next"]`)
				synctest.Wait()
				watched := s.Context()
				seen := make(chan int, 1)
				go func() { // ends with the client
					<-watched.Done()
					seen <- root.Len()
				}()
				tt.leave(c, s)
				synctest.Wait()

				if n := <-seen; n != 1 {
					t.Errorf("%d sockets when the context has ended", n)
				}
				if context.Cause(s.Context()) != tt.reason || s.Connected() {
					t.Errorf("cause %v, connected %t", context.Cause(s.Context()), s.Connected())
				}
				if root.Len() != 1 || root.Socket(s.ID()) != nil {
					t.Errorf("Len %d, Socket %v", root.Len(), root.Socket(s.ID()))
				}
				if got := root.Rooms(); !slices.Equal(got, []string{"b"}) {
					t.Errorf("rooms %q", got)
				}
				for target, want := range map[string]int{"": 1, "a": 0, "b": 1, s.ID(): 0} {
					to := root.All()
					if target != "" {
						to = to.To(target)
					}
					n, err := to.Count(t.Context())
					remote, err2 := to.Sockets(t.Context())
					if n != want || len(remote) != want || len(to.LocalSockets()) != want || err != nil || err2 != nil {
						t.Errorf("in %q: Count %d, Sockets %d, LocalSockets %d", target, n, len(remote), len(to.LocalSockets()))
					}
				}
				answers, err := root.All().To("a").EmitWithAck(t.Context(), "ask")
				if len(answers) != 0 || err != nil {
					t.Errorf("answers %v %v", answers, err)
				}
				root.silent()

				close(release)
				root.wants("event hold")
				if tt.queued {
					root.wants("event next")
				}
				root.wants("disconnecting "+string(tt.reason), "[a b]", "[b]", "[]", "disconnect "+string(tt.reason))
				if tt.queued && opts.Recovery == nil {
					other.want(`42["from","hold"]`, `42["from","next"]`)
				}
				if root.Len() != 1 || len(stays.Rooms()) != 1 {
					t.Errorf("%d are left, one in %q", root.Len(), stays.Rooms())
				}
			})
		}
	}
}

// TestGoneWhileConnecting has a client leave before it has been let in.
func TestGoneWhileConnecting(t *testing.T) {
	bubble(t, "in rooms already", nil, func(t *testing.T, h *host) {
		entered, release := make(chan *socketio.Socket), make(chan bool)
		root := h.of("/", &nsp{onConnect: func(s *socketio.Socket) *socketio.Refusal {
			done(t, s.Join("room"))
			entered <- s
			<-release
			if err := s.Join("more"); err != socketio.ErrClosed {
				t.Errorf("Join: %v", err)
			}
			return nil
		}})
		c := h.ws()
		c.send("40")
		s := <-entered
		if n, err := root.All().To("room").Count(t.Context()); n != 1 || err != nil {
			t.Errorf("%d in the room, %v", n, err)
		}
		c.send("41")
		synctest.Wait()
		if ids, all, rooms := root.Left(); ids+all+rooms != 0 || s.Reason() == "" {
			t.Errorf("left with %d ids, %d sockets, %d rooms", ids, all, rooms)
		}
		close(release)
		root.wants("connect")
		root.leaves("client namespace disconnect")
	})
}

// TestMissedByTheGone has events for a client that has left while its handler goes
// on: they are not lost to it.
func TestMissedByTheGone(t *testing.T) {
	bubble(t, "by id, room and all", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		release := make(chan bool)
		n := h.of("/", &nsp{onEvent: func(s *socketio.Socket, _ *socketio.Event) {
			<-release
			s.Leave("left")
		}})
		g := h.guest("/")
		n.wants("connect")
		s := n.socket()
		done(t, s.Join("room", "left"), s.Emit("first"))
		g.hears("first")
		g.send(`42["hold"]`)
		synctest.Wait()
		g.conn.Close()
		synctest.Wait()
		if n.Len() != 0 {
			t.Errorf("%d sockets", n.Len())
		}
		done(t, n.All().To(s.ID()).Emit("id"), n.All().To("room").Emit("room"), n.All().Emit("all"), n.All().To("left").Emit("before"))
		close(release)
		n.breaks()
		synctest.Wait()
		done(t, n.All().To("left").Emit("behind"))
		if !g.come() {
			t.Error("not recovered")
		}
		g.hears("id", "room", "all", "before")
		if rooms := n.socket().Rooms(); !slices.Equal(rooms, []string{"room"}) {
			t.Errorf("rooms %q", rooms)
		}
	})
}

// TestMaxRooms has sockets that can be in no more rooms, by whoever adds them.
func TestMaxRooms(t *testing.T) {
	opts := func() *socketio.Options {
		o := recovering(socketio.Recovery{})
		o.MaxRooms = 3
		return o
	}
	check := func(t *testing.T, s *socketio.Socket, want ...string) {
		t.Helper()
		if got := s.Rooms(); !slices.Equal(got, want) {
			t.Errorf("rooms %q, want %q", got, want)
		}
	}
	for _, name := range []string{"/", "/dyn-1"} {
		bubble(t, name, opts(), func(t *testing.T, h *host) {
			n := &nsp{onConnect: func(s *socketio.Socket) *socketio.Refusal {
				if s.Recovered() {
					if err := s.Join("a", "z"); err != socketio.ErrTooManyRooms {
						t.Errorf("Join of one that is back: %v", err)
					}
				}
				return nil
			}}
			if name == "/" {
				h.of(name, n)
			} else {
				h.dynamic("/dyn-", n)
			}
			g := h.guest(name)
			n.wants("connect")
			s := n.socket()
			done(t, s.Join("a", "a", "b"))
			if err := s.Join("a", "c", "d", "e"); err != socketio.ErrTooManyRooms {
				t.Errorf("Join: %v", err)
			}
			check(t, s, "a", "b", "c")
			done(t, s.Join("a", "b", "c"))

			all := s.Namespace().All()
			free := h.guest(name)
			other := n.socket()
			n.wants("connect")
			if err := all.Join("d"); err != socketio.ErrTooManyRooms {
				t.Errorf("Target.Join: %v", err)
			}
			check(t, s, "a", "b", "c")
			check(t, other, "d") // whom it is not too much for
			remote, err := all.To(s.ID()).Sockets(t.Context())
			if err != nil || len(remote) != 1 || remote[0].Join("d") != socketio.ErrTooManyRooms {
				t.Errorf("RemoteSocket.Join: %d %v", len(remote), err)
			}
			s.Leave("b")
			done(t, s.Join("d"))
			check(t, s, "a", "c", "d")

			g.conn.Close()
			n.breaks()
			synctest.Wait()
			if !g.come() {
				t.Error("not recovered")
			}
			check(t, n.socket(), "a", "c", "d")
			free.conn.Close()
		})
	}
	t.Run("options", func(t *testing.T) {
		if _, err := socketio.New(&socketio.Options{MaxRooms: -1}); err == nil {
			t.Error("a negative number is taken")
		}
		h := newHost(t, nil)
		n := h.of("/", nil)
		c := h.ws()
		c.join("/")
		s := n.socket()
		for i := range 1000 {
			done(t, s.Join(fmt.Sprint(i)))
		}
		if err := s.Join("one more"); err != socketio.ErrTooManyRooms {
			t.Errorf("Join: %v", err)
		}
		s.Leave("1")
		if err := s.Join(string(make([]byte, 1025))); !errors.Is(err, socketio.ErrRoomName) {
			t.Errorf("Join of a long name: %v", err)
		}
		done(t, s.Join(string(make([]byte, 1024))))
	})
}

// TestRoomsInPieces: no section under the lock leaves more rooms than a few.
func TestRoomsInPieces(t *testing.T) {
	const rooms = 10_000
	h := newHost(t, &socketio.Options{MaxRooms: rooms})
	n := h.of("/", nil)
	c := h.ws()
	c.join("/")
	s := n.socket()
	names := make([]string, rooms)
	for i := range names {
		names[i] = fmt.Sprintf("%05d", i)
	}
	done(t, s.Join(names...))
	sections := 0
	for left := rooms; ; sections++ {
		more := s.PartOnce()
		was := left
		if _, _, left = n.Left(); was-left > 100 {
			t.Fatalf("%d rooms left in one section", was-left)
		}
		if !more {
			break
		}
	}
	if _, _, left := n.Left(); left != 0 || sections < rooms/100 {
		t.Errorf("%d rooms are left after %d sections", left, sections)
	}
	if !slices.Equal(s.Rooms(), names) {
		t.Errorf("it was in %d rooms", len(s.Rooms()))
	}
	s.Disconnect()
}

// An emptyBroker is the local one, and tells when nobody is in a room any more.
type emptyBroker struct {
	*socketio.Local
	rooms int
	empty chan bool
}

func (b *emptyBroker) Interest(_ string, joined bool) {
	if joined {
		b.rooms++
		return
	}
	if b.rooms--; b.rooms == 0 {
		b.empty <- true
	}
}

// TestLeavesManyRooms: whoever closes a socket in many rooms, they are empty then.
func TestLeavesManyRooms(t *testing.T) {
	const rooms = 5000
	empty := &emptyBroker{empty: make(chan bool, 1)}
	h := newHost(t, &socketio.Options{MaxRooms: rooms, Broker: func(l *socketio.Local) socketio.Broker {
		empty.Local = l
		return empty
	}})
	n := h.of("/", &nsp{quiet: true})
	release := make(chan bool)
	n.onEvent = func(*socketio.Socket, *socketio.Event) { <-release }
	var names []string
	for i := range rooms {
		names = append(names, fmt.Sprint(i))
	}
	var clients []*client
	for range 10 {
		c := h.ws()
		c.join("/")
		c.send(`42["hold"]`)
		clients = append(clients, c)
	}
	done(t, n.All().Join(names...))
	for _, c := range clients {
		c.conn.Close()
	}
	for range clients {
		h.sessionEnds("transport close")
	}
	timetest.Receive(t, empty.empty, h.limit, "the rooms to be empty") // though the handlers go on
	if _, all, _ := n.Left(); all != 0 {
		t.Errorf("%d sockets", all)
	}
	close(release)
}
