package socketio_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/recovery"
)

// TestUnderway has something happen while an event has been queued for the first of two
// clients, and not for the second yet.
func TestUnderway(t *testing.T) {
	direct := func(t *testing.T, s *socketio.Socket) { done(t, s.Emit("direct")) }
	for _, tt := range []struct {
		name      string
		meanwhile func(t *testing.T, h *host, n *nsp, first, second, other *guest)
		want      [3][]string // what they hear
	}{
		{"the second is sent something", func(t *testing.T, _ *host, n *nsp, _, second, _ *guest) {
			direct(t, n.Socket(second.sid))
		}, [3][]string{{"news"}, {"news", "direct"}, {}}},
		{"the first and another one are", func(t *testing.T, _ *host, n *nsp, first, _, other *guest) {
			direct(t, n.Socket(first.sid))
			direct(t, n.Socket(other.sid))
		}, [3][]string{{"news", "direct"}, {"news"}, {"direct"}}},
		{"the second leaves many rooms before", func(t *testing.T, _ *host, n *nsp, _, second, _ *guest) {
			s := n.Socket(second.sid)
			s.Leave("room")
			for i := range 200 {
				done(t, s.Join(fmt.Sprint(i)))
				s.Leave(fmt.Sprint(i))
			}
			direct(t, s)
		}, [3][]string{{"news"}, {"news", "direct"}, {}}},
		{"another one joins the room before", func(t *testing.T, _ *host, n *nsp, _, _, other *guest) {
			done(t, n.Socket(other.sid).Join("room"))
			direct(t, n.Socket(other.sid))
		}, [3][]string{{"news"}, {"news"}, {"direct"}}},
		{"something volatile is sent to all", func(t *testing.T, _ *host, n *nsp, _, _, _ *guest) {
			done(t, n.All().Volatile().Emit("any", 1))
		}, [3][]string{{"news", "any 1"}, {"any 1", "news"}, {"any 1"}}},
		{"the second breaks", func(t *testing.T, _ *host, n *nsp, _, second, _ *guest) {
			second.cut(n)
		}, [3][]string{{"news"}, nil, {}}},
		{"the second breaks, and comes back", func(t *testing.T, _ *host, n *nsp, _, second, _ *guest) {
			second.cut(n)
			if !second.come() {
				t.Error("not recovered")
			}
			n.wants("connect")
			direct(t, n.socket())
		}, [3][]string{{"news"}, {"news", "direct"}, {}}},
		{"the second comes back, and its connection was dead", func(t *testing.T, _ *host, n *nsp, _, second, _ *guest) {
			second.unread()
			if !second.come() {
				t.Error("not recovered")
			}
			n.wants("connect")
			n.breaks()
			direct(t, n.socket())
		}, [3][]string{{"news"}, {"news", "direct"}, {}}},
		{"the first breaks, and comes back", func(t *testing.T, _ *host, n *nsp, first, _, _ *guest) {
			first.cut(n) // before that is written
			if !first.come() {
				t.Error("not recovered")
			}
			n.wants("connect")
			direct(t, n.socket())
		}, [3][]string{{"news", "direct"}, {"news"}, {}}},
	} {
		bubble(t, tt.name, recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
			n := h.of("/", nil)
			var guests []*guest
			for range 3 {
				guests = append(guests, h.guest("/"))
				n.wants("connect")
				s := n.socket()
				if len(guests) < 3 {
					done(t, s.Join("room"))
				}
				done(t, s.Emit("hello"))
				guests[len(guests)-1].hears("hello")
			}
			synctest.Wait()
			sections := 0
			n.QueueAtOnce(1, func() {
				if sections++; sections == 2 {
					tt.meanwhile(t, h, n, guests[0], guests[1], guests[2])
				}
			})
			done(t, n.All().To("room").Emit("news"))
			synctest.Wait()
			if sections != 2 {
				t.Fatalf("%d sections", sections)
			}
			n.QueueAtOnce(256, func() {})
			for i, g := range guests {
				want := tt.want[i]
				if want == nil { // it is away
					if !g.come() {
						t.Error("not recovered")
					}
					n.wants("connect")
					want = []string{"news"}
				}
				done(t, n.Socket(g.sid).Emit("end"))
				g.hears(append(slices.Clone(want), "end")...)
				if !slices.IsSorted(g.lastOffsets) {
					t.Errorf("offsets %q", g.lastOffsets)
				}
			}
		})
	}
}

// TestUnderwayInPieces: no section queues an event for more than a few, however many it
// is for.
func TestUnderwayInPieces(t *testing.T) {
	const clients = 40
	bubble(t, "", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := h.of("/", &nsp{quiet: true})
		var guests []*guest
		for range clients {
			guests = append(guests, h.guest("/"))
		}
		synctest.Wait()
		got := func() (all int) {
			for _, g := range guests {
				if n.Sent(g.sid) {
					all++
				}
			}
			return all
		}
		var sections []int
		n.QueueAtOnce(8, func() { sections = append(sections, got()) })
		done(t, n.All().Emit("news"))
		if want := []int{7, 15, 23, 31, 39}; !slices.Equal(sections, want) {
			t.Errorf("%v had it between the sections, want %v", sections, want)
		}
		for _, g := range guests {
			g.hears("news")
		}
	})
}

