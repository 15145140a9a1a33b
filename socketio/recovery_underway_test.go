package socketio_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/siokit/sio/socketio"
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
