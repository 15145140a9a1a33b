package socketio_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/siokit/sio/socketio"
)

// A shareHost has clients from several addresses, and room for four dynamic
// namespaces.
func shareBubble(t *testing.T, name string, recovery *socketio.Recovery, f func(t *testing.T, h *host, n *nsp, enter func(c *client, nsp string) bool)) {
	opts := &socketio.Options{Engine: quiet, MaxDynamicNamespaces: 4, MaxClientNamespaces: 10, Recovery: recovery}
	bubble(t, name, opts, func(t *testing.T, h *host) {
		n := h.dynamic("/dyn-", &nsp{quiet: true})
		f(t, h, n, func(c *client, nsp string) bool {
			t.Helper()
			c.send("40" + nsp + ",")
			p := c.read()
			synctest.Wait()
			if p == "44"+nsp+`,{"message":"too many namespaces"}` {
				return false
			}
			if !strings.HasPrefix(p, "40"+nsp+",") {
				t.Fatalf("answer %s", p)
			}
			return true
		})
	})
}

func (h *host) from(remote string) *client {
	h.t.Helper()
	h.remote = remote
	return h.ws()
}

// TestDynamicShares fills the number of dynamic namespaces from one address: others
// get theirs all the same, and nobody has to leave but those who hold most.
func TestDynamicShares(t *testing.T) {
	shareBubble(t, "one holds all", nil, func(t *testing.T, h *host, n *nsp, enter func(*client, string) bool) {
		greedy := []*client{h.from("192.0.2.1:1"), h.from("192.0.2.1:2")}
		for i := range 4 {
			if !enter(greedy[i%2], fmt.Sprint("/dyn-", i)) {
				t.Fatalf("%d: refused while there is room", i)
			}
		}
		if enter(greedy[0], "/dyn-more") {
			t.Error("who holds all gets more")
		}
		others := []*client{h.from("192.0.2.2:1"), h.from("[2001:db8::1]:1"), h.from("[2001:db8:0:1::1]:1")}
		for i, c := range others {
			if !enter(c, fmt.Sprint("/dyn-other-", i)) {
				t.Errorf("other %d is refused", i)
			}
			lost := 3 - i
			greedy[lost%2].want(fmt.Sprintf("41/dyn-%d,", lost))
			if got := h.Dynamics(); got != 4 {
				t.Errorf("%d namespaces", got)
			}
		}
		if enter(h.from("[2001:db8:0:1::2]:1"), "/dyn-network") {
			t.Error("who would hold more than others gets one")
		}
		if enter(h.from("192.0.2.3:1"), "/dyn-equal") {
			t.Error("somebody has given way to who would hold no less")
		}
		greedy[0].alive("/dyn-0")
		for i, c := range others {
			c.alive(fmt.Sprint("/dyn-other-", i))
		}
		if !enter(h.from("192.0.2.3:1"), "/dyn-0") { // that is there already
			t.Error("a namespace that is there is closed to others")
		}
	})
	shareBubble(t, "others are in it, too", nil, func(t *testing.T, h *host, n *nsp, enter func(*client, string) bool) {
		greedy, guest := h.from("192.0.2.1:1"), h.from("192.0.2.2:1")
		for i := range 4 {
			enter(greedy, fmt.Sprint("/dyn-", i))
		}
		enter(guest, "/dyn-3")
		enter(guest, "/dyn-2")
		if !enter(h.from("192.0.2.3:1"), "/dyn-other") {
			t.Error("the other is refused")
		}
		greedy.want("41/dyn-1,") // not those where it is not alone
		guest.alive("/dyn-3")
		guest.alive("/dyn-2")
		greedy.alive("/dyn-3")
	})
	shareBubble(t, "the name of one that goes", nil, func(t *testing.T, h *host, n *nsp, enter func(*client, string) bool) {
		release := make(chan bool)
		n.onDisconnect = func(*socketio.Socket, socketio.Reason) { <-release }
		greedy := h.from("192.0.2.1:1")
		for i := range 4 {
			enter(greedy, fmt.Sprint("/dyn-", i))
		}
		other := h.from("192.0.2.2:1")
		if !enter(other, "/dyn-other") || h.Dynamics() != 5 {
			t.Errorf("%d namespaces", h.Dynamics())
		}
		greedy.want("41/dyn-3,")
		if enter(greedy, "/dyn-3") { // it is there, but is not counted any more
			t.Error("who had to leave is back")
		}
		if enter(h.from("192.0.2.3:1"), "/dyn-third") {
			t.Error("more go than may wait for their handlers")
		}
		close(release)
		synctest.Wait()
		if h.Dynamics() != 4 {
			t.Errorf("%d namespaces", h.Dynamics())
		}
		other.alive("/dyn-other")
	})
	shareBubble(t, "behind a proxy", nil, func(t *testing.T, h *host, n *nsp, enter func(*client, string) bool) {
		var clients []*client
		for i := range 5 {
			clients = append(clients, h.from("127.0.0.1:1"))
			if got := enter(clients[i], fmt.Sprint("/dyn-", i)); got != (i < 4) {
				t.Errorf("%d: %t", i, got)
			}
		}
		for i := range 4 {
			clients[i].alive(fmt.Sprint("/dyn-", i))
		}
	})
}

// TestDynamicSharesPinned keeps a few namespaces from being given up, the last to come:
// others of their holder's are given up then.
func TestDynamicSharesPinned(t *testing.T) {
	const all, pinned = 200, 20
	opts := &socketio.Options{Engine: quiet, MaxDynamicNamespaces: all, MaxClientNamespaces: all}
	opts.Engine.MaxPacketRate = -1 // the greedy one need not hurry
	bubble(t, "by who is being decided on", opts, func(t *testing.T, h *host) {
		n := &nsp{quiet: true}
		deciding, decide := false, make(chan bool)
		n.onConnect = func(*socketio.Socket) *socketio.Refusal {
			if deciding {
				<-decide
			}
			return nil
		}
		h.dynamic("/dyn-", n)
		enter := func(c *client, from, to int) {
			for i := from; i < to; i++ {
				c.send(fmt.Sprintf("40/dyn-%d,", i))
			}
			synctest.Wait()
		}
		enter(h.from("192.0.2.1:1"), 0, all)
		deciding = true
		enter(h.from("192.0.2.1:2"), all-pinned, all)
		deciding = false
		defer close(decide)
		h.from("192.0.2.2:1").join("/dyn-other")
	})
}

// TestDynamicSharesOfTheAbsent: who holds most does not get what is kept for others
// who are away.
func TestDynamicSharesOfTheAbsent(t *testing.T) {
	shareBubble(t, "away", &socketio.Recovery{Store: storeUnderTest}, func(t *testing.T, h *host, n *nsp, enter func(*client, string) bool) {
		h.remote = "192.0.2.2:1"
		g := h.guest("/dyn-home")
		g.conn.Close()
		synctest.Wait()
		greedy := h.from("192.0.2.1:1")
		for i := range 4 {
			if got := enter(greedy, fmt.Sprint("/dyn-", i)); got != (i < 3) {
				t.Errorf("%d: %t", i, got)
			}
		}
		if !g.come() {
			t.Error("who was away is not recovered")
		}
	})
}