// TestUnderwayModel has anything happen while events are queued for one client after the
// other, and compares what each of them hears with what was for it, in order.
func TestUnderwayModel(t *testing.T) {
	const clients, casts = 5, 150
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	type client struct {
		*guest
		rooms map[string]bool
		away  bool
		stays bool // or it had to begin anew: it has left too many rooms
		want  []string
	}
	opts := recovering(socketio.Recovery{Window: time.Hour})
	opts.Engine = quiet // nobody answers pings, and what is not read may wait
	opts.Engine.WriteTimeout = time.Hour
	bubble(t, fmt.Sprint("seed ", seed), opts, func(t *testing.T, h *host) {
		n := h.of("/", &nsp{quiet: true})
		var all []*client
		for range clients {
			g := h.guest("/")
			all = append(all, &client{guest: g, rooms: map[string]bool{g.sid: true}})
		}
		names := []string{"a", "b", all[0].sid, all[1].sid}
		some := func(most int) (out []string) {
			for range rnd.IntN(most + 1) {
				out = append(out, names[rnd.IntN(len(names))])
			}
			return out
		}
		serial, volatile := 0, 0
		comes := func(c *client) {
			if !c.come() {
				t.Fatal("not recovered")
			}
			c.away = false
		}
		something := func() {
			serial++
			c := all[rnd.IntN(clients)]
			what, room := rnd.IntN(10), names[rnd.IntN(2)]
			if c.away {
				if what < 3 {
					comes(c)
				}
				return
			}
			s := n.Socket(c.sid)
			switch what {
			case 0, 1, 2:
				done(t, s.Emit("direct", serial))
				c.want = append(c.want, fmt.Sprint("direct ", serial))
			case 3:
				done(t, s.Join(room))
				c.rooms[room] = true
			case 4:
				s.Leave(room)
				delete(c.rooms, room)
			case 5:
				s.Leave("a", "b")
				delete(c.rooms, "a")
				delete(c.rooms, "b")
				for i := range 70 {
					done(t, s.Join(fmt.Sprint(i)))
					s.Leave(fmt.Sprint(i))
				}
				c.stays = true
			case 6, 7:
				if volatile++; volatile > 10 { // of more, too little is remembered to come back with one
					return
				}
				to := socketio.Target(n.All())
				if what == 6 {
					to = n.All().To(c.sid)
				}
				done(t, to.Volatile().Emit("volatile", fmt.Sprint(serial)))
			case 8:
				if c.stays {
					return
				}
				c.conn.Close()
				synctest.Wait()
				c.away = true
			case 9:
				if c.stays {
					return
				}
				c.unread()
				comes(c)
			}
		}
		for range casts {
			for range rnd.IntN(4) {
				something()
			}
			serial++
			to, except := some(3), some(1)
			target := n.All().Except(except...)
			if len(to) > 0 {
				target = target.To(to...)
			}
			for _, c := range all {
				in := func(name string) bool { return c.rooms[name] }
				if (len(to) == 0 || slices.ContainsFunc(to, in)) && !slices.ContainsFunc(except, in) {
					c.want = append(c.want, fmt.Sprint("cast ", serial))
				}
			}
			within := false
			n.QueueAtOnce(1+rnd.IntN(3), func() {
				if within { // something is volatile
					return
				}
				within = true
				for range rnd.IntN(4) {
					something()
				}
				within = false
			})
			done(t, target.Emit("cast", serial))
			if rnd.IntN(5) > 0 {
				continue
			}
			volatile = 0
			n.QueueAtOnce(256, func() {})
			for _, c := range all {
				if c.away {
					comes(c)
				}
				done(t, n.Socket(c.sid).Emit("end"))
				for !slices.Contains(c.got, "end") {
					if _, err := c.tryNext(); err != nil {
						t.Fatal(err)
					}
				}
				got := slices.DeleteFunc(c.got, func(e string) bool { return e == "end" || strings.HasPrefix(e, "volatile") })
				if !slices.Equal(got, c.want) {
					t.Fatalf("a client hears %q, want %q", got, c.want)
				}
				c.got, c.want, c.stays = nil, nil, false
			}
		}
	})
}

// TestUnderwayIsGone has a client lost that an event has not been queued for yet, which is
// too large to be kept: it can't come back as if nothing had been for it.
func TestUnderwayIsGone(t *testing.T) {
	for name, lost := range map[string]func(n *nsp, g *guest){
		"its connection breaks":  func(n *nsp, g *guest) { g.cut(n) },
		"its connection is dead": func(_ *nsp, g *guest) { g.unread() },
	} {
		bubble(t, name, recovering(socketio.Recovery{MaxBytes: 1000}), func(t *testing.T, h *host) {
			n := h.of("/", nil)
			g := h.guest("/")
			n.wants("connect")
			done(t, n.socket().Emit("hello"))
			g.hears("hello")
			again := false
			n.QueueAtOnce(1, func() {
				lost(n, g)
				again = g.come()
			})
			done(t, n.All().Emit("news", strings.Repeat("x", 1000)))
			if again {
				t.Error("recovered without the event")
			}
		})
	}
}

// TestUnderwayFromItsNumber has a client leave many rooms before the first section has
// ended: it is remembered for whom the event is from when it has its number.
func TestUnderwayFromItsNumber(t *testing.T) {
	store := hooked(new(recovery.MemoryStore))
	bubble(t, "", recovering(socketio.Recovery{Store: store.make}), func(t *testing.T, h *host) {
		n := h.of("/", nil)
		guests := []*guest{h.guest("/"), h.guest("/")}
		n.wants("connect", "connect")
		for _, g := range guests {
			done(t, n.Socket(g.sid).Join("room"))
		}
		second := n.Socket(guests[1].sid)
		store.appends = func(recovery.Event) {
			store.appends = nil
			second.Leave("room")
			for i := range 200 {
				done(t, second.Join(fmt.Sprint(i)))
				second.Leave(fmt.Sprint(i))
			}
		}
		sections := 0
		n.QueueAtOnce(1, func() {
			if sections++; sections == 2 {
				done(t, second.Emit("direct"))
			}
		})
		done(t, n.All().To("room").Emit("news"))
		guests[0].hears("news")
		guests[1].hears("news", "direct")
	})
}
