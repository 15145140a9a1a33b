package socketio_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/socketio"
)

// TestRecoveryShares has clients of one address come and go: others who are away stay
// known.
func TestRecoveryShares(t *testing.T) {
	const most = 5
	leave := func(h *host, n *nsp, remote string) *guest {
		h.remote = remote
		g := h.guest("/")
		n.wants("connect")
		g.conn.Close()
		synctest.Wait()
		n.breaks()
		return g
	}
	opts := recovering(socketio.Recovery{MaxSessions: most})
	bubble(t, "others", opts, func(t *testing.T, h *host) {
		n := h.of("/", nil)
		honest := []*guest{leave(h, n, "192.0.2.2:1"), leave(h, n, "[2001:db8::1]:1")}
		var greedy []*guest
		for i := range 4 * most {
			greedy = append(greedy, leave(h, n, fmt.Sprintf("192.0.2.1:%d", i+1)))
		}
		if _, _, away, _ := n.Remembered(); away != most {
			t.Errorf("%d are away, want %d", away, most)
		}
		late := leave(h, n, "192.0.2.3:1")
		for i, g := range append(honest, late) {
			if !g.come() {
				t.Errorf("honest client %d is not recovered", i)
			}
		}
		if greedy[0].come() || !greedy[len(greedy)-1].come() {
			t.Error("of those of one address, not the last are recovered")
		}
	})
	bubble(t, "each from an address of its own", opts, func(t *testing.T, h *host) {
		n := h.of("/", nil)
		var all []*guest
		for i := range most + 2 {
			all = append(all, leave(h, n, fmt.Sprintf("192.0.2.%d:1", i+1)))
		}
		for i, g := range all {
			if got := g.come(); got != (i >= 2) {
				t.Errorf("client %d: recovered %t", i, got)
			}
		}
	})
}

// TestRecoveryForgetsInPieces: no section forgets more clients that were away for too
// long than a few, and all go in the end.
func TestRecoveryForgetsInPieces(t *testing.T) {
	const many = 300
	bubble(t, "expired", recovering(socketio.Recovery{Window: time.Minute}), func(t *testing.T, h *host) {
		n := h.of("/", &nsp{quiet: true})
		for range many {
			h.guest("/").conn.Close()
		}
		synctest.Wait()
		stays := h.guest("/") // or everything would be forgotten with the last
		for range 3000 {
			done(t, n.All().Emit("e"))
			stays.tryNext()
		}
		if _, _, away, _ := n.Remembered(); away != many {
			t.Fatalf("%d are away", away)
		}
		time.Sleep(time.Minute) // of the bubble: no tick has come since
		if forgotten := many - n.ExpireOnce(); forgotten == 0 || forgotten > 64 {
			t.Errorf("%d clients forgotten in one section", forgotten)
		}
		time.Sleep(time.Hour)
		if events, _, away, _ := n.Remembered(); events+away != 0 {
			t.Errorf("%d events are kept, and %d clients", events, away)
		}
	})
}
